"""The tables that keep what was located: occurrences in columns, checked before anything is made of them.

What is alike, as in folders that are copies of each other, stands once, and in other tables by its number there. The
form is read strictly: what another version wrote with more or less in it is not guessed at. What was checked can be
made later, and then nothing is wrong with it.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import NoneType
from typing import TypeVar

from imagebot.image.reference import Reference, Repository, parse_digest, parse_reference, parse_tag
from imagebot.yamledit.columns import (
    Column,
    Misfit,
    check_column,
    check_lengths,
    check_names,
    look_up,
    pack,
    split_columns,
    transpose,
    unpack,
)
from imagebot.yamledit.occurrence import About, Holds, LeftAlone, Occurrence, Part, Place
from imagebot.yamledit.scan import Path

_PLACES = {place.value: place for place in Place}
ABOUTS = {about.value: about for about in About}
_HOLDS = {holds.value: holds for holds in Holds}
K = TypeVar("K", bound=Hashable)

_Row = tuple[object, ...]
_Numbers = Sequence[int]


class Writer:
    """The tables while they are filled."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._references: dict[_Row, int] = {}
        self._paths: dict[_Row, int] = {}
        self._parts: dict[_Row, int] = {}
        self._occurrences: dict[_Row, int] = {}
        self._left_alone: dict[_Row, int] = {}

    def add_occurrence(self, occurrence: Occurrence) -> int:
        """Return the number by which the occurrence is known."""
        parts = tuple(map(self._add_part, occurrence.parts))
        room = 0 if occurrence.room is None else 1 + self._add_part(occurrence.room)
        reference = self._add_reference(occurrence.reference)
        place = (occurrence.line, occurrence.column, self._add_path(occurrence.path))
        return _number((occurrence.place.value, reference, parts, room, *place, occurrence.entry), self._occurrences)

    def add_left_alone(self, left: LeftAlone) -> int:
        row = (left.line, left.column, left.text, left.reason, left.about.value, left.unknown)
        return _number(row, self._left_alone)

    def _add_part(self, part: Part) -> int:
        texts = (_number(text, self._texts) for text in (part.text, part.before, part.after))
        return _number((part.holds.value, part.start, part.end, *texts), self._parts)

    def _add_reference(self, reference: Reference) -> int:
        name = _number(reference.name, self._names)
        return _number((name, reference.tag, reference.digest), self._references)

    def _add_path(self, path: Path) -> int:
        """Return the number of a path: 0 for the root, and of every other the table has its parent's and its step."""
        steps: list[str | int] = []
        while path.parent is not None:
            steps.append(path.step)
            path = path.parent
        number = 0
        for step in reversed(steps):
            number = 1 + _number((number, step), self._paths)
        return number

    def finish(self) -> list[list[Column]]:
        """Return the tables as `Tables` takes them."""
        names, tags, digests = transpose(self._references, 3)
        parents, steps = transpose(self._paths, 2)
        holds, *numbers = transpose(self._parts, 6)
        places, references, parts, rooms, *positions, entries = transpose(self._occurrences, 8)
        lines, columns, *left = transpose(self._left_alone, 6)
        counts, flat = map(len, parts), (number for each in parts for number in each)
        return [
            [[*self._texts]],
            [[*self._names]],
            [pack(names), tags, digests],
            [pack(parents), steps],
            [holds, *map(pack, numbers)],
            [places, pack(references), pack(counts), pack(flat), pack(rooms), *map(pack, positions), entries],
            [pack(lines), pack(columns), *left],
        ]


def _number(row: K, table: dict[K, int]) -> int:
    return table.setdefault(row, len(table))


@dataclass(frozen=True, slots=True)
class _References:
    """Each by the number of its name, with its tag and its digest."""

    names: _Numbers
    tags: Sequence[str | None]
    digests: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class _Occurrences:
    """Each with how many of the `parts` are its own; the rooms count from 1, and 0 is none."""

    places: Sequence[str]
    references: _Numbers
    counts: _Numbers
    parts: _Numbers
    rooms: _Numbers
    lines: _Numbers
    columns: _Numbers
    paths: _Numbers
    entries: Sequence[str | None]


