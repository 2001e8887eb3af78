"""What people said no to: by closing a merge request unmerged, or by taking back what was merged.

A no holds for the pairs of image and tag that the merge request proposed, in the places that its group was about: for
an image all of them, for a folder its files. What an open merge request proposes is not refused: reopening one that
was closed undoes the no.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from imagebot.image.reference import Reference
from imagebot.proposal.block import Block, make_place
from imagebot.proposal.choose import Choice
from imagebot.proposal.group import GroupKey, GroupKind, Pair
from imagebot.proposal.plan import Change, Group

_MOST_DECLINED = 200


@dataclass(frozen=True, slots=True)
class Past:
    """A merge request that was merged, or closed unmerged, as far as it matters; `head` is where its branch ended.

    Without a block somebody took it out of the text.
    """

    number: int
    url: str | None
    branch: str
    head: str | None
    is_merged: bool
    block: Block | None


class No(Enum):
    """How something was refused."""

    CLOSED = "a person closed exactly this unmerged"
    REVERTED = "it was merged, and taken back since: it waits for something newer"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, and the merge request in which it was said, if that is known."""

    how: No
    url: str | None = None

    def __str__(self) -> str:
        return f"{self.how.value} ({self.url})" if self.url else self.how.value


class Refusals:
    """All that was said no to, in the merge requests of one target."""

    def __init__(self, past: Iterable[Past], *, now_open: Iterable[Block], choices: Iterable[Choice]) -> None:
        self._past = sorted(past, key=lambda each: -each.number)
        self._open = tuple(block for block in now_open if not block.is_retired)
        self._by_pair: dict[Pair, list[tuple[Past, Block]]] = {}
        self._pairless: list[tuple[Past, Block]] = []
        for each in self._past:
            if each.block is None:
                continue
            if not each.block.pairs:
                self._pairless.append((each, each.block))
            for pair in each.block.pairs:
                self._by_pair.setdefault(pair, []).append((each, each.block))
        self._declining = [block for block in self._list_blocks() if block.declined]
        self._written: dict[tuple[str, str], list[Reference]] = {}
        self._groups: set[str] = set()
        for governed in (choice.governed for choice in choices):
            key = governed.path, str(governed.repository)
            self._written.setdefault(key, []).append(governed.occurrence.reference)
            self._groups |= {governed.entry.group} if governed.entry.group else set()

    def find(self, change: Change) -> Refusal | None:
        """Find out whether the change was refused, by the newest merge request that tells."""
        if any(self._proposes(block, change) for block in self._open):
            return None
        for past, block in (*self._by_pair.get(change.pair, ()), *self._pairless):
            if how := self._find_no(past, block, change):
                return Refusal(how, past.url)
        if any(change.pair in block.declined and self._is_about(block, change) for block in self._declining):
            return Refusal(No.CLOSED)
        return None

    def find_unmarked(self, branch: str, head: str) -> Refusal | None:
        """Find a merge request of this branch that was closed as it stands, after its block was taken out."""
        for past in self._past:
            if past.block is None and past.branch == branch and not past.is_merged and past.head in (None, head):
                return Refusal(No.CLOSED, past.url)
        return None

    def was_merged(self, branch: str, head: str, *, is_proposal: bool = False) -> bool:
        """Whether a merge request of this branch was merged as it stands; with `is_proposal` one with a block."""
        return any(
            past.is_merged and past.branch == branch and past.head in (None, head)
            for past in self._past
            if past.block is not None or not is_proposal
        )

    def has_branch(self, branch: str) -> bool:
        """Whether any merge request from the branch is known."""
        return any(past.branch == branch for past in self._past)

    def list_declined(self, group: Group, refused: Iterable[Change]) -> tuple[Pair, ...]:
        """List what the block of a merge request should remember of those before it: what was refused of this group.

        What is refused now comes first, as more than 200 are not kept.
        """
        images = {str(image) for image in group.images}
        before = [pair for block in self._list_blocks() if block.key == group.key for pair in block.declined]
        before += [
            pair
            for past in self._past
            if past.block is not None and past.block.key == group.key and not (past.is_merged or past.block.is_retired)
            for pair in past.block.pairs
        ]
        found = dict.fromkeys(
            [*(change.pair for change in refused), *(each for each in before if each.image in images)]
        )
        return tuple(sorted([pair for pair in found if pair not in group.pairs][:_MOST_DECLINED]))

    def _list_blocks(self) -> Iterator[Block]:
        yield from self._open
        yield from (past.block for past in self._past if past.block is not None)

    def _proposes(self, block: Block, change: Change) -> bool:
        """Whether an open merge request proposes the change: that other places get the same is not enough."""
        if change.pair not in block.pairs and (block.pairs or block.places is None):
            return False
        if block.places is None:
            return self._is_about(block, change)
        return make_place(change.path, change.pair) in block.places

    def _find_no(self, past: Past, block: Block, change: Change) -> No | None:
        place = make_place(change.path, change.pair)
        if past.is_merged:
            return No.REVERTED if place in (block.places or ()) and self._is_reverted(past, change) else None
        if block.is_retired or not self._is_about(block, change):
            return None
        return No.CLOSED if block.pairs or place in (block.places or ()) else None

    def _is_reverted(self, merged: Past, change: Change) -> bool:
        """Whether the file does not hold any more what was merged, by nobody's doing but a person's."""
        if any(_is_written(change.pair, each) for each in self._written.get((change.path, change.pair.image), ())):
            return False
        now = [make_place(change.path, pair) for pair in _list_pairs(change.pair.image, change.before)]
        later = (past.block for past in self._past if past.is_merged and past.number > merged.number and past.block)
        return not any(place in (block.places or ()) for block in later for place in now)

    def _is_about(self, block: Block, change: Change) -> bool:
        """Whether the place of the change is one that the group of the block is about."""
        if block.key.kind is GroupKind.NAMED and block.key.name not in self._groups:
            # The group is gone or has another name now: what is known of it are the places.
            return block.places is None or make_place(change.path, change.pair) in block.places
        return is_about(block.key, change.path, change.governed.entry.group)


def is_about(key: GroupKey, path: str, group: str | None) -> bool:
    """Whether a group is about a file, and an entry with a group in it; images are not looked at."""
    match key.kind:
        case GroupKind.DIRECTORY:
            return path.rpartition("/")[0] == key.name
        case GroupKind.FILE:
            return path == key.name
        case GroupKind.NAMED:
            return group == key.name
    return True


def _is_written(pair: Pair, reference: Reference) -> bool:
    tag, _, digest = pair.tag.partition("@")
    return reference.digest == digest if digest else reference.tag == tag


def _list_pairs(image: str, reference: Reference) -> Sequence[Pair]:
    """List what would have been proposed to come to this reference."""
    tags = [reference.tag] if reference.tag else []
    return [Pair(image, tag) for tag in (*tags, *([f"{tag}@{reference.digest}" for tag in tags]))]
