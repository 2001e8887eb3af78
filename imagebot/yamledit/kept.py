"""What was located, as text to be kept and read back, and for which files and rules it holds.

What a file names depends on its bytes, and on what `Fingerprints` stands for. The text is JSON that has the occurrences
of any number of files in columns, because many are read back in a hurry, and once what is alike, as in folders that are
copies of each other. It is read strictly: what another version wrote with more or less in it is not guessed at, but
counts as not kept.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from types import NoneType
from typing import Any, TypeVar

import imagebot
from imagebot.image.reference import InvalidReference, Reference, parse_digest, parse_reference, parse_tag
from imagebot.yamledit.locate import Bindings
from imagebot.yamledit.markers import may_hold_markers
from imagebot.yamledit.occurrence import Holds, LeftAlone, Located, Occurrence, Part, Place
from imagebot.yamledit.scan import Path
from imagebot.yamledit.sites import Site

# To be raised by whoever changes the form, or what is located in a file, between two versions of imagebot.
FORMAT = 2

_PLACES = {place.value: place for place in Place}
_HOLDS = {holds.value: holds for holds in Holds}
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class NoYaml:
    """A file in which nothing can be located, and why; line and column count from 1."""

    line: int
    column: int
    reason: str


Found = Located | NoYaml
NOTHING = Located((), ())


class Fingerprints:
    """Texts that stand for all on which it depends what is located in a file, but its bytes.

    They differ with imagebot's version, the sites of the file with its path, and whether Flux's markers are read. What
    the entries are called, and the images they are about, only matter to a file that may have markers: what was located
    in all others outlives a change of these.
    """

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._common = (FORMAT, imagebot.__version__, bindings.reads_flux)
        self._names = sorted((name, image and str(image)) for name, image in bindings.images.items())
        self._plain = self._make(())

    def list_for(self, path: str) -> tuple[str, str]:
        """Return the fingerprint for a file at this path that has no markers, and the one for a file that may."""
        sites = [_describe(site) for site in self._bindings.sites if site.match(path) is not None]
        return self._make((path, sites)) if sites else self._plain

    def choose(self, path: str, data: bytes) -> str:
        """Return the fingerprint for this file. Where something is escaped, there may be markers in nested YAML."""
        has_markers = may_hold_markers(data, reads_flux=self._bindings.reads_flux) or b"\\" in data
        return self.list_for(path)[has_markers]

    def _make(self, more: object) -> tuple[str, str]:
        return hash_facts(self._common, more), hash_facts(self._common, more, self._names)


def hash_facts(*facts: object) -> str:
    """Make a short text that is the same for the same facts, and for no others."""
    return sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _describe(site: Site) -> tuple[object, ...]:
    image = None if site.image is None else site.image.text
    return [pattern.text for pattern in site.files], image, [(part, str(path)) for part, path in site.paths.items()]


def format_found(found: Iterable[Found]) -> str:
    """Write what was found in each of some files as text from which `parse_found` makes what is equal to it."""
    writer = _Writer()
    for each in found:
        writer.add(each)
    return writer.finish()


def parse_found(text: str) -> tuple[Found, ...] | None:
    """Read back what was found in each file; None if the text has no form that this version writes."""
    try:
        return _read(json.loads(text))
    except (ValueError, TypeError, LookupError, RecursionError, InvalidReference):
        return None


class _Writer:
    """The tables while they are filled: what is alike stands once in its table, and in others by its number there."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._references: dict[tuple[object, ...], int] = {}
        self._paths: dict[tuple[object, ...], int] = {}
        self._parts: dict[tuple[object, ...], int] = {}
        self._occurrences: dict[tuple[object, ...], int] = {}
        self._left_alone: dict[tuple[object, ...], int] = {}
        self._files: list[tuple[object, ...]] = []

    def add(self, found: Found) -> None:
        if isinstance(found, NoYaml):
            self._files.append(((), (), (found.line, found.column, found.reason)))
            return
        occurrences = [self._number_occurrence(each) for each in found.occurrences]
        left_alone = [
            _number((each.line, each.column, each.text, each.reason), self._left_alone) for each in found.left_alone
        ]
        self._files.append((occurrences, left_alone, None))

    def _number_occurrence(self, occurrence: Occurrence) -> int:
        parts = tuple(map(self._number_part, occurrence.parts))
        room = None if occurrence.room is None else self._number_part(occurrence.room)
        reference = self._number_reference(occurrence.reference)
        place = (occurrence.line, occurrence.column, self._number_path(occurrence.path))
        row = (occurrence.place.value, reference, parts, room, *place, occurrence.entry)
        return _number(row, self._occurrences)

    def _number_part(self, part: Part) -> int:
        texts = (_number(text, self._texts) for text in (part.text, part.before, part.after))
        return _number((part.holds.value, part.start, part.end, *texts), self._parts)

    def _number_reference(self, reference: Reference) -> int:
        name = _number(reference.name, self._names)
        return _number((name, reference.tag, reference.digest), self._references)

    def _number_path(self, path: Path) -> int:
        """Return the number of a path: 0 for the root, and of every other the table has its parent's and its step."""
        steps: list[str | int] = []
        while path.parent is not None:
            steps.append(path.step)
            path = path.parent
        number = 0
        for step in reversed(steps):
            number = 1 + _number((number, step), self._paths)
        return number

    def finish(self) -> str:
        tables = (
            [[*self._texts]],
            [[*self._names]],
            _transpose(self._references, 3),
            _transpose(self._paths, 2),
            _transpose(self._parts, 6),
            _transpose(self._occurrences, 8),
            _transpose(self._left_alone, 4),
        )
        return json.dumps([*tables, _transpose(self._files, 3)], separators=(",", ":"))


