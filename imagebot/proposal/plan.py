"""Which occurrences move together, on which branch, and what the files then hold.

One proposal for one image, unless the policy file groups changes otherwise: then for one folder, file or group of
entries, or for all.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from imagebot.image.reference import Reference, Repository
from imagebot.policy.select import Selection
from imagebot.proposal.choose import Choice
from imagebot.proposal.group import GroupKey, GroupKind, Pair, make_branch_name
from imagebot.proposal.request_rules import GroupBy
from imagebot.proposal.survey import Governed, Unread
from imagebot.yamledit.edit import Edit, make_edits, make_reference
from imagebot.yamledit.rewrite import UnsafeRewrite, rewrite


@dataclass(frozen=True, slots=True)
class Change:
    """One occurrence that moves to another tag or digest; `digest` is what stands beside the tag then, if anything."""

    governed: Governed
    selection: Selection
    digest: str | None

    @property
    def path(self) -> str:
        return self.governed.path

    @property
    def line(self) -> int:
        return self.governed.occurrence.line

    @property
    def before(self) -> Reference:
        return self.governed.occurrence.reference

    @property
    def after(self) -> Reference:
        return make_reference(self.governed.occurrence, tag=self._written_tag, digest=self.digest)

    @property
    def edits(self) -> tuple[Edit, ...]:
        return make_edits(self.governed.occurrence, tag=self._written_tag, digest=self.digest)

    @property
    def _written_tag(self) -> str | None:
        """The tag as it will stand in the file, which may name the image by its digest alone."""
        return None if self.before.tag is None else self.selection.tag

    @property
    def moves_tag(self) -> bool:
        """Whether another tag is written, not only another digest of the same."""
        return self._written_tag != self.before.tag

    @property
    def proposed(self) -> str:
        """What a person says no to: the tag, whatever its digest, or else the digest that the tag has now."""
        return self.selection.tag if self.moves_tag else f"{self.selection.tag}@{self.digest}"

    @property
    def pair(self) -> Pair:
        return Pair(str(self.governed.repository), self.proposed)


@dataclass(frozen=True, slots=True)
class Applied:
    """Files with changes made: new content by path, the changes that are in it, and those that were refused."""

    files: Mapping[str, bytes]
    made: tuple[Change, ...]
    refused: tuple[Unread, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The changes that are proposed together, of one image or of several, and the branch they stand on.

    They are in the order of images, and then of places.
    """

    key: GroupKey
    branch: str
    changes: tuple[Change, ...]

    @property
    def images(self) -> tuple[Repository, ...]:
        """The images that move, each once."""
        return tuple(dict.fromkeys(change.governed.repository for change in self.changes))

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """What a person says no to by closing the merge request, in the order of their texts."""
        return tuple(sorted({change.pair for change in self.changes}))

    @property
    def fingerprint(self) -> str:
        """What is to be changed from what to what, and where: the same for the same edits, wherever the lines are."""
        return make_fingerprint((change.path, str(change.before), str(change.after)) for change in self.changes)


def make_fingerprint(facts: Iterable[tuple[object, ...]]) -> str:
    """Make a short text that is the same for the same facts, in whatever order, and for no others."""
    return sha256(json.dumps(sorted(facts), default=str).encode()).hexdigest()[:32]


def make_changes(choices: Iterable[Choice]) -> tuple[Change, ...]:
    """Make a change of every choice that moves."""
    return tuple(
        Change(choice.governed, choice.verdict, choice.pin.digest)
        for choice in choices
        if isinstance(choice.verdict, Selection) and not choice.is_settled
    )


def make_groups(
    changes: Iterable[Change], *, branch_prefix: str, group_by: GroupBy = GroupBy.IMAGE
) -> tuple[Group, ...]:
    """Put together what is proposed together, in the order of the groups' names."""
    together: dict[GroupKey, list[Change]] = {}
    for change in sorted(changes, key=lambda each: (each.governed.repository, each.path, each.line)):
        together.setdefault(_find_key(change, group_by), []).append(change)
    return tuple(
        Group(key, make_branch_name(branch_prefix, key), tuple(together[key])) for key in sorted(together, key=str)
    )


def _find_key(change: Change, group_by: GroupBy) -> GroupKey:
    """Find which group a change is in: that of its entry, or else the one that the policy file groups by."""
    if change.governed.entry.group is not None:
        return GroupKey(GroupKind.NAMED, change.governed.entry.group)
    match group_by:
        case GroupBy.IMAGE:
            return GroupKey.of_image(change.governed.repository)
        case GroupBy.DIRECTORY:
            return GroupKey(GroupKind.DIRECTORY, change.path.rpartition("/")[0])
        case GroupBy.FILE:
            return GroupKey(GroupKind.FILE, change.path)
        case GroupBy.ALL:
            return GroupKey(GroupKind.ALL, "")


def apply_changes(changes: Sequence[Change], files: Mapping[str, bytes]) -> Applied:
    """Rewrite the files that the changes concern.

    A file that cannot be rewritten safely stays as it is and is reported; all others go on.
    """
    written: dict[str, bytes] = {}
    made: list[Change] = []
    refused: list[Unread] = []
    for path, group in groupby(sorted(changes, key=lambda c: (c.path, c.line)), key=lambda c: c.path):
        together = tuple(group)
        try:
            written[path] = rewrite(files[path], [edit for change in together for edit in change.edits])
            made.extend(together)
        except UnsafeRewrite as error:
            refused.append(Unread(path, error.line, None, f"not edited: {error.reason}"))
    return Applied(written, tuple(made), tuple(refused))
