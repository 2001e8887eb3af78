"""Patterns of files that capture parts of a path, and names of images that are made of what was captured.

    image-tags/{env}/{app}.yaml     with     ghcr.io/acme/{app}

Both are written by people who may not be trusted: they are bounded, and RE2 matches them in linear time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import re2

from imagebot.errors import InvalidInput
from imagebot.image.reference import InvalidReference, parse_repository

_MAX_CHARACTERS = 512
_CAPTURE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,31})\}")
_TOKEN = re.compile(rf"{_CAPTURE.pattern}|[^{{}}\[\]\\\ud800-\udfff]")
_IN_SEGMENT = {"*": "[^/]*", "?": "[^/]"}
_LITERAL = re.compile(r"[^*?{]*")

Captures = Mapping[str, str]


class InvalidFilePattern(InvalidInput):
    """A text is no pattern of files with captures."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} is no pattern of files: {reason}; accepted are paths with *, **, ? and {{name}}")
        self.text = text
        self.reason = reason


class InvalidImageTemplate(InvalidInput):
    """A text is no name of an image, whatever its captures are."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} is no image: {reason}; accepted is a repository, as in ghcr.io/acme/{{app}}")
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FilePattern:
    """A pattern of files as written, and the names of its captures."""

    text: str
    names: tuple[str, ...]
    _prefix: str = field(repr=False, compare=False)  # what all its files begin with: looked at first, for speed
    _regex: Any = field(repr=False, compare=False)  # re2 has no types

    def __str__(self) -> str:
        return self.text

    def match(self, path: str) -> Captures | None:
        """Return what is captured of the path, relative to the root of the tree, if the file is one of these.

        Where a path can be divided in several ways, the captures that come first take as much as they can.
        """
        if not path.startswith(self._prefix):
            return None
        # Git's paths are bytes: what of one is no UTF-8, and so a surrogate here, is matched as a question mark.
        match = self._regex.fullmatch(path.encode(errors="replace").decode())
        return None if match is None else dict(zip(self.names, match.groups(), strict=True))


@dataclass(frozen=True, slots=True)
class ImageTemplate:
    """The name of an image as written, and the names of the captures it uses."""

    text: str
    names: frozenset[str]

    def __str__(self) -> str:
        return self.text

    def fill(self, captures: Captures) -> str:
        """Return the name with the captures in it, which then may be none: file names have characters of all kinds."""
        return _CAPTURE.sub(lambda match: captures[match[1]], self.text)


def parse_file_pattern(text: str) -> FilePattern:
    """Parse a path from the root of the tree: `*` and `?` stay within a segment, as a whole segment `**` is any number.

    `{name}` captures a segment or a part of it, which is not empty. Raises InvalidFilePattern, also for what no path
    can match.
    """
    if len(text) > _MAX_CHARACTERS:
        raise InvalidFilePattern(f"{text[:40]}...", f"it has {len(text)} characters, the most is {_MAX_CHARACTERS}")
    glob = text.removeprefix("/")
    if not glob.strip():
        raise InvalidFilePattern(text, "it is blank")
    if text.startswith("!"):
        raise InvalidFilePattern(text, "! takes no files out here; files.exclude does")
    *folders, last = glob.split("/")
    if not last:
        raise InvalidFilePattern(text, "a slash ends it, and so it names no file; a folder's files are folder/**")
    regex = "".join("(?:[^/]+/)*" if each == "**" else f"{_make_regex(text, each)}/" for each in folders)
    regex += "(?s:.+)" if last == "**" else _make_regex(text, last)
    names = tuple(_CAPTURE.findall(glob))
    for name in names:
        if names.count(name) > 1:
            raise InvalidFilePattern(text, f"it has the capture {{{name}}} more than once")
    options = re2.Options()
    options.log_errors = False
    return FilePattern(text, names, _find_prefix(glob), re2.compile(regex, options))


def _make_regex(text: str, segment: str) -> str:
    if segment in ("", ".", ".."):
        raise InvalidFilePattern(text, f"no path has the segment {segment!r}")
    if "**" in segment:
        raise InvalidFilePattern(text, "** stands beside other characters")
    if "}{" in segment:
        raise InvalidFilePattern(text, "between two captures there is nothing that tells where one ends")
    return "".join(_list_pieces(text, segment))


def _list_pieces(text: str, segment: str) -> Iterator[str]:
    end = 0
    while end < len(segment):
        match = _TOKEN.match(segment, end)
        if match is None:
            reason = f"{segment[end]!r} stands there, and only {{name}} captures; ? matches any character"
            raise InvalidFilePattern(text, reason)
        yield "([^/]+)" if match[1] else _IN_SEGMENT.get(match[0]) or re2.escape(match[0])
        end = match.end()


def _find_prefix(glob: str) -> str:
    match = _LITERAL.match(glob)
    return match[0] if match else ""


def parse_image_template(text: str) -> ImageTemplate:
    """Parse a repository in familiar or full form, in which `{name}` stands for what was captured.

    Raises InvalidImageTemplate.
    """
    if len(text) > _MAX_CHARACTERS:
        raise InvalidImageTemplate(f"{text[:40]}...", f"it has {len(text)} characters, the most is {_MAX_CHARACTERS}")
    # Wherever a name may have what was captured, it may have this digit.
    example = _CAPTURE.sub("1", text)
    if "{" in example or "}" in example:
        raise InvalidImageTemplate(text, "a brace begins or ends no {name}")
    if ":" in example.rpartition("/")[2] or "@" in example:
        raise InvalidImageTemplate(text, "it names a tag or a digest")
    try:
        parse_repository(example)
    except InvalidReference as error:
        raise InvalidImageTemplate(text, error.reason) from error
    return ImageTemplate(text, frozenset(_CAPTURE.findall(text)))
