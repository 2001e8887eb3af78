"""From drafts to occurrences: those that have scalars in common, by aliases, are one or contradict each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagebot.yamledit.drafts import Draft, leave
from imagebot.yamledit.occurrence import Holds, LeftAlone, Located, Occurrence, Part, Place
from imagebot.yamledit.scan import Alias, Scalar, YamlFile


def gather(drafts: Sequence[Draft], file: YamlFile) -> Located:
    """Make occurrences of the drafts; left alone is what would change other uses of its scalars too."""
    sharing = _Sharing(file, drafts)
    left_alone: list[LeftAlone] = []
    groups: dict[tuple[Scalar, ...], list[Draft]] = {}
    for draft in drafts:
        reason = sharing.find_conflict(draft)
        if reason is not None:
            left_alone.append(leave(draft.candidate, file, reason))
        else:
            groups.setdefault(draft.scalars, []).append(draft)
    occurrences = [_make_occurrence(group, file, sharing) for group in groups.values()]
    return Located(tuple(occurrences), tuple(left_alone))


def _make_occurrence(group: Sequence[Draft], file: YamlFile, sharing: "_Sharing") -> Occurrence:
    """Make one occurrence of the drafts that share all their scalars; a digest has room only where it has for all."""
    draft = group[0]
    parts = tuple(map(draft.make_part, draft.holds, draft.scalars))
    room = _find_room(draft, parts, file, sharing=sharing)
    if any(_find_room(each, parts, file, sharing=sharing) != room for each in group[1:]):
        room = None
    line, column = file.positions.to_line_and_column(parts[0].start)
    return Occurrence(
        place=draft.candidate.place,
        reference=draft.reference,
        parts=parts,
        room=room,
        line=line,
        column=column,
        path=draft.candidate.path,
        entry=draft.candidate.entry,
    )


def _find_room(draft: Draft, parts: Sequence[Part], file: YamlFile, *, sharing: "_Sharing") -> Part | None:
    """Find the scalar that a digest would be added to.

    Beside a name in parts this is an empty digest. Kustomize takes a digest behind the tag too; charts make a label of
    the tag, and no label holds `@` or so many characters.
    """
    place, empty = draft.candidate.place, draft.candidate.empty_digest
    if draft.reference.digest is not None or draft.candidate.is_merged:
        return None
    if place in (Place.IMAGE, Place.SITE):
        if draft.candidate.whole is not None:
            return parts[0]
        if draft.candidate.before:
            return draft.make_part(Holds.TAG_AND_DIGEST, draft.scalars[0])
    if empty is not None and file.is_on_one_line(empty) and not sharing.has_alias(empty):
        return draft.make_part(draft.digest_holds, empty)
    return draft.make_part(Holds.TAG_AND_DIGEST, draft.scalars[0]) if place is Place.KUSTOMIZE else None


class _Sharing:
    """The scalars that aliases use a second time, and whether all uses of one are the same image."""

    def __init__(self, file: YamlFile, drafts: Iterable[Draft]) -> None:
        self._aliases: dict[Scalar, list[Alias]] = {}
        for alias in file.aliases:
            if isinstance(alias.target, Scalar):
                self._aliases.setdefault(alias.target, []).append(alias)
        self._users: dict[Scalar, list[Draft]] = {}
        for draft in drafts:
            for scalar in draft.scalars:
                self._users.setdefault(scalar, []).append(draft)
        self._to_line = file.positions.to_line
        # One answer for each scalar, however many aliases ask.
        self._conflicts: dict[Scalar, _Conflict | None] = {}

    def has_alias(self, scalar: Scalar) -> bool:
        return scalar in self._aliases

    def find_conflict(self, draft: Draft) -> str | None:
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
