"""What the files of a target's head say, as text to be kept and read back.

Which entry governs an image is kept with it, and so holds for the policy file that is kept there too.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagebot.policy.entry import Entry
from imagebot.proposal.survey import Governed, Survey, Unread
from imagebot.yamledit.kept import check_column, format_found, look_up, parse_found, split_columns
from imagebot.yamledit.occurrence import Located, Occurrence


@dataclass(frozen=True, slots=True)
class KeptHead:
    """The survey of all files of a head, and the blobs of those about which it says anything."""

    oids: Mapping[str, str]
    survey: Survey


def format_head(head: KeptHead, *, policy: bytes, entries: Sequence[Entry]) -> str:
    """Write it, the policy file and which of its entries are meant: three lines of JSON."""
    survey, paths = head.survey, {path: number for number, path in enumerate(head.oids)}
    numbers = {id(entry): number for number, entry in enumerate(entries)}
    facts = [
        [*head.oids],
        [*head.oids.values()],
        [paths[each.path] for each in survey.governed],
        [numbers[id(each.entry)] for each in survey.governed],
        [paths[path] for path, _ in survey.ungoverned],
        _list_unread(survey.left_alone),
        _list_unread(survey.unreadable),
    ]
    occurrences = (*(each.occurrence for each in survey.governed), *(each for _, each in survey.ungoverned))
    found = format_found([Located(occurrences, ())])
    return f"{json.dumps(policy.decode('latin-1'))}\n{json.dumps(facts)}\n{found}"


def parse_policy(text: str) -> bytes | None:
    """Read back the policy file; None if the text has no form that this version writes."""
    try:
        policy = json.loads(text.partition("\n")[0])
        return policy.encode("latin-1") if isinstance(policy, str) else None
    except (ValueError, RecursionError):
        return None


def parse_head(text: str, *, entries: Sequence[Entry]) -> KeptHead | None:
    """Read it back with the entries of the policy file; None if the text has no form that this version writes."""
    _, _, rest = text.partition("\n")
    facts, _, found = rest.partition("\n")
    match parse_found(found):
        case (Located(occurrences, ()),):
            pass
        case _:
            return None
    try:
        return _read(split_columns(json.loads(facts), 7), occurrences, entries)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _read(columns: list[list[Any]], occurrences: Sequence[Occurrence], entries: Sequence[Entry]) -> KeptHead:
    paths, oids, governed_in, governed_by, ungoverned_in, left_alone, unreadable = columns
    count = len(governed_in)
    if len(governed_by) != count or len(occurrences) != count + len(ungoverned_in):
        raise ValueError("columns of different lengths")
    where = look_up([*governed_in, *ungoverned_in], check_column(paths, str))
    survey = Survey(
        tuple(map(Governed, where[:count], occurrences, look_up(governed_by, entries))),
        tuple(zip(where[count:], occurrences[count:], strict=True)),
        tuple(map(_parse_unread, left_alone)),
        tuple(map(_parse_unread, unreadable)),
    )
    return KeptHead(dict(zip(paths, check_column(oids, str), strict=True)), survey)


def _list_unread(unread: Iterable[Unread]) -> list[object]:
    return [(each.path, each.line, each.column, each.reason) for each in unread]


def _parse_unread(value: object) -> Unread:
    match value:
        case [str() as path, int() | None as line, int() | None as column, str() as reason]:
            return Unread(path, line, column, reason)
    raise ValueError("no file with a reason")
