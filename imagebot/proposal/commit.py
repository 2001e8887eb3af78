"""The commit of a proposal: its message, and the trailers by which a later round knows what stands on a branch.

Imagebot-Update: REPOSITORY=TAG     one for each tag, or TAG@DIGEST where only the digest changes
Imagebot-Plan: FINGERPRINT          of what was to be changed
Imagebot-Files: FINGERPRINT         of the blobs before and after: who changes the commit cannot keep it
Imagebot-Target: BRANCH             the branch that it is for
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from imagebot.proposal.markup import visible
from imagebot.proposal.plan import Change, Group

_MAX_LINES = 200
_TRAILER = re.compile(r"^Imagebot-(Update|Plan|Files|Target): (.+)$", re.MULTILINE)
# In a commit message forges read `#12` and `Closes #12`, `@name` and `[skip ci]`: in a file's name they mean nothing.
_MEANT_FOR_FORGES = re.compile(r"[#@!&%$~\[\]]")


@dataclass(frozen=True, slots=True)
class Trailers:
    """What a commit says of itself; each is None or empty if it does not."""

    image: str | None
    proposed: frozenset[str]
    plan: str | None
    files: str | None
    target: str | None


def make_commit_message(title: str, group: Group, *, files: str, target: str) -> str:
    """Write plain text that stands alone, as where there is no forge nothing else is shown.

    `files` is the fingerprint of the blobs, `target` the branch that the proposal is for.
    """
    policies = sorted({f"{c.governed.entry.label} ({c.governed.entry.rules})" for c in group.changes})
    trailers = [
        *(f"Imagebot-Update: {group.repository}={each}" for each in group.proposed),
        f"Imagebot-Plan: {group.fingerprint}",
        f"Imagebot-Files: {files}",
        f"Imagebot-Target: {target}",
    ]
    allowed = "Allowed by " + ", ".join(visible(each) for each in policies) + "."
    return "\n\n".join([title, "\n".join(_list_moves(group.changes)), allowed, "\n".join(trailers)]) + "\n"


def _list_moves(changes: Sequence[Change]) -> list[str]:
    moves = [f"{_plain(c.path)}:{c.line}: {c.before} -> {_identifier(c)}" for c in changes[:_MAX_LINES]]
    more = len(changes) - _MAX_LINES
    return [*moves, f"and {more} more"] if more > 0 else moves


def _plain(path: str) -> str:
    return _MEANT_FOR_FORGES.sub(lambda match: f"\\u{{{ord(match.group()):04X}}}", visible(path))


def _identifier(change: Change) -> str:
    after = change.after
    return "@".join(part for part in (after.tag, after.digest) if part)


def find_trailers(message: str) -> Trailers:
    """Read the trailers of a commit message; of those that stand twice the last counts, but for updates."""
    found = _TRAILER.findall(message)
    last = dict(found)
    updates = [value.rpartition("=") for key, value in found if key == "Update"]
    return Trailers(
        image=updates[-1][0] if updates else None,
        proposed=frozenset(each for _, _, each in updates),
        plan=last.get("Plan"),
        files=last.get("Files"),
        target=last.get("Target"),
    )
