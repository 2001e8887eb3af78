r"""Which tags an entry considers by their text, and what of them it orders by; and which tags are no images at all.

A tag has to match one pattern of `include`, if there are any, and none of `exclude`. Patterns are RE2's and search: `^`
and `$` are written where they are meant. RE2 is the language of Go's regexp, and so of Flux, but that it also takes
`\C` and names of groups beyond ASCII. It matches in linear time; what it does not take (lookaround, backreferences) is
refused with its reason, and no other engine is tried.

`extract` is a template of Go's `Regexp.Expand`, filled from the first pattern of `include` that matches:

    $name ${name}   what the group of this name matched: nothing if it took no part, or is in another pattern only
    $1 ${1}         the same by number; $0 is all that the pattern matched
    $$              a dollar sign; one that begins none of these stays as it is

A name without braces is as long as possible, so `$1x` is the group named `1x`; and `$01` is a name as well.

Flux differs in this: a group that no pattern has is empty there and a fault here, as is a template without groups,
which would extract the same of every tag; two groups of a pattern may have one name; a tag of which nothing is
extracted is ordered by the empty text and here refused; and there are no limits.
"""

import enum
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2

from imagebot.errors import InvalidInput

_MAX_PATTERNS = 32
_MAX_PATTERN_CHARACTERS = 1024
_MAX_TEMPLATE_CHARACTERS = 128
# Each may be as long as the tag, so they bound how much text a filter can make of a listing.
_MAX_TEMPLATE_GROUPS = 10

# For a tag of n characters RE2 takes, at worst, n steps for each instruction. Almost any pattern has less than 200, but
# [^-]{1,63} has 570.
_MAX_INSTRUCTIONS = 2000
# Bounds how long RE2 compiles what then has too many instructions, and what it remembers while it matches.
_MAX_REGEX_BYTES = 2**20
# A set that runs out of memory while it matches says that nothing matches. Whatever the patterns, so many instructions
# take less than 20 KB for a state, and it goes on with the memory for a few.
_MAX_SET_BYTES = 8 * 2**20

# Takes for a group what is one but for a backslash or brackets around it: no tag has a <, so no pattern needs that.
_GROUP_NAME = re.compile(r"\(\?P?<([^>]*)>")
_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<bare>\w+))", re.ASCII)
# Go reads more digits, or a zero before others, as a name.
_GROUP_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")

_ATTACHMENT = re.compile(r"sha(?:256-[0-9a-f]{64}|512-(?:[0-9a-f]{64}){1,2})(?:\.[0-9A-Za-z_.-]+)?")


class InvalidPattern(InvalidInput):
    """A text is no pattern of tags, or one too many."""

    def __init__(self, text: str, reason: str) -> None:
        shown = text if len(text) <= _MAX_PATTERN_CHARACTERS else f"{text[:40]}..."
        super().__init__(f"{shown!r} is no pattern of tags: {reason}; accepted is the syntax of RE2, as in Go")
        self.text = text
        self.reason = reason


class InvalidTemplate(InvalidInput):
    """A text is no template for what is extracted of a tag, or not one for these patterns."""

    def __init__(self, text: str, reason: str) -> None:
        shown = text if len(text) <= _MAX_TEMPLATE_CHARACTERS else f"{text[:40]}..."
        accepted = (
            "accepted are $name, ${name} and $1 for groups of include, $$ for a dollar sign, and text between them"
        )
        super().__init__(f"{shown!r} extracts nothing: {reason}; {accepted}")
        self.text = text
        self.reason = reason


class FilterRefusal(enum.Enum):
    """Why a filter refused a tag, in the order in which it asks; the value says it of the tag or of many."""

    NOT_INCLUDED = "not included"
    EXCLUDED = "excluded"
    NOTHING_EXTRACTED = "nothing extracted"


@dataclass(frozen=True, slots=True)
class _Reference:
    """A group in a template, by name or by number."""

    name: str


_Template = tuple[str | _Reference, ...]


@dataclass(frozen=True, slots=True)
class _Include:
    """A pattern, and the template with its groups by number."""

    regex: Any  # re2 has no types
    pieces: tuple[str | int, ...]

    def expand(self, data: bytes, tag: str) -> str:
        match = self.regex.search(data)
        # A group that took no part has the span (-1, -1), which slices nothing.
        return "".join([piece if isinstance(piece, str) else tag[slice(*match.span(piece))] for piece in self.pieces])


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Patterns and template as written; `extract` is None if tags are ordered by their whole text."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    extract: str | None
    _includes: tuple[_Include, ...] = field(repr=False, compare=False)
    _set: Any = field(repr=False, compare=False)  # of include, then exclude

    def apply(self, tag: str, *, even_if_excluded: bool = False) -> str | FilterRefusal:
        """Return the text to order the tag by, or why the tag is refused."""
        # RE2 is twice as fast on bytes, and this gives one for each character. What is not ASCII, and so in no tag, is
        # matched as a question mark.
        data = tag.encode("ascii", "replace")
        matched = self._set.Match(data) or ()
        count = len(self.include)
        if count and (not matched or min(matched) >= count):
            return FilterRefusal.NOT_INCLUDED
        if matched and max(matched) >= count and not even_if_excluded:
            return FilterRefusal.EXCLUDED
        if self.extract is None:
            return tag
        return self._includes[min(matched)].expand(data, tag) or FilterRefusal.NOTHING_EXTRACTED


