"""The nodes of a YAML file: scalars and aliases with the bytes they occupy, and the collections they stand in.

Most scalars of most files are never asked for, and to make them takes longer than to parse. So a collection keeps the
parser's events, and makes nodes of them when it is asked what it holds. No node leads upwards but by its path, so that
a file that nobody needs any more is gone at once, without a search for cycles.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from yaml import ScalarEvent

from imagebot.yamledit.positions import BYTE_ORDER_MARK, Positions

_MAX_ACTION = 1000
# A mapping with more keys and values is asked for few of them.
_LARGE = 32
# The anchor and tag before a scalar's text, with the blanks, line ends and comments after each. A verbatim tag comes
# first, for it may hold what ends another. libyaml ends an anchor at any other character, even without a blank.
_PROPERTIES = re.compile(r"(?:(?:!<[^>]*>|![^\s]*|&[0-9A-Za-z_-]+)(?:(?:\s+(?:#[^\r\n]*)?)+|\Z))*")
_STRING_TAGS = frozenset([None, "!", "tag:yaml.org,2002:str"])


class Style(Enum):
    """How a scalar is written."""

    PLAIN = ""
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"


# Looking a style up takes a fifth of the time that `Style(text)` does.
STYLES = {style.value: style for style in Style}
BLOCKS = (Style.LITERAL, Style.FOLDED)


class Role(Enum):
    """What a node is to the collection it stands in."""

    ROOT = "root"
    KEY = "key"
    VALUE = "value"
    ITEM = "item"


@dataclass(slots=True, unsafe_hash=True)
class Path:
    """The way from the root of a document to a node: a key's text or an item's index for each step."""

    parent: "Path | None" = None
    step: str | int = ""

    def __str__(self) -> str:
        """Write the path as people do: `spec.containers[0].image`."""
        steps: list[str] = []
        path = self
        while path.parent is not None:
            steps.append(f"[{path.step}]" if isinstance(path.step, int) else f".{_quote_step(path.step)}")
            path = path.parent
        return "".join(reversed(steps)).removeprefix(".")


def _quote_step(key: str) -> str:
    # A dollar sign alone would be the root to who reads the path.
    return key if re.fullmatch(r"[\w$/-]+", key) and key != "$" else json.dumps(key, ensure_ascii=False)


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar: the bytes of its text without anchor and tag, and what the text means.

    The path of a key is that of its mapping. Of a scalar that is not literal, for there are actions in it, the
    value is the text as it is written, without quotes; in the value of a block the actions are masked.
    """

    start: int
    end: int
    value: str
    style: Style
    role: Role
    path: Path
    document: int
    anchor: str | None
    tag: str | None
    is_literal: bool = True

    @property
    def is_string(self) -> bool:
        """Whether no explicit tag makes something else of the text."""
        return self.tag in _STRING_TAGS


@dataclass(frozen=True, slots=True, eq=False)
class Alias:
    """An alias, and the node it stands for: that of the latest anchor of its name before it in the document.

    The target is None if there is no such anchor, or if the alias stands inside the collection it names.
    """

    start: int
    end: int
    name: str
    role: Role
    path: Path
    document: int
    target: "Scalar | MappingNode | SequenceNode | None"


