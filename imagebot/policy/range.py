"""Ranges of versions in the dialect of Masterminds/semver 3.5, which Helm, Flux and Argo CD use.

    range      = group *("||" group)                            ; a version has to satisfy one of at most 32 groups
    group      = comparator *(("," / blank) comparator)         ; and in it all comparators
    comparator = [operator] partial / partial blank "-" blank partial
    operator   = "=" "!=" ">" "<" ">=" "=>" "<=" "=<" "~" "~>" "^"
    partial    = a version, of which the last numbers may be left out or be x, X or *

A range accepts, refuses and admits exactly what `NewConstraint` and `Check` do there, without a known difference; the
limits (512 characters, 32 groups) are theirs as well. What surprises people, and is so because it is so elsewhere:

- A prerelease anywhere in a group lets prereleases of all versions into that group; a group without one admits none.
  `-0` is the lowest prerelease: `^1.2-0` is `^1.2` with prereleases, and `>=1.0.0-0 <2` admits 2.0.0-rc.1.
- `~0.0.0` admits everything, `^*` only 0.0.0, `>*` all but 0.0.0, `<=*` only 0.0.x. `1.x.3` is `1.x`.
- `!=4.1` excludes the releases 4.1.x but, in a group with prereleases, not theirs; `!=4.1-rc` only the 4.1.x-rc.
- `1.2 - 2` is rewritten as text, with the blanks around it, to `>= 1.2, <= 2 ` before anything else is read. Hence it
  may be one of several comparators but needs a comma before it; and `1||2 - 3` is `>=1 || 2, <=3`, because the
  characters of a number include `|`, which does no harm but there and after a wildcard: `1.x.|` is `1.x`.
"""

import enum
import math
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from imagebot.errors import InvalidInput
from imagebot.policy.version import Version, find_version

_MAX_CHARACTERS = 512
_MAX_GROUPS = 32
_WILDCARDS = ("x", "X", "*")

_BLANKS = "\t\n\f\r "
_BLANK = rf"[{_BLANKS}]"
_NUMBER = r"[0-9xX*|]++"
_IDENTIFIERS = r"[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+"
_PARTIAL = rf"v?+{_NUMBER}(?:\.{_NUMBER}){{0,2}}+(?:-{_IDENTIFIERS})?+(?:\+{_IDENTIFIERS})?+"

_HYPHEN_RANGE = re.compile(
    rf"{_BLANK}*+(?P<low>{_PARTIAL}){_BLANK}++(?P<hyphen>-){_BLANK}++(?P<high>{_PARTIAL}){_BLANK}*+"
)
_COMPARATOR = re.compile(
    rf"{_BLANK}*+(?P<operator>!=|>=|=>|<=|=<|~>|[=<>~^]|){_BLANK}*+(?P<partial>"
    rf"v?+(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER}))?+(?:\.(?P<patch>{_NUMBER}))?+"
    rf"(?P<prerelease>-{_IDENTIFIERS})?+(?:\+{_IDENTIFIERS})?+)"
)
_SEPARATOR = re.compile(rf"{_BLANK}*+,|{_BLANK}++")
_WORD = re.compile(rf"{_BLANK}*+(\|\||(?:(?!\|\|)[^,{_BLANKS}])++|.|$)", re.DOTALL)

_ACCEPTED = "accepted are ^1.4, ~1.4.2, >=1.2 <3, 1.x, 1.2 - 2 and the like, joined by blank, comma or ||"


class InvalidRange(InvalidInput):
    """A text is no range of versions in a dialect, which says what it accepts; `column` counts characters from 1."""

    def __init__(self, text: str, *, column: int, reason: str, accepted: str) -> None:
        shown = text if len(text) <= _MAX_CHARACTERS else f"{text[:40]}..."
        super().__init__(f"{shown!r} is no version range: {reason}; {accepted}")
        self.text = text
        self.column = column
        self.reason = reason


# What bounds keys of versions: the beginning of a key is lower than all keys that begin so, and a longer one than a key
# is right above that key.
_Bound = tuple[Any, ...]
_START: _Bound = ()
_END: _Bound = (math.inf,)


