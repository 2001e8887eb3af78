"""The words of a proposal: title, description and commit message.

The reviewer is the reader. The description answers what changes, why this tag, who allowed it, and how to say no. All
that comes from outside stands in code spans (see `markup.py`); the same proposal always has the same text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from imagebot.policy.select import Selection, count_by_rule
from imagebot.policy.version import Jump
from imagebot.proposal.block import Block, format_block, make_block
from imagebot.proposal.markup import cell, code, visible
from imagebot.proposal.plan import Change, Group

_MAX_ROWS = 200
_TARGET_TRAILER = re.compile(r"^Imagebot-Target: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Text:
    """What a merge request and its commit say. The title is one line; `block` also stands at the end of the body."""

    title: str
    body: str
    commit_message: str
    block: Block


def make_text(group: Group, *, policy_file: str, target: str) -> Text:
    """Write the text of one proposal; `target` is the branch that it is for."""
    title = _title(group)
    block = make_block(str(group.repository), [(c.path, str(c.before), _identifier(c)) for c in group.changes])
    parts = [_table(group.changes, policy_file), *_reasons(group), _how_to_say_no(group, policy_file)]
    body = "\n\n".join([*parts, format_block(block)]) + "\n"
    return Text(title, body, _commit_message(title, group, target), block)


def find_target(commit_message: str) -> str | None:
    """Find the branch that a commit of imagebot's was made for; None if it does not say."""
    found = _TARGET_TRAILER.findall(commit_message)
    return found[-1] if found else None


def _title(group: Group) -> str:
    old = {change.before.tag for change in group.changes}
    new = sorted({change.selection.tag for change in group.changes})
    name = group.repository.familiar
    if len(new) > 1:
        return f"Update {name} to {', '.join(new[:-1])} and {new[-1]}"
    return f"Update {name} from {old.pop()} to {new[0]}" if len(old) == 1 else f"Update {name} to {new[0]}"


def _table(changes: Sequence[Change], policy_file: str) -> str:
    rows = [
        f"| {cell(f'{change.path}:{change.line}')} | {cell(change.before.tag or '')} | {cell(change.selection.tag)} "
        f"| {_jump(change.selection)} | {_entry(change, policy_file)} |"
        for change in changes[:_MAX_ROWS]
    ]
    head = ["| where | now | proposed | change | allowed by |", "| --- | --- | --- | --- | --- |"]
    more = [f"\nand {len(changes) - _MAX_ROWS} more places."] if len(changes) > _MAX_ROWS else []
    return "\n".join([*head, *rows, *more])


def _jump(selection: Selection) -> str:
    """Name the kind of jump; a major one stands out."""
    if selection.jump is None:
        return "from no version"
    return f"**{selection.jump.value}**" if selection.jump is Jump.MAJOR else selection.jump.value


def _entry(change: Change, policy_file: str) -> str:
    entry = change.governed.entry
    return f"{cell(entry.label)}, {cell(f'{policy_file}:{entry.position}')}"


def _reasons(group: Group) -> list[str]:
    """One paragraph for each tag and entry: what it was chosen from, and by which rules the others were refused."""
    seen: dict[tuple[str, int], Change] = {}
    for change in group.changes:
        seen.setdefault((change.selection.tag, change.governed.entry.position), change)
    return [f"**Why {code(change.selection.tag)}:** {_explain(group, change)}" for change in seen.values()]


def _explain(group: Group, change: Change) -> str:
    """Say what a tag was chosen from, by which policy, and how many others each rule refused."""
    selection, entry = change.selection, change.governed.entry
    counts = ", ".join(f"{count} {rule.value}" for rule, count in count_by_rule(selection.refused))
    refused = f" Not chosen: {counts}." if counts else ""
    return (
        f"of the {selection.considered} tags of {code(str(group.repository))} it is the newest that "
        f"{code(str(entry.policy))} allows from {code(change.before.tag or '')}.{refused}"
    )


def _how_to_say_no(group: Group, policy_file: str) -> str:
    tags = " and ".join(code(tag) for tag in sorted({change.selection.tag for change in group.changes}))
    lines = Counter(change.governed.entry.position for change in group.changes)
    places = ", ".join(code(f"{policy_file}:{line}") for line in sorted(lines))
    return (
        f"**To say no,** close this merge request: {tags} will not be proposed again, the next version will. "
        f"To change what is allowed, edit {places}. While this is open, a newer tag moves it on; commits that others "
        f"push to the branch are never overwritten."
    )


def _commit_message(title: str, group: Group, target: str) -> str:
    """Plain text: it has to stand alone where a forge without merge requests shows nothing else."""
    moves = [f"{visible(c.path)}:{c.line}: {c.before} -> {_identifier(c)}" for c in group.changes[:_MAX_ROWS]]
    policies = sorted({f"{c.governed.entry.label} ({c.governed.entry.policy})" for c in group.changes})
    updates = sorted({f"Imagebot-Update: {group.repository}={_identifier(c)}" for c in group.changes})
    trailers = [*updates, f"Imagebot-Target: {target}"]
    allowed = "Allowed by " + ", ".join(visible(each) for each in policies) + "."
    return "\n\n".join([title, "\n".join(moves), allowed, "\n".join(trailers)]) + "\n"


def _identifier(change: Change) -> str:
    return change.selection.tag + (f"@{change.digest}" if change.digest else "")