@dataclass(slots=True, eq=False)
class Source:
    """A document that events tell of: its number, and the text as it was parsed and as it is in the file.

    Events are Any because PyYAML's types make every mark optional, and libyaml sets them all.
    """

    text: str
    original: str
    positions: Positions
    first: int
    """The character that libyaml counts as the first."""
    may_merge: bool
    """Whether a merge key may be there."""
    document: int = -1

    def make_next(self) -> "Source":
        """Make the source of the next document."""
        return Source(self.text, self.original, self.positions, self.first, self.may_merge, self.document + 1)

    def make_scalar(self, event: Any, path: Path, role: Role) -> Scalar:
        start, end = self._span_of(event)
        value, is_literal = self._read(event, start, end)
        to_byte = self.positions.to_byte
        style, anchor, tag = STYLES[event.style], event.anchor, event.tag
        return Scalar(to_byte(start), to_byte(end), value, style, role, path, self.document, anchor, tag, is_literal)

    def make_alias(self, event: Any, path: Path, role: Role, target: Any) -> Alias:
        start, end = event.start_mark.index + self.first, event.end_mark.index + self.first
        to_byte = self.positions.to_byte
        return Alias(to_byte(start), to_byte(end), event.anchor, role, path, self.document, target)

    def find_action(self, opening: Any, ending: Any, path: Path, role: Role) -> Scalar | None:
        """Return a mapping as a scalar if it is `{{ x }}`."""
        if not opening.flow_style:
            return None
        start, end = self._find_start(opening), ending.end_mark.index + self.first
        if not (self.text.startswith("{{", start) and self.text.endswith("}}", start, end)):
            return None
        start_byte, end_byte = self.positions.to_byte(start), self.positions.to_byte(end)
        # Cut, for such mappings may stand in each other.
        value = self.text[start : min(end, start + _MAX_ACTION)]
        anchor, tag = opening.anchor, opening.tag
        return Scalar(start_byte, end_byte, value, Style.PLAIN, role, path, self.document, anchor, tag, False)

    def find_key(self, child: Any) -> str | None:
        """Return the text of a key, an event or a node, if it is a string."""
        if type(child) is ScalarEvent:
            if child.tag not in _STRING_TAGS:
                return None
            if self.text is self.original:
                return child.value
            return self._read(child, *self._span_of(child))[0]
        scalar = child.target if isinstance(child, Alias) else child
        return scalar.value if isinstance(scalar, Scalar) and scalar.is_string else None

    def _read(self, event: Any, start: int, end: int) -> tuple[str, bool]:
        """Return what a scalar means, and whether it is literal."""
        if self.text is self.original:
            return event.value, True
        style, source = STYLES[event.style], self.original[start:end]
        if source == self.text[start:end] or style in BLOCKS:
            return event.value, source == self.text[start:end]
        return source if style is Style.PLAIN else source[1:-1], False

    def _span_of(self, event: Any) -> tuple[int, int]:
        return self._find_start(event), event.end_mark.index + self.first

    def _find_start(self, event: Any) -> int:
        """Find the first character behind anchor and tag."""
        start = event.start_mark.index + self.first
        if event.anchor is None and event.tag is None:
            return int(start)
        properties = _PROPERTIES.match(self.text, start, event.end_mark.index + self.first)
        return properties.end() if properties else int(start)


def make_source(text: str, positions: Positions, *, original: str) -> Source:
    """Make the source of what comes before the first document."""
    first = 1 if text.startswith(BYTE_ORDER_MARK) else 0
    # Only an escape spells a merge key otherwise.
    return Source(text, original, positions, first, may_merge="<<" in text or "\\" in text)


class _ValuesLater(Mapping[str, "tuple[Node, ...]"]):
    """The nodes under the keys of a large mapping, of which nodes are only made when they are asked for."""

    def __init__(self, mapping: "MappingNode", numbers: Mapping[str, Sequence[int]]) -> None:
        self._mapping = mapping
        self._numbers = numbers
        self._made: dict[str, tuple[Node, ...]] = {}

    def __getitem__(self, key: str) -> "tuple[Node, ...]":
        if key not in self._made:
            self._made[key] = tuple(make_child(self._mapping, number) for number in self._numbers[key])
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, key: object) -> bool:
        return key in self._numbers


