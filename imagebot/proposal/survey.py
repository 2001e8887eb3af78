"""What a set of files says about images, before any registry is asked.

Answers which occurrences there are, which entry governs each, and what was seen but is left alone, with the reason.
Which files are read at all is the caller's business.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imagebot.image.reference import Repository, parse_repository
from imagebot.policy.entry import Entry, ImagePattern, find_entry
from imagebot.policy.policies import Follow
from imagebot.yamledit.kept import NOTHING, Found, NoYaml
from imagebot.yamledit.locate import Bindings, can_name_image, locate
from imagebot.yamledit.occurrence import About, LeftAlone, Occurrence
from imagebot.yamledit.scan import NotYaml
from imagebot.yamledit.sites import Site

_TAGLESS = "it has only a digest, and no tag to choose by; the policy `digest` says which tag to follow"


@dataclass(frozen=True, slots=True)
class Governed:
    """An occurrence, and the entry of the policy file that says how it may move."""

    path: str
    occurrence: Occurrence
    entry: Entry

    @property
    def repository(self) -> Repository:
        return self.occurrence.reference.repository

    def __str__(self) -> str:
        return f"{self.path}:{self.occurrence.line}: {self.occurrence.reference}"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that is not read, or a place in one that is not edited, and why; line and column count from 1.

    `unknown` is the name that a marker there gives, or an object of Flux's has, and no entry.
    """

    path: str
    line: int | None
    column: int | None
    reason: str
    about: About = About.TEXT
    unknown: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Survey:
    """All occurrences of a set of files, in the order of path and place.

    `ungoverned` are images that no entry matches, `left_alone` texts that look like an image and cannot be edited,
    `unreadable` whole files. `repositories` are those of the governed images, whose tags have to be known to go on.
    """

    governed: Sequence[Governed]
    ungoverned: Sequence[tuple[str, Occurrence]]
    left_alone: Sequence[Unread]
    unreadable: Sequence[Unread]
    repositories: frozenset[Repository]


LocateFiles = Callable[[Mapping[str, bytes], Bindings], Mapping[str, Found]]


def survey(
    files: Mapping[str, bytes],
    entries: Sequence[Entry],
    *,
    sites: Sequence[Site] = (),
    reads_flux: bool = False,
    locate_all: LocateFiles | None = None,
) -> Survey:
    """Locate the images of all files and find the entry for each; `locate_all` may remember what it located before."""
    bindings = make_bindings(entries, sites=sites, reads_flux=reads_flux)
    return govern((locate_all or locate_files)(files, bindings), entries)


def make_bindings(entries: Sequence[Entry], *, sites: Sequence[Site] = (), reads_flux: bool = False) -> Bindings:
    """Make what the policy file says about places."""
    images = {entry.name: _find_repository(entry.image) for entry in entries if entry.name is not None}
    return Bindings(tuple(sites), images, reads_flux=reads_flux)


def locate_files(files: Mapping[str, bytes], bindings: Bindings) -> Mapping[str, Found]:
    return {path: locate_file(path, data, bindings) for path, data in files.items()}


def locate_file(path: str, data: bytes, bindings: Bindings) -> Found:
    """Locate the images of a file; one that names none in any of the known places is not parsed."""
    if not can_name_image(data, path=path, bindings=bindings):
        return NOTHING
    try:
        return locate(data, path=path, bindings=bindings)
    except NotYaml as error:
        return NoYaml(error.line, error.column, error.reason)


def govern(found: Mapping[str, Found], entries: Sequence[Entry]) -> Survey:
    """Find the entry for each image that was located in files.

    A marker in a file binds an image to the entry of a name, also where the `files` of the entry leave out the file,
    for it says so of this very image. Every other image is governed by the first entry that matches it.
    """
    governed: list[Governed] = []
    ungoverned: list[tuple[str, Occurrence]] = []
    left_alone: list[Unread] = []
    unreadable: list[Unread] = []
    finder = _EntryFinder(entries)
    for path, located in sorted(found.items(), key=lambda item: item[0]):
        if isinstance(located, NoYaml):
            unreadable.append(Unread(path, located.line, located.column, located.reason))
            continue
        left_alone.extend(_unread(path, each) for each in located.left_alone)
        for occurrence in located.occurrences:
            entry = finder.find(occurrence, path)
            reason = _find_obstacle(occurrence, entry) if entry is not None else None
            if entry is None:
                ungoverned.append((path, occurrence))
            elif reason is not None:
                text, about = f"{occurrence.reference}: {reason[0]}", reason[1]
                left_alone.append(Unread(path, occurrence.line, occurrence.column, text, about))
            else:
                governed.append(Governed(path, occurrence, entry))
    repositories = frozenset(each.repository for each in governed)
    return Survey(tuple(governed), tuple(ungoverned), tuple(left_alone), tuple(unreadable), repositories)


def _find_repository(image: ImagePattern) -> Repository | None:
    """Return the repository that a pattern stands for, if it is but one."""
    return None if any(wildcard in image.text for wildcard in "*?") else parse_repository(image.text)


class _EntryFinder:
    """Finds the entry of an occurrence; patterns of images are matched once for each name."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._named = {entry.name: entry for entry in entries if entry.name is not None}
        self._matching: dict[str, tuple[Entry, ...]] = {}
        self._everywhere: dict[str, Entry | None] = {}

    def find(self, occurrence: Occurrence, path: str) -> Entry | None:
        if occurrence.entry is not None:
            return self._named[occurrence.entry]
        reference = occurrence.reference
        if reference.name in self._everywhere:
            return self._everywhere[reference.name]
        matching = self._matching.get(reference.name)
        if matching is None:
            matching = tuple(each for each in self._entries if each.image.matches(reference.repository))
            self._matching[reference.name] = matching
        entry = find_entry(matching, reference.repository, path=path)
        if all(each.files is None for each in matching):
            self._everywhere[reference.name] = entry
        return entry


def _find_obstacle(occurrence: Occurrence, entry: Entry) -> tuple[str, About] | None:
    """Say why the entry cannot move the image, and what that is about."""
    if occurrence.entry is not None and not entry.image.matches(occurrence.reference.repository):
        return f"its marker names the entry {entry.label}, which is about {entry.image}", About.MARKER
    is_tagless = occurrence.reference.tag is None and not isinstance(entry.rules.policy, Follow)
    return (_TAGLESS, About.TEXT) if is_tagless else None


def _unread(path: str, left: LeftAlone) -> Unread:
    return Unread(path, left.line, left.column, f"{left.text}: {left.reason}", left.about, left.unknown)
