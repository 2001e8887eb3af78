"""What inline markers do: they bind candidates to the entries that they name, or make candidates of their own.

The marker says what its scalar holds: a candidate whose form says otherwise gives way. Where anything is wrong with a
marker, the scalar is left alone, for by which entry it may be moved is then not known.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from imagebot.image.reference import (
    InvalidReference,
    Repository,
    is_tag,
    parse_digest,
    parse_reference,
    parse_repository,
)
from imagebot.yamledit.candidate import Candidate, find_scalar
from imagebot.yamledit.comments import Comment
from imagebot.yamledit.markers import Marker, Misfit, Suffix, may_hold_markers, read_markers
from imagebot.yamledit.merges import find_merged
from imagebot.yamledit.occurrence import About, LeftAlone, Place
from imagebot.yamledit.scan import Alias, MappingNode, Node, Scalar, YamlFile
from imagebot.yamledit.variables import find_literal_tag

_MAX_QUOTED = 200
_UNKNOWN = "its entry is about more than one image; the name beside it can be marked {entry}:name"


def bind_markers(
    candidates: Iterable[Candidate], file: YamlFile, *, images: Mapping[str, Repository | None], reads_flux: bool
) -> tuple[tuple[Candidate, ...], tuple[LeftAlone, ...]]:
    """Bind the candidates that have a marker, and add those that only a marker makes.

    Return second the markers with which something is wrong; the candidates at which they stand are left out.
    """
    if not may_hold_markers(file.data, reads_flux=reads_flux):
        return tuple(candidates), ()
    binder = _Binder(candidates, file, images)
    for marker in read_markers(file, images, reads_flux=reads_flux):
        if isinstance(marker, Misfit):
            if marker.is_prose and not binder.has_image_at(marker.node):
                continue
            binder.refuse(marker.comment, marker.reason, marker.node, unknown=marker.unknown)
        elif marker.suffix is Suffix.NAME:
            binder.check_name(marker)
        else:
            binder.bind(marker)
    binder.add_own()
    return binder.finish()


@dataclass(slots=True)
class _Group:
    """What markers say about the parts of one image: those of one entry in one mapping, or one that stands alone."""

    parent: MappingNode | None
    entry: str
    fault: Comment | None
    """A marker in the mapping that does not fit."""
    tags: list[Marker] = field(default_factory=list)
    digests: list[Marker] = field(default_factory=list)
    names: list[Marker] = field(default_factory=list)
    bound: list[tuple[Marker, int]] = field(default_factory=list)
    """With the candidates, by number, whose scalars these are."""

    def add(self, marker: Marker, number: int | None) -> None:
        if number is not None:
            self.bound.append((marker, number))
        else:
            parts = {Suffix.TAG: self.tags, Suffix.DIGEST: self.digests, Suffix.NAME: self.names}
            parts[marker.suffix].append(marker)


class _Binder:
    """Candidates, by number, while markers bind them; those that give way are None."""

    def __init__(
        self, candidates: Iterable[Candidate], file: YamlFile, images: Mapping[str, Repository | None]
    ) -> None:
        self._file = file
        self._images = images
        self._candidates: list[Candidate | None] = list(candidates)
        self._faults: list[LeftAlone] = []
        self._refused: dict[Scalar | Alias, Comment] = {}
        self._own: list[Marker] = []
        self._names: list[Marker] = []
        self._bound: list[tuple[Marker, int]] = []
        self._users: dict[Scalar | Alias, list[int]] = {}
        for number, candidate in enumerate(self._candidates):
            nodes = _list_nodes(candidate) if candidate else ()
            for node in {*nodes, *map(find_scalar, nodes)}:
                if isinstance(node, Scalar | Alias):
                    self._users.setdefault(node, []).append(number)

    def has_image_at(self, node: Scalar | Alias | None) -> bool:
        return node is not None and any(node in _list_nodes(candidate) for _, candidate in self._list_users(node))

    def refuse(self, comment: Comment, reason: str, node: Scalar | Alias | None, *, unknown: str | None = None) -> None:
        """Report a marker, and leave alone what it stands at."""
        line, column = self._file.positions.to_line_and_column(comment.start)
        text = comment.text[:_MAX_QUOTED]
        self._faults.append(LeftAlone(line, column, text, reason, About.MARKER, unknown))
        if node is None:
            return
        self._refused.setdefault(node, comment)
        for number, candidate in self._list_users(node):
            if node in _list_nodes(candidate):
                self._candidates[number] = None

    def bind(self, marker: Marker) -> None:
        """Bind the candidates that use the scalar, here or by alias; if none stands here, the marker makes one."""
        if marker.scalar in self._refused:
            return
        if marker.suffix is Suffix.TAG and find_literal_tag(marker.scalar.value) is not None:
            # Of a reference with variables in its name only the tag is edited anyway.
            marker = replace(marker, suffix=Suffix.NONE)
        is_placed = False
        for number, candidate in self._list_users(marker.scalar):
            is_here = marker.scalar in _list_nodes(candidate)
            if not _agrees(candidate, marker):
                self._candidates[number] = None if is_here else candidate
            elif candidate.entry not in (None, marker.entry):
                self.refuse(
                    marker.comment, f"a scalar beside it is bound to the entry {candidate.entry}", marker.scalar
                )
                self._candidates[number] = None
                return
            else:
                self._candidates[number] = replace(candidate, entry=marker.entry)
                is_placed = is_placed or is_here
                self._bound += [(marker, number)] if is_here else []
        if not is_placed:
            self._own.append(marker)

    def check_name(self, marker: Marker) -> None:
        """Compare the repository that the scalar holds, perhaps with a registry beside it, to that of the entry."""
        if marker.scalar in self._refused:
            return
        text = marker.scalar.value
        for number, candidate in self._list_users(marker.scalar):
            if marker.scalar in candidate.name:
                text = candidate.spell_name()
            elif marker.scalar in _list_nodes(candidate):
                self._candidates[number] = None
        expected = self._images[marker.entry]
        try:
            repository = parse_repository(text)
        except InvalidReference as error:
            self.refuse(marker.comment, f"its scalar holds no repository: {error.reason}", marker.scalar)
        else:
            if expected is not None and repository != expected:
                reason = f"its scalar names {text[:_MAX_QUOTED]}, and the entry is about {expected.familiar}"
                self.refuse(marker.comment, reason, marker.scalar)
        self._names.append(marker)

    def add_own(self) -> None:
        """Add the candidates of the markers at scalars that are parts of no other."""
        for marker in self._own:
            if marker.suffix is Suffix.NONE:
                self._add_whole(marker)
        merged = find_merged(self._file.merges)
        for group in self._group():
            if group.fault is not None:
                self._refuse_all(group)
                continue
            self._complete(group)
            self._add_parts(group, is_merged=group.parent in merged)

    def finish(self) -> tuple[tuple[Candidate, ...], tuple[LeftAlone, ...]]:
        return tuple(candidate for candidate in self._candidates if candidate is not None), tuple(self._faults)

    def _list_users(self, node: Scalar | Alias) -> list[tuple[int, Candidate]]:
        numbered = ((number, self._candidates[number]) for number in self._users.get(node, ()))
        return [(number, candidate) for number, candidate in numbered if candidate is not None]

    def _add_whole(self, marker: Marker) -> None:
        scalar, entry = marker.scalar, marker.entry
        if is_tag(scalar.value) or _is_digest(scalar.value):
            reason = f"its scalar is no name with a tag; one that holds a part is marked {entry}:tag or {entry}:digest"
            self.refuse(marker.comment, reason, scalar)
        else:
            self._candidates.append(Candidate(Place.IMAGE, scalar.path, whole=scalar, entry=entry))

    def _group(self) -> list[_Group]:
        """Put together what is marked in one mapping with one entry, but for whole references."""
        parts = [marker for marker in (*self._own, *self._names) if marker.suffix is not Suffix.NONE]
        bound = [(marker, number) for marker, number in self._bound if self._is_in_parts(number)]
        scalars = {marker.scalar for marker in parts} | {marker.scalar for marker, _ in bound}
        parents = _find_parents(self._file.mappings, self._refused.keys() | scalars)
        refused = {parents[node]: comment for node, comment in self._refused.items() if node in parents}
        groups: dict[tuple[MappingNode | Scalar, str], _Group] = {}
        for marker, number in (*((marker, None) for marker in parts), *bound):
            parent = parents.get(marker.scalar)
            fault = refused.get(parent) if parent is not None else None
            group = groups.setdefault((parent or marker.scalar, marker.entry), _Group(parent, marker.entry, fault))
            group.add(marker, number)
        return list(groups.values())

    def _is_in_parts(self, number: int) -> bool:
        candidate = self._candidates[number]
        return candidate is not None and candidate.whole is None

    def _refuse_all(self, group: _Group) -> None:
        """Leave alone what stands beside a marker that does not fit: one part alone is not to be changed."""
        line = group.fault.line if group.fault else 0
        for marker in (*group.tags, *group.digests, *(marker for marker, _ in group.bound)):
            self.refuse(marker.comment, f"the marker beside it in line {line} does not fit", marker.scalar)

    def _complete(self, group: _Group) -> None:
        """Let a marked tag or digest join the other that the form of the mapping tells, as one image."""
        for _, number in group.bound:
            candidate = self._candidates[number]
            if candidate is None:
                continue
            if candidate.tag is None and group.tags:
                candidate = replace(candidate, tag=group.tags.pop(0).scalar)
            if candidate.digest is None and candidate.empty_digest is None and group.digests:
                candidate = _add_digest(candidate, group.digests.pop(0).scalar)
            self._candidates[number] = candidate

    def _add_parts(self, group: _Group, *, is_merged: bool) -> None:
        """Add the other tags and digests: the first of each are one image, and so on."""
        repository = self._images[group.entry]
        is_unknown = repository is None and not group.names
        for tag, digest in zip_longest(group.tags, group.digests):
            reason = _UNKNOWN.format(entry=group.entry) if is_unknown else _find_misuse(tag, digest)
            given = [marker for marker in (tag, digest) if marker is not None]
            if reason is not None:
                for marker in given:
                    self.refuse(marker.comment, reason, marker.scalar)
                continue
            candidate = Candidate(
                Place.SPLIT,
                given[0].scalar.path,
                known_name="" if group.names or repository is None else repository.familiar,
                name=tuple(marker.scalar for marker in group.names[:1]),
                tag=tag.scalar if tag else None,
                entry=group.entry,
                is_merged=is_merged,
            )
            self._candidates.append(_add_digest(candidate, digest.scalar) if digest else candidate)


def _find_misuse(tag: Marker | None, digest: Marker | None) -> str | None:
    if tag is not None and _has_name(tag.scalar.value):
        return "its scalar holds more than a tag"
    is_alone = tag is None and digest is not None and not digest.scalar.value
    return "its scalar is empty, and no tag beside it has a marker of the entry" if is_alone else None


def _has_name(text: str) -> bool:
    try:
        return parse_reference(text).tag is not None
    except InvalidReference:
        return False


def _is_digest(text: str) -> bool:
    try:
        return bool(parse_digest(text))
    except InvalidReference:
        return False


def _add_digest(candidate: Candidate, digest: Scalar) -> Candidate:
    return replace(candidate, digest=digest) if digest.value else replace(candidate, empty_digest=digest)


def _find_parents(
    mappings: Iterable[MappingNode], wanted: Collection[Scalar | Alias]
) -> Mapping[Scalar | Alias, MappingNode]:
    """Find the mappings that have these nodes as values."""
    return {
        node: mapping
        for mapping in mappings
        for nodes in mapping.values.values()
        for node in nodes
        if isinstance(node, Scalar | Alias) and node in wanted
    }


def _list_nodes(candidate: Candidate) -> tuple[Node, ...]:
    empty = (candidate.empty_digest,) if candidate.empty_digest else ()
    return (*candidate.editable, *candidate.name, *empty)


def _agrees(candidate: Candidate, marker: Marker) -> bool:
    """Whether the candidate takes the scalar for what the marker says; without a suffix, the marker leaves it open."""
    tag = find_scalar(candidate.tag) if candidate.tag else None
    digest = find_scalar(candidate.digest) if candidate.digest else candidate.empty_digest
    whole = find_scalar(candidate.whole) if candidate.whole else None
    accepted = {Suffix.NONE: (whole, tag, digest), Suffix.TAG: (tag,), Suffix.DIGEST: (digest,)}
    return marker.scalar in accepted.get(marker.suffix, ())
