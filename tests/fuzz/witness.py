"""A second opinion on an edited file, which shares no code with the verification that it is to check.

Only the mask of templates is the project's: what a masked text says is judged anew, not where the actions are.
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from imagebot.yamledit.edit import Edit
from imagebot.yamledit.template import BLANKS, mask

Event = tuple[object, ...]


def find_fault(old: bytes, new: bytes, edits: Sequence[Edit]) -> str | None:
    """Say what differs between the files beside the edits, or None; the edits are in the order of the text."""
    return _compare_bytes(old, new, edits) or _compare_texts(old.decode(), new.decode(), list(edits))


def _compare_bytes(old: bytes, new: bytes, edits: Sequence[Edit]) -> str | None:
    rest, end = new, 0
    for edit in edits:
        if not rest.startswith(old[end : edit.start]):
            return f"bytes before {edit} differ"
        rest = rest[edit.start - end :]
        mark = old[edit.start : edit.start + 1]
        quotes = [mark] if mark in (b"'", b'"') else [b"", b"'", b'"']
        spellings = [quote + edit.new.encode() + quote for quote in quotes]
        spelling = next((each for each in spellings if rest.startswith(each)), None)
        if spelling is None:
            return f"{rest[: len(edit.new) + 2]!r} is no spelling of {edit}"
        rest, end = rest[len(spelling) :], edit.end
    return None if rest == old[end:] else "bytes behind the last edit differ"


def _compare_texts(old: str, new: str, edits: Sequence[Edit]) -> str | None:
    blank = _find_blank(old)
    masked = _mask(old, blank), _mask(new, blank)
    wanted = [(_mask(edit.old, blank), _mask(edit.new, blank)) for edit in edits]
    for read in (_read, _read_independently):
        before, after = read(masked[0]), read(masked[1])
        if before is None and read is _read_independently:
            continue
        if before is None or after is None:
            return f"{read.__name__} cannot read one of the files"
        changes = list(_list_changes(before, after))
        if changes != wanted:
            return f"to {read.__name__} {changes[:3]} changed, and {wanted[:3]} was to"
    return None


def _list_changes(before: Sequence[Event], after: Sequence[Event]) -> Iterator[tuple[object, object]]:
    """Yield the texts that differ, and of a block that holds YAML those in it; other differences as they are."""
    for old, new in zip_longest(before, after):
        if old == new:
            continue
        is_text = old is not None and new is not None and old[:4] == new[:4] and old[0] == "ScalarEvent"
        if not is_text:
            yield old, new
        elif old[4] == "|" and new[4] == "|":
            yield from _list_changes_within(str(old[5]), str(new[5]))
        elif old[4] == new[4] or (not old[4] and new[4] in ("'", '"')):
            yield old[5], new[5]
        else:
            yield old, new


def _list_changes_within(old: str, new: str) -> Iterator[tuple[object, object]]:
    blank = _find_blank(old)
    before, after = _read(_mask(old, blank)), _read(_mask(new, blank))
    if before is None or after is None:
        yield old, new
    else:
        yield from _list_changes(before, after)


def _find_blank(text: str) -> str | None:
    """Return what has to stand for lines of actions so that the text can be read; None if it can be as it is."""
    if _read(text) is not None:
        return None
    return next((blank for blank in BLANKS if _read(_mask(text, blank)) is not None), None)


def _mask(text: str, blank: str | None) -> str:
    masked = None if blank is None else mask(text, blank=blank)
    return text if masked is None else masked


def _read(text: str) -> list[Event] | None:
    try:
        return [_describe(event) for event in yaml.parse(text, Loader=yaml.CSafeLoader)]
    except yaml.YAMLError:
        return None


def _read_independently(text: str) -> list[Event] | None:
    try:
        return [_describe(event) for event in YAML(typ="safe", pure=True).parse(text)]
    except (YAMLError, AssertionError, ValueError):
        return None


def _describe(event: Any) -> Event:
    names = ("anchor", "tag", "flow_style")
    facts = [str(getattr(event, name, None)) for name in names]
    return (type(event).__name__, *facts, getattr(event, "style", None) or "", getattr(event, "value", None))
