"""What the files of a target's head say, as text to be kept and read back.

Which entry governs an image is kept with it, and so holds for the policy file that is kept there too. Of what is read
back, the repositories are known at once; the places are made when they are asked for, which no quiet round does.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType

from imagebot.image.reference import InvalidReference
from imagebot.policy.entry import Entry
from imagebot.proposal.postponed import Postponed
from imagebot.proposal.survey import Governed, Survey, Unread
from imagebot.yamledit.columns import (
    check_column,
    check_lengths,
    check_names,
    look_up,
    pack,
    split_columns,
    transpose,
    unpack,
)
from imagebot.yamledit.kept_tables import ABOUTS, Tables, Writer
from imagebot.yamledit.occurrence import Occurrence


@dataclass(frozen=True, slots=True)
class KeptHead:
    """The survey of all files of a head, and the blobs of those about which it says anything."""

    oids: Mapping[str, str]
    survey: Survey


def format_head(head: KeptHead, *, policy: bytes, entries: Sequence[Entry]) -> str:
    """Write it, the policy file and which of its entries are meant: two lines of JSON."""
    survey, paths = head.survey, {path: number for number, path in enumerate(head.oids)}
    numbers = {id(entry): number for number, entry in enumerate(entries)}
    writer = Writer()
    governed = [(paths[each.path], numbers[id(each.entry)], each.occurrence) for each in survey.governed]
    ungoverned = [(paths[path], occurrence) for path, occurrence in survey.ungoverned]
    facts = [
        [[*head.oids], [*head.oids.values()]],
        [
            pack(path for path, _, _ in governed),
            pack(entry for _, entry, _ in governed),
            pack(writer.add_occurrence(occurrence) for _, _, occurrence in governed),
        ],
        [pack(path for path, _ in ungoverned), pack(writer.add_occurrence(occurrence) for _, occurrence in ungoverned)],
        _list_unread(survey.left_alone),
        _list_unread(survey.unreadable),
        writer.finish(),
    ]
    return f"{json.dumps(policy.decode('latin-1'))}\n{json.dumps(facts, separators=(',', ':'))}"


def _list_unread(unread: Iterable[Unread]) -> list[Sequence[object]]:
    return transpose(
        [(each.path, each.line, each.column, each.reason, each.about.value, each.unknown) for each in unread], 6
    )


def parse_policy(text: str) -> bytes | None:
    """Read back the policy file; None if the text has no form that this version writes."""
    try:
        policy = json.loads(text.partition("\n")[0])
        return policy.encode("latin-1") if isinstance(policy, str) else None
    except (ValueError, RecursionError):
        return None


def parse_head(text: str, *, entries: Sequence[Entry]) -> KeptHead | None:
    """Read it back with the entries of the policy file; None if the text has no form that this version writes."""
    try:
        files, governed, ungoverned, left_alone, unreadable, tables = json.loads(text.partition("\n")[2])
        paths, oids = (check_column(column, str) for column in split_columns(files, 2))
        places = _Places(paths, entries, Tables(tables))
        survey = Survey(
            places.read_governed(*split_columns(governed, 3)),
            places.read_ungoverned(*split_columns(ungoverned, 2)),
            _read_unread(*split_columns(left_alone, 6)),
            _read_unread(*split_columns(unreadable, 6)),
            places.tables.find_repositories(unpack(governed[2])),
        )
        return KeptHead(dict(zip(paths, oids, strict=True)), survey)
    except (ValueError, TypeError, LookupError, RecursionError, InvalidReference):
        return None


@dataclass(frozen=True, slots=True)
class _Places:
    """What the columns of a head refer to. Columns are checked, and then values of them can be made at any time."""

    paths: Sequence[str]
    entries: Sequence[Entry]
    tables: Tables

    def read_governed(self, files: object, entries: object, images: object) -> Postponed[Governed]:
        where, by = unpack(files, below=len(self.paths)), unpack(entries, below=len(self.entries))
        what = unpack(images, below=self.tables.size)
        check_lengths(where, by, what)

        def make() -> Sequence[Governed]:
            places = look_up(where, self.paths), look_up(what, self.tables.occurrences)
            return list(map(Governed, *places, look_up(by, self.entries)))

        return Postponed(len(where), make)

    def read_ungoverned(self, files: object, images: object) -> Postponed[tuple[str, Occurrence]]:
        where, what = unpack(files, below=len(self.paths)), unpack(images, below=self.tables.size)
        check_lengths(where, what)

        def make() -> Sequence[tuple[str, Occurrence]]:
            return list(zip(look_up(where, self.paths), look_up(what, self.tables.occurrences), strict=True))

        return Postponed(len(where), make)


def _read_unread(paths: object, lines: object, columns: object, *others: object) -> Postponed[Unread]:
    reasons, abouts, unknown = others
    rows = (
        check_column(paths, str),
        check_column(lines, int, NoneType),
        check_column(columns, int, NoneType),
        check_column(reasons, str),
        [ABOUTS[each] for each in check_names(abouts, ABOUTS)],
        check_column(unknown, str, NoneType),
    )
    check_lengths(*rows)
    return Postponed(len(rows[0]), lambda: list(map(Unread, *rows)))
