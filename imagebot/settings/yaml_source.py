"""Reads one YAML document into plain data, with the position of every key and value.

The events come from libyaml; the values are read as YAML 1.2's core schema has them (`on`, `no`, `1:30` and dates are
texts, whatever YAML 1.1 says), and mappings have unique keys, which are always texts. Tags other than `!!str` and merge
keys are not part of that schema. The text is untrusted: its size, its depth and the number of its values, with
aliases counted as often as they are used, are bounded. What the data means is for section.py.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import yaml

from imagebot.settings.fault import Fault, FaultyFile, Path, format_path, quote

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_VALUES = 50_000

Data = str | int | float | bool | None | tuple["Data", ...] | dict[str, "Data"]

_ONE_DOCUMENT = "one YAML 1.2 document"
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|(false|False|FALSE)")
# Integers beyond 15 digits are read as floats: no setting has them, and Python refuses to convert very long ones.
_INT = re.compile(r"[-+]?[0-9]{1,15}|0o[0-7]{1,15}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A position for people: line and column count from 1, in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its position; `text` is a scalar as it was written, `keys` says where each key of a mapping is.

    `text_line` is the line on which the text of a scalar begins: that of a block begins below its mark.
    """

    mark: Mark
    value: Data
    text: str = ""
    text_line: int = 0
    children: Mapping[str | int, "Node"] = field(default_factory=dict)
    keys: Mapping[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A document, and the faults that did not keep it from being read: keys given twice and tags."""

    file: str
    root: Node
    faults: tuple[Fault, ...]


def read_document(data: bytes, *, file: str) -> Document:
    """Read one document; `file` is what faults call it.

    Of a key that stands twice the first is kept. Raises FaultyFile with one fault if this is not one YAML document
    within the limits.
    """
    if len(data) > MAX_BYTES:
        raise FaultyFile([Fault(file, 1, 1, "", f"{len(data)} bytes", f"a file of at most {MAX_BYTES} bytes")])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        raise FaultyFile([Fault(file, line, column, "", "a byte that is not UTF-8", "a text in UTF-8")]) from None
    # libyaml does not count a byte order mark in its positions, so it goes first.
    composer = _Composer(text.removeprefix("\ufeff"), file)
    return composer.compose_document()


class _Composer:
    """Makes nodes of libyaml's events; the state of one reading."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._line_starts = [0, *(line_break.end() for line_break in _LINE_BREAK.finditer(text))]
        self._events: Iterator[yaml.Event] = iter(())
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._values = 0
        self._faults: list[Fault] = []

    def compose_document(self) -> Document:
        try:
            self._events = yaml.parse(self._text, Loader=yaml.CSafeLoader)
            root = self._compose_root()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._stop(mark.index if mark else 0, f"no YAML ({error.problem or error.context})") from None
        except yaml.reader.ReaderError as error:
            # This position alone counts bytes.
            index = len(self._text.encode()[: error.position].decode())
            raise self._stop(index, f"the character U+{ord(self._text[index]):04X}") from None
        return Document(self._file, root, tuple(self._faults))

    def _compose_root(self) -> Node:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return Node(Mark(1, 1), None)
        root = self._compose(next(self._events), path=())
        next(self._events)  # the document's end
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._stop(_start_of(event), "a second document")
        return root

    def _compose(self, event: yaml.Event, *, path: Path) -> Node:
        start = _start_of(event)
        if isinstance(event, yaml.AliasEvent):
            return self._use_alias(event.anchor, start, path)
        values_before = self._values
        self._count(1, start)
        if len(path) > MAX_DEPTH:
            raise self._stop(start, "deeper nesting", f"at most {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            node = self._compose_mapping(start, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._compose_sequence(start, path)
        else:
            assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - no other event begins a value
            mark = self._mark(start)
            node = Node(mark, _read_scalar(event), event.value, mark.line + (event.style in ("|", ">")))
        if event.tag not in _TEXT_TAGS:
            self._add_fault(start, f"the tag {quote(event.tag)}", "a value without a tag", path)
        if event.anchor is not None:
            self._anchors[event.anchor] = node, self._values - values_before
        return node

    def _use_alias(self, anchor: str | None, start: int, path: Path) -> Node:
        if anchor is None or anchor not in self._anchors:
            raise self._stop(start, f"the alias {quote(f'*{anchor}')}", "an alias of an anchor above it", path)
        node, values = self._anchors[anchor]
        self._count(values, start)
        return replace(node, mark=self._mark(start))

    def _compose_mapping(self, start: int, path: Path) -> Node:
        children: dict[str | int, Node] = {}
        keys: dict[str, Mark] = {}
        for event in self._events_until(yaml.MappingEndEvent):
            key_start = _start_of(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stop(key_start, "a key that is no scalar", "a text as key", path)
            key = event.value
            child = self._compose(next(self._events), path=(*path, key))
            if key in keys:
                first = keys[key].line
                self._add_fault(key_start, f"the key a second time, after line {first}", "each key once", (*path, key))
                continue
            children[key] = child
            keys[key] = self._mark(key_start)
        value = {key: children[key].value for key in keys}
        return Node(self._mark(start), value, children=children, keys=keys)

    def _compose_sequence(self, start: int, path: Path) -> Node:
        children: dict[str | int, Node] = {}
        for index, event in enumerate(self._events_until(yaml.SequenceEndEvent)):
            children[index] = self._compose(event, path=(*path, index))
        value = tuple(child.value for child in children.values())
        return Node(self._mark(start), value, children=children)

    def _events_until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _count(self, values: int, start: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise self._stop(start, "more values", f"at most {MAX_VALUES} values, those of aliases included")

    def _mark(self, index: int) -> Mark:
        # libyaml's own lines also count U+0085, U+2028 and U+2029, which no editor shows as a new line.
        line = bisect_right(self._line_starts, index)
        return Mark(line, index - self._line_starts[line - 1] + 1)

    def _make_fault(self, index: int, found: str, accepted: str, path: Path) -> Fault:
        mark = self._mark(index)
        return Fault(self._file, mark.line, mark.column, format_path(path), found, accepted)

    def _add_fault(self, index: int, found: str, accepted: str, path: Path) -> None:
        self._faults.append(self._make_fault(index, found, accepted, path))

    def _stop(self, index: int, found: str, accepted: str = _ONE_DOCUMENT, path: Path = ()) -> FaultyFile:
        return FaultyFile([self._make_fault(index, found, accepted, path)])


def _start_of(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _read_scalar(event: yaml.ScalarEvent) -> Data:
    """Read a scalar by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema)."""
    text = event.value
    if event.tag is not None or not event.implicit[0]:  # tagged, in quotes, or a block
        return text
    if _NULL.fullmatch(text):
        return None
    if match := _BOOL.fullmatch(text):
        return match[1] is None
    if _INT.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".i", "i").replace(".n", "n"))
    return text
