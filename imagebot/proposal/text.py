"""The words of a merge request: its title and its description.

The reviewer is the reader. The description answers what changes, why this tag, who allowed it, and how to say no. All
that comes from outside stands in code spans (see `markup.py`); the same proposal always has the same text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from imagebot.policy.select import count_by_rule
from imagebot.policy.version import Jump
from imagebot.proposal.choose import explain_unfit
from imagebot.proposal.markup import cell, code
from imagebot.proposal.plan import Change, Group

_MOST_ROWS = (200, 50, 10, 0)
_MOST_LISTED = 10
_TITLE_TAGS = 3
_SHORT_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Text:
    """What a merge request says. The title is one line; the body is imagebot's part of it, without the block."""

    title: str
    body: str


def make_title(group: Group) -> str:
    """Name the image, the tag or digest to move to, and the tag to move from if it is the same everywhere.

    Of several images only the number.
    """
    if len(group.images) > 1:
        return f"Update {len(group.images)} images"
    name, old = group.images[0].familiar, {change.before.tag for change in group.changes}
    new = [shorten(pair.tag) for pair in group.pairs]
    if len(new) > _TITLE_TAGS:
        return f"Update {name} to {len(new)} tags"
    if len(new) > 1:
        return f"Update {name} to {', '.join(new[:-1])} and {new[-1]}"
    if not any(change.moves_tag for change in group.changes):
        return f"Update {name} to {new[0]}"
    return f"Update {name} from {old.pop()} to {new[0]}" if len(old) == 1 else f"Update {name} to {new[0]}"


def shorten(proposed: str) -> str:
    """Cut the digest of `tag@digest` to as many digits as people compare."""
    tag, _, digest = proposed.partition("@")
    algorithm, _, digits = digest.partition(":")
    return f"{tag}@{algorithm}:{digits[:_SHORT_DIGITS]}" if digest else tag


def make_text(group: Group, *, policy_file: str, limit: int = 65_536) -> Text:
    """Write the text of one merge request, of at most `limit` characters: rows are dropped before anything else is."""
    for rows in _MOST_ROWS:
        parts = [_table(group.changes, policy_file, rows=rows), *_reasons(group), _how_to_say_no(group, policy_file)]
        body = "\n\n".join(parts) + "\n"
        if len(body) <= limit:
            break
    return Text(make_title(group), body)


def _table(changes: Sequence[Change], policy_file: str, *, rows: int) -> str:
    lines = [
        f"| {cell(f'{change.path}:{change.line}')} | {cell(name_written(change))} | {cell(shorten(change.proposed))} "
        f"| {_jump(change)} | {_entry(change, policy_file)} |"
        for change in changes[:rows]
    ]
    head = ["| where | now | proposed | change | allowed by |", "| --- | --- | --- | --- | --- |"]
    more = [f"\nand {len(changes) - rows} more places: see the changes."] if len(changes) > rows else []
    return "\n".join([*(head if lines else []), *lines, *more])


def name_written(change: Change) -> str:
    """Name the tag that is written now, with its digest, cut, where that is all that changes."""
    tag, digest = change.before.tag or "", change.before.digest
    return shorten(f"{tag}@{digest}") if digest and not change.moves_tag else tag


def _jump(change: Change) -> str:
    """Name the kind of jump; a major one stands out."""
    jump = change.selection.jump
    if not change.moves_tag:
        return "digest"
    if jump is None:
        return "newer"
    return f"**{jump.value}**" if jump is Jump.MAJOR else jump.value


def _entry(change: Change, policy_file: str) -> str:
    entry = change.governed.entry
    return f"{cell(entry.label)}, {cell(f'{entry.file or policy_file}:{entry.position}')}"


def _reasons(group: Group) -> list[str]:
    """One paragraph for each tag and policy: what it was chosen from, and by which rules the others were refused."""
    seen: dict[tuple[object, ...], Change] = {}
    for change in group.changes:
        seen.setdefault(
            (change.governed.repository, shorten(change.proposed), str(change.governed.entry.rules)), change
        )
    return [
        f"**Why {code(shorten(change.proposed))}:** {_explain(change)}" for change in list(seen.values())[:_MOST_LISTED]
    ]


def _explain(change: Change) -> str:
    """Say what a tag was chosen from, by which policy, how old it is, and why not another."""
    selection = change.selection
    since = f" It was {selection.since}." if selection.since else ""
    counts = ", ".join(f"{count} {rule.value}" for rule, count in count_by_rule(selection.refused))
    refused = f" Not chosen: {counts}." if counts else ""
    unfit = _list_some([code(reason) for reason in explain_unfit(selection)])
    passed_over = f" Passed over for their images: {unfit}." if unfit else ""
    young = _list_some([code(str(waiting)) for waiting in selection.waiting])
    too_young = f" Too young for it: {young}." if young else ""
    name, rules = code(str(change.governed.repository)), code(str(change.governed.entry.rules))
    chosen = f"of the {selection.considered} tags of {name} it is the one that {rules} chooses."
    if selection.considered == 1:
        chosen = f"it is the only tag of {name}."
    return f"{chosen}{since}{refused}{too_young}{passed_over}"


def _how_to_say_no(group: Group, policy_file: str) -> str:
    tags = _list_some([code(shorten(pair.tag)) for pair in group.pairs])
    entries = [change.governed.entry for change in group.changes]
    positions = sorted({(entry.file or policy_file, entry.position) for entry in entries})
    places = _list_some([code(f"{file}:{position}") for file, position in positions])
    next_one, newer = "version", "tag"
    if not any(change.moves_tag for change in group.changes):
        next_one = newer = "digest"
    return (
        f"**To say no,** close this merge request: {tags} will not be proposed again, the next {next_one} will. "
        f"To change what is allowed, edit {places}. While this is open, a newer {newer} moves it on; commits that "
        f"others push to the branch are never overwritten."
    )


def _list_some(items: Sequence[str]) -> str:
    more = f" and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else ""
    return ", ".join(items[:_MOST_LISTED]) + more
