"""The entries of a policy file: which of them governs an occurrence, by its repository and its file.

Patterns come from people who may not be trusted: both kinds are matched by RE2, in time linear in the text, and have
limits on their length. Reading the entries from the file is for the settings to do.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2
from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from imagebot.errors import InvalidInput
from imagebot.image.reference import InvalidReference, Repository, parse_repository, split_name
from imagebot.policy.reading import Rules

_MAX_IMAGE_PATTERN_CHARACTERS = 512
_WILDCARD = re.compile(r"\*\*|\*|\?")
_IN_PART = {"*": "[^/]*", "?": "[^/]"}

# More than this RE2 may be unable to compile: it would fail slowly, and print to standard error.
_MAX_FILE_GLOBS = 100
_MAX_FILE_GLOB_CHARACTERS = 4096
# Other characters in brackets mean different things to git, to RE2 and to Python's re, which has to read them as well.
_FILE_GLOB = re.compile(r"(?:[^\\\[\ud800-\udfff]|\\[^\ud800-\udfff]|\[[!^]?(?:[0-9A-Za-z_.](?:-[0-9A-Za-z_.])?)+\])++")


class InvalidImagePattern(InvalidInput):
    """A text is no pattern of image repositories."""

    def __init__(self, text: str, reason: str) -> None:
        accepted = "accepted is a repository such as nginx or ghcr.io/acme/api, with *, ? and, as a whole part, **"
        super().__init__(f"{text!r} is no image pattern: {reason}; {accepted}")
        self.text = text
        self.reason = reason


class InvalidFileGlob(InvalidInput):
    """A text is no pattern of files, or one too many."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} is no file pattern: {reason}; accepted are patterns as in .gitignore")
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ImagePattern:
    """A pattern of repositories, as written."""

    text: str
    _regex: Any = field(repr=False, compare=False)  # re2 has no types

    def __str__(self) -> str:
        return self.text

    def matches(self, repository: Repository) -> bool:
        return self._regex.fullmatch(str(repository)) is not None


@dataclass(frozen=True, slots=True)
class FileGlobs:
    """Patterns of files in a git repo, as in .gitignore: the last that matches a file decides, `!` leaves it out."""

    patterns: tuple[str, ...]
    _spec: GitIgnoreSpec = field(repr=False, compare=False)

    def matches(self, path: str) -> bool:
        """Say whether the path, relative to the root of the tree, is one of these files."""
        # Git's paths are bytes: what of one is no UTF-8, and so a surrogate here, is matched as a question mark; so is
        # a line break, which no wildcard stands for in regular expressions.
        return self._spec.match_file(path.encode(errors="replace").decode().replace("\n", "?"))


@dataclass(frozen=True, slots=True)
class Entry:
    """Which occurrences are governed by which rules: one of a policy file's `images`, or made of another file.

    Without `files` it governs all files. `position` is its line, counted from 1, in the policy file if `file` is None.
    With `only_marked` it governs just what a marker binds to it by its name. Changes of entries with the same `group`
    are proposed together.
    """

    name: str | None
    image: ImagePattern
    files: FileGlobs | None
    rules: Rules
    position: int
    file: str | None = None
    only_marked: bool = False
    group: str | None = None

    @property
    def label(self) -> str:
        """What reports call this entry."""
        return self.name or self.image.text


def find_entry(entries: Iterable[Entry], repository: Repository, *, path: str) -> Entry | None:
    """Return the first entry that governs this repository in this file without a marker."""
    for entry in entries:
        if entry.only_marked:
            continue
        if entry.image.matches(repository) and (entry.files is None or entry.files.matches(path)):
            return entry
    return None


def parse_image_pattern(text: str) -> ImagePattern:
    """Parse a repository in familiar or full form, or a glob of repositories.

    `*` and `?` match within one part between slashes. `**` is a whole part and matches any number of them, at the end
    at least one. What a reference may leave out is completed: `nginx*` is `docker.io/library/nginx*`, `grafana/*` is
    `docker.io/grafana/*`. But `**` as the first part stands for any registry, `docker.io/**` is all of Docker Hub, and
    `*` alone is every repository.

    Raises InvalidImagePattern.
    """
    if len(text) > _MAX_IMAGE_PATTERN_CHARACTERS:
        reason = f"it has {len(text)} characters, the most is {_MAX_IMAGE_PATTERN_CHARACTERS}"
        raise InvalidImagePattern(f"{text[:40]}...", reason)
    parts = text.split("/")
    if ":" in parts[-1] or "@" in text:
        raise InvalidImagePattern(text, "it names a tag or a digest")
    if any("**" in part and part != "**" for part in parts):
        raise InvalidImagePattern(text, "** stands beside other characters")
    try:
        # Wherever a name may have any characters at all, it may have this digit.
        parse_repository(_WILDCARD.sub("1", text))
    except InvalidReference as error:
        raise InvalidImagePattern(text, error.reason) from error
    options = re2.Options()
    options.log_errors = False
    return ImagePattern(text, re2.compile(_make_regex(_complete_glob(text)), options))


def _complete_glob(glob: str) -> str:
    """Add the registry and the `library/` that names may leave out."""
    if glob in ("*", "**"):
        return "**"
    first, _, rest = glob.partition("/")
    if first == "**":
        return glob
    registry, path = split_name(glob)
    is_whole_registry = rest == "**" and path != glob
    return f"{registry}/{rest if is_whole_registry else path}"


def _make_regex(glob: str) -> str:
    *parts, last = glob.split("/")
    regex = "".join("(?:[^/]+/)*" if part == "**" else f"{_make_part_regex(part)}/" for part in parts)
    return regex + (".+" if last == "**" else _make_part_regex(last))


def _make_part_regex(part: str) -> str:
    return "".join(_IN_PART.get(char) or re2.escape(char) for char in part)


def parse_file_globs(patterns: Sequence[str]) -> FileGlobs:
    """Parse patterns as in .gitignore.

    Patterns that are passed over there are refused (blanks, comments, open brackets), and so are brackets that hold
    more than letters, digits, `_`, `.` and ranges of them. Raises InvalidFileGlob.
    """
    if len(patterns) > _MAX_FILE_GLOBS:
        raise InvalidFileGlob(patterns[_MAX_FILE_GLOBS], f"it is one too many, the most is {_MAX_FILE_GLOBS}")
    characters = 0
    for pattern in patterns:
        characters += len(pattern)
        if characters > _MAX_FILE_GLOB_CHARACTERS:
            reason = f"with it the patterns have more than {_MAX_FILE_GLOB_CHARACTERS} characters"
            raise InvalidFileGlob(f"{pattern[:40]}...", reason)
    spec = GitIgnoreSpec([_parse_file_glob(pattern) for pattern in patterns], backend="re2")
    return FileGlobs(tuple(patterns), spec)


def _parse_file_glob(text: str) -> GitIgnoreSpecPattern:
    if not text.strip():
        raise InvalidFileGlob(text, "it is blank")
    if not _FILE_GLOB.fullmatch(text):
        reason = "a backslash ends it, or a bracket is open or holds more than letters, digits, _ . and ranges of them"
        raise InvalidFileGlob(text, reason)
    try:
        pattern = GitIgnoreSpecPattern(text)
    except (ValueError, re.error) as error:
        raise InvalidFileGlob(text, "nothing is left to match, or a range runs backwards") from error
    if pattern.include is None:
        raise InvalidFileGlob(text, "it is a comment or a slash, and matches no file")
    return pattern
