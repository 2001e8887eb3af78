"""What registries contradict themselves about: nothing is decided from that, and what is proposed stays.

A tag that is proposed and not listed any more may come back; a digest that is an earlier one again may be one of two
that replicas of a registry tell.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from imagebot.image.snapshot import Snapshot
from imagebot.policy.policies import Moment, Newest
from imagebot.policy.reading import Rule
from imagebot.policy.select import Selection, select
from imagebot.proposal.choose import Choice, Listings, Unlisted
from imagebot.proposal.group import Pair
from imagebot.proposal.plan import Change

if TYPE_CHECKING:
    from imagebot.image.reference import Repository

# A tag that points back to an earlier digest may be served by a registry whose replicas disagree.
_STEADY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Image:
    """What is known of one image: how it was listed, and what was decided for its places; nothing if it has none."""

    listing: Snapshot | None = None
    choices: tuple[Choice, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether there are decisions for all its places, from which something not wanted can be told.

        Where the store failed, it is not known how old tags are: too little to say that they are not wanted.
        """
        is_remembered = self.listing is None or self.listing.has_history
        return is_remembered and not any(isinstance(choice.verdict, Unlisted) for choice in self.choices)

    @property
    def tags(self) -> Set[str]:
        """The tags that are listed, and of which the registry does not refuse the image."""
        if self.listing is None:
            return frozenset()
        unfit = [choice.verdict.unfit for choice in self.choices if not isinstance(choice.verdict, Unlisted)]
        return self.listing.first_seen.keys() - {tag for each in unfit for tag in each if each[tag] is Rule.NO_IMAGE}


Images = Mapping[str, Image]
"""What is known of each image that any place names, by its repository."""


def gather_images(listings: Listings, choices: Iterable[Choice]) -> Images:
    """Put together what is known of each image."""
    together: dict[Repository, list[Choice]] = {}
    for choice in choices:
        together.setdefault(choice.governed.repository, []).append(choice)
    listed = {image: listing for image, listing in listings.items() if isinstance(listing, Snapshot)}
    return {str(image): Image(listed.get(image), tuple(each)) for image, each in together.items()}


def find_vanished(pairs: Iterable[Pair], images: Images) -> frozenset[Pair]:
    """Find what of the pairs the registry does not give any more; of images that were not listed nothing is known."""
    listed = {image: known.tags for image, known in images.items() if known.listing is not None}
    return frozenset(
        pair for pair in pairs if pair.image in listed and pair.tag.partition("@")[0] not in listed[pair.image]
    )


def explain_vanished(vanished: Iterable[Pair]) -> str:
    tag = min(pair.tag.partition("@")[0] for pair in vanished)
    return f"the registry does not give {tag} any more, which is proposed: nothing is decided from that"


def stands_without(changes: Iterable[Change], vanished: Iterable[Pair], images: Images) -> bool:
    """Whether the changes would be chosen even if the registry listed these tags: then nothing depends on them."""
    gone: dict[str, set[str]] = {}
    for pair in vanished:
        gone.setdefault(pair.image, set()).add(pair.tag.partition("@")[0])
    moves: dict[str, list[Change]] = {image: [] for image in gone}
    for change in changes:
        if change.pair.image in moves:
            moves[change.pair.image].append(change)
    return all(
        moves[image] and all(_comes_before(change, gone[image], images[image]) for change in moves[image])
        for image in gone
    )


def _comes_before(change: Change, vanished: Set[str], image: Image) -> bool:
    """Whether the change comes before the tags that are gone.

    To `newest` a tag that is gone comes after all until it is known to be older, or is forgotten.
    """
    rules, tag = change.governed.entry.rules, change.selection.tag
    if isinstance(rules.policy, Newest):
        since, listing = change.selection.since, image.listing
        seen = {**listing.gone, **listing.first_seen} if listing else {}
        is_older = {each: since is not None and seen[each] < since.at for each in vanished & seen.keys()}
        return all(is_older.values()) and (rules.policy.by is Moment.PUSHED or not is_older)
    verdict = select({tag, *vanished}, rules, current=change.before.tag)
    return isinstance(verdict, Selection) and verdict.tag == tag != change.before.tag


def find_returned(pairs: Iterable[Pair], images: Images, *, now: datetime) -> str:
    """Say which proposed digest has given way to an earlier one, where that is not to be believed yet; else empty."""
    for pair in sorted(pairs):
        tag, _, digest = pair.tag.partition("@")
        image = images.get(pair.image, Image())
        followed = digest and tag in _list_followed(image)
        sighting = image.listing.sightings.get(tag) if followed and image.listing else None
        # The sighting is the one before this round: it is the proposed one if that has changed just now.
        is_new = sighting is not None and now - sighting.first_seen < _STEADY
        if sighting is not None and (sighting.digest == digest or (sighting.is_repushed and is_new)):
            return f"{tag} points to an earlier digest again: believed when it has stayed so for a day"
    return ""


def _list_followed(image: Image) -> Set[str]:
    """List the tags whose digests are written wherever they stand."""
    return {
        choice.verdict.tag
        for choice in image.choices
        if isinstance(choice.verdict, Selection) and choice.governed.entry.rules.pins_digest
        if not choice.pin.held and not choice.pin.waiting
    }