def _number(row: K, table: dict[K, int]) -> int:
    return table.setdefault(row, len(table))


def _transpose(rows: Iterable[tuple[object, ...]], width: int) -> list[Sequence[object]]:
    return list(zip(*rows, strict=True)) or [()] * width


class _Misfit(ValueError):
    """A text is not what this version writes."""


def _read(document: object) -> tuple[Found, ...]:
    texts, names, references, paths, parts, occurrences, left_alone, files = split_columns(document, 8)
    table = _Tables(
        _read_references(*split_columns(references, 3), names=check_column(split_columns(names, 1)[0], str)),
        _read_paths(*split_columns(paths, 2)),
        _read_parts(*split_columns(parts, 6), known=check_column(split_columns(texts, 1)[0], str)),
    )
    located = _read_occurrences(split_columns(occurrences, 8), table)
    left = _read_left_alone(*split_columns(left_alone, 4))
    return tuple(_read_files(*split_columns(files, 3), occurrences=located, left_alone=left))


@dataclass(frozen=True, slots=True)
class _Tables:
    references: Sequence[Reference]
    paths: Sequence[Path]
    parts: Sequence[Part]


def split_columns(value: object, width: int) -> list[list[Any]]:
    """Return so many columns. Raises ValueError if it is anything else."""
    if not isinstance(value, list) or len(value) != width or set(map(type, value)) != {list}:
        raise _Misfit
    return value


def check_column(column: list[Any], *kinds: type[T]) -> list[T]:
    """Return the column if it holds nothing else; what is true or false is no number. Raises ValueError."""
    if not set(map(type, column)) <= {*kinds}:
        raise _Misfit
    return column


def look_up(numbers: list[Any], table: Sequence[T]) -> list[T]:
    """Return what stands under each number in the table. Raises ValueError and IndexError."""
    if numbers and min(check_column(numbers, int)) < 0:
        raise _Misfit
    return [table[number] for number in numbers]


def _look_up_each(lists: list[Any], table: Sequence[T]) -> list[tuple[T, ...]]:
    """Do so for each of the lists, of which most hold one number."""
    values = iter(look_up(list(chain.from_iterable(check_column(lists, list))), table))
    return [tuple(islice(values, len(each))) for each in lists]


def _read_references(numbers: list[Any], tags: list[Any], digests: list[Any], *, names: list[str]) -> list[Reference]:
    """Parse each name, tag and digest once: there are fewer of them than references."""
    for tag in check_column([*{*tags} - {None}], str):
        parse_tag(tag)
    for digest in check_column([*{*digests} - {None}], str):
        parse_digest(digest)
    # Beside a tag, a name may be one that alone would be taken for something else.
    parsed = [parse_reference(f"{name}:_") for name in names]
    repositories = [each.repository for each in parsed]
    return _make(Reference, look_up(numbers, names), look_up(numbers, repositories), tags, digests)


def _read_paths(parents: list[Any], steps: list[Any]) -> list[Path]:
    paths = [Path()]
    check_column(steps, int, str)
    for parent, step in zip(check_column(parents, int), steps, strict=True):
        if parent < 0:
            raise _Misfit
        paths.append(Path(paths[parent], step))
    return paths


def _read_parts(
    holds: list[Any], starts: list[Any], ends: list[Any], *texts: list[Any], known: Sequence[str]
) -> list[Part]:
    places = check_column(starts, int), check_column(ends, int)
    return _make(Part, [_HOLDS[each] for each in holds], *places, *(look_up(numbers, known) for numbers in texts))


def _read_occurrences(columns: list[list[Any]], table: _Tables) -> list[Occurrence]:
    places, references, parts, rooms, lines, numbers, paths, entries = columns
    if [] in parts or any(room < 0 for room in rooms if room is not None):
        raise _Misfit
    return _make(
        Occurrence,
        [_PLACES[place] for place in places],
        look_up(references, table.references),
        _look_up_each(parts, table.parts),
        [None if room is None else table.parts[room] for room in check_column(rooms, int, NoneType)],
        check_column(lines, int),
        check_column(numbers, int),
        look_up(paths, table.paths),
        check_column(entries, str, NoneType),
    )


def _read_left_alone(lines: list[Any], columns: list[Any], texts: list[Any], reasons: list[Any]) -> list[LeftAlone]:
    places = check_column(lines, int), check_column(columns, int)
    return _make(LeftAlone, *places, check_column(texts, str), check_column(reasons, str))


def _read_files(
    found: list[Any],
    left: list[Any],
    faults: list[Any],
    *,
    occurrences: Sequence[Occurrence],
    left_alone: Sequence[LeftAlone],
) -> list[Found]:
    located = _make(Located, _look_up_each(found, occurrences), _look_up_each(left, left_alone))
    return [each if fault is None else _read_fault(fault) for each, fault in zip(located, faults, strict=True)]


def _read_fault(fault: object) -> NoYaml:
    match fault:
        case [int() as line, int() as column, str() as reason]:
            return NoYaml(line, column, reason)
    raise _Misfit


def _make(kind: Callable[..., T], *columns: Sequence[object]) -> list[T]:
    """Make one for each row of the columns, which are of one length."""
    if len({*map(len, columns)}) > 1:
        raise _Misfit
    return list(map(kind, *columns))
