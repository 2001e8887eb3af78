"""Applying edits to the bytes of a file, such that nothing but the edited scalars differs, or not at all.

Every step refuses rather than guesses: the edit has to name a whole scalar, its bytes have to decode to the text that
the parser saw, and libyaml and a second parser have to find the intended difference in the result and no other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import yaml

from imagebot.errors import InvalidInput
from imagebot.yamledit.edit import Edit
from imagebot.yamledit.positions import count_line_ends
from imagebot.yamledit.scan import Role, Scalar, Style, YamlFile, scan
from imagebot.yamledit.spelling import find_spelling, find_value
from imagebot.yamledit.verify import Change, find_difference, read_events, read_events_independently


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
    """An edit and the scalar it changes; `number` counts the scalars of the file from 0."""

    number: int
    line: int
    edit: Edit
    spelling: bytes


def rewrite(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the file with the edits applied; an edit to the text that is there already changes nothing.

    Equal edits of one scalar count once. Raises UnsafeRewrite, and NotYaml if the data cannot be read.
    """
    file = scan(data)
    sites = _make_sites(file, edits)
    if not sites:
        return data
    result = _splice(data, sites)
    _verify(file, result, sites)
    return result


def _make_sites(file: YamlFile, edits: Iterable[Edit]) -> tuple[_Site, ...]:
    """Pair each edit that changes something with its scalar, in the order of the text."""
    numbers = {(scalar.start, scalar.end): number for number, scalar in enumerate(file.scalars)}
    quote = _choose_quote(file.scalars)
    sites: dict[int, _Site] = {}
    for edit in sorted(set(edits), key=lambda edit: (edit.start, edit.end, edit.old, edit.new)):
        line = file.positions.to_line(edit.start)
        number = numbers.get((edit.start, edit.end))
        if number is None:
            raise UnsafeRewrite(line, f"no scalar occupies just the bytes {edit.start} to {edit.end}")
        if number in sites:
            raise UnsafeRewrite(line, f"two edits contradict each other: {sites[number].edit.new!r} and {edit.new!r}")
        scalar = file.scalars[number]
        reason = _find_obstacle(file, scalar, edit)
        if reason is not None:
            raise UnsafeRewrite(line, reason)
        spelling = find_spelling(edit.new, old=edit.old, style=scalar.style, quote=quote)
        if spelling is None:
            raise UnsafeRewrite(line, f"the new text {edit.new!r} holds characters that no image reference has")
        sites[number] = _Site(number, line, edit, spelling.encode())
    return tuple(site for site in sites.values() if site.edit.new != site.edit.old)


def _find_obstacle(file: YamlFile, scalar: Scalar, edit: Edit) -> str | None:
    """Say why the scalar cannot be the one that the edit means, or cannot be edited at all."""
    if scalar.role is Role.KEY:
        return f"{scalar.value!r} is a key"
    if not file.is_on_one_line(scalar):
        return "the text spans several lines or is a block"
    if scalar.value != edit.old:
        return f"the text is {scalar.value!r}, and the edit expects {edit.old!r}"
    source = file.data[scalar.start : scalar.end].decode()
    if find_value(source, scalar.style) != scalar.value:
        return f"the bytes {source!r} do not spell {scalar.value!r}, which the parser read there"
    return None


def _choose_quote(scalars: Iterable[Scalar]) -> str:
    """Return the quote for what had none: double, unless the file uses only single ones."""
    styles = {scalar.style for scalar in scalars}
    return Style.SINGLE.value if Style.SINGLE in styles and Style.DOUBLE not in styles else Style.DOUBLE.value


def _splice(data: bytes, sites: Sequence[_Site]) -> bytes:
    pieces: list[bytes] = []
    end = 0
    for site in sites:
        pieces += [data[end : site.edit.start], site.spelling]
        end = site.edit.end
    return b"".join([*pieces, data[end:]])


def _verify(file: YamlFile, result: bytes, sites: Sequence[_Site]) -> None:
    line = sites[0].line
    if count_line_ends(result) != count_line_ends(file.data):
        raise UnsafeRewrite(line, "the result has another number of lines")
    text = result.decode()
    changes = {site.number: Change(site.edit.old, site.edit.new) for site in sites}
    try:
        events = tuple(read_events(text))
    except yaml.YAMLError as error:
        raise UnsafeRewrite(line, f"the result is no YAML: {' '.join(str(error).split())}") from error
    difference = find_difference(read_events(file.text), events, changes)
    if difference is not None:
        raise UnsafeRewrite(line, difference)
    before = read_events_independently(file.text)
    if before is None:
        return
    after = read_events_independently(text)
    if after is None:
        raise UnsafeRewrite(line, "a second parser could read the file, and cannot read the result")
    difference = find_difference(before, after, changes)
    if difference is not None:
        raise UnsafeRewrite(line, f"a second parser disagrees: {difference}")