@dataclass(frozen=True, slots=True)
class Span:
    """A comparator of any operator but `!=`: the versions from `lower` to before `upper`."""

    lower: _Bound
    upper: _Bound

    def admits(self, version: Version) -> bool:
        return self.lower <= version.key < self.upper


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A comparator `!=`: refuses what begins with these numbers and, unless it is None, has this prerelease."""

    numbers: tuple[int, ...]
    prerelease: str | None

    def admits(self, version: Version) -> bool:
        if version.numbers[: len(self.numbers)] != self.numbers:
            return True
        return self.prerelease is not None and version.prerelease != self.prerelease


Comparator = Span | Exclusion


@dataclass(frozen=True, slots=True)
class Group:
    """Comparators that a version has to satisfy together; `with_prereleases` if one of them names a prerelease."""

    comparators: tuple[Comparator, ...]
    with_prereleases: bool

    def encloses(self, version: Version) -> bool:
        """Say whether the version satisfies all comparators, leaving aside whether it is a prerelease."""
        for comparator in self.comparators:  # noqa: SIM110 - all() with a generator would double the time of a selection
            if not comparator.admits(version):
                return False
        return True


class Refusal(enum.Enum):
    """Why a range does not admit a version."""

    OUTSIDE = "outside the range"
    PRERELEASE = "a prerelease that the range does not admit"


@dataclass(frozen=True, slots=True)
class Range:
    """A range as written but for blanks around it, and the groups it is made of."""

    text: str
    groups: tuple[Group, ...]

    def __str__(self) -> str:
        return self.text

    def find_version(self, text: str) -> Version | None:
        """Read a version in the range's dialect."""
        return find_version(text)

    def admits(self, version: Version) -> bool:
        return self.refusal(version) is None

    def refusal(self, version: Version) -> Refusal | None:
        """Say why the version is not admitted: PRERELEASE if nothing else keeps it out."""
        refusal = Refusal.OUTSIDE
        for group in self.groups:
            if group.encloses(version):
                if group.with_prereleases or not version.prerelease:
                    return None
                refusal = Refusal.PRERELEASE
        return refusal


def parse_range(text: str) -> Range:
    """Parse a range; raises InvalidRange."""
    if len(text) > _MAX_CHARACTERS:
        reason = f"found {len(text)} characters, expected at most {_MAX_CHARACTERS}"
        raise InvalidRange(text, column=_MAX_CHARACTERS + 1, reason=reason, accepted=_ACCEPTED)
    source = _rewrite_hyphen_ranges(text)
    groups: list[Group] = []
    start = 0
    for part in source.text.split("||"):
        if len(groups) == _MAX_GROUPS:
            raise source.make_fault(start, f"the end after {_MAX_GROUPS} groups")
        groups.append(_parse_group(source, start, start + len(part)))
        start += len(part) + len("||")
    return Range(text.strip(_BLANKS), tuple(groups))


@dataclass(frozen=True, slots=True)
class _Source:
    """The text of a range with its hyphen ranges rewritten, and where in the written text each character stood."""

    written: str
    text: str
    origins: tuple[int, ...]

    def make_fault(self, position: int, expected: str) -> InvalidRange:
        """Make the error that names what was found at or after a position of the rewritten text."""
        origin = self.origins[position] if position < len(self.origins) else len(self.written)
        word = _WORD.match(self.written, origin)
        column = (word.start(1) if word else origin) + 1
        found = repr(word.group(1)) if word and word.group(1) else "the end"
        reason = f"found {found} at column {column}, expected {expected}"
        return InvalidRange(self.written, column=column, reason=reason, accepted=_ACCEPTED)


def _rewrite_hyphen_ranges(text: str) -> _Source:
    """Write `>= 1.2, <= 2 ` for each `1.2 - 2` and the blanks around it."""
    rewritten: list[tuple[str, int]] = []
    end = 0
    # All repeats are possessive: a start that leads nowhere costs one scan, and the text has at most 512 characters.
    for match in _HYPHEN_RANGE.finditer(text):
        rewritten += _copy(text, end, match.start())
        rewritten += _insert(">= ", match.start("low")) + _copy(text, *match.span("low"))
        rewritten += _insert(", <= ", match.start("hyphen")) + _copy(text, *match.span("high"))
        rewritten += _insert(" ", match.end())
        end = match.end()
    rewritten += _copy(text, end, len(text))
    return _Source(text, "".join(char for char, _ in rewritten), tuple(origin for _, origin in rewritten))


