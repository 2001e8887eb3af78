"""From the parser's events to the tree of a file, in one pass that does little more than sort the events.

Its speed is that of the whole search for images: most events only find their place in a list.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import yaml
from yaml import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from imagebot.errors import InvalidInput
from imagebot.yamledit.nodes import (
    STYLES,
    Alias,
    MappingNode,
    Path,
    Role,
    Scalar,
    SequenceNode,
    Style,
    make_child,
    make_source,
)
from imagebot.yamledit.positions import Positions

# libyaml takes time quadratic in the depth of flow collections.
MAX_DEPTH = 200
# A file within MAX_BYTES can hold millions of empty scalars; this bounds memory at some hundreds of megabytes.
MAX_EVENTS = 300_000


class NotYaml(InvalidInput):
    """A file is no YAML, or none that imagebot reads; line and column count from 1."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason


class Reader:
    """Makes a tree of the events of one file: the roots of its documents, and the mappings as they end."""

    def __init__(self, text: str, positions: Positions, *, original: str) -> None:
        self.roots: list[Any] = []
        self.mappings: list[MappingNode] = []
        self.aliases: list[Alias] = []
        self._source = make_source(text, positions, original=original)
        self._has_actions = "{{" in text
        # Mappings that are scalars to the nodes around them, but in which the parser reads scalars of their own.
        self._actions: dict[Scalar, MappingNode] = {}
        self._open: list[MappingNode | SequenceNode] = []
        self._anchors: dict[str, Scalar | MappingNode | SequenceNode] = {}

    def read(self) -> None:
        """Read the text; raises NotYaml."""
        source = self._source
        try:
            loader: Any = yaml.CSafeLoader(source.text)
            self._take(iter(loader.get_event, None))
        except yaml.reader.ReaderError as error:
            # The only libyaml error that counts bytes, a byte order mark included.
            raise NotYaml(*source.positions.to_line_and_column(error.position), error.reason) from error
        except yaml.MarkedYAMLError as error:
            char = error.problem_mark.index + source.first if error.problem_mark else 0
            reason = ", ".join(part for part in (error.context, error.problem) if part)
            byte = source.positions.to_byte(char)
            raise NotYaml(*source.positions.to_line_and_column(byte), reason) from error

    def list_scalars(self) -> Iterator[Scalar]:
        """Yield the scalars in the order of the text."""
        for scalar, around, number in self._walk():
            node = scalar if isinstance(scalar, Scalar) else make_child(around, number)
            if isinstance(node, Scalar):
                yield node

    def find_scalars(self, ends: Collection[int]) -> Iterator[tuple[int, Scalar]]:
        """Yield with their numbers in the text the scalars that end at one of the bytes, and all literal blocks.

        Nodes are made of no others.
        """
        positions, first = self._source.positions, self._source.first
        characters = frozenset(positions.to_char(end) - first for end in ends)
        for count, (scalar, around, number) in enumerate(self._walk()):
            if isinstance(scalar, Scalar):
                if scalar.end in ends or scalar.style is Style.LITERAL:
                    yield count, scalar
            elif scalar.end_mark.index in characters or scalar.style == Style.LITERAL.value:
                node = make_child(around, number)
                if isinstance(node, Scalar):
                    yield count, node

    def list_styles(self) -> Iterator[Style]:
        """Yield the styles of the scalars."""
        for scalar, _, _ in self._walk():
            yield scalar.style if isinstance(scalar, Scalar) else STYLES[scalar.style]

    def _walk(self) -> Iterator[tuple[Any, Any, int]]:
        """Yield the scalars in the order of the text, which may be events still, and of which collection what child.

        Where an action stands for a mapping, those in the mapping are the scalars.
        """
        stack: list[tuple[Any, Iterator[tuple[int, Any]]]] = [(None, enumerate(self.roots))]
        while stack:
            around, children = stack[-1]
            for number, child in children:
                node = self._actions.get(child, child) if self._actions and isinstance(child, Scalar) else child
                if isinstance(node, MappingNode | SequenceNode):
                    stack.append((node, enumerate(node.children)))
                    break
                if not isinstance(node, Alias):
                    yield node, around, number
            else:
                stack.pop()

    def _take(self, events: Iterable[Any]) -> None:
        events = iter(events)
        children = self.roots
        for event in islice(events, MAX_EVENTS):
            kind = type(event)
            if kind is ScalarEvent:
                if event.anchor is None:
                    children.append(event)
                else:
                    self._take_anchor(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                children = self._open_collection(event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                children = self._close_collection(event)
            elif kind is yaml.AliasEvent:
                self._take_alias(event)
            elif kind is yaml.DocumentStartEvent:
                self._open_document()
            elif kind is yaml.DocumentEndEvent:
                self._close_document()
        for event in events:
            raise self._refuse(event, f"the file has more than {MAX_EVENTS} nodes, the most that imagebot reads")

    def _open_document(self) -> None:
        self._source = self._source.make_next()
        self._anchors.clear()

    def _close_document(self) -> None:
        if type(self.roots[-1]) is ScalarEvent:
            self.roots[-1] = self._source.make_scalar(self.roots[-1], Path(), Role.ROOT)

    def _open_collection(self, event: Any) -> list[Any]:
        if len(self._open) >= MAX_DEPTH:
            raise self._refuse(event, f"nested more than {MAX_DEPTH} deep, the most that imagebot reads")
        if self._open:
            around = self._open[-1]
            path, siblings = around.path_of(len(around.children)), around.children
        else:
            path, siblings = Path(), self.roots
        make = MappingNode if type(event) is MappingStartEvent else SequenceNode
        collection = make(path, self._source, event, [])
        siblings.append(collection)
        self._open.append(collection)
        if event.anchor is not None:
            self._anchors[event.anchor] = collection
        return collection.children

    def _close_collection(self, event: Any) -> list[Any]:
        """Return the children of the collection around it."""
        closed = self._open.pop()
        siblings = self._open[-1].children if self._open else self.roots
        if isinstance(closed, MappingNode):
            action = self._find_action(closed, event) if self._has_actions else None
            if action is None:
                self.mappings.append(closed)
            else:
                siblings[-1] = action
        closed.opening = None
        return siblings

    def _find_action(self, closed: MappingNode, event: Any) -> Scalar | None:
        role = self._open[-1].role_of(len(self._open[-1].children) - 1) if self._open else Role.ROOT
        action = self._source.find_action(closed.opening, event, closed.path, role)
        if action is not None:
            self._actions[action] = closed
            if action.anchor is not None and self._anchors.get(action.anchor) is closed:
                self._anchors[action.anchor] = action
        return action

    def _take_anchor(self, event: Any) -> None:
        siblings, path, role = self._next_place()
        scalar = self._source.make_scalar(event, path, role)
        self._anchors[event.anchor] = scalar
        siblings.append(scalar)

    def _take_alias(self, event: Any) -> None:
        siblings, path, role = self._next_place()
        target = self._anchors.get(event.anchor)
        is_open = isinstance(target, MappingNode | SequenceNode) and target.opening is not None
        alias = self._source.make_alias(event, path, role, None if is_open else target)
        self.aliases.append(alias)
        siblings.append(alias)

    def _next_place(self) -> tuple[list[Any], Path, Role]:
        if not self._open:
            return self.roots, Path(), Role.ROOT
        around = self._open[-1]
        number = len(around.children)
        return around.children, around.path_of(number), around.role_of(number)

    def _refuse(self, event: Any, reason: str) -> NotYaml:
        byte = self._source.positions.to_byte(event.start_mark.index + self._source.first)
        return NotYaml(*self._source.positions.to_line_and_column(byte), reason)
