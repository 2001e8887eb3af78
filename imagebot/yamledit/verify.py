"""Proving that two texts of YAML say the same but for the scalars that were to change.

What is compared are a parser's events, one by one, not the data that would be built of them: so everything counts, to
the style of each scalar, except comments and blanks. Those are in the bytes between the edits, which `rewrite` keeps.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as IndependentYamlError

_FACTS = ("anchor", "tag", "flow_style", "explicit", "version", "tags")


@dataclass(frozen=True, slots=True)
class Change:
    """What one scalar was, and what it is to be."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a parser, whichever it was; value and style are None but for scalars."""

    kind: str
    facts: tuple[object, ...]
    implicit: object
    value: str | None
    style: str | None


def read_events(text: str) -> Iterator[Event]:
    """Yield libyaml's events; raises yaml.YAMLError."""
    return map(_make_event, yaml.parse(text, Loader=yaml.CSafeLoader))


def read_events_independently(text: str) -> tuple[Event, ...] | None:
    """Return the events of ruamel.yaml's own parser, or None if it cannot read the text.

    It shares no code with libyaml, and refuses some YAML that libyaml reads, as a tab after a colon.
    """
    try:
        return tuple(map(_make_event, YAML(typ="safe", pure=True).parse(text)))
    except (IndependentYamlError, AssertionError, ValueError):
        # An AssertionError is its answer to `%YAML 1.3`, a ValueError to an escape beyond Unicode.
        return None


def _make_event(event: Any) -> Event:
    facts = tuple(getattr(event, name, None) for name in _FACTS)
    value = getattr(event, "value", None)
    # A plain style is "" to libyaml and None to ruamel.yaml.
    style = None if value is None else event.style or ""
    return Event(type(event).__name__, facts, getattr(event, "implicit", None), value, style)


def find_difference(before: Iterable[Event], after: Iterable[Event], changes: Mapping[int, Change]) -> str | None:
    """Say in a clause what differs that should not, or does not differ that should; None if all is as intended.

    `changes` are by the number of the scalar in the text, keys and empty ones counted, from 0. A changed scalar keeps
    its anchor, tag and style, but that plain may become quoted.
    """
    number = -1
    for old, new in zip_longest(before, after):
        if old is None or new is None:
            return "the result has more or fewer nodes"
        change = None
        if old.value is not None:
            number += 1
            change = changes.get(number)
        fault = _find_fault(old, new, change)
        if fault is not None:
            return fault
    return "a scalar to be changed is not there" if any(missing > number for missing in changes) else None


def _find_fault(old: Event, new: Event, change: Change | None) -> str | None:
    if change is None:
        return None if old == new else f"{_describe(old)}, which was not to change, becomes {_describe(new)}"
    if old.value != change.old:
        return f"the text reads {_cut(old.value)}, where {_cut(change.old)} was to be changed"
    if new.kind != old.kind or new.value != change.new:
        return f"the text becomes {_describe(new)}, and was to become {_cut(change.new)}"
    keeps_style = new.style == old.style or (old.style == "" and new.style in ("'", '"'))
    return None if keeps_style and new.facts == old.facts else "its anchor, tag or style changes"


def _describe(event: Event) -> str:
    return event.kind.removesuffix("Event") if event.value is None else _cut(event.value)


def _cut(value: str | None) -> str:
    """Return as much of the text as fits a sentence: a block may be a file of its own."""
    return repr(value if value is None else value[:80])
