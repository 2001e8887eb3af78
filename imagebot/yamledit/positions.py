"""Where in a file a byte, a character, a line and a column are the same place.

Parsers count characters, git and edits count bytes, people count lines and columns. They meet only here.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

BYTE_ORDER_MARK = "\ufeff"

_WIDE = re.compile(r"[^\x00-\x7f]")
# What git and editors call a line: YAML 1.1's NEL, LS and PS are characters like any other.
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Positions:
    """The lines of one text, and its characters that take more than one byte in UTF-8.

    `extra_bytes[n]` is by how many bytes the first n of the wide characters exceed one byte each.
    """

    line_starts: Sequence[int]
    wide_chars: Sequence[int]
    wide_bytes: Sequence[int]
    extra_bytes: Sequence[int]

    def to_byte(self, char: int) -> int:
        """Return the offset of the byte with which the character begins."""
        return char + self.extra_bytes[bisect_left(self.wide_chars, char)]

    def to_line_and_column(self, byte: int) -> tuple[int, int]:
        """Return line and column as editors show them: from 1, in characters, a byte order mark not counted."""
        line = max(1, bisect_right(self.line_starts, byte))
        column = self._to_char(byte) - self._to_char(self.line_starts[line - 1]) + 1
        return line, max(1, column)

    def to_line(self, byte: int) -> int:
        return self.to_line_and_column(byte)[0]

    def _to_char(self, byte: int) -> int:
        return byte - self.extra_bytes[bisect_left(self.wide_bytes, byte)]


def make_positions(text: str, data: bytes) -> Positions:
    """Index a text and the same text in UTF-8."""
    first = len(BYTE_ORDER_MARK.encode()) if text.startswith(BYTE_ORDER_MARK) else 0
    line_starts = [first, *(match.end() for match in _LINE_END.finditer(data))]
    if text.isascii():
        return Positions(line_starts, (), (), (0,))
    wide_chars: list[int] = []
    wide_bytes: list[int] = []
    extra_bytes = [0]
    for match in _WIDE.finditer(text):
        wide_chars.append(match.start())
        wide_bytes.append(match.start() + extra_bytes[-1])
        extra_bytes.append(extra_bytes[-1] + len(match.group().encode()) - 1)
    return Positions(line_starts, wide_chars, wide_bytes, extra_bytes)


def count_line_ends(data: bytes) -> int:
    return sum(1 for _ in _LINE_END.finditer(data))
