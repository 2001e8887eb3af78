"""Reading a YAML file: its scalars, each with the bytes it occupies, and the mappings they stand in.

Only libyaml's events are used: its composer fails on re-used anchors and dies on deep nesting, and other parsers lack
exact marks or cannot read `{image: nginx:1.2}`. Three things in the events are corrected: a leading byte order mark is
not counted, a scalar's mark includes its anchor and tag, and marks count characters. What a scalar means is left to
others.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import yaml

from imagebot.errors import InvalidInput
from imagebot.yamledit.positions import BYTE_ORDER_MARK, Positions, make_positions

if not getattr(yaml, "__with_libyaml__", False):
    raise ImportError("imagebot needs PyYAML built with libyaml (yaml.CSafeLoader); the PyYAML installed here is not")

MAX_BYTES = 5_000_000
# libyaml takes time quadratic in the depth of flow collections.
MAX_DEPTH = 200
# A file within MAX_BYTES can hold millions of empty scalars; this bounds memory at some hundreds of megabytes.
MAX_EVENTS = 300_000

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BREAK = re.compile(r"[\r\n\x85\u2028\u2029]")
# The anchor and tag before a scalar's text, with the blanks, line ends and comments after each. A verbatim tag comes
# first, for it may hold what ends another. libyaml ends an anchor at any other character, even without a blank.
_PROPERTIES = re.compile(r"(?:(?:!<[^>]*>|![^\s]*|&[0-9A-Za-z_-]+)(?:(?:\s+(?:#[^\r\n]*)?)+|\Z))*")
_STRING_TAGS = frozenset([None, "!", "tag:yaml.org,2002:str"])


class NotYaml(InvalidInput):
    """A file is no YAML, or none that imagebot reads; line and column count from 1."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason


class Style(Enum):
    """How a scalar is written."""

    PLAIN = ""
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"


# Looking a style up takes a fifth of the time that `Style(text)` does, and every scalar needs one.
_STYLES = {style.value: style for style in Style}


class Role(Enum):
    """What a node is to the collection it stands in."""

    ROOT = "root"
    KEY = "key"
    VALUE = "value"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
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
    return key if re.fullmatch(r"[\w$/-]+", key) else json.dumps(key, ensure_ascii=False)


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A scalar: the bytes of its text without anchor and tag, and what the text means.

    The path of a key is that of its mapping.
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

    @property
    def is_string(self) -> bool:
        """Whether no explicit tag makes something else of the text."""
        return self.tag in _STRING_TAGS


@dataclass(frozen=True, slots=True, eq=False)
class MappingNode:
    """A mapping: the nodes under each key that is a string, in order; more than one if the key is written twice."""

    path: Path
    values: Mapping[str, tuple["Node", ...]]


@dataclass(frozen=True, slots=True, eq=False)
class SequenceNode:
    path: Path
    items: tuple["Node", ...]


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
    target: Scalar | MappingNode | SequenceNode | None


Node = Scalar | MappingNode | SequenceNode | Alias


@dataclass(frozen=True, slots=True)
class YamlFile:
    """What a file holds: scalars and aliases in the order of the text, mappings in the order in which they end."""

    data: bytes
    text: str
    positions: Positions
    scalars: tuple[Scalar, ...]
    aliases: tuple[Alias, ...]
    mappings: tuple[MappingNode, ...]

    def is_on_one_line(self, scalar: Scalar) -> bool:
        """Whether the text is plain or quoted and holds no line end, not even one that only YAML 1.1 knows."""
        if scalar.style in (Style.LITERAL, Style.FOLDED):
            return False
        return not _BREAK.search(self.data[scalar.start : scalar.end].decode())


