"""How a scalar on one line is written: from its bytes to its text, and from a new text to bytes."""

import re

from imagebot.yamledit.quoting import is_plain_integer, needs_quotes
from imagebot.yamledit.scan import Style

# References, tags and digests consist of these: nothing that any style of scalar would have to escape.
_WRITABLE = re.compile(r"[A-Za-z0-9_./:@+\[\]-]+")

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def find_value(source: str, style: Style) -> str | None:
    """Return the text that a scalar's source on one line stands for; None if it is no such scalar.

    Not the parser's code on purpose: it proves that a span holds the whole scalar and nothing else.
    """
    if style is Style.PLAIN:
        return source
    if len(source) < 2 or source[0] != style.value or source[-1] != style.value:
        return None
    inner = source[1:-1]
    if style is Style.SINGLE:
        return None if "'" in inner.replace("''", "") else inner.replace("''", "'")
    return _unescape(inner) if style is Style.DOUBLE else None


def _unescape(inner: str) -> str | None:
    rest = _ESCAPE.sub("", inner)
    if '"' in rest or "\\" in rest:
        return None
    try:
        return _ESCAPE.sub(_unescape_one, inner)
    except (KeyError, ValueError, OverflowError):
        return None


def _unescape_one(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    return chr(int(code, 16)) if code else _ESCAPED[match[4]]


def find_spelling(text: str, *, old: str, style: Style, quote: str) -> str | None:
    """Return how the text is written in place of the old one, or None if it holds what no reference does.

    Quotes stay; a plain text gets the given ones if it would be read as other than a string. An integer in place of
    a plain integer gets none: a file that says `tag: 31` wants `tag: 32`.
    """
    if not _WRITABLE.fullmatch(text):
        return None
    if style is not Style.PLAIN:
        return f"{style.value}{text}{style.value}"
    stays_integer = is_plain_integer(old) and is_plain_integer(text)
    return f"{quote}{text}{quote}" if needs_quotes(text) and not stays_integer else text
