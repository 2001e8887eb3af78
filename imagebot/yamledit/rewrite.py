"""Applying edits to the bytes of a file, such that nothing but the edited scalars differs, or not at all.

Every step refuses rather than guesses: the edit has to name a whole scalar, its bytes have to decode to the text that
the parser saw, and libyaml and a second parser have to find the intended difference in the result and no other.
"""

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import yaml

from imagebot.errors import InvalidInput
from imagebot.yamledit.edit import Edit
from imagebot.yamledit.nested import Block, find_block_value, open_block
from imagebot.yamledit.positions import count_line_ends
from imagebot.yamledit.scan import NotYaml, Role, Scalar, Style, YamlFile, scan
from imagebot.yamledit.spelling import find_spelling, find_value
from imagebot.yamledit.surroundings import Part, Surroundings
from imagebot.yamledit.template import find_actions
from imagebot.yamledit.verify import Change, find_difference, read_events, read_events_independently

# The second parser reads some 30,000 nodes a second. What it reads at once is enough for all of most files; together,
# it is what a person would wait for.
_LARGE_PART = 1000
_MOST_NODES = 30_000
_NO_SCALAR = "no scalar occupies just the bytes {0.start} to {0.end}"
# What can stand in any scalar, without quotes too, in place of other characters of these.
_HARMLESS = re.compile(r"[A-Za-z0-9_./:@+-]*")


class UnsafeRewrite(InvalidInput):
    """A file cannot be changed such that only the edited scalars differ; nothing of it was changed.

    The line is that of the edit at fault, or of the first one if the result as a whole is.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line} cannot be rewritten safely: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Site:
    """A scalar to be changed, and how it will be written; `number` counts the scalars of the file from 0."""

    number: int
    line: int
    scalar: Scalar
    change: Change
    spelling: bytes


def rewrite(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the file with the edits applied; an edit to the text that is there already changes nothing.

    An edit in a literal block is one of the YAML that the block holds. Equal edits of one scalar count once. Raises
    UnsafeRewrite, and NotYaml if the data cannot be read.
    """
    file = scan(data)
    scalars = file.find_scalars({edit.end for edit in edits})
    ordered = sorted(set(edits), key=lambda edit: (edit.start, edit.end, edit.old, edit.new))
    own, nested = _divide(scalars, ordered)
    sites = [*_make_sites(file, own, scalars)]
    for number, inside in nested.items():
        sites += _make_block_sites(file, number, scalars[number], edits=inside)
    return _apply(file, sorted(sites, key=lambda site: site.number))


def _divide(scalars: Mapping[int, Scalar], edits: Iterable[Edit]) -> tuple[list[Edit], dict[int, list[Edit]]]:
    """Tell the edits of scalars of the file from those in its literal blocks, by the number of the block."""
    numbers = [number for number, scalar in scalars.items() if scalar.style is Style.LITERAL]
    starts = [scalars[number].start for number in numbers]
    own: list[Edit] = []
    nested: dict[int, list[Edit]] = {}
    for edit in edits:
        before = bisect_left(starts, edit.start) - 1
        if before >= 0 and edit.end <= scalars[numbers[before]].end:
            nested.setdefault(numbers[before], []).append(edit)
        else:
            own.append(edit)
    return own, nested


def _make_block_sites(file: YamlFile, number: int, scalar: Scalar, *, edits: Sequence[Edit]) -> Iterator[_Site]:
    """Yield the literal block with the edits applied to the YAML in it, unless that changes nothing."""
    line = file.positions.to_line(edits[0].start)
    block = open_block(file, scalar)
    if isinstance(block, str):
        raise UnsafeRewrite(line, block)
    try:
        inner = scan(block.data)
    except NotYaml as error:
        raise UnsafeRewrite(line, f"the block is no YAML: {error.reason}") from error
    moved = [*_move_inside(edits, block, to_line=file.positions.to_line)]
    scalars = inner.find_scalars({edit.end for edit in moved})
    spans = {(scalar.start, scalar.end) for scalar in scalars.values()}
    for edit, at in zip(edits, moved, strict=True):
        if (at.start, at.end) not in spans:
            raise UnsafeRewrite(file.positions.to_line(edit.start), _NO_SCALAR.format(edit))
    try:
        result = _apply(inner, _make_sites(inner, moved, scalars))
    except UnsafeRewrite as error:
        raise UnsafeRewrite(block.line + error.line - 1, error.reason) from error
    if result != block.data:
        change = Change(scalar.value, find_block_value(file, scalar, result.decode()))
        yield _Site(number, line, scalar, change, block.write(result))