class Tables:
    """Tables that were read and checked; values are made of them when they are asked for, and then once."""

    def __init__(self, tables: Sequence[object]) -> None:
        """Check them. Raises ValueError, also as Misfit, TypeError, and InvalidReference."""
        texts, names, references, paths, parts, occurrences, left_alone = tables
        self._texts = check_column(*split_columns(texts, 1), str)
        self._names = check_column(*split_columns(names, 1), str)
        # Beside a tag, a name may be one that alone would be taken for something else.
        self._repositories = [parse_reference(f"{name}:_").repository for name in self._names]
        self._references = _read_references(*split_columns(references, 3), size=len(self._names))
        self._parents, self._steps = _read_paths(*split_columns(paths, 2))
        self._parts = _read_parts(*split_columns(parts, 6), size=len(self._texts))
        self._occurrences = self._read_occurrences(*split_columns(occurrences, 9))
        self._left_alone = _read_left_alone(*split_columns(left_alone, 6))

    @property
    def size(self) -> int:
        """How many occurrences there are."""
        return len(self._occurrences.places)

    def find_repositories(self, numbers: Iterable[int]) -> frozenset[Repository]:
        """Find the repositories of the occurrences of these numbers, of which nothing else is made."""
        references = {*look_up({*numbers}, self._occurrences.references)}
        return frozenset(look_up({*look_up(references, self._references.names)}, self._repositories))

    @cached_property
    def occurrences(self) -> Sequence[Occurrence]:
        rows, made = self._occurrences, self._make_parts()
        parts = iter(look_up(rows.parts, made))
        return list(
            map(
                Occurrence,
                [_PLACES[place] for place in rows.places],
                look_up(rows.references, self._make_references()),
                [tuple(islice(parts, count)) for count in rows.counts],
                [made[room - 1] if room else None for room in rows.rooms],
                rows.lines,
                rows.columns,
                look_up(rows.paths, self._make_paths()),
                rows.entries,
            )
        )

    @cached_property
    def left_alone(self) -> Sequence[LeftAlone]:
        return list(map(LeftAlone, *self._left_alone))

    def _read_occurrences(self, places: object, references: object, counts: object, *others: object) -> _Occurrences:
        parts, rooms, lines, columns, paths, entries = others
        rows = _Occurrences(
            check_names(places, _PLACES),
            unpack(references, below=len(self._references.names)),
            unpack(counts),
            unpack(parts, below=len(self._parts[0])),
            unpack(rooms, below=len(self._parts[0]) + 1),
            unpack(lines),
            unpack(columns),
            unpack(paths, below=len(self._steps) + 1),
            check_column(entries, str, NoneType),
        )
        check_lengths(rows.places, rows.references, rows.counts, rows.rooms, rows.lines, rows.columns, rows.paths)
        check_lengths(rows.places, rows.entries)
        if 0 in rows.counts or sum(rows.counts) != len(rows.parts):
            raise Misfit
        return rows

    def _make_references(self) -> list[Reference]:
        rows = self._references
        names, repositories = look_up(rows.names, self._names), look_up(rows.names, self._repositories)
        return list(map(Reference, names, repositories, rows.tags, rows.digests))

    def _make_paths(self) -> list[Path]:
        paths = [Path()]
        for parent, step in zip(self._parents, self._steps, strict=True):
            paths.append(Path(paths[parent], step))
        return paths

    def _make_parts(self) -> list[Part]:
        holds, starts, ends, *texts = self._parts
        made = (look_up(numbers, self._texts) for numbers in texts)
        return list(map(Part, holds, starts, ends, *made))


def _read_references(names: object, tags: object, digests: object, *, size: int) -> _References:
    """Parse each tag and digest once: there are fewer of them than references."""
    rows = _References(
        unpack(names, below=size), check_column(tags, str, NoneType), check_column(digests, str, NoneType)
    )
    check_lengths(rows.names, rows.tags, rows.digests)
    for tag in {*rows.tags} - {None}:
        parse_tag(str(tag))
    for digest in {*rows.digests} - {None}:
        parse_digest(str(digest))
    return rows


def _read_paths(parents: object, steps: object) -> tuple[_Numbers, Sequence[str | int]]:
    """Check also that each parent comes before."""
    numbers = unpack(parents)
    names: list[str | int] = check_column(steps, int, str)
    check_lengths(numbers, names)
    if any(parent > number for number, parent in enumerate(numbers)):
        raise Misfit
    return numbers, names


_Parts = tuple[Sequence[Holds], _Numbers, _Numbers, _Numbers, _Numbers, _Numbers]


def _read_parts(holds: object, starts: object, ends: object, *texts: object, size: int) -> _Parts:
    text, before, after = (unpack(each, below=size) for each in texts)
    rows = [_HOLDS[each] for each in check_names(holds, _HOLDS)], unpack(starts), unpack(ends), text, before, after
    check_lengths(*rows)
    return rows


_LeftAlone = tuple[_Numbers, _Numbers, Sequence[str], Sequence[str], Sequence[About], Sequence[str | None]]


def _read_left_alone(lines: object, columns: object, texts: object, reasons: object, *others: object) -> _LeftAlone:
    abouts, unknown = others
    places = unpack(lines), unpack(columns)
    said = check_column(texts, str), check_column(reasons, str)
    rows = (
        *places,
        *said,
        [ABOUTS[each] for each in check_names(abouts, ABOUTS)],
        check_column(unknown, str, NoneType),
    )
    check_lengths(*rows)
    return rows
