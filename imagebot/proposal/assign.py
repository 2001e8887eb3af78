"""What a person says an image shall be, and what that makes of a file: the steps of an update, without choosing.

IMAGE=TAG           the tag, where no digest stands beside it
IMAGE=TAG@DIGEST    both
IMAGE=@DIGEST       the digest; tags stay as they are
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

from imagebot.errors import InvalidInput
from imagebot.image.reference import InvalidReference, Repository, parse_digest, parse_repository, parse_tag
from imagebot.proposal.survey import Unread
from imagebot.yamledit.edit import Edit, make_edits, make_reference
from imagebot.yamledit.locate import Bindings, can_name_image, locate
from imagebot.yamledit.occurrence import About, LeftAlone, Located, Occurrence
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite
from imagebot.yamledit.scan import NotYaml
from imagebot.yamledit.search import Sieve, make_need
from imagebot.yamledit.sites import Site

# The name in a text that need not be a reference, as in nginx:${TAG}: a host with its port, and what begins no tag.
_NAME = re.compile(r"((?:[^/:@\s]+(?::[0-9]+)?/)?[^:@\s]+)(?:[:@]|$)")
_PARTS = (":tag", ":name", ":digest")


class InvalidAssignment(InvalidInput):
    """A text does not say what an image shall be."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(
            f"{text!r} sets nothing: {reason}; accepted is IMAGE=TAG, IMAGE=TAG@DIGEST or IMAGE=@DIGEST, "
            "as in ghcr.io/acme/api=1.4.3"
        )
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Assignment:
    """A repository, and the tag, the digest or both that it shall have; `text` is how that was written."""

    text: str
    repository: Repository
    tag: str | None
    digest: str | None


def parse_assignment(text: str) -> Assignment:
    """Parse one of the forms above. Raises InvalidAssignment."""
    name, _, rest = text.partition("=")
    tag, at, digest = rest.partition("@")
    try:
        repository = parse_repository(name)
        if tag or not at:
            parse_tag(tag)
        if at:
            parse_digest(digest)
    except InvalidReference as error:
        raise InvalidAssignment(text, f"{error.text!r} is at fault: {error.reason}") from error
    return Assignment(text, repository, tag or None, digest or None)


def parse_assignments(texts: Iterable[str]) -> Mapping[Repository, Assignment]:
    """Parse them all; what is said twice of an image is refused. Raises InvalidAssignment."""
    assignments: dict[Repository, Assignment] = {}
    for text in texts:
        assignment = parse_assignment(text)
        other = assignments.setdefault(assignment.repository, assignment)
        if other is not assignment:
            raise InvalidAssignment(text, f"{other.text!r} is about the same image")
    return assignments


class Result(Enum):
    """What came of a place."""

    EDITED = "edited"
    UNCHANGED = "unchanged"
    """It says all this already."""
    REFUSED = "refused"
    """It names the image, and cannot say what it shall."""
    LEFT_ALONE = "left_alone"
    """It is no reference that can be edited."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of an image, and what came of it: `after` is there if it is edited, `reason` if it is not."""

    assignment: Assignment
    result: Result
    path: str
    line: int
    column: int
    before: str
    after: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """A file before and after, and its places in the order of the text.

    `doubtful` are markers that keep what they stand at from being found, whatever image that is. If the file cannot be
    read, `fault` says why.
    """

    path: str
    before: bytes
    after: bytes
    places: tuple[Place, ...] = ()
    doubtful: tuple[Unread, ...] = ()
    fault: Unread | None = None

    def refuse(self, reason: str) -> "Assigned":
        """Return the file as it is if it must stay so: what was to be edited is refused."""
        places = (_refuse(place, reason) if place.result is Result.EDITED else place for place in self.places)
        return replace(self, after=self.before, places=tuple(places))


