"""Ranges of versions in the dialect of npm, which is that of node-semver 7 (its README, "Range Grammar").

    range      = group *("||" group)                             ; a version has to satisfy one of the groups
    group      = [comparator *(blank comparator)]                ; and in it all comparators; without any, it is any
               / partial blank "-" blank partial
    comparator = [operator] partial                              ; blanks may stand between the two
    operator   = "=" ">" "<" ">=" "<=" "~" "~>" "^"
    partial    = a version of which the last numbers may be left out or be x, X or *

Loose, versions are read as `npm` says, and what is no comparator is skipped if a comparator is left in any group. A
group admits prereleases of those numbers only that one of its own comparators names with a prerelease, unless the range
includes prereleases: `>=1.2.3-rc` admits 1.2.3-rc.2 and 1.2.4, and not 1.2.4-rc. Then `1.2` begins with 1.2.0-0; the
end that a partial stands for never admits prereleases, `<2` is `<2.0.0-0`.

What surprises people, and is so because it is so there:

- `*` and `>=0.0.0` make the other groups void: `1.2.3-rc || *` admits no prerelease.
- `>*` and `<*` admit nothing. `1.x.3` is refused, but in `^1.x.3` and `1.x.3 - 2` the 3 is passed over.
- So are one star too many (`1.2.3*` is `1.2.3`), and build metadata wherever it stands (`+b` is any version).
- `>=v=1.2` is `>=1.2`, though `>=v=1.2.0` is refused.
- Loose, skipping may leave less than was meant: `>= foo 1.2` is `1.2`, and `>=1.2, <2` is `<2`.

Differences, both deliberate and at the limits:

- A range has at most 512 characters, as people write them who may not be trusted. There is no limit there.
- Loose, a number of 10^21 or more makes the range invalid, as lesser ones from 2^53 on do. There it is written with an
  exponent if it ends a range, is no number any more, and is skipped: `1 - 1000000000000000000000` has no end.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from imagebot.policy.npm import BLANKS, BUILD, LOOSE, STRICT, Syntax, find_npm_version
from imagebot.policy.range import InvalidRange, Refusal
from imagebot.policy.version import Version

_MAX_CHARACTERS = 512
_WILDCARDS = ("x", "X", "*")

_ACCEPTED = "accepted are ^1.4, ~1.4.2, >=1.2.0 <3, 1.x, 1.2 - 2 and the like, joined by blank or ||, as in npm"

# What bounds keys of versions: the beginning of a key is lower than all keys that begin so, and a longer one than a key
# is right above that key.
_Bound = tuple[Any, ...]
_START: _Bound = ()
_END: _Bound = (math.inf,)


@dataclass(frozen=True, slots=True)
class NpmGroup:
    """The releases from `lower` to before `upper`, and those prereleases whose numbers are in `opened`."""

    lower: _Bound
    upper: _Bound
    opened: frozenset[tuple[int, int, int]]

    @property
    def is_any(self) -> bool:
        return self.lower == _START and self.upper == _END


@dataclass(frozen=True, slots=True)
class NpmRange:
    """A range as written but for blanks around it, and the groups it is made of."""

    text: str
    groups: tuple[NpmGroup, ...]
    includes_prereleases: bool
    is_loose: bool

    def __str__(self) -> str:
        return self.text

    def find_version(self, text: str) -> Version | None:
        """Read a version in the range's dialect, as loosely as the range was."""
        return find_npm_version(text, is_loose=self.is_loose)

    def admits(self, version: Version) -> bool:
        return self.refusal(version) is None

    def refusal(self, version: Version) -> Refusal | None:
        """Say why the version is not admitted: PRERELEASE if nothing else keeps it out."""
        refusal = Refusal.OUTSIDE
        for group in self.groups:
            if group.lower <= version.key < group.upper:
                if self.includes_prereleases or not version.prerelease or version.numbers in group.opened:
                    return None
                refusal = Refusal.PRERELEASE
        return refusal


