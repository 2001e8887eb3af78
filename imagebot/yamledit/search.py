"""Searching the bytes of a file for what places are made of, before the file is parsed and without.

Each way of finding places says what it needs: texts that stand in every file in which it finds anything. It is not
tried where they are missing, so a file in which no need is met names nothing, whatever else a parser would read in it.
"""

import re
from collections.abc import Collection, Iterable
from functools import cached_property

import re2

Need = tuple[bytes, ...]
"""Texts that stand in a file together, in any case; the first is the rarest of them."""

# In double quotes, escapes spell any character, and one at the end of a line joins two halves of a word.
_ESCAPE = re.compile(rb"\\[xuU]|[^ \t\r\n]\\(?:[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9])")
_MAYBE_ESCAPE = r"\\[xuU\r\n\x{85}\x{2028}\x{2029}]"


def make_need(*words: str) -> Need:
    """Make a need of texts without what JSON escapes: no other escape but those above stands for a character of it."""
    return tuple(word.lower().encode() for word in words)


class Search:
    """What the bytes of one file can hold."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def meets(self, needs: Iterable[Need]) -> bool:
        """Whether one of the needs is met; true also where escapes may hide what is needed."""
        lower = self._lower
        return any(all(word in lower for word in need) for need in needs) or self._is_escaped

    @cached_property
    def _lower(self) -> bytes:
        return self._data.lower()

    @cached_property
    def _is_escaped(self) -> bool:
        return b"\\" in self._data and _ESCAPE.search(self._data) is not None


class Sieve:
    """Many needs together, for files of which most meet none: what a file may not lack is looked for in one pass."""

    def __init__(self, needs: Collection[Need]) -> None:
        self._needs = needs
        # RE2 reads no bytes but as UTF-8; all that is looked for is in ASCII, but for line ends that are in no other.
        first = sorted({re.escape(need[0].decode()) for need in needs})
        self._first = re2.compile(f"(?i){'|'.join([*first, _MAYBE_ESCAPE])}".encode())

    def lets_through(self, data: bytes) -> bool:
        """Whether one of the needs is met, or escapes may hide it."""
        return self._first.search(data) is not None and Search(data).meets(self._needs)