def parse_tag_filter(include: Sequence[str], exclude: Sequence[str], *, extract: str | None) -> TagFilter:
    """Parse patterns and template, which is None if tags are ordered by their whole text.

    Raises InvalidPattern and InvalidTemplate.
    """
    includes = _compile_all(include)
    excludes = _compile_all(exclude)
    _check_size([*include, *exclude], [*includes, *excludes])
    template = () if extract is None else _parse_template(extract, includes)
    return TagFilter(
        tuple(include),
        tuple(exclude),
        extract,
        tuple(_Include(regex, tuple(_resolve(template, regex))) for regex in includes),
        _compile_set([*include, *exclude]),
    )


def _compile_all(patterns: Sequence[str]) -> list[Any]:
    if len(patterns) > _MAX_PATTERNS:
        raise InvalidPattern(patterns[_MAX_PATTERNS], f"it is one too many, the most is {_MAX_PATTERNS}")
    return [_compile(pattern) for pattern in patterns]


def _compile(pattern: str) -> Any:
    if len(pattern) > _MAX_PATTERN_CHARACTERS:
        reason = f"it has {len(pattern)} characters, the most is {_MAX_PATTERN_CHARACTERS}"
        raise InvalidPattern(pattern, reason)
    try:
        regex = re2.compile(pattern, _make_options(_MAX_REGEX_BYTES))
    except re2.error as error:
        raise InvalidPattern(pattern, error.args[0].decode(errors="replace")) from error
    except UnicodeEncodeError as error:
        raise InvalidPattern(pattern, "it holds half a character") from error
    # RE2 takes them, but tells the number of the first one only.
    names = Counter(_GROUP_NAME.findall(pattern))
    if names.total() > len(names):
        raise InvalidPattern(pattern, f"it has several groups named {names.most_common(1)[0][0]}")
    return regex


def _compile_set(patterns: Sequence[str]) -> Any:
    """Compile all patterns to be searched for in one go, which takes a third of the time."""
    patterns_set = re2.Set.SearchSet(_make_options(_MAX_SET_BYTES))
    for pattern in patterns:
        patterns_set.Add(pattern)
    patterns_set.Compile()
    return patterns_set


def _make_options(max_bytes: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_bytes
    return options


def _check_size(patterns: Sequence[str], regexes: Sequence[Any]) -> None:
    instructions = 0
    for pattern, regex in zip(patterns, regexes, strict=True):
        instructions += regex.programsize
        if instructions > _MAX_INSTRUCTIONS:
            reason = (
                f"with it the patterns repeat too much: {instructions} instructions, the most is {_MAX_INSTRUCTIONS}"
            )
            raise InvalidPattern(pattern, reason)


def _parse_template(text: str, regexes: Sequence[Any]) -> _Template:
    if len(text) > _MAX_TEMPLATE_CHARACTERS:
        raise InvalidTemplate(text, f"it has {len(text)} characters, the most is {_MAX_TEMPLATE_CHARACTERS}")
    if not text.isascii():
        raise InvalidTemplate(text, "it has characters beyond ASCII, which no tag has")
    if not regexes:
        raise InvalidTemplate(text, "include has no pattern, so there is nothing to extract from")
    template = tuple(piece for piece in _split_template(text) if piece)
    references = [piece for piece in template if isinstance(piece, _Reference)]
    if not references:
        raise InvalidTemplate(text, "it names no group, so all tags would be ordered alike")
    if len(references) > _MAX_TEMPLATE_GROUPS:
        raise InvalidTemplate(text, f"it names {len(references)} groups, the most is {_MAX_TEMPLATE_GROUPS}")
    for reference in references:
        if all(_find_group(reference, regex) is None for regex in regexes):
            raise InvalidTemplate(text, _explain_missing(reference))
    return template


def _split_template(text: str) -> Iterator[str | _Reference]:
    end = 0
    for match in _REFERENCE.finditer(text):
        yield text[end : match.start()]
        name = match["braced"] or match["bare"]
        yield _Reference(name) if name else "$"
        end = match.end()
    yield text[end:]


def _find_group(reference: _Reference, regex: Any) -> int | None:
    if _GROUP_NUMBER.fullmatch(reference.name):
        number = int(reference.name)
        return number if number <= regex.groups else None
    group: int | None = regex.groupindex.get(reference.name)
    return group


def _explain_missing(reference: _Reference) -> str:
    name = reference.name
    if _GROUP_NUMBER.fullmatch(name):
        return f"no pattern of include has a group {name}"
    number = re.match("[1-9][0-9]*", name)
    hint = (
        f", and the group {number[0]} with text behind it is ${{{number[0]}}}{name[number.end() :]}" if number else ""
    )
    return f"no pattern of include has a group named {name}{hint}"


def _resolve(template: _Template, regex: Any) -> Iterator[str | int]:
    """Put numbers for the groups; those that the pattern does not have are empty."""
    for piece in template:
        if isinstance(piece, str):
            yield piece
        elif (group := _find_group(piece, regex)) is not None:
            yield group


def is_attachment(tag: str) -> bool:
    """Say whether the tag belongs to another image by that one's digest: it names no image, so it is no candidate.

    Such are the signatures, attestations and SBOMs of cosign (`sha256-<hex>.sig`, `.att`, `.sbom`), what other tools
    put there with an ending of their own, and the tag under which a registry without the referrers API lists them
    (`sha256-<hex>`; distribution-spec, "Referrers Tag Schema", which cuts the digest to 64 characters).
    """
    return _ATTACHMENT.fullmatch(tag) is not None
