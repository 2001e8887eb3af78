"""Versions in the dialect of npm, which is that of node-semver 7; ranges of them are in `npm_range`.

    version = ["v"] number "." number "." number ["-" prerelease] ["+" build]       ; blanks around it do not count

Numbers are below 2^53, and a text has at most 256 characters. Loose, numbers and identifiers may begin with zeros, any
number of `v`, `=` and blanks may stand before, and the hyphen may be missing: `1.2.3beta` is `1.2.3-beta`. What
surprises people, and is so because it is so there:

- Loose, there is no fourth number: it begins a prerelease, together with the last digit of a third number that can
  spare one. `2024.01.31.1` is `2024.1.3-1.1`, and `1.2.3.4` is no version.
- Loose, a hyphen with nothing behind it is a prerelease itself: `1.2.3-`.

One difference is deliberate. Numeric identifiers of a prerelease are compared exactly; there they are floating point
numbers from 2^53 - 1 on, so that different ones are equal and make all that follows them equal. That is no order.
"""

import math
import re
from dataclasses import dataclass

from imagebot.policy.version import RELEASE_KEY, Version, make_prerelease_key

_MAX_CHARACTERS = 256
_MAX_NUMBER = 2**53 - 1

# White space and line ends of ECMAScript, which are not those of Python.
BLANKS = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


@dataclass(frozen=True, slots=True)
class Syntax:
    """Patterns of what versions consist of; `prerelease` includes its hyphen, and has a group for the rest."""

    number: str
    patch: str
    prerelease: str


# Repeats are possessive wherever one could give back more than a character: matching is linear in the text. The limits
# on the length of each part are seen where a range passes a part over, and where one that is too long is skipped.
_WORD_IDENTIFIER = r"[0-9]{0,256}+[A-Za-z-][0-9A-Za-z-]{0,250}+"
_STRICT_NUMBER = r"(?:0|[1-9][0-9]{0,256}+)"
_STRICT_IDENTIFIER = rf"(?:{_WORD_IDENTIFIER}|{_STRICT_NUMBER})"
_LOOSE_NUMBER = r"[0-9]{1,256}+"
_LOOSE_IDENTIFIER = rf"(?:{_WORD_IDENTIFIER}|{_LOOSE_NUMBER})"

STRICT = Syntax(
    number=_STRICT_NUMBER,
    patch=_STRICT_NUMBER,
    prerelease=rf"-({_STRICT_IDENTIFIER}(?:\.{_STRICT_IDENTIFIER})*+)",
)
LOOSE = Syntax(
    number=_LOOSE_NUMBER,
    patch=rf"(?:{_LOOSE_NUMBER}(?!\.)|[0-9]{{1,256}}(?=[0-9]\.))",
    prerelease=rf"(?:-(?=[0-9A-Za-z-]))?+({_LOOSE_IDENTIFIER}(?:\.{_LOOSE_IDENTIFIER})*+)",
)
BUILD = r"\+[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+"


def _compile_version(before: str, syntax: Syntax) -> re.Pattern[str]:
    numbers = rf"({syntax.number})\.({syntax.number})\.({syntax.patch})"
    return re.compile(rf"{before}{numbers}(?:{syntax.prerelease})?+(?:{BUILD})?+")


_STRICT_VERSION = _compile_version("v?+", STRICT)
_LOOSE_VERSION = _compile_version(f"[v={BLANKS}]*+", LOOSE)


def find_npm_version(text: str, *, is_loose: bool = False) -> Version | None:
    """Read the text as a version, or find that it is none; what is one when not loose is the same when loose."""
    if len(text) > _MAX_CHARACTERS:
        return None
    match = (_LOOSE_VERSION if is_loose else _STRICT_VERSION).fullmatch(text.strip(BLANKS))
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    numbers = int(major), int(minor), int(patch)
    if max(numbers) > _MAX_NUMBER:
        return None
    key = make_prerelease_key(prerelease, max_number=math.inf) if prerelease else RELEASE_KEY
    return Version(text, (*numbers, key), prerelease or "")