def assign(
    path: str, data: bytes, assignments: Mapping[Repository, Assignment], *, sites: Sequence[Site] = ()
) -> Assigned:
    """Set the images in one file, or leave all of it as it is if it cannot be rewritten safely.

    The path matters to the sites. To which entries markers bind does not matter here.
    """
    try:
        located = locate_wanted(path, data, assignments, sites=sites)
    except NotYaml as error:
        return Assigned(path, data, data, fault=Unread(path, error.line, error.column, error.reason))
    places: list[Place] = []
    edits: list[Edit] = []
    for occurrence in located.occurrences:
        assignment = assignments.get(occurrence.reference.repository)
        if assignment is not None:
            place, own = _set_place(path, occurrence, assignment)
            places.append(place)
            edits.extend(own)
    left = _list_left_alone(path, located.left_alone, assignments)
    ordered = sorted((*places, *left), key=lambda place: (place.line, place.column))
    marked = (each for each in located.left_alone if each.about is About.MARKER)
    doubtful = tuple(Unread(path, each.line, each.column, f"{each.text}: {each.reason}") for each in marked)
    assigned = Assigned(path, data, data, tuple(ordered), doubtful)
    try:
        return replace(assigned, after=rewrite(data, edits)) if edits else assigned
    except UnsafeRewrite as error:
        return assigned.refuse(f"the file is left as it is: {error}")


def locate_wanted(path: str, data: bytes, images: Collection[Repository], *, sites: Sequence[Site] = ()) -> Located:
    """Locate what a file names, if it may name one of the images; else nothing, and then it is not parsed.

    Raises NotYaml.
    """
    bindings = Bindings(tuple(sites), _EveryEntry())
    if not _may_name(data, path, images=images, bindings=bindings):
        return Located((), ())
    return locate(data, path=path, bindings=bindings)


class _EveryEntry(Mapping[str, Repository | None]):
    """The entries of a policy file that has one of every name, each about whatever images are bound to it."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and not name.endswith(_PARTS)

    def __getitem__(self, name: str) -> None:
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _may_name(data: bytes, path: str, *, images: Collection[Repository], bindings: Bindings) -> bool:
    """Search for the last part of the names, which no form divides; but sites know names that the file does not say.

    A file with NUL bytes may be UTF-16 and is to be refused.
    """
    if _make_sieve(frozenset(images)).lets_through(data):
        return can_name_image(data, path=path, bindings=bindings)
    return b"\0" in data or any(site.match(path) is not None for site in bindings.sites)


@cache
def _make_sieve(repositories: frozenset[Repository]) -> Sieve:
    return Sieve([make_need(repository.path.rpartition("/")[2]) for repository in repositories])


def _set_place(path: str, occurrence: Occurrence, assignment: Assignment) -> tuple[Place, tuple[Edit, ...]]:
    reference = occurrence.reference
    place = Place(assignment, Result.UNCHANGED, path, occurrence.line, occurrence.column, str(reference))
    reason = _find_obstacle(occurrence, assignment)
    if reason is not None:
        return _refuse(place, reason), ()
    tag = None if reference.tag is None else assignment.tag or reference.tag
    digest = assignment.digest or reference.digest
    try:
        edits = make_edits(occurrence, tag=tag, digest=digest)
    except ValueError as error:
        return _refuse(place, str(error)), ()
    if edits:
        after = str(make_reference(occurrence, tag=tag, digest=digest))
        place = replace(place, result=Result.EDITED, after=after)
    return place, edits


def _find_obstacle(occurrence: Occurrence, assignment: Assignment) -> str | None:
    """Say why the place cannot be what it shall."""
    reference = occurrence.reference
    if assignment.digest is not None:
        return None if occurrence.can_hold_digest else "no digest can be written there: nothing in the file holds one"
    advice = f"give {assignment.repository.familiar}={assignment.tag}@DIGEST"
    if reference.tag is None:
        return f"it has only a digest, and no tag that could be set; {advice}"
    if reference.digest is not None and reference.tag != assignment.tag:
        return f"the digest beside its tag would still be that of {reference.tag}; {advice}"
    return None


def _refuse(place: Place, reason: str) -> Place:
    return replace(place, result=Result.REFUSED, after=None, reason=reason)


def _list_left_alone(
    path: str, left_alone: Iterable[LeftAlone], assignments: Mapping[Repository, Assignment]
) -> Iterator[Place]:
    """Yield those of the texts that are left alone that name one of the images, as nginx:${TAG} does."""
    for each in left_alone:
        repository = _find_repository(each.text)
        assignment = assignments.get(repository) if repository is not None else None
        if assignment is not None:
            yield Place(assignment, Result.LEFT_ALONE, path, each.line, each.column, each.text, reason=each.reason)


def _find_repository(text: str) -> Repository | None:
    name = _NAME.match(text)
    try:
        return parse_repository(name[1]) if name else None
    except InvalidReference:
        return None
