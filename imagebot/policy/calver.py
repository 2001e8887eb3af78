"""Tags that are dates and numbers in a format of calver.org, as `YYYY.0M.MICRO`.

    format = ["v"] part *([separator] part) ["-MODIFIER"]          separator = "." / "-" / "_"

    YYYY  year of four digits     YY  year - 2000: 6, 24, 106     0Y  the same, of two digits at least: 06, 24, 106
    MM    month: 1 to 12          WW  week: 1 to 53               DD  day of the month: 1 to 31
    0M    01 to 12                0W  01 to 53                    0D  01 to 31
    MAJOR, MINOR, MICRO  numbers of any length without leading zeros

A tag has to match as a whole: with the separators as written, with zeros exactly where the format has them, and with a
`v` if, and only if, the format begins with one. What else stands in tags is for a filter to take away.

Parts count from left to right, so those that count more have to stand before those that count less. Parts side by side
without a separator are fine as long as it is certain where each ends: `YYYY0M0D`, but not `YYYYMMDD`, in which 2024111
might be of January or of November.

Without MODIFIER in the format `24.04-rc1` and `24.04-2` do not match, and so are no candidates; with it they do, and so
does `24.04`. Behind the hyphen may stand

- a stage of a release, which is before the release: dev, nightly and the like, alpha, beta, milestone and preview, rc,
  in this order, in any case, with a number (`rc1`, `rc.1`, `RC-1`) or without;
- a number, which is a later build of the release: `2024.01.31-2` is after `2024.01.31`. It has at most six digits, for
  what has more may be a commit hash that happens to have no letter.

Everything else (`-alpine`, `-rc1-slim`) is another variant and does not match.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from imagebot.errors import InvalidInput

_MAX_FORMAT_CHARACTERS = 64
_MAX_TAG_CHARACTERS = 128

_ACCEPTED = (
    "accepted are YYYY, YY, 0Y, MM, 0M, WW, 0W, DD, 0D, MAJOR, MINOR and MICRO, joined by . - or _, "
    "with a v before and -MODIFIER behind them if tags have that"
)


class InvalidCalver(InvalidInput):
    """A text is no format of calver.org; `column` counts its characters from 1."""

    def __init__(self, text: str, *, column: int, reason: str) -> None:
        shown = text if len(text) <= _MAX_FORMAT_CHARACTERS else f"{text[:40]}..."
        super().__init__(f"{shown!r} is no calver format: column {column}: {reason}; {_ACCEPTED}")
        self.text = text
        self.column = column
        self.reason = reason


class _Unit(enum.Enum):
    YEAR = "a year"
    MONTH = "a month"
    WEEK = "a week"
    DAY = "a day"
    MAJOR = "a major number"
    MINOR = "a minor number"
    MICRO = "a micro number"


# Units that count more come first; how a date and a number are ordered is for the format to say.
_ORDERS = ((_Unit.YEAR, _Unit.MONTH, _Unit.WEEK, _Unit.DAY), (_Unit.MAJOR, _Unit.MINOR, _Unit.MICRO))


@dataclass(frozen=True, slots=True)
class _Token:
    unit: _Unit
    regex: str
    has_fixed_length: bool = False


_NATURAL = "0|[1-9][0-9]*"
_TOKENS = {
    "YYYY": _Token(_Unit.YEAR, "[1-9][0-9]{3}", has_fixed_length=True),
    # Not more digits, or YY would read the year 2024 as 4024.
    "YY": _Token(_Unit.YEAR, "0|[1-9][0-9]{0,2}"),
    "0Y": _Token(_Unit.YEAR, "[0-9]{2}|[1-9][0-9]{2}"),
    "MM": _Token(_Unit.MONTH, "[1-9]|1[0-2]"),
    "0M": _Token(_Unit.MONTH, "0[1-9]|1[0-2]", has_fixed_length=True),
    "WW": _Token(_Unit.WEEK, "[1-9]|[1-4][0-9]|5[0-3]"),
    "0W": _Token(_Unit.WEEK, "0[1-9]|[1-4][0-9]|5[0-3]", has_fixed_length=True),
    "DD": _Token(_Unit.DAY, "[1-9]|[12][0-9]|3[01]"),
    "0D": _Token(_Unit.DAY, "0[1-9]|[12][0-9]|3[01]", has_fixed_length=True),
    "MAJOR": _Token(_Unit.MAJOR, _NATURAL),
    "MINOR": _Token(_Unit.MINOR, _NATURAL),
    "MICRO": _Token(_Unit.MICRO, _NATURAL),
}
_MODIFIER_TOKEN = "-MODIFIER"  # noqa: S105 - of a format

_FORMAT_PART = re.compile(rf"(?P<separator>[._-]?)(?P<name>{'|'.join(_TOKENS)})")

_MODIFIER = re.compile(r"([a-z]{2,}|[abm](?=[0-9]))(?:[.-]?([0-9]+))?|([0-9]{1,6})", re.IGNORECASE)
_STAGES = (
    ("canary", "dev", "devel", "nightly", "snapshot", "unstable"),
    ("a", "alpha"),
    ("b", "beta"),
    ("ea", "m", "milestone", "pre", "prerelease", "preview"),
    ("cr", "rc"),
)
_STAGE_RANKS = {stage: rank for rank, stages in enumerate(_STAGES) for stage in stages}
_RELEASE_RANK = len(_STAGES)
_BUILD_RANK = _RELEASE_RANK + 1

Key = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CalverFormat:
    """A format as written, and the tags it reads."""

    text: str
    _regex: re.Pattern[str] = field(repr=False, compare=False)
    _has_modifier: bool = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.text

    def find_key(self, tag: str) -> Key | None:
        """Read the tag's parts, by which it is ordered; None if it is not of this format."""
        match = self._regex.fullmatch(tag) if len(tag) <= _MAX_TAG_CHARACTERS else None
        if match is None:
            return None
        if not self._has_modifier:
            return tuple(map(int, match.groups()))
        *numbers, modifier = match.groups()
        modifier_key = (_RELEASE_RANK, 0) if modifier is None else _find_modifier_key(modifier)
        return (*map(int, numbers), *modifier_key) if modifier_key else None


