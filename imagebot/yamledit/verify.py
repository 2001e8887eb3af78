"""Proving that two texts of YAML say the same but for the scalars that were to change.

What is compared are a parser's events, one by one, not the data that would be built of them: so everything counts, to
the style of each scalar, except comments and blanks. Those are in the bytes between the edits, which `rewrite` keeps.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as IndependentYamlError

# What is compared of the events of each kind; the two parsers call all of it alike.
_SCALAR = "ScalarEvent"
_facts_of_collection = attrgetter("anchor", "tag", "flow_style", "implicit")
_FACTS = {
    _SCALAR: attrgetter("value", "style", "anchor", "tag", "implicit"),
    "AliasEvent": attrgetter("anchor"),
    "MappingStartEvent": _facts_of_collection,
    "SequenceStartEvent": _facts_of_collection,
    "DocumentStartEvent": attrgetter("explicit", "version", "tags"),
    "DocumentEndEvent": attrgetter("explicit"),
}

Event = Any
"""An event of either parser; PyYAML's types make optional what libyaml always sets."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one scalar was, and what it is to be."""

    old: str
    new: str


def read_events(text: str) -> Iterator[Event]:
    """Yield libyaml's events; raises yaml.YAMLError."""
    loader: Any = yaml.CSafeLoader(text)
    return iter(loader.get_event, None)


def read_events_independently(text: str) -> Sequence[Event] | None:
    """Return the events of ruamel.yaml's own parser, or None if it cannot read the text.

    It shares no code with libyaml, and refuses some YAML that libyaml reads, as a tab after a colon.
    """
    try:
        return tuple(YAML(typ="safe", pure=True).parse(text))
    except (IndependentYamlError, AssertionError, ValueError):
        # An AssertionError is its answer to `%YAML 1.3`, a ValueError to an escape beyond Unicode.
        return None


def find_difference(before: Iterable[Event], after: Iterable[Event], changes: Mapping[int, Change]) -> str | None:
    """Say in a clause what differs that should not, or does not differ that should; None if all is as intended.

    `changes` are by the number of the scalar in the text, keys and empty ones counted, from 0. A changed scalar keeps
    its anchor, tag and style, but that plain may become quoted.
    """
    number = -1
    for old, new in zip_longest(before, after):
        kind = type(old).__name__
        if kind == _SCALAR:
            number += 1
            change = changes.get(number)
            fault = None if change is None else _find_fault(old, new, change)
            if fault is not None:
                return fault
            if change is not None:
                continue
        if type(old) is not type(new):
            return _explain(old, new)
        facts = _FACTS.get(kind)
        if facts is not None and facts(old) != facts(new):
            return _explain(old, new)
    return "a scalar to be changed is not there" if any(missing > number for missing in changes) else None


def _explain(old: Event | None, new: Event | None) -> str:
    if old is None or new is None:
        return "the result has more or fewer nodes"
    return f"{_describe(old)}, which was not to change, becomes {_describe(new)}"


def _find_fault(old: Event, new: Event | None, change: Change) -> str | None:
    if old.value != change.old:
        return f"the text reads {_cut(old.value)}, where {_cut(change.old)} was to be changed"
    if new is None:
        return _explain(old, new)
    if type(new) is not type(old) or new.value != change.new:
        return f"the text becomes {_describe(new)}, and was to become {_cut(change.new)}"
    # A plain style is "" to libyaml and None to ruamel.yaml.
    keeps_style = new.style == old.style or (not old.style and new.style in ("'", '"'))
    return (
        None if keeps_style and (new.anchor, new.tag) == (old.anchor, old.tag) else "its anchor, tag or style changes"
    )


def _describe(event: Event) -> str:
    kind = type(event).__name__
    return _cut(event.value) if kind == _SCALAR else kind.removesuffix("Event")


def _cut(value: str) -> str:
    """Return as much of the text as fits a sentence: a block may be a file of its own."""
    return repr(value[:80])
