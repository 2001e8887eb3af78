"""What was located, as text to be kept and read back, and for which files and rules it holds.

What a file names depends on its bytes, and on what `Fingerprints` stands for. The text is JSON that has the occurrences
of any number of files in `kept_tables`, because many are read back in a hurry. A text of another form counts as not
kept.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from types import NoneType

from imagebot.image.reference import InvalidReference
from imagebot.yamledit.columns import (
    Misfit,
    check_column,
    check_lengths,
    look_up,
    pack,
    split_columns,
    transpose,
    unpack,
)
from imagebot.yamledit.kept_tables import Tables, Writer
from imagebot.yamledit.locate import Bindings
from imagebot.yamledit.markers import may_hold_markers
from imagebot.yamledit.occurrence import Located
from imagebot.yamledit.sites import Site


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

    They differ with the build of imagebot, the sites of the file with its path, and whether Flux's markers are read.
    What the entries are called, and the images they are about, only matter to a file that may have markers: what was
    located in all others outlives a change of these.
    """

    def __init__(self, bindings: Bindings, *, build: str) -> None:
        self._bindings = bindings
        self._common = (build, bindings.reads_flux)
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
    writer = Writer()
    files = [_add(each, writer) for each in found]
    return json.dumps([*writer.finish(), transpose(files, 3)], separators=(",", ":"))


def _add(found: Found, writer: Writer) -> tuple[object, ...]:
    if isinstance(found, NoYaml):
        return "", "", (found.line, found.column, found.reason)
    occurrences, left_alone = (
        map(writer.add_occurrence, found.occurrences),
        map(writer.add_left_alone, found.left_alone),
    )
    return pack(occurrences), pack(left_alone), None


def parse_found(text: str) -> tuple[Found, ...] | None:
    """Read back what was found in each file; None if the text has no form that this version writes."""
    try:
        match json.loads(text):
            case [*tables, files]:
                return tuple(_read_files(Tables(tables), *split_columns(files, 3)))
    except (ValueError, TypeError, LookupError, RecursionError, InvalidReference):
        return None
    return None


def _read_files(tables: Tables, found: object, left: object, faults: object) -> Iterator[Found]:
    occurrences, left_alone = tables.occurrences, tables.left_alone
    rows = check_column(found, str), check_column(left, str), check_column(faults, list, NoneType)
    check_lengths(*rows)
    for numbers, others, fault in zip(*rows, strict=True):
        located = Located(
            tuple(look_up(unpack(numbers, below=len(occurrences)), occurrences)),
            tuple(look_up(unpack(others, below=len(left_alone)), left_alone)),
        )
        yield located if fault is None else _read_fault(fault)


def _read_fault(fault: object) -> NoYaml:
    match fault:
        case [int() as line, int() as column, str() as reason]:
            return NoYaml(line, column, reason)
    raise Misfit