def _find_modifier_key(modifier: str) -> Key | None:
    match = _MODIFIER.fullmatch(modifier)
    if match is None:
        return None
    stage, number, build = match.groups()
    if build:
        return _BUILD_RANK, int(build)
    rank = _STAGE_RANKS.get(stage.lower())
    return None if rank is None else (rank, int(number or 0))


@dataclass(frozen=True, slots=True)
class _Part:
    """A token of a format, where it stands (columns count from 1) and what separates it from the one before."""

    name: str
    token: _Token
    separator: str
    column: int


def parse_calver(text: str) -> CalverFormat:
    """Parse a format; raises InvalidCalver."""
    if len(text) > _MAX_FORMAT_CHARACTERS:
        reason = f"found {len(text)} characters, expected at most {_MAX_FORMAT_CHARACTERS}"
        raise InvalidCalver(text, column=_MAX_FORMAT_CHARACTERS + 1, reason=reason)
    parts = _split(text)
    _check_units(text, parts)
    _check_lengths(text, parts)
    has_modifier = text.endswith(_MODIFIER_TOKEN)
    regex = "v" if text.startswith("v") else ""
    regex += "".join(f"{re.escape(part.separator)}({part.token.regex})" for part in parts)
    if has_modifier:
        regex += "(?:-(.+))?"
    return CalverFormat(text, re.compile(regex), has_modifier)


def _split(text: str) -> Sequence[_Part]:
    parts: list[_Part] = []
    start = position = 1 if text.startswith("v") else 0
    end = len(text.removesuffix(_MODIFIER_TOKEN))
    while position < end or not parts:
        match = _FORMAT_PART.match(text, position)
        if match is None or (match["separator"] and position == start):
            found = repr(text[position:]) if text[position:] else "the end"
            raise InvalidCalver(text, column=position + 1, reason=f"found {found}, expected a token")
        name = match["name"]
        parts.append(_Part(name, _TOKENS[name], match["separator"], match.start("name") + 1))
        position = match.end()
    return parts


def _check_units(text: str, parts: Sequence[_Part]) -> None:
    """Refuse a unit that is there twice, that makes no sense here, or that stands behind one which counts less."""
    seen: dict[_Unit, _Part] = {}
    for part in parts:
        unit = part.token.unit
        if unit in seen:
            reason = f"{part.name} is {unit.value}, and so is {seen[unit].name} before it"
            raise InvalidCalver(text, column=part.column, reason=reason)
        order = next(order for order in _ORDERS if unit in order)
        lesser = next((seen[other] for other in order[order.index(unit) :] if other in seen), None)
        if lesser is not None:
            reason = f"{part.name} counts more than {lesser.name}, so it has to stand before it"
            raise InvalidCalver(text, column=part.column, reason=reason)
        if unit is _Unit.WEEK and _Unit.MONTH in seen:
            reason = f"{part.name} counts in a year, not in {seen[_Unit.MONTH].name}"
            raise InvalidCalver(text, column=part.column, reason=reason)
        if unit is _Unit.DAY and _Unit.MONTH not in seen:
            raise InvalidCalver(text, column=part.column, reason=f"{part.name} is a day, and no month stands before it")
        seen[unit] = part
    if _Unit.YEAR not in seen:
        raise InvalidCalver(text, column=len(text) + 1, reason="no YYYY, YY or 0Y is in it")


def _check_lengths(text: str, parts: Sequence[_Part]) -> None:
    """Refuse two parts of any length in a row of digits without a separator: nobody knows where the first ends."""
    varying: _Part | None = None
    for part in parts:
        if part.separator:
            varying = None
        if part.token.has_fixed_length:
            continue
        if varying is not None:
            reason = f"{varying.name} and {part.name} both vary in length, with no separator between them"
            raise InvalidCalver(text, column=part.column, reason=reason)
        varying = part