@dataclass(slots=True, eq=False)
class MappingNode:
    """A mapping; its children are its keys and values in turn, as events until nodes are made of them."""

    path: Path
    source: Source = field(repr=False)
    opening: Any = field(repr=False)
    """The event with which it begins; None when its end has been read."""
    children: list[Any] = field(repr=False)
    _values: "Mapping[str, tuple[Node, ...]] | None" = field(default=None, init=False, repr=False)

    @property
    def values(self) -> "Mapping[str, tuple[Node, ...]]":
        """The nodes under each key that is a string, in order; more than one if the key is written twice."""
        if self._values is None:
            self._values = self._make_values()
        return self._values

    def may_have(self, keys: Collection[str]) -> bool:
        """Whether one of the keys may be there; no nodes are made for this.

        True also for a key that is an alias, a collection or has an anchor. Keys with actions are not looked for.
        """
        for child in self.children[::2]:  # noqa: SIM110  (a generator takes twice as long)
            if type(child) is not ScalarEvent or child.value in keys:
                return True
        return False

    def find(self, key: str) -> "tuple[Node, ...]":
        """Return the nodes under a key; nodes are only made if it may be there."""
        return () if self._values is None and not self.may_have((key,)) else self.values.get(key, ())

    def list_collections(self) -> "Iterator[tuple[str, MappingNode | SequenceNode]]":
        """Yield the collections that stand under keys that are strings; no nodes are made for this."""
        for number in range(1, len(self.children), 2):
            child = self.children[number]
            if isinstance(child, MappingNode | SequenceNode):
                key = self.source.find_key(self.children[number - 1])
                if key is not None:
                    yield key, child

    def path_of(self, number: int) -> Path:
        """Return the path of the child of this number."""
        if number % 2 == 0:
            return self.path
        key = self.source.find_key(self.children[number - 1])
        return Path(self.path, "?" if key is None else key)

    def role_of(self, number: int) -> Role:
        return Role.VALUE if number % 2 else Role.KEY

    def _make_values(self) -> "Mapping[str, tuple[Node, ...]]":
        children, find_key = self.children, self.source.find_key
        numbers: dict[str, list[int]] = {}
        for number in range(1, len(children), 2):
            key = find_key(children[number - 1])
            if key is not None:
                numbers.setdefault(key, []).append(number)
        if len(children) > _LARGE:
            return _ValuesLater(self, numbers)
        return {key: tuple([self._make_value(number, key) for number in found]) for key, found in numbers.items()}

    def _make_value(self, number: int, key: str) -> "Node":
        """Do what `make_child` does, for a child of which the key is known."""
        child = self.children[number]
        if type(child) is ScalarEvent:
            child = self.children[number] = self.source.make_scalar(child, Path(self.path, key), Role.VALUE)
        node: Node = child
        return node


@dataclass(slots=True, eq=False)
class SequenceNode:
    """A sequence; its children are events until nodes are made of them."""

    path: Path
    source: Source = field(repr=False)
    opening: Any = field(repr=False)
    """The event with which it begins; None when its end has been read."""
    children: list[Any] = field(repr=False)
    _items: "tuple[Node, ...] | None" = field(default=None, init=False, repr=False)

    @property
    def items(self) -> "tuple[Node, ...]":
        if self._items is None:
            self._items = tuple(list_children(self))
        return self._items

    def list_collections(self) -> "Iterator[MappingNode | SequenceNode]":
        """Yield the items that are collections; no nodes are made for this."""
        yield from (child for child in self.children if isinstance(child, MappingNode | SequenceNode))

    def path_of(self, number: int) -> Path:
        """Return the path of the child of this number."""
        return Path(self.path, number)

    def role_of(self, number: int) -> Role:  # noqa: ARG002 - as in MappingNode
        return Role.ITEM


Node = Scalar | MappingNode | SequenceNode | Alias


def list_children(collection: MappingNode | SequenceNode) -> "list[Node]":
    """Make nodes of all that a collection holds, of keys too."""
    children = collection.children
    for number, child in enumerate(children):
        if type(child) is ScalarEvent:
            make_child(collection, number)
    return children


def make_child(collection: MappingNode | SequenceNode, number: int) -> "Node":
    """Make a node of the child of this number, if that is not done yet."""
    children = collection.children
    if type(children[number]) is ScalarEvent:
        path, role = collection.path_of(number), collection.role_of(number)
        children[number] = collection.source.make_scalar(children[number], path, role)
    node: Node = children[number]
    return node