def parse_npm_range(text: str, *, includes_prereleases: bool = False, is_loose: bool = False) -> NpmRange:
    """Parse a range, to be asked about versions that are read as loosely; raises InvalidRange."""
    if len(text) > _MAX_CHARACTERS:
        reason = f"found {len(text)} characters, expected at most {_MAX_CHARACTERS}"
        raise InvalidRange(text, column=_MAX_CHARACTERS + 1, reason=reason, accepted=_ACCEPTED)
    dialect = _Dialect(is_loose, includes_prereleases)
    whole = _Source(text, _BLANK.sub(" ", text), range(len(text))).without(_REPEATED_BLANK)
    found = [_parse_group(source, dialect) for source in whole.split()]
    groups = tuple(group for group in found if group is not None)
    if not groups:
        raise whole.make_fault(0, "at least one comparator")
    if not includes_prereleases:
        groups = next(((group,) for group in groups if group.is_any), groups)
    return NpmRange(text.strip(BLANKS), groups, includes_prereleases, is_loose)


_BLANK = re.compile(f"[{BLANKS}]")
_REPEATED_BLANK = re.compile(r" (?P<cut> ++)")
_BUILD_ANYWHERE = re.compile(rf"(?P<cut>{BUILD})")
# The blank between an operator and its version. Whole versions are passed over, lest a letter of one be taken for the
# `v` of the next; and so are zeros before a number, and runs of `v`, `=` and blanks that no version follows, lest they
# be read once a character.
_LONGEST_VERSION = rf"{LOOSE.number}\.{LOOSE.number}\.{LOOSE.number}(?:{LOOSE.prerelease})?+"
_PLAIN_PARTIAL = (
    rf"(?:{STRICT.number}|[xX*])(?:\.(?:{STRICT.number}|[xX*])"
    rf"(?:\.(?:{STRICT.patch}|[xX*])(?:{STRICT.prerelease})?+)?+)?+"
)
_OPERATOR = re.compile(
    r" ?+[<>]?+=?+(?P<cut> ?+)[v= ]*+"
    rf"(?:{_LONGEST_VERSION}|0+(?=[0-9])|{_PLAIN_PARTIAL})|[v= ]++"
)
_TILDE_OR_CARET = re.compile(r"(?P<cut>(?<=~)>?+ |(?<=\^) )")
_HYPHEN_RANGE = re.compile(r" ?+(?P<low>[v= ]*+[^ ]++) - (?P<high>[v= ]*+[^ ]++) ?+")
_STAR = re.compile(r"[<>]?+=?+\*")
_WORD = re.compile(rf"[{BLANKS}]*+(\|\||(?:(?!\|\|)[^{BLANKS}])++|$)")


@dataclass(frozen=True, slots=True)
class _Source:
    """A range or a group as it is read so far, and where in the written range each of its characters stood."""

    written: str
    text: str
    origins: Sequence[int]

    def split(self) -> Iterator["_Source"]:
        """Split it into alternatives without blanks around them."""
        start = 0
        for text in self.text.split("||"):
            first = start + len(text) - len(text.lstrip(" "))
            stripped = text.strip(" ")
            yield _Source(self.written, stripped, self.origins[first : first + len(stripped)])
            start += len(text) + len("||")

    def without(self, pattern: re.Pattern[str]) -> "_Source":
        """Leave out what the group `cut` of each match spans."""
        cuts = [match.span("cut") for match in pattern.finditer(self.text) if match["cut"]]
        starts = [0, *(end for _, end in cuts)]
        ends = [*(start for start, _ in cuts), len(self.text)]
        kept = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
        text = "".join(self.text[piece] for piece in kept)
        return _Source(self.written, text, [origin for piece in kept for origin in self.origins[piece]])

    def make_fault(self, position: int, expected: str) -> InvalidRange:
        """Make the error that names what was found at or after a position."""
        origin = self.origins[position] if position < len(self.origins) else len(self.written)
        word = _WORD.match(self.written, origin)
        column = (word.start(1) if word else origin) + 1
        found = repr(word[1]) if word and word[1] else "the end"
        reason = f"found {found} at column {column}, expected {expected}"
        return InvalidRange(self.written, column=column, reason=reason, accepted=_ACCEPTED)


