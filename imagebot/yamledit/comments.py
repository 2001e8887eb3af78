"""Comments: where they stand, and which node they stand behind or above.

The parser does not tell of them. They are what begins with `#` outside of scalars, for no other part of YAML that it
accepts may hold that character. What a comment says is for others to read.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from imagebot.yamledit.scan import Alias, Role, Scalar, Style, YamlFile

# NEL, LS and PS end a comment as they end a line in YAML 1.1.
_TO_END_OF_LINE = rb"#(?:[^\r\n\xc2\xe2]|\xc2(?!\x85)|\xe2(?!\x80[\xa8\xa9]))*"
_COMMENT = re.compile(_TO_END_OF_LINE)
_BLOCK_HEADER = re.compile(rb"[|>][0-9+-]*[ \t]*(" + _TO_END_OF_LINE + rb")")
_BLOCKS = (Style.LITERAL, Style.FOLDED)
# What may stand before a comment on its line that is about what comes below.
_LEAD_OF_LINE = re.compile(r"(?:---)?[ \t]*(?:-[ \t]+)?")


@dataclass(frozen=True, slots=True, eq=False)
class Comment:
    """A comment, from its first `#` to the end of its line.

    `behind` is the last node before it on its line, and `lead` the text between that, or the start of the line, and the
    comment.
    """

    start: int
    line: int
    text: str
    behind: Scalar | Alias | None
    lead: str

    @property
    def is_above(self) -> bool:
        """Whether it stands on a line of its own, but for a dash."""
        return self.behind is None and _LEAD_OF_LINE.fullmatch(self.lead) is not None


@dataclass(frozen=True, slots=True)
class Block:
    """Comments on lines of their own, one below the other: how many there are, and the line below them."""

    size: int
    line_below: int


def find_comments(file: YamlFile, nodes: "Nodes") -> Iterator[Comment]:
    """Yield the comments in the order of the text; a line that is masked as one is an empty comment."""
    data = _align(file)
    begin, node = 0, None
    for following in nodes.sorted:
        for match in _COMMENT.finditer(data, begin, following.start):
            yield _make_comment(file, match.span(), node, begin)
        if isinstance(following, Scalar) and following.style in _BLOCKS:
            header = _BLOCK_HEADER.match(data, following.start)
            if header:
                yield _make_comment(file, header.span(1), following, header.start(1))
        begin, node = max(begin, following.end), following
    for match in _COMMENT.finditer(data, begin):
        yield _make_comment(file, match.span(), node, begin)


def _align(file: YamlFile) -> bytes:
    """Return the text that was parsed with each character at the bytes where it stands in the file."""
    if file.blank is None:
        return file.data
    if file.data.isascii():
        return file.text.encode()
    pairs = zip(file.data.decode(), file.text, strict=True)
    return b"".join(mask.encode() * (1 if char == mask else len(char.encode())) for char, mask in pairs)


def _make_comment(file: YamlFile, span: tuple[int, int], node: Scalar | Alias | None, begin: int) -> Comment:
    start, end = span
    line = file.positions.to_line(start)
    line_start = file.positions.line_starts[line - 1]
    behind = node if node is not None and node.end > line_start else None
    text, lead = file.data[start:end].decode(), file.data[max(begin, line_start) : start].decode()
    return Comment(start, line, text if text.startswith("#") else "#", behind, lead)


def find_blocks(comments: Sequence[Comment]) -> dict[Comment, Block]:
    """Find for each comment on a line of its own with which others it stands."""
    blocks: dict[Comment, Block] = {}
    members: list[Comment] = []
    for comment in comments:
        if not comment.is_above:
            continue
        if members and (comment.line != members[-1].line + 1 or comment.lead.strip()):
            blocks.update(_make_block(members))
            members = []
        members.append(comment)
    blocks.update(_make_block(members))
    return blocks


def _make_block(members: Sequence[Comment]) -> dict[Comment, Block]:
    return dict.fromkeys(members, Block(len(members), members[-1].line + 1)) if members else {}


class Nodes:
    """The nodes of a file but the collections, in the order of the text."""

    def __init__(self, file: YamlFile) -> None:
        self.sorted: Sequence[Scalar | Alias] = sorted((*file.scalars, *file.aliases), key=lambda node: node.start)
        self._starts = [node.start for node in self.sorted]
        self._line_starts = file.positions.line_starts

    def find_values(self, line: int) -> tuple[Scalar | Alias, ...]:
        """Return the first two nodes on a line that are no keys."""
        return tuple(islice((node for node in self._list_nodes(line) if node.role is not Role.KEY), 2))

    def find_value_of(self, key: Scalar | Alias) -> Scalar | Alias | None:
        """Return the value of a key, if it is no collection: only then is the next node a value."""
        number = bisect_right(self._starts, key.start)
        is_value = number < len(self.sorted) and self.sorted[number].role is Role.VALUE
        return self.sorted[number] if is_value else None

    def _list_nodes(self, line: int) -> Iterator[Scalar | Alias]:
        if line > len(self._line_starts):
            return
        begin, *ends = (bisect_left(self._starts, start) for start in self._line_starts[line - 1 : line + 1])
        for number in range(begin, ends[0] if ends else len(self.sorted)):
            yield self.sorted[number]
