"""Where in a file a byte, a character, a line and a column are the same place.

Parsers count characters, git and edits count bytes, people count lines and columns. They meet only here.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

BYTE_ORDER_MARK = "\ufeff"

_WIDE = re.compile(r"[^\x00-\x7f]")
# What git and editors call a line: YAML 1.1's NEL, LS and PS are characters like any other.
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class _Wide:
    """The characters of a text that take more than one byte in UTF-8.

    `extra_bytes[n]` is by how many bytes the first n of them exceed one byte each.
    """

    chars: Sequence[int] = ()
    bytes: Sequence[int] = ()
    extra_bytes: Sequence[int] = (0,)


@dataclass(frozen=True)
class Positions:
    """The lines of one text, and its wide characters; both are looked for when they are first needed.

    Of most files no place is ever asked for.
    """

    text: str = field(repr=False)
    data: bytes = field(repr=False)

    def to_byte(self, char: int) -> int:
        """Return the offset of the byte with which the character begins."""
        wide = self._wide
        return char + wide.extra_bytes[bisect_left(wide.chars, char)]

    def to_line_and_column(self, byte: int) -> tuple[int, int]:
        """Return line and column as editors show them: from 1, in characters, a byte order mark not counted."""
        line = max(1, bisect_right(self.line_starts, byte))
        column = self.to_char(byte) - self.to_char(self.line_starts[line - 1]) + 1
        return line, max(1, column)

    def to_line(self, byte: int) -> int:
        return self.to_line_and_column(byte)[0]

    @cached_property
    def line_starts(self) -> Sequence[int]:
        first = len(BYTE_ORDER_MARK.encode()) if self.text.startswith(BYTE_ORDER_MARK) else 0
        lines = self.data.splitlines(keepends=True)
        if lines and not lines[-1].endswith((b"\n", b"\r")):
            lines.pop()
        return [first, *accumulate(map(len, lines))]

    @cached_property
    def _wide(self) -> _Wide:
        if self.text.isascii():
            return _Wide()
        chars: list[int] = []
        starts: list[int] = []
        extra_bytes = [0]
        for match in _WIDE.finditer(self.text):
            chars.append(match.start())
            starts.append(match.start() + extra_bytes[-1])
            extra_bytes.append(extra_bytes[-1] + len(match.group().encode()) - 1)
        return _Wide(chars, starts, extra_bytes)

    def to_char(self, byte: int) -> int:
        """Return the number of the character that begins with the byte."""
        wide = self._wide
        return byte - wide.extra_bytes[bisect_left(wide.bytes, byte)]


def make_positions(text: str, data: bytes) -> Positions:
    """Index a text and the same text in UTF-8."""
    return Positions(text, data)


def count_line_ends(data: bytes) -> int:
    return sum(1 for _ in _LINE_END.finditer(data))
