"""What stands around changed scalars: the parts of a text that a slow parser reads in the place of all of it.

A part can be read by itself: one of the documents, an entry of a block collection with its lines, or a flow collection.
Parsers agree on what it says wherever it stands, but for what its document declares: of a document with directives
there are no smaller parts.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from yaml import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

# What may stand before an entry on its line: other entries, which begin with it.
_LEAD = re.compile(r" *(?:[-?][ \t]+)*")
# To begin takes the time of so many nodes, and to read so many characters that of one.
_NODES_OF_A_BEGINNING = 10
_CHARS_OF_A_NODE = 50


@dataclass(slots=True, eq=False)
class Part:
    """A part of a text, in characters, half-open.

    Of the scalars of the text, counted from 0, it has those from `first` up to the one before `last`, and with them so
    many `events`. `around` is the smallest other part that it is in, and `of` the block collection of which it is an
    entry, or None.
    """

    start: int
    first: int
    around: "Part | None"
    of: "_Level | None"
    end: int = 0
    last: int = 0
    events: int = 0

    @property
    def cost(self) -> int:
        """About how long it takes to read, in nodes."""
        return _NODES_OF_A_BEGINNING + self.events + (self.end - self.start) // _CHARS_OF_A_NODE


@dataclass(slots=True, eq=False)
class _Level:
    """A document or collection while it is read, and where the entry begins that is read of it.

    The only entry of a document, or of a collection in flow style, is itself.
    """

    step: int
    """How many children make an entry: two of a mapping, and 0 if it has but one."""
    start: int
    first: int
    first_event: int
    is_declared: bool = False
    """Whether it is a document with directives."""
    children: int = 0
    part: Part | None = None
    """The entry, once a scalar in it is one of those that are looked for."""


class Surroundings:
    """Finds the parts in which the scalars of some numbers stand, while the events of the text go by."""

    def __init__(self, text: str, numbers: Collection[int]) -> None:
        self._text = text
        self._numbers = numbers
        self._offset = 1 if text.startswith("\ufeff") else 0
        self._levels: list[_Level] = []
        self._ending: list[tuple[Part, int]] = []
        self._inmost: list[Part] = []
        self._scalars = self._events = 0

    def watch(self, events: Iterable[Any]) -> Iterator[Any]:
        """Yield the events of libyaml as they are."""
        for event in events:
            kind = type(event)
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(event.end_mark.index)
            elif kind is DocumentEndEvent:
                self._close_document(event)
            elif kind is StreamEndEvent:
                self._end(len(self._text))
            elif kind is not StreamStartEvent:
                self._begin(event, kind)
            self._events += 1
            yield event

    def choose(self, *, limit: int) -> list[Part]:
        """Choose for each scalar the largest part that costs no more than this, or else the smallest there is.

        Parts that follow each other are one, and the text as a whole is chosen if it costs no more than these.
        """
        whole = Part(0, 0, None, of=None, end=len(self._text), last=self._scalars, events=self._events)
        chosen: list[Part] = []
        for part in () if whole.cost <= limit else dict.fromkeys(_grow(part, limit) for part in self._inmost):
            before = chosen[-1] if chosen else whole
            if part.of is not None and before.of is part.of and before.end == part.start:
                chosen[-1] = replace(before, end=part.end, last=part.last, events=before.events + part.events)
            else:
                chosen.append(part)
        return chosen if chosen and sum(part.cost for part in chosen) < whole.cost else [whole]

    def _begin(self, event: Any, kind: type) -> None:
        start = event.start_mark.index + self._offset
        if self._levels:
            self._begin_entry(self._levels[-1], start)
        self._end(start)
        if kind is ScalarEvent:
            if self._scalars in self._numbers:
                self._mark()
            self._scalars += 1
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            step = 0 if event.flow_style else 1 + (kind is MappingStartEvent)
            self._levels.append(_Level(step, start, self._scalars, self._events))
        elif kind is DocumentStartEvent:
            is_declared = bool(event.version or event.tags)
            self._levels.append(_Level(0, start, self._scalars, self._events, is_declared))

    def _begin_entry(self, level: _Level, start: int) -> None:
        if level.step and level.children % level.step == 0:
            self._leave(level)
            level.start, level.first, level.first_event = start, self._scalars, self._events
        level.children += 1

    def _leave(self, level: _Level) -> None:
        """Let the entry of a level end where the next node or document begins."""
        if level.part is not None:
            self._ending.append((level.part, level.first_event))
            level.part = None

    def _mark(self) -> None:
        """Make parts of all that the scalar stands in."""
        around: Part | None = None
        for level in self._levels:
            if level.part is None:
                level.part = self._make_part(level, around)
            around = level.part or around
            if level.is_declared:
                break
        if around is not None:
            self._inmost.append(around)

    def _make_part(self, level: _Level, around: Part | None) -> Part | None:
        if not level.step:
            return Part(level.start, level.first, around, of=None)
        start = self._find_line_start(level.start)
        can_stand_alone = _LEAD.fullmatch(self._text, start, level.start)
        return Part(start, level.first, around, of=level) if can_stand_alone else None

    def _find_line_start(self, position: int) -> int:
        ends = (self._text.rfind(end, 0, position) for end in "\r\n")
        return max(self._offset, 1 + max(ends))

    def _close(self, end: int) -> None:
        level = self._levels.pop()
        if level.step:
            self._leave(level)
        elif level.part is not None:
            self._finish(level.part, level.first_event, end + self._offset)

    def _close_document(self, event: Any) -> None:
        if event.explicit:
            self._end(event.start_mark.index + self._offset)
        self._leave(self._levels.pop())

    def _end(self, position: int) -> None:
        """End what was left, at the line on which what comes next begins."""
        if self._ending:
            end = position if position == len(self._text) else self._find_line_start(position)
            for part, first_event in self._ending:
                self._finish(part, first_event, end)
            self._ending.clear()

    def _finish(self, part: Part, first_event: int, end: int) -> None:
        part.end, part.last, part.events = end, self._scalars, self._events - first_event


def _grow(part: Part, limit: int) -> Part:
    while part.around is not None and part.around.cost <= limit:
        part = part.around
    return part