def _move_inside(edits: Iterable[Edit], block: Block, *, to_line: Callable[[int], int]) -> Iterator[Edit]:
    """Yield the edits as those of the text in a block."""
    for edit in edits:
        start = block.to_inner(edit.start)
        if start is None:
            raise UnsafeRewrite(to_line(edit.start), _NO_SCALAR.format(edit))
        yield replace(edit, start=start, end=start + edit.end - edit.start)


def _make_sites(file: YamlFile, edits: Iterable[Edit], scalars: Mapping[int, Scalar]) -> tuple[_Site, ...]:
    """Pair each edit that changes something with its scalar, in the order of the text."""
    numbers = {(scalar.start, scalar.end): number for number, scalar in scalars.items()}
    news: dict[int, str] = {}
    sites: list[_Site] = []
    for edit in edits:
        line = file.positions.to_line(edit.start)
        number = numbers.get((edit.start, edit.end))
        if number is None:
            raise UnsafeRewrite(line, _NO_SCALAR.format(edit))
        if number in news:
            raise UnsafeRewrite(line, f"two edits contradict each other: {news[number]!r} and {edit.new!r}")
        news[number] = edit.new
        scalar = scalars[number]
        reason = _find_obstacle(file, scalar, edit)
        if reason is not None:
            raise UnsafeRewrite(line, reason)
        spelling = _spell(file, scalar, edit)
        if spelling is None:
            raise UnsafeRewrite(line, f"the new text {edit.new!r} holds characters that no image reference has")
        if edit.new != edit.old:
            sites.append(_Site(number, line, scalar, _make_change(file, scalar, edit), spelling.encode()))
    return tuple(sites)


def _find_obstacle(file: YamlFile, scalar: Scalar, edit: Edit) -> str | None:
    """Say why the scalar cannot be the one that the edit means, or cannot be edited at all."""
    if scalar.role is Role.KEY:
        return f"{scalar.value!r} is a key"
    if not file.is_on_one_line(scalar):
        return "the text spans several lines or is a block"
    if scalar.value != edit.old:
        return f"the text is {scalar.value!r}, and the edit expects {edit.old!r}"
    actions = find_actions(edit.old)
    if actions is None or (actions and _count_common(edit.old, edit.new) < actions[-1][1]):
        return f"the text {edit.old!r} is the work of a template, but for what stands behind its last action"
    source = file.source_of(scalar)
    if scalar.is_literal and find_value(source, scalar.style) != scalar.value:
        return f"the bytes {source!r} do not spell {scalar.value!r}, which the parser read there"
    return None


def _count_common(old: str, new: str) -> int:
    """Count the characters with which both begin."""
    return next(
        (n for n, (was, char) in enumerate(zip(old, new, strict=False)) if was != char), min(len(old), len(new))
    )


def _spell(file: YamlFile, scalar: Scalar, edit: Edit) -> str | None:
    """Return how the new text is written.

    What no reference holds, as `OLD=` or `{{ registry }}/` before it, stays if nothing in the scalar is escaped.
    """
    # What reads a document that is nothing but a text reads text, not YAML: quotes would be a part of it.
    quote = "" if scalar.role is Role.ROOT else _choose_quote(file.styles)
    spelling = find_spelling(edit.new, old=edit.old, style=scalar.style, quote=quote)
    if spelling is not None:
        return spelling
    first = _count_common(edit.old, edit.new)
    last = len(edit.new) - _count_common(edit.old[first:][::-1], edit.new[first:][::-1])
    mark = scalar.style.value
    is_verbatim = file.source_of(scalar) == f"{mark}{edit.old}{mark}"
    return f"{mark}{edit.new}{mark}" if is_verbatim and _HARMLESS.fullmatch(edit.new, first, last) else None