@dataclass(frozen=True, slots=True)
class _Dialect:
    is_loose: bool
    includes_prereleases: bool

    @property
    def lowest(self) -> str:
        """What the first version that a partial stands for ends in."""
        return "-0" if self.includes_prereleases else ""


@dataclass(frozen=True, slots=True)
class _Simple:
    """An operator and a partial: its text, its numbers up to the first wildcard, and whether any follow that."""

    operator: str
    partial: str
    numbers: tuple[str, ...]
    prerelease: str | None
    has_stray_numbers: bool

    @property
    def is_whole(self) -> bool:
        return len(self.numbers) == 3

    @property
    def is_tilde_or_caret(self) -> bool:
        return self.operator in ("~", "~>", "^")

    def make_first(self, dialect: _Dialect) -> str:
        """Write the first version that the partial stands for."""
        suffix = dialect.lowest if not self.is_whole else f"-{self.prerelease}" if self.prerelease else ""
        return _pad(self.numbers) + suffix

    def make_next(self, count: int) -> str:
        """Write the first release that does not begin with the first `count` numbers any more."""
        return _pad((*self.numbers[: count - 1], str(int(self.numbers[count - 1]) + 1)))


def _pad(numbers: Sequence[str]) -> str:
    return ".".join([*numbers, "0", "0"][:3])


def _compile_simple(syntax: Syntax) -> re.Pattern[str]:
    number, patch = rf"({syntax.number}|[xX*])", rf"({syntax.patch}|[xX*])"
    partial = rf"{number}(?:\.{number}(?:\.{patch}(?:{syntax.prerelease})?+(?:{BUILD})?+)?+)?+"
    return re.compile(rf"(\^|~>?+|[<>]?+=?+)[v= ]*+{partial}")


_STRICT_SIMPLE = _compile_simple(STRICT)
_LOOSE_SIMPLE = _compile_simple(LOOSE)


def _find_simple(text: str, dialect: _Dialect) -> _Simple | None:
    match = (_LOOSE_SIMPLE if dialect.is_loose else _STRICT_SIMPLE).fullmatch(text)
    if match is None:
        return None
    operator, *parts, prerelease = match.groups()
    written = [part for part in parts if part is not None]
    numbers = tuple(takewhile(lambda part: part not in _WILDCARDS, written))
    has_stray_numbers = any(part not in _WILDCARDS for part in written[len(numbers) :])
    return _Simple(operator, text[match.end(1) :], numbers, prerelease, has_stray_numbers)


@dataclass(frozen=True, slots=True)
class _Comparator:
    """A primitive comparator: the versions from `lower` to before `upper`, and the version it was made of."""

    lower: _Bound
    upper: _Bound
    version: Version


def _parse_group(source: _Source, dialect: _Dialect) -> NpmGroup | None:
    """Parse a group; None if nothing is left of it."""
    source = _rewrite_hyphen_range(source.without(_BUILD_ANYWHERE), dialect)
    source = source.without(_OPERATOR).without(_TILDE_OR_CARET)
    words: list[Sequence[_Comparator] | None] = []
    position = 0
    for word in source.text.split(" "):
        words.append(_parse_word(word, dialect, source=source, position=position))
        position += len(word) + 1
    comparators = [comparator for word in words for comparator in word or ()]
    # A star between words that are skipped is skipped with them.
    if not comparators and words[0] is None and words[-1] is None:
        return None
    return NpmGroup(
        max((comparator.lower for comparator in comparators), default=_START),
        min((comparator.upper for comparator in comparators), default=_END),
        frozenset(comparator.version.numbers for comparator in comparators if comparator.version.prerelease),
    )


def _rewrite_hyphen_range(source: _Source, dialect: _Dialect) -> _Source:
    """Write `>=1.2 <=2` for `1.2 - 2`, if that is the whole group."""
    match = _HYPHEN_RANGE.fullmatch(source.text)
    if match is None:
        return source
    low, high = _find_simple(match["low"], dialect), _find_simple(match["high"], dialect)
    if low is None or high is None or not {low.operator, high.operator} <= {"", "="}:
        return source
    words = [
        (_write_low(low, match["low"], dialect), source.origins[match.start("low")]),
        (_write_high(high, match["high"], dialect), source.origins[match.start("high")]),
    ]
    text = " ".join(word for word, _ in words if word)
    origins = [origin for word, origin in words if word for _ in f"{word} "]
    return _Source(source.written, text, origins[: len(text)])


