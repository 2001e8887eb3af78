"""The commit of a proposal: its message, and the trailers by which a later round knows what stands on a branch.

Imagebot-Update: REPOSITORY=TAG     one for each tag, or TAG@DIGEST where only the digest changes
Imagebot-Group: NAME                what the branch is called, without the prefix
Imagebot-Plan: FINGERPRINT          of what was to be changed
Imagebot-Files: FINGERPRINT         of the blobs before and after: who changes the commit cannot keep it
Imagebot-Target: BRANCH             the branch that is kept current by it
Imagebot-Base: BRANCH               the branch that it is to be merged into, if that is another
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from imagebot.proposal.group import GroupKey, GroupKind, Pair, make_branch_name
from imagebot.proposal.markup import plain
from imagebot.proposal.plan import Change, Group

_MAX_LINES = 200
_TRAILER = re.compile(r"^Imagebot-(Update|Group|Plan|Files|Target|Base): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Trailers:
    """What a commit says of itself; each is None or empty if it does not."""

    pairs: frozenset[Pair] = frozenset()
    group: str | None = None
    plan: str | None = None
    files: str | None = None
    target: str | None = None
    base: str | None = None

    @property
    def onto(self) -> str | None:
        """The branch that it is to be merged into."""
        return self.base or self.target

    def name_branch(self, prefix: str) -> str | None:
        """Name the branch on which imagebot would have put the commit; None if it would not have made it."""
        if self.group is not None:
            return prefix + self.group
        # Before there were groups, a branch was named after the one image of its commit.
        images = {pair.image for pair in self.pairs}
        return make_branch_name(prefix, GroupKey(GroupKind.IMAGE, images.pop())) if len(images) == 1 else None


def make_commit_text(title: str, group: Group) -> str:
    """Write what people read of a message: it stands alone, as where there is no forge nothing else is shown."""
    return f"{title}\n\n{describe_changes(group)}"


def describe_changes(group: Group) -> str:
    """Say what changes where, and by which entries of the policy file."""
    policies = sorted({(c.governed.entry.label, str(c.governed.entry.rules)) for c in group.changes})
    # To GitLab ~1 is a label; a blank means nothing in a range.
    allowed = ", ".join(f"{plain(label)} ({plain(rules.replace('~', '~ '))})" for label, rules in policies)
    return "\n".join([*_list_moves(group.changes), "", f"Allowed by {allowed}."])


def make_commit_message(text: str, trailers: Trailers, *, signed_off_by: str | None = None) -> str:
    """Put the trailers behind what people read; last that of the Developer Certificate of Origin, if it is wanted."""
    lines = [
        *(f"Imagebot-Update: {pair}" for pair in sorted(trailers.pairs)),
        f"Imagebot-Group: {trailers.group}",
        f"Imagebot-Plan: {trailers.plan}",
        f"Imagebot-Files: {trailers.files}",
        f"Imagebot-Target: {trailers.target}",
        *([f"Imagebot-Base: {trailers.base}"] if trailers.base else []),
        *([f"Signed-off-by: {signed_off_by}"] if signed_off_by else []),
    ]
    return f"{text.rstrip()}\n\n" + "\n".join(lines) + "\n"


def _list_moves(changes: Sequence[Change]) -> list[str]:
    # No colon behind the line: to GitHub `:100:` is a picture.
    moves = [f"{plain(c.path)}:{c.line} {c.before} -> {_identifier(c)}" for c in changes[:_MAX_LINES]]
    more = len(changes) - _MAX_LINES
    return [*moves, f"and {more} more"] if more > 0 else moves


def _identifier(change: Change) -> str:
    after = change.after
    return "@".join(part for part in (after.tag, after.digest) if part)


def find_trailers(message: str) -> Trailers:
    """Read the trailers in the last paragraph of a message; of those that stand twice the last counts.

    Of updates all count.
    """
    found = _TRAILER.findall(message.rstrip().rpartition("\n\n")[2])
    last = dict(found)
    updates = (value.rpartition("=") for key, value in found if key == "Update")
    return Trailers(
        frozenset(Pair(image, tag) for image, _, tag in updates),
        group=last.get("Group"),
        plan=last.get("Plan"),
        files=last.get("Files"),
        target=last.get("Target"),
        base=last.get("Base"),
    )
