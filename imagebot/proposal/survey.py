"""What a set of files says about images, before any registry is asked.

Answers which occurrences there are, which entry governs each, and what was seen but is left alone, with the reason.
Which files are read at all is the caller's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagebot.image.reference import Repository
from imagebot.policy.entry import Entry, find_entry
from imagebot.policy.policies import Follow
from imagebot.yamledit.locate import can_name_image, locate
from imagebot.yamledit.occurrence import LeftAlone, Located, Occurrence
from imagebot.yamledit.scan import NotYaml

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
    """A file that is not read, or a place in one that is not edited, and why; line and column count from 1."""

    path: str
    line: int | None
    column: int | None
    reason: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Survey:
    """All occurrences of a set of files, in the order of path and place.

    `ungoverned` are images that no entry matches, `left_alone` texts that look like an image and cannot be edited,
    `unreadable` whole files.
    """

    governed: tuple[Governed, ...]
    ungoverned: tuple[tuple[str, Occurrence], ...]
    left_alone: tuple[Unread, ...]
    unreadable: tuple[Unread, ...]

    @property
    def repositories(self) -> frozenset[Repository]:
        """The repositories whose tags have to be known to go on."""
        return frozenset(each.repository for each in self.governed)


def survey(files: Mapping[str, bytes], entries: Sequence[Entry]) -> Survey:
    """Locate the images of all files and find the entry for each.

    Files that name no image in any of the known places are not parsed.
    """
    governed: list[Governed] = []
    ungoverned: list[tuple[str, Occurrence]] = []
    left_alone: list[Unread] = []
    unreadable: list[Unread] = []
    for path, data in sorted(files.items()):
        located = _locate(path, data)
        if isinstance(located, Unread):
            unreadable.append(located)
            continue
        left_alone.extend(_unread(path, each) for each in located.left_alone)
        for occurrence in located.occurrences:
            entry = find_entry(entries, occurrence.reference.repository, path=path)
            if entry is None:
                ungoverned.append((path, occurrence))
            elif occurrence.reference.tag is None and not isinstance(entry.rules.policy, Follow):
                reason = f"{occurrence.reference}: {_TAGLESS}"
                left_alone.append(Unread(path, occurrence.line, occurrence.column, reason))
            else:
                governed.append(Governed(path, occurrence, entry))
    return Survey(tuple(governed), tuple(ungoverned), tuple(left_alone), tuple(unreadable))


def _locate(path: str, data: bytes) -> Located | Unread:
    if not can_name_image(data):
        return Located((), ())
    try:
        return locate(data)
    except NotYaml as error:
        return Unread(path, error.line, error.column, error.reason)


def _unread(path: str, left: LeftAlone) -> Unread:
    return Unread(path, left.line, left.column, f"{left.text}: {left.reason}")