def scan(data: bytes) -> YamlFile:
    """Read a file of any number of documents.

    Raises NotYaml, also for what is too large, nested too deep, or not UTF-8.
    """
    text = _decode(data)
    positions = make_positions(text, data)
    reader = _Reader(text, positions)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            reader.take(event)
    except yaml.reader.ReaderError as error:
        # The only libyaml error that counts bytes, a byte order mark included.
        raise NotYaml(*positions.to_line_and_column(error.position), error.reason) from error
    except yaml.MarkedYAMLError as error:
        char = error.problem_mark.index + reader.first if error.problem_mark else 0
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise NotYaml(*positions.to_line_and_column(positions.to_byte(char)), reason) from error
    return YamlFile(data, text, positions, tuple(reader.scalars), tuple(reader.aliases), tuple(reader.mappings))


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise NotYaml(1, 1, f"the file has {len(data)} bytes, the most that imagebot reads is {MAX_BYTES}")
    if data.startswith(_UTF_16_MARKS):
        raise NotYaml(1, 1, "the file is UTF-16, imagebot reads UTF-8")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        read = data[: error.start]
        line_and_column = make_positions(read.decode(), read).to_line_and_column(len(read))
        raise NotYaml(*line_and_column, f"the byte 0x{data[error.start]:02x} is not UTF-8") from error
    nul = data.find(b"\0")
    if nul >= 0:
        line_and_column = make_positions(text, data).to_line_and_column(nul)
        raise NotYaml(*line_and_column, "there is a NUL byte: the file is binary, or UTF-16 without a mark")
    return text


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read; the children of a mapping are its keys and values in turn."""

    path: Path
    anchor: str | None
    is_mapping: bool
    children: list[Node] = field(default_factory=list)

    def next_place(self) -> tuple[Path, Role]:
        if not self.is_mapping:
            return Path(self.path, len(self.children)), Role.ITEM
        if len(self.children) % 2 == 0:
            return self.path, Role.KEY
        key = _find_key(self.children[-1])
        return Path(self.path, "?" if key is None else key), Role.VALUE


def _find_key(node: Node) -> str | None:
    scalar = node.target if isinstance(node, Alias) else node
    return scalar.value if isinstance(scalar, Scalar) and scalar.is_string else None


class _Reader:
    """Makes nodes of the events of one file.

    Events are Any because PyYAML's types make every mark optional, and libyaml sets them all.
    """

    def __init__(self, text: str, positions: Positions) -> None:
        self.scalars: list[Scalar] = []
        self.aliases: list[Alias] = []
        self.mappings: list[MappingNode] = []
        # The character that libyaml counts as the first.
        self.first = 1 if text.startswith(BYTE_ORDER_MARK) else 0
        self._text = text
        self._positions = positions
        self._events = 0
        self._document = -1
        self._open: list[_Open] = []
        self._anchors: dict[str, Scalar | MappingNode | SequenceNode | _Open] = {}

    def take(self, event: Any) -> None:
        self._events += 1
        if self._events > MAX_EVENTS:
            raise self._refuse(event, f"the file has more than {MAX_EVENTS} nodes, the most that imagebot reads")
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open_collection(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close_collection()
        elif isinstance(event, yaml.AliasEvent):
            self._take_alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document += 1
            self._anchors.clear()

    def _take_scalar(self, event: Any) -> None:
        path, role = self._next_place()
        start, end = event.start_mark.index + self.first, event.end_mark.index + self.first
        if event.anchor is not None or event.tag is not None:
            properties = _PROPERTIES.match(self._text, start, end)
            start = properties.end() if properties else start
        to_byte, style = self._positions.to_byte, _STYLES[event.style]
        scalar = Scalar(
            to_byte(start), to_byte(end), event.value, style, role, path, self._document, event.anchor, event.tag
        )
        self.scalars.append(scalar)
        if event.anchor is not None:
            self._anchors[event.anchor] = scalar
        self._add(scalar)

    def _take_alias(self, event: Any) -> None:
        path, role = self._next_place()
        to_byte = self._positions.to_byte
        start, end = to_byte(event.start_mark.index + self.first), to_byte(event.end_mark.index + self.first)
        target = self._anchors.get(event.anchor)
        target = None if isinstance(target, _Open) else target
        alias = Alias(start, end, event.anchor, role, path, self._document, target)
        self.aliases.append(alias)
        self._add(alias)

    def _open_collection(self, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self._refuse(event, f"nested more than {MAX_DEPTH} deep, the most that imagebot reads")
        path, _ = self._next_place()
        collection = _Open(path, event.anchor, isinstance(event, yaml.MappingStartEvent))
        self._open.append(collection)
        if event.anchor is not None:
            self._anchors[event.anchor] = collection

    def _close_collection(self) -> None:
        closed = self._open.pop()
        node: MappingNode | SequenceNode
        if closed.is_mapping:
            node = _make_mapping(closed)
            self.mappings.append(node)
        else:
            node = SequenceNode(closed.path, tuple(closed.children))
        if closed.anchor is not None and self._anchors.get(closed.anchor) is closed:
            self._anchors[closed.anchor] = node
        self._add(node)

    def _next_place(self) -> tuple[Path, Role]:
        return self._open[-1].next_place() if self._open else (Path(), Role.ROOT)

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1].children.append(node)

    def _refuse(self, event: Any, reason: str) -> NotYaml:
        byte = self._positions.to_byte(event.start_mark.index + self.first)
        return NotYaml(*self._positions.to_line_and_column(byte), reason)


def _make_mapping(closed: _Open) -> MappingNode:
    values: dict[str, list[Node]] = {}
    for key_node, value in zip(closed.children[::2], closed.children[1::2], strict=True):
        key = _find_key(key_node)
        if key is not None:
            values.setdefault(key, []).append(value)
    return MappingNode(closed.path, {key: tuple(nodes) for key, nodes in values.items()})