def _make_change(file: YamlFile, scalar: Scalar, edit: Edit) -> Change:
    """Return the change as a parser sees it."""
    if scalar.is_literal:
        return Change(edit.old, edit.new)
    return Change(file.mask(edit.old), file.mask(edit.new))


def _choose_quote(styles: Collection[Style]) -> str:
    """Return the quote for what had none: double, unless the file uses only single ones."""
    return Style.SINGLE.value if Style.SINGLE in styles and Style.DOUBLE not in styles else Style.DOUBLE.value


def _splice(data: bytes, sites: Sequence[_Site]) -> bytes:
    pieces: list[bytes] = []
    end = 0
    for site in sites:
        pieces += [data[end : site.scalar.start], site.spelling]
        end = site.scalar.end
    return b"".join([*pieces, data[end:]])


def _apply(file: YamlFile, sites: Sequence[_Site]) -> bytes:
    if not sites:
        return file.data
    result = _splice(file.data, sites)
    _verify(file, result, sites)
    return result


def _verify(file: YamlFile, result: bytes, sites: Sequence[_Site]) -> None:
    line = sites[0].line
    if count_line_ends(result) != count_line_ends(file.data):
        raise UnsafeRewrite(line, "the result has another number of lines")
    # Where actions are masked, they are the same in the result, for no edit is of one or makes one.
    text = file.mask(result.decode())
    changes = {site.number: site.change for site in sites}
    surroundings = Surroundings(file.text, changes)
    before, after = surroundings.watch(read_events(file.text)), read_events(text)
    try:
        difference = find_difference(before, after, changes)
        # Of what is no YAML any more this is said, and not what it seems to be up to there.
        deque(after, maxlen=0)
    except yaml.YAMLError as error:
        raise UnsafeRewrite(line, f"the result is no YAML: {' '.join(str(error).split())}") from error
    if difference is not None:
        raise UnsafeRewrite(line, difference)
    shifts = _Shifts(file, sites)
    for part in _choose_parts(surroundings, sites):
        inside = {number - part.first: changes[number] for number in changes if part.first <= number < part.last}
        fault = _find_fault(
            file.text[part.start : part.end], text[shifts.move(part.start) : shifts.move(part.end)], inside
        )
        if fault is not None:
            raise UnsafeRewrite(next(site.line for site in sites if site.number >= part.first), fault)


def _choose_parts(surroundings: Surroundings, sites: Sequence[_Site]) -> Sequence[Part]:
    """Choose what the second parser reads: all of most files, of the others as much around each edit as is quick."""
    parts = surroundings.choose(limit=min(_LARGE_PART, _MOST_NODES // len(sites)))
    if sum(part.cost for part in parts) > _MOST_NODES:
        raise UnsafeRewrite(
            sites[0].line, f"around the edits stands more than a second parser reads: {_MOST_NODES} nodes"
        )
    return parts


def _find_fault(before: str, after: str, changes: Mapping[int, Change]) -> str | None:
    """Ask the second parser, which may be unable to read what was there, but then says nothing."""
    old = read_events_independently(before)
    if old is None:
        return None
    new = read_events_independently(after)
    if new is None:
        return "a second parser could read the file, and cannot read the result"
    difference = find_difference(old, new, changes)
    return None if difference is None else f"a second parser disagrees: {difference}"


class _Shifts:
    """By how many characters the edits move what stands behind them."""

    def __init__(self, file: YamlFile, sites: Sequence[_Site]) -> None:
        to_char = file.positions.to_char
        spans = [(to_char(site.scalar.start), to_char(site.scalar.end)) for site in sites]
        self._ends = [end for _, end in spans]
        added = (len(site.spelling.decode()) - end + start for site, (start, end) in zip(sites, spans, strict=True))
        self._sums = [0, *accumulate(added)]

    def move(self, char: int) -> int:
        return char + self._sums[bisect_right(self._ends, char)]
