"""Reading a YAML file: its scalars, each with the bytes it occupies, and the mappings they stand in.

Only libyaml's events are used: its composer fails on re-used anchors and dies on deep nesting, and other parsers lack
exact marks or cannot read `{image: nginx:1.2}`. Three things in the events are corrected: a leading byte order mark is
not counted, a scalar's mark includes its anchor and tag, and marks count characters. A template that is no YAML is read
with its actions masked. What a scalar means is left to others.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import yaml

from imagebot.yamledit.merges import Merges, list_merges
from imagebot.yamledit.nodes import BLOCKS, Alias, MappingNode, Node, Path, Role, Scalar, SequenceNode, Style
from imagebot.yamledit.positions import Positions, make_positions
from imagebot.yamledit.reader import MAX_DEPTH, MAX_EVENTS, NotYaml, Reader
from imagebot.yamledit.search import Search
from imagebot.yamledit.template import BLANKS, find_actions, goes_on, mask
from imagebot.yamledit.tree import Kind, list_by_kind

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_EVENTS",
    "Alias",
    "MappingNode",
    "Node",
    "NotYaml",
    "Path",
    "Role",
    "Scalar",
    "SequenceNode",
    "Style",
    "YamlFile",
    "scan",
]

if not getattr(yaml, "__with_libyaml__", False):
    raise ImportError("imagebot needs PyYAML built with libyaml (yaml.CSafeLoader); the PyYAML installed here is not")

MAX_BYTES = 5_000_000

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BREAK = re.compile(r"[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True)
class YamlFile:
    """What a file holds: scalars and aliases in the order of the text, mappings in the order in which they end.

    `roots` are the nodes of its documents, in order. The text is what was parsed: that of the data, or with its actions
    masked, then `blank` is what stands for lines of actions alone. `{{ x }}` that YAML reads as two mappings is to the
    nodes around it a plain scalar, not literal, which is not among the scalars. These are made when they are asked for,
    which few do: the tree holds them too.
    """

    data: bytes
    text: str
    blank: str | None
    positions: Positions
    _tree: Reader = field(repr=False)
    # One answer for each scalar, however many aliases ask.
    _one_line: dict[Scalar, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def roots(self) -> tuple[Node, ...]:
        return tuple(self._tree.roots)

    @cached_property
    def mappings(self) -> tuple[MappingNode, ...]:
        return tuple(self._tree.mappings)

    @cached_property
    def merges(self) -> Merges:
        """The mappings that have merge keys, each with what these bring."""
        return list_merges(self.mappings)

    @cached_property
    def by_kind(self) -> Mapping[Kind, Sequence[MappingNode]]:
        """The mappings by the innermost object that they stand in."""
        return list_by_kind(self.roots)

    @property
    def aliases(self) -> tuple[Alias, ...]:
        return tuple(self._tree.aliases)

    @cached_property
    def scalars(self) -> tuple[Scalar, ...]:
        return tuple(self._tree.list_scalars())

    @cached_property
    def search(self) -> Search:
        return Search(self.data)

    @cached_property
    def styles(self) -> frozenset[Style]:
        """The styles of all scalars."""
        return frozenset(self._tree.list_styles())

    def find_scalars(self, ends: Collection[int]) -> Mapping[int, Scalar]:
        """Find the scalars that end at one of the bytes, and all literal blocks, by their numbers from 0."""
        return dict(self._tree.find_scalars(ends))

    def is_on_one_line(self, scalar: Scalar) -> bool:
        """Whether the text is plain or quoted and holds no line end, not even one that only YAML 1.1 knows."""
        if scalar.style in BLOCKS:
            return False
        if scalar not in self._one_line:
            self._one_line[scalar] = not _BREAK.search(self.source_of(scalar))
        return self._one_line[scalar]

    def source_of(self, scalar: Scalar) -> str:
        """Return the text of the scalar as it is written."""
        return self.data[scalar.start : scalar.end].decode()

    def goes_on(self, scalar: Scalar) -> bool:
        """Whether a template may write more right behind the scalar."""
        if self.blank is None or scalar.style is not Style.PLAIN:
            return False
        return goes_on(self._original, self.positions.to_char(scalar.end), self._actions)

    @cached_property
    def _original(self) -> str:
        return self.data.decode()

    @cached_property
    def _actions(self) -> Mapping[int, int]:
        return dict(find_actions(self._original) or ())

    def mask(self, text: str) -> str:
        """Return another text, or a part of this one, as it would be parsed in the place of this."""
        masked = None if self.blank is None else mask(text, blank=self.blank)
        return text if masked is None else masked


def scan(data: bytes) -> YamlFile:
    """Read a file of any number of documents, as it is or, if it is no YAML but a template, with its actions masked.

    Raises NotYaml, also for what is too large, nested too deep, or not UTF-8.
    """
    text = _decode(data)
    positions = make_positions(text, data)
    try:
        return _parse(text, data, positions)
    except NotYaml:
        file = _parse_masked(text, data, positions)
        if file is None:
            raise
        return file


def _parse_masked(text: str, data: bytes, positions: Positions) -> YamlFile | None:
    for blank in BLANKS:
        masked = mask(text, blank=blank)
        if masked is None:
            return None
        with suppress(NotYaml):
            return _parse(masked, data, positions, original=text, blank=blank)
    return None


def _parse(text: str, data: bytes, positions: Positions, *, original: str = "", blank: str | None = None) -> YamlFile:
    reader = Reader(text, positions, original=original or text)
    reader.read()
    return YamlFile(data, text, blank, positions, reader)


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
