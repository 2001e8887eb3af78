"""The words of a merge request: its title and its description.

The reviewer is the reader. The description answers what changes, why this tag, who allowed it, and how to say no. All
that comes from outside stands in code spans (see `markup.py`); the same proposal always has the same text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagebot.policy.select import Selection, count_by_rule
from imagebot.policy.version import Jump
from imagebot.proposal.block import Block, format_block
from imagebot.proposal.markup import cell, code
from imagebot.proposal.plan import Change, Group, make_fingerprint

_MOST_ROWS = (200, 50, 10, 0)
_MOST_LISTED = 10
_TITLE_TAGS = 3


@dataclass(frozen=True, slots=True)
class Text:
    """What a merge request says. The title is one line; `block` also stands at the end of the body."""

    title: str
    body: str
    block: Block


def make_title(group: Group) -> str:
    """Name the image, the tag to move to, and the one to move from if it is the same everywhere."""
    name, old, new = group.repository.familiar, {change.before.tag for change in group.changes}, group.tags
    if len(new) > _TITLE_TAGS:
        return f"Update {name} to {len(new)} tags"
    if len(new) > 1:
        return f"Update {name} to {', '.join(new[:-1])} and {new[-1]}"
    return f"Update {name} from {old.pop()} to {new[0]}" if len(old) == 1 else f"Update {name} to {new[0]}"


def make_text(group: Group, *, policy_file: str, declined: Iterable[str] = (), limit: int = 65_536) -> Text:
    """Write the text of one merge request, of at most `limit` characters: rows are dropped before anything else is.

    `declined` are tags of the image that people said no to, to be remembered in the block.
    """
    block = Block(str(group.repository), group.tags, _make_fingerprint(group), tuple(sorted(declined)))
    for rows in _MOST_ROWS:
        parts = [_table(group.changes, policy_file, rows=rows), *_reasons(group), _how_to_say_no(group, policy_file)]
        body = "\n\n".join([*parts, format_block(block)]) + "\n"
        if len(body) <= limit:
            break
    return Text(make_title(group), body, block)


def _make_fingerprint(group: Group) -> str:
    """Stand for what the text tells and a reviewer relies on; not for line numbers and counts, which drift."""
    return make_fingerprint(
        (c.path, str(c.before), str(c.after), c.governed.entry.label, str(c.governed.entry.rules))
        for c in group.changes
    )


def _table(changes: Sequence[Change], policy_file: str, *, rows: int) -> str:
    lines = [
        f"| {cell(f'{change.path}:{change.line}')} | {cell(change.before.tag or '')} | {cell(change.selection.tag)} "
        f"| {_jump(change.selection)} | {_entry(change, policy_file)} |"
        for change in changes[:rows]
    ]
    head = ["| where | now | proposed | change | allowed by |", "| --- | --- | --- | --- | --- |"]
    more = [f"\nand {len(changes) - rows} more places: see the changes."] if len(changes) > rows else []
    return "\n".join([*(head if lines else []), *lines, *more])


def _jump(selection: Selection) -> str:
    """Name the kind of jump; a major one stands out."""
    if selection.jump is None:
        return "newer"
    return f"**{selection.jump.value}**" if selection.jump is Jump.MAJOR else selection.jump.value


def _entry(change: Change, policy_file: str) -> str:
    entry = change.governed.entry
    return f"{cell(entry.label)}, {cell(f'{policy_file}:{entry.position}')}"


def _reasons(group: Group) -> list[str]:
    """One paragraph for each tag and policy: what it was chosen from, and by which rules the others were refused."""
    seen: dict[tuple[str, str], Change] = {}
    for change in group.changes:
        seen.setdefault((change.selection.tag, str(change.governed.entry.rules)), change)
    return [f"**Why {code(tag)}:** {_explain(group, change)}" for (tag, _), change in list(seen.items())[:_MOST_LISTED]]


def _explain(group: Group, change: Change) -> str:
    """Say what a tag was chosen from, by which policy, and how many others each rule refused."""
    selection = change.selection
    counts = ", ".join(f"{count} {rule.value}" for rule, count in count_by_rule(selection.refused))
    refused = f" Not chosen: {counts}." if counts else ""
    return (
        f"of the {selection.considered} tags of {code(str(group.repository))} it is the one that "
        f"{code(str(change.governed.entry.rules))} chooses.{refused}"
    )


def _how_to_say_no(group: Group, policy_file: str) -> str:
    tags = _list_some([code(tag) for tag in group.tags])
    positions = sorted({change.governed.entry.position for change in group.changes})
    places = _list_some([code(f"{policy_file}:{position}") for position in positions])
    return (
        f"**To say no,** close this merge request: {tags} will not be proposed again, the next version will. "
        f"To change what is allowed, edit {places}. While this is open, a newer tag moves it on; commits that others "
        f"push to the branch are never overwritten."
    )


def _list_some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else ""
    return ", ".join(items[:_MOST_LISTED]) + more