def _copy(text: str, start: int, end: int) -> list[tuple[str, int]]:
    return list(zip(text[start:end], range(start, end), strict=True))


def _insert(text: str, origin: int) -> list[tuple[str, int]]:
    return [(char, origin) for char in text]


def _parse_group(source: _Source, start: int, end: int) -> Group:
    comparators: list[Comparator] = []
    with_prereleases = False
    position = start
    while not comparators or position < end or source.text[position - 1] == ",":
        match = _COMPARATOR.match(source.text, position, end)
        if match is None:
            raise source.make_fault(position, "a comparator")
        operand = _make_operand(match)
        if operand is None:
            expected = "numbers below 2^64 or one of x X *, and in a prerelease none with a leading zero"
            raise source.make_fault(match.start("partial"), expected)
        comparators.append(_make_comparator(match["operator"], operand))
        with_prereleases |= bool(operand.version.prerelease)
        position = _skip_separator(source, match.end(), end)
    return Group(tuple(comparators), with_prereleases)


def _skip_separator(source: _Source, position: int, end: int) -> int:
    """Return where the next comparator begins, or the end; a comma is not followed by the end."""
    match = _SEPARATOR.match(source.text, position, end)
    if match is None and position < end:
        raise source.make_fault(position, "a blank, a comma or ||, and before a hyphen range a comma or ||")
    return match.end() if match else end


@dataclass(frozen=True, slots=True)
class _Operand:
    """The version of a comparator, padded with zeros, and how many of its numbers are written: `1.2.x` has two."""

    version: Version
    count: int

    @property
    def next(self) -> _Bound:
        return (*self.version.key, None)

    def after(self, count: int) -> _Bound:
        """Return the bound right after all versions that begin with the same numbers."""
        *equal, last = self.version.numbers[:count]
        return (*equal, last + 1)


def _make_operand(match: re.Match[str]) -> _Operand | None:
    numbers = list(takewhile(lambda number: number not in (None, *_WILDCARDS), match.group("major", "minor", "patch")))
    if len(numbers) == 3:
        version = find_version(match["partial"])
    else:
        # Build metadata of a partial is dropped unread, and does not count towards the length of the version.
        version = find_version(".".join([*numbers, "0", "0", "0"][:3]) + (match["prerelease"] or ""))
    return _Operand(version, len(numbers)) if version else None


def _make_comparator(operator: str, operand: _Operand) -> Comparator:
    if operator == "!=":
        return _make_exclusion(operand)
    return Span(_find_lower(operator, operand), _find_upper(operator, operand))


def _find_lower(operator: str, operand: _Operand) -> _Bound:
    if operator in ("<", "<=", "=<"):
        return _START
    if operator == ">":
        return operand.after(operand.count) if operand.count in (1, 2) else operand.next
    return operand.version.key


def _find_upper(operator: str, operand: _Operand) -> _Bound:
    match operator:
        case ">" | ">=" | "=>":
            return _END
        case "<":
            return operand.version.key
        case "<=" | "=<":
            return operand.next if operand.count == 3 else operand.after(operand.count or 2)
        case "^":
            return _find_upper_of_caret(operand)
        case "" | "=" if operand.count == 3:
            return operand.next
        case _:  # ~ and ~>, and = for a partial
            return _find_upper_of_tilde(operand)


def _find_upper_of_caret(operand: _Operand) -> _Bound:
    major, minor, _ = operand.version.numbers
    if major or operand.count == 1:
        return operand.after(1)
    return operand.after(2 if minor or operand.count == 2 else 3)


def _find_upper_of_tilde(operand: _Operand) -> _Bound:
    if operand.count in (0, 3) and not any(operand.version.numbers):
        return _END
    return operand.after(1 if operand.count == 1 else 2)


def _make_exclusion(operand: _Operand) -> Exclusion:
    version, count = operand.version, operand.count
    # `!=4-rc` excludes all of 4, and `!=*` is `!=0.0.0`.
    return Exclusion(version.numbers[: count or 3], None if count == 1 else version.prerelease)