def _write_low(low: _Simple, text: str, dialect: _Dialect) -> str:
    if low.is_whole:
        return f">={text}" + ("" if low.prerelease else dialect.lowest)
    return f">={'.'.join(low.numbers)}" if low.numbers else ""


def _write_high(high: _Simple, text: str, dialect: _Dialect) -> str:
    if not high.is_whole:
        return f"<={'.'.join(high.numbers)}" if high.numbers else ""
    if high.prerelease:
        return f"<={high.make_first(dialect)}"
    return f"<{high.make_next(3)}-0" if dialect.includes_prereleases else f"<={text}"


def _parse_word(word: str, dialect: _Dialect, *, source: _Source, position: int) -> Sequence[_Comparator] | None:
    """Parse a comparator into primitive ones, none if it stands for any version; None if it is to be skipped."""
    simple = _find_simple_of_word(word, dialect) if word else None
    if word and simple is None:
        if dialect.is_loose:
            return None
        raise source.make_fault(position, "a comparator")
    comparators = []
    for operator, text in _desugar(simple, dialect) if simple else ():
        version = find_npm_version(text, is_loose=dialect.is_loose)
        if version is None:
            expected = "numbers below 2^53, at most 256 characters, and before three numbers nothing or one v"
            raise source.make_fault(position, expected)
        comparators.append(_make_comparator(operator, version, dialect))
    return comparators


def _find_simple_of_word(word: str, dialect: _Dialect) -> _Simple | None:
    simple = _find_simple(word, dialect)
    if simple is not None:
        return None if simple.has_stray_numbers and not simple.is_tilde_or_caret else simple
    simple = _find_simple(_STAR.sub("", word, count=1), dialect)
    return simple if simple and simple.is_whole and not simple.is_tilde_or_caret else None


def _desugar(simple: _Simple, dialect: _Dialect) -> Sequence[tuple[str, str]]:
    """Make primitive comparators, operator and version, of any comparator."""
    if simple.is_tilde_or_caret or not simple.is_whole:
        return _desugar_partial(simple, dialect) if simple.numbers else _desugar_wildcard(simple)
    return [(simple.operator, simple.partial)]


def _desugar_wildcard(simple: _Simple) -> Sequence[tuple[str, str]]:
    return [("<", "0.0.0-0")] if simple.operator in ("<", ">") else []


def _desugar_partial(simple: _Simple, dialect: _Dialect) -> Sequence[tuple[str, str]]:
    count = len(simple.numbers)
    match simple.operator:
        case ">":
            return [(">=", simple.make_next(count) + dialect.lowest)]
        case ">=":
            return [(">=", simple.make_first(dialect))]
        case "<":
            return [("<", f"{_pad(simple.numbers)}-0")]
        case "<=":
            return [("<", f"{simple.make_next(count)}-0")]
        case "^":
            zeros = sum(1 for _ in takewhile("0".__eq__, simple.numbers))
            kept = min(count, zeros + 1)
        case _:  # ~ and ~>, and = for a partial
            kept = min(count, 2)
    return [(">=", simple.make_first(dialect)), ("<", f"{simple.make_next(kept)}-0")]


def _make_comparator(operator: str, version: Version, dialect: _Dialect) -> _Comparator:
    key, after = version.key, (*version.key, None)
    match operator:
        case "<":
            return _Comparator(_START, key, version)
        case "<=":
            return _Comparator(_START, after, version)
        case ">":
            return _Comparator(after, _END, version)
        case ">=":
            # Written so it stands for any version: of 0.0.0 as well, `<0.0.0-rc` may leave prereleases.
            is_any = version.text == "0.0.0" and not dialect.includes_prereleases
            return _Comparator(_START if is_any else key, _END, version)
    return _Comparator(key, after, version)
