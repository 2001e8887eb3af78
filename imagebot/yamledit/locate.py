"""Finding every image that a file names, and saying why what looks like one is left alone.

Places are recognised by what the file says (`image:`, Kustomize's `images:`, `repository` with `tag` or `digest`),
never by the file's name. Which image may move is not asked here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagebot.image.reference import InvalidReference, Reference, parse_reference
from imagebot.yamledit.candidates import (
    Candidate,
    find_lent,
    find_merged,
    find_scalar,
    make_candidates,
    text_of,
)
from imagebot.yamledit.occurrence import Holds, LeftAlone, Located, Occurrence, Part, Place
from imagebot.yamledit.scan import Alias, Node, Scalar, YamlFile, scan

# Registry, path, tag and digest at their longest; also keeps reasons short, which quote the text.
_MAX_REFERENCE = 1000
_VARIABLE = re.compile(
    r"""
    \$ \{ [^}]* \}?          # ${TAG}
  | \$ \( [^)]* \)?          # $(TAG)
  | \$ [A-Za-z_] \w*         # $TAG
  | \{\{ .*? (?: \}\} | $ )  # {{ tag }}
  | % [A-Za-z_]\w* %         # %TAG%
  | < [^>]+ >                # <tag>
    """,
    re.VERBOSE | re.DOTALL,
)


def can_name_image(data: bytes) -> bool:
    """Search for the keys of the places; false only if `locate` would find nothing.

    A file with NUL bytes may be UTF-16 and is for `locate` to refuse. Keys that are spelled with escapes, as in
    `"\\u0069mage"`, are not found.
    """
    is_split = b"repository" in data and (b"tag" in data or b"digest" in data)
    return b"image" in data or is_split or b"\0" in data


def locate(data: bytes) -> Located:
    """Find the occurrences of a file.

    Scalars shared through an anchor make one occurrence if every use of them names the same image, and are left alone
    otherwise. Raises NotYaml.
    """
    file = scan(data)
    merged, lent = find_merged(file.mappings), find_lent(file.mappings)
    candidates = (each for mapping in file.mappings for each in make_candidates(mapping, merged=merged, lent=lent))
    judged = [_judge(candidate, file) for candidate in candidates]
    drafts = [verdict for verdict in judged if isinstance(verdict, _Draft)]
    left_alone = [verdict for verdict in judged if isinstance(verdict, LeftAlone)]
    sharing = _Sharing(file, drafts)
    groups: dict[tuple[Scalar, ...], list[_Draft]] = {}
    for draft in drafts:
        reason = sharing.find_conflict(draft)
        if reason is not None:
            left_alone.append(_leave(draft.candidate, file, reason))
        else:
            groups.setdefault(draft.scalars, []).append(draft)
    occurrences = (_make_occurrence(group, file, sharing) for group in groups.values())
    return Located(
        tuple(sorted(occurrences, key=lambda found: found.parts[0].start)),
        tuple(sorted(left_alone, key=lambda left: (left.line, left.column))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Draft:
    """A candidate that names an image; `scalars` are those to be edited, with aliases resolved."""

    candidate: Candidate
    reference: Reference
    scalars: tuple[Scalar, ...]

    @property
    def starts(self) -> tuple[int, ...]:
        """Where the scalars, or the aliases of them, stand."""
        return tuple(_start_of(node) for node in self.candidate.editable)

    @property
    def holds(self) -> tuple[Holds, ...]:
        if self.candidate.whole is not None:
            return (Holds.REFERENCE,)
        if self.candidate.digest is not None:
            return (Holds.DIGEST,) if self.candidate.tag is None else (Holds.TAG, Holds.DIGEST)
        return (Holds.TAG_AND_DIGEST if self.reference.digest else Holds.TAG,)

    @property
    def identity(self) -> object:
        """What all who share a scalar have to agree on, for one edit to be right for all."""
        return self.reference.repository, self.scalars, self.holds


def _judge(candidate: Candidate, file: YamlFile) -> _Draft | LeftAlone | None:
    text = candidate.spell()
    reason = _find_unreadable(candidate) or candidate.problem
    if reason is not None:
        return _leave(candidate, file, reason)
    scalars = tuple(scalar for scalar in map(find_scalar, candidate.editable) if scalar is not None)
    if not all(file.is_on_one_line(scalar) for scalar in scalars):
        spans = "the text spans several lines or is a block, and only scalars on one line are edited"
        return _leave(candidate, file, spans) if _names_an_image(text.strip()) else None
    reference = _read(text)
    if isinstance(reference, str):
        return _leave(candidate, file, reference)
    if candidate.name and candidate.spell_name() != reference.name:
        return _leave(candidate, file, "the repository holds more than a name")
    return _Draft(candidate, reference, scalars)


def _find_unreadable(candidate: Candidate) -> str | None:
    """Say which of the nodes has no text that can be trusted."""
    for node in (*candidate.editable, *candidate.name):
        scalar = find_scalar(node)
        if scalar is None:
            return f"the alias {text_of(node)} has no anchor before it"
        if not scalar.is_string:
            return f"the tag {scalar.tag} may make something else of the text"
    return None


def _read(text: str) -> Reference | str:
    """Return the reference, or why there is none with a tag or a digest."""
    variable = _VARIABLE.search(text)
    if variable:
        return f"it holds the variable {variable.group()[:80]}"
    if len(text) > _MAX_REFERENCE:
        return f"it is no image reference: it has {len(text)} characters"
    try:
        reference = parse_reference(text)
    except InvalidReference as error:
        return f"it is no image reference: {error.reason}"
    return reference if reference.tag or reference.digest else "no tag is written"


def _names_an_image(text: str) -> bool:
    return isinstance(_read(text), Reference)


def _leave(candidate: Candidate, file: YamlFile, reason: str) -> LeftAlone:
    node = (*candidate.editable, *candidate.name)[0]
    line, column = file.positions.to_line_and_column(_start_of(node))
    return LeftAlone(line, column, candidate.spell()[:_MAX_REFERENCE], reason)


def _start_of(node: Node) -> int:
    return node.start if isinstance(node, Scalar | Alias) else 0


def _make_occurrence(group: Sequence[_Draft], file: YamlFile, sharing: "_Sharing") -> Occurrence:
    """Make one occurrence of the drafts that share all their scalars; a digest has room only where it has for all."""
    draft = group[0]
    parts = tuple(_make_part(holds, scalar) for holds, scalar in zip(draft.holds, draft.scalars, strict=True))
    rooms = {_find_room(each, file, sharing) for each in group}
    line, column = file.positions.to_line_and_column(parts[0].start)
    return Occurrence(
        place=draft.candidate.place,
        reference=draft.reference,
        parts=parts,
        room=rooms.pop() if len(rooms) == 1 else None,
        line=line,
        column=column,
        path=draft.candidate.path,
    )


def _make_part(holds: Holds, scalar: Scalar) -> Part:
    return Part(holds, scalar.start, scalar.end, scalar.value)


def _find_room(draft: _Draft, file: YamlFile, sharing: "_Sharing") -> Part | None:
    """Find the scalar that a digest would be added to.

    Beside a name in parts this is an empty digest. Kustomize takes a digest behind the tag too; charts make a label of
    the tag, and no label holds `@` or so many characters.
    """
    place, empty = draft.candidate.place, draft.candidate.empty_digest
    if draft.reference.digest is not None or draft.candidate.is_merged:
        return None
    if place is Place.IMAGE:
        return _make_part(Holds.REFERENCE, draft.scalars[0])
    if empty is not None and file.is_on_one_line(empty) and not sharing.has_alias(empty):
        return _make_part(Holds.DIGEST, empty)
    return _make_part(Holds.TAG_AND_DIGEST, draft.scalars[0]) if place is Place.KUSTOMIZE else None


class _Sharing:
    """The scalars that aliases use a second time, and whether all uses of one are the same image."""

    def __init__(self, file: YamlFile, drafts: Iterable[_Draft]) -> None:
        self._aliases: dict[Scalar, list[Alias]] = {}
        for alias in file.aliases:
            if isinstance(alias.target, Scalar):
                self._aliases.setdefault(alias.target, []).append(alias)
        self._users: dict[Scalar, list[_Draft]] = {}
        for draft in drafts:
            for scalar in draft.scalars:
                self._users.setdefault(scalar, []).append(draft)
        self._to_line = file.positions.to_line
        # One answer for each scalar, however many aliases ask.
        self._conflicts: dict[Scalar, _Conflict | None] = {}

    def has_alias(self, scalar: Scalar) -> bool:
        return scalar in self._aliases

    def find_conflict(self, draft: _Draft) -> str | None:
        """Say why the scalars of the draft cannot be edited for all who use them."""
        for scalar in draft.scalars:
            if scalar not in self._aliases:
                continue
            if scalar not in self._conflicts:
                self._conflicts[scalar] = self._find_stranger(scalar) or self._find_disagreement(scalar)
            conflict = self._conflicts[scalar]
            if conflict is not None:
                start = conflict.starts[0] if conflict.starts[0] not in draft.starts else conflict.starts[-1]
                return f"the text is shared as &{scalar.anchor} with line {self._to_line(start)}, {conflict.reason}"
        return None

    def _find_stranger(self, scalar: Scalar) -> "_Conflict | None":
        in_place = {start for draft in self._users[scalar] for start in draft.starts}
        for start in (scalar.start, *(alias.start for alias in self._aliases[scalar])):
            if start not in in_place:
                return _Conflict((start,), "where it is no part of an image that imagebot edits")
        return None

    def _find_disagreement(self, scalar: Scalar) -> "_Conflict | None":
        first, *others = self._users[scalar]
        for other in others:
            if other.identity != first.identity:
                starts = (first.starts[0], other.starts[0])
                return _Conflict(starts, "where it names another image or stands with other parts")
        return None


@dataclass(frozen=True, slots=True)
class _Conflict:
    """Where uses of one scalar contradict the others; of two places a draft is told the one that is not its own."""

    starts: tuple[int, ...]
    reason: str
