"""The words of a merge request: its title and its description.

The reviewer is the reader. The description answers what changes, where, what to be careful about, why this tag, who
allowed it, and how to say no. All that comes from outside stands in code spans (see `markup.py`); the same proposal
always has the same text: times are instants, never "two days ago".
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from imagebot.image.snapshot import Source
from imagebot.proposal.cautions import FindUrl, Left, list_cautions
from imagebot.proposal.group import GroupKey, GroupKind
from imagebot.proposal.markup import cell, code, fold, link, list_some, plain
from imagebot.proposal.moves import Descriptions, Move, make_moves, shorten
from imagebot.proposal.plan import Change, Group
from imagebot.proposal.reasons import explain

# How many rows a table has at most.
_MOST_ROWS = 1000
_NO_ROOM = "What this proposes is in its changes: there is no room left to tell it here.\n"
_MOST_UNFOLDED = 12
_MOST_LISTED = 10
_MOST_EXPLAINED = 30
_MOST_PILED = 20
_MOST_PLATFORMS = 4
_MOST_TAGS = 5
# How many characters of two tags stand beside each other.
_MOST_BESIDE = 18
_TITLE_TAGS = 3
_SINCE = {Source.PUSHED: "pushed", Source.FIRST_SEEN: "first\u00a0seen", Source.PUSHED_AGAIN: "pushed\u00a0again"}


@dataclass(frozen=True, slots=True)
class Text:
    """What a merge request says. The title is one line; the body is imagebot's part of it, without the block."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What a text is written from, beside the changes themselves.

    Without an address for a file, its name stands there alone.
    """

    policy_file: str
    find_url: FindUrl = lambda path, line: None  # noqa: ARG005 - as in Forge.file_url
    descriptions: Descriptions = field(default_factory=dict)
    left: tuple[Left, ...] = ()
    merges_by_itself: bool = False


def make_title(group: Group) -> str:
    """Name the image, the tag or digest to move to, and the tag to move from if it is the same everywhere.

    Of several images only the number, and what they have in common.
    """
    if len(group.images) > 1:
        return f"Update {len(group.images)} images" + _name_common(group.key)
    name, old = group.images[0].familiar, {change.before.tag for change in group.changes}
    new = [shorten(pair.tag) for pair in group.pairs]
    if len(new) > _TITLE_TAGS:
        return plain(f"Update {name} to {len(new)} tags")
    if len(new) > 1:
        return plain(f"Update {name} to {', '.join(new[:-1])} and {new[-1]}")
    if not any(change.moves_tag for change in group.changes):
        return plain(f"Update {name} to {new[0]}")
    return plain(f"Update {name} from {old.pop()} to {new[0]}" if len(old) == 1 else f"Update {name} to {new[0]}")


def _name_common(key: GroupKey) -> str:
    match key.kind:
        case GroupKind.NAMED:
            return f" of group {plain(key.name)}"
        case GroupKind.DIRECTORY | GroupKind.FILE if key.name:
            return f" in {plain(key.name)}"
        case _:
            return ""


@dataclass(frozen=True, slots=True)
class Sections:
    """The parts of a description, each of them Markdown; `cautions` may be empty."""

    cautions: str
    images: str
    places: str
    reasons: str
    options: str

    def __str__(self) -> str:
        parts = (self.cautions, self.images, self.places, self.reasons, self.options)
        return "\n\n".join(part for part in parts if part) + "\n"


def make_sections(moves: Sequence[Move], backdrop: Backdrop, *, limit: int) -> Sections | None:
    """Write the description in at most `limit` characters: rows are dropped before anything else is.

    None if there is no room even without rows.
    """

    def write(rows: int) -> Sections:
        return _write_sections(moves, backdrop, rows=rows)

    whole = write(_MOST_ROWS)
    if len(str(whole)) <= limit:
        return whole
    fitting = bisect_right(range(_MOST_ROWS), limit, key=lambda rows: len(str(write(rows))))
    cut = write(max(0, fitting - 1))
    return cut if len(str(cut)) <= limit else None


def make_text(group: Group, backdrop: Backdrop, *, limit: int = 65_536) -> Text:
    """Write the text of one merge request, of at most `limit` characters."""
    sections = make_sections(make_moves(group, backdrop.descriptions), backdrop, limit=limit)
    return Text(make_title(group), _NO_ROOM[: max(0, limit)] if sections is None else str(sections))


def _write_sections(moves: Sequence[Move], backdrop: Backdrop, *, rows: int) -> Sections:
    cautions = list_cautions(moves, backdrop.left, backdrop.find_url)[: max(rows, _MOST_LISTED)]
    return Sections(
        "\n".join(f"- {each}" for each in cautions),
        _list_moves(moves, rows=rows),
        _list_places(moves, backdrop, rows=rows),
        _give_reasons(moves, rows=rows),
        _say_no(moves, backdrop),
    )


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], *, rows: int, more: str) -> str:
    """Make a table of as many rows as there may be, and count the others."""
    left = len(lines) - rows
    table = [head, ["---"] * len(head), *lines[:rows]] if rows else []
    count = [f"\nand {left} more {more}."] if left > 0 else []
    return "\n".join([*("| " + " | ".join(cells) + " |" for cells in table), *count])


def _list_moves(moves: Sequence[Move], *, rows: int) -> str:
    head = ["Image", "Update", "Jump", "Age", "Size and platforms"]
    cells = [[_name(each), _update(each), _jump(each), _age(each), _size(each)] for each in moves]
    # A column that says nothing of any image is left out.
    kept = [n for n, column in enumerate(zip(*cells, strict=True)) if any(column)]
    return _table([head[n] for n in kept], [[row[n] for n in kept] for row in cells], rows=rows, more="images")


def _name(move: Move) -> str:
    """Name the image, above where to read about it."""
    links = move.links
    pages = [
        ("changes", links.changes),
        ("commit", None if links.changes else links.commit),
        ("release", links.release),
        ("source", links.source.url if links.source else None),
        ("Docker Hub", None if links.source else links.registry),
    ]
    read = " · ".join(link(text, url) for text, url in pages if url is not None)
    return _pile(cell(move.name), read)


def _update(move: Move) -> str:
    if move.moves_tag:
        narrow = len(move.was + move.becomes) <= _MOST_BESIDE
        arrow = f"→\u00a0{cell(move.becomes)}"
        return f"{cell(move.was)} {arrow}" if narrow else _pile(cell(move.was), arrow)
    tag, _, digest = move.becomes.partition("@")
    was = move.was.removeprefix(tag).removeprefix("@")
    return _pile(*([cell(tag), cell(was)] if was else [cell(tag)]), f"→\u00a0{cell(digest)}")


def _jump(move: Move) -> str:
    """Name the kind of jump; a major one stands out, and a step back."""
    if move.goes_back:
        return "⚠️\u00a0**back**"
    return f"⚠️\u00a0**{move.jump}**" if move.is_major else move.jump


def _age(move: Move) -> str:
    since = move.changes[0].selection.since
    return _pile(_SINCE[since.source], f"{since.at:%Y-%m-%d}") if since is not None else ""


def _size(move: Move) -> str:
    """Tell the size, what it has grown by, and the platforms, of Linux by the architecture alone."""
    old, new = (each.image.size_bytes if each.image else None for each in (move.old, move.new))
    size = "" if new is None else format_size(new) + ("" if old is None else f" ({_compare_sizes(old, new)})")
    platforms = move.new.image.platforms if move.new.image else ()
    names = [cell(str(each).removeprefix("linux/")) for each in sorted(platforms)]
    return _pile(size.replace(" ", "\u00a0"), list_some(names, most=_MOST_PLATFORMS))


def _compare_sizes(old: int, new: int) -> str:
    difference = format_size(abs(new - old), like=new)
    return "as before" if difference == format_size(0, like=new) else f"{'+' if new > old else '-'}{difference}"


def _pile(*lines: str) -> str:
    return "<br>".join(line for line in lines if line)


def format_size(size_bytes: int, *, like: int | None = None) -> str:
    """Write a size as people do, as in `48.2 MB`; in the unit of another if it is to be compared with that."""
    unit, divisor = ("kB", 1e3) if (like or size_bytes) < 1e6 else ("MB", 1e6)
    return f"{size_bytes / divisor:.1f} {unit}"


def _list_places(moves: Sequence[Move], backdrop: Backdrop, *, rows: int) -> str:
    """List the places of each image, put together by the entry that allowed the change."""
    together: dict[tuple[str, tuple[str, int]], list[Change]] = {}
    for move in moves:
        for change in move.changes:
            key = f"{move.name}:{move.was}", _find_position(change, backdrop)
            together.setdefault(key, []).append(change)
    lines = [
        [cell(image), _pile_places(changes, backdrop, most=min(rows, _MOST_PILED)), _entry(changes[0], backdrop)]
        for (image, _), changes in together.items()
    ]
    has_several = len(moves) > 1
    head = ["Image", "Where", "Allowed by"] if has_several else ["Where", "Allowed by"]
    table = _table(head, [line[not has_several :] for line in lines], rows=rows, more="images: see the changes")
    count = sum(map(len, together.values()))
    return table if count <= _MOST_UNFOLDED else fold(f"Where: {count} places", table)


def _pile_places(changes: Sequence[Change], backdrop: Backdrop, *, most: int) -> str:
    shown = [link(cell(f"{each.path}:{each.line}"), backdrop.find_url(each.path, each.line)) for each in changes[:most]]
    more = len(changes) - len(shown)
    return _pile(*shown, f"and {more} more: see the changes" if more else "")


def _entry(change: Change, backdrop: Backdrop) -> str:
    file, line = _find_position(change, backdrop)
    name = change.governed.entry.name
    place = link(cell(f"{file}:{line}"), backdrop.find_url(file, line))
    return place if name is None else f"{cell(name)} in\u00a0{place}"


def _find_position(change: Change, backdrop: Backdrop) -> tuple[str, int]:
    """Find the file and the line of the entry that allowed a change."""
    entry = change.governed.entry
    return entry.file or backdrop.policy_file, entry.position


def _give_reasons(moves: Sequence[Move], *, rows: int) -> str:
    shown = moves[: max(1, min(rows, _MOST_EXPLAINED))]
    more = [f"and {len(moves) - len(shown)} more."] if len(shown) < len(moves) else []
    tag, image = ("this tag", "its image is") if len(moves) == 1 else ("these tags", "their images are")
    summary = f"Why {tag}, and what {image}"
    return fold(summary, "\n\n".join([*map(explain, shown), *more]))


def _say_no(moves: Sequence[Move], backdrop: Backdrop) -> str:
    """Say how to say no, to wait, and to change what is allowed."""
    positions = sorted({_find_position(change, backdrop) for move in moves for change in move.changes})
    places = [link(code(f"{file}:{line}"), backdrop.find_url(file, line)) for file, line in positions]
    newer = "version" if any(move.moves_tag for move in moves) else "digest"
    by_itself = "**It merges by itself** as soon as its checks pass, as the policy file asks for."
    lines = [
        *([by_itself] if backdrop.merges_by_itself else []),
        f"**To say no,** close this merge request: {_name_declined(moves, newer)}. Reopening takes that back.",
        f"**To wait,** leave it open. A newer {newer} moves it on, and what others commit to its branch is never lost.",
        f"**To change the policy,** edit {list_some(places, most=_MOST_LISTED)}.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _name_declined(moves: Sequence[Move], newer: str) -> str:
    if len({move.repository for move in moves}) > 1:
        return "exactly these tags of these images will not be proposed again, newer ones will"
    tags = list_some(list(dict.fromkeys(code(move.becomes) for move in moves)), most=_MOST_TAGS)
    return f"{tags} will not be proposed again, the next {newer} will"
