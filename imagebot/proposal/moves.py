"""What a group of changes comes to, as people see it: images that move from one tag or digest to another, and where."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from imagebot.image.description import Description
from imagebot.image.platform import Platform
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Source as TimeSource
from imagebot.policy.policies import Follow
from imagebot.policy.variant import split_tag
from imagebot.policy.version import Jump, Version, find_version
from imagebot.proposal.links import Links, Told, find_links
from imagebot.proposal.plan import Change, Group

_SHORT_DIGITS = 12

Descriptions = Mapping[Repository, Mapping[str, Description]]
"""What images say of themselves: by repository, and then by the tag or digest that was asked for."""


@dataclass(frozen=True, slots=True)
class Move:
    """One image that goes from one tag or digest to another, in all places where it does so by the same policy."""

    changes: tuple[Change, ...]
    old: Told
    new: Told

    @property
    def repository(self) -> Repository:
        return self.changes[0].governed.repository

    @property
    def name(self) -> str:
        """What people call the image."""
        return self.repository.familiar

    @property
    def was(self) -> str:
        return name_written(self.changes[0])

    @property
    def becomes(self) -> str:
        return shorten(self.changes[0].proposed)

    @property
    def moves_tag(self) -> bool:
        return self.changes[0].moves_tag

    @property
    def jump(self) -> str:
        """The kind of jump: of a version `major`, `minor` or `patch`, else `digest`, or just `newer`."""
        jump = self.changes[0].selection.jump
        if not self.moves_tag:
            return "digest"
        return "newer" if jump in (None, Jump.NONE) else jump.value

    @property
    def is_major(self) -> bool:
        return self.moves_tag and self.changes[0].selection.jump is Jump.MAJOR

    @property
    def goes_back(self) -> bool:
        """Whether an earlier version is written, as an entry may allow."""
        old, new = _read_version(self.old.tag), _read_version(self.new.tag)
        return self.moves_tag and old is not None and new is not None and new.key < old.key

    @property
    def is_repushed(self) -> bool:
        """Whether the new tag, which is one that is meant to stay what it is, was seen to be pushed again."""
        change = self.changes[0]
        since, policy = change.selection.since, change.governed.entry.rules.policy
        if since is None or since.source is not TimeSource.PUSHED_AGAIN or isinstance(policy, Follow):
            return False
        split = split_tag(change.selection.tag)
        # By custom 1.25 is moved on to each 1.25.x.
        return split is None or split[0].components == 3

    @property
    def lost_platforms(self) -> Set[Platform]:
        """The platforms that the image now written has, and the new one lacks."""
        old, new = self.old.image, self.new.image
        return old.platforms - new.platforms if old is not None and new is not None and new.platforms else frozenset()

    @property
    def links(self) -> Links:
        return find_links(self.repository, old=self.old, new=self.new)


def make_moves(group: Group, descriptions: Descriptions) -> tuple[Move, ...]:
    """Put together the changes that people see as one, in the order of images and of first places."""
    together: dict[tuple[object, ...], list[Change]] = {}
    for change in group.changes:
        rules = change.governed.entry.rules
        key = (change.governed.repository, name_written(change), shorten(change.proposed), str(rules))
        together.setdefault(key, []).append(change)
    return tuple(_make_move(tuple(changes), descriptions) for changes in together.values())


def _make_move(changes: tuple[Change, ...], descriptions: Descriptions) -> Move:
    change, known = changes[0], descriptions.get(changes[0].governed.repository, {})
    old, new = find_identifiers(change)
    return Move(
        changes,
        Told(change.before.tag, known.get(old) if old is not None else None),
        Told(change.selection.tag, known.get(new)),
    )


def find_identifiers(change: Change) -> tuple[str | None, str]:
    """Find by what the image now written and the new one are asked for: by digest, where that is written."""
    return change.before.digest or change.before.tag, change.digest or change.selection.tag


def list_identifiers(group: Group) -> Mapping[Repository, Set[str]]:
    """List what has to be asked for to describe all images of a group."""
    wanted: dict[Repository, set[str]] = {}
    for change in group.changes:
        identifiers = {each for each in find_identifiers(change) if each is not None}
        wanted.setdefault(change.governed.repository, set()).update(identifiers)
    return wanted


def shorten(proposed: str) -> str:
    """Cut the digest of `tag@digest` to as many digits as people compare."""
    tag, _, digest = proposed.partition("@")
    algorithm, _, digits = digest.partition(":")
    return f"{tag}@{algorithm}:{digits[:_SHORT_DIGITS]}" if digest else tag


def name_written(change: Change) -> str:
    """Name the tag that is written now, with its digest, cut, where that is all that changes."""
    tag, digest = change.before.tag or "", change.before.digest
    return shorten(f"{tag}@{digest}") if digest and not change.moves_tag else tag


def _read_version(tag: str | None) -> Version | None:
    split = split_tag(tag) if tag is not None else None
    return None if split is None else find_version(split[1])
