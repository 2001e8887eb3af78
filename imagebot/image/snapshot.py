"""What a registry was last seen to hold for one repository, and since when.

How old a tag is, is answered from here: by the registry's own time where it gives one, else by imagebot's memory.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from imagebot.image.reference import Repository

MOST_AHEAD = timedelta(days=1)
"""How far ahead of our clock a time from outside may be and still be believed."""


class Source(enum.Enum):
    """Where the time of a tag comes from; the value stands before the time."""

    PUSHED = "pushed"
    """The registry says so."""
    FIRST_SEEN = "first seen"
    """The first listing with the tag."""
    PUSHED_AGAIN = "seen to be pushed again"
    """The first time that the tag had another digest than before."""


@dataclass(frozen=True, slots=True)
class Since:
    """From when on a tag has been what it is now."""

    at: datetime
    source: Source

    def __str__(self) -> str:
        return f"{self.source.value} {self.at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a tag points to, and when it was first seen to; it is repushed if it pointed to something else before."""

    digest: str
    first_seen: datetime
    is_repushed: bool


@dataclass(frozen=True, slots=True)
class Pushes:
    """When tags were pushed, and what they point to, by the word of whoever keeps them; either may be missing."""

    pushed_at: Mapping[str, datetime] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    def add(self, *told: tuple[str, datetime | None, str | None]) -> "Pushes":
        """Add what is told of tags; what comes first counts."""
        times = {tag: at for tag, at, _ in reversed(told) if tag and at is not None}
        digests = {tag: digest for tag, _, digest in reversed(told) if tag and digest is not None}
        return self.join(Pushes(times, digests))

    def join(self, other: "Pushes") -> "Pushes":
        """Add what was told elsewhere; what is here counts more."""
        return Pushes({**other.pushed_at, **self.pushed_at}, {**other.digests, **self.digests})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tags of one repository as listed at one instant, each with when imagebot first saw it.

    Instants are aware and in UTC. The registry's order of the tags is not kept: it means nothing. `pushed_at` has the
    tags whose time the registry gives, `sightings` those whose digest was ever asked for. Without history, as where
    nothing is remembered, `first_seen` tells nothing about a tag's age.
    """

    repository: Repository
    listed_at: datetime
    first_seen: Mapping[str, datetime]
    pushed_at: Mapping[str, datetime] = field(default_factory=dict)
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    has_history: bool = True
    gone: Mapping[str, datetime] = field(default_factory=dict)
    """The tags that were listed until not long ago, with when each was first seen."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What the registry said when it listed the tags that they point to; empty if it did not, or that was before."""

    def add_pushes(self, pushes: Pushes) -> "Snapshot":
        """Add what is told of the tags that are listed."""
        pushed_at = {tag: at for tag, at in pushes.pushed_at.items() if tag in self.first_seen}
        digests = {tag: digest for tag, digest in pushes.digests.items() if tag in self.first_seen}
        return replace(self, pushed_at={**self.pushed_at, **pushed_at}, digests={**self.digests, **digests})

    def find_since(self, tag: str, sighting: Sighting | None = None) -> Since | None:
        """Find from when on the tag has been what it is; None if that is not known.

        `sighting` is one that is later than the snapshot's. The registry's time counts where it gives one. A tag that
        was seen to change is no older than that, whatever the registry says: it may give the time of the image, which
        may have been pushed under another tag. The first digest seen of a tag counts from the first sight of the tag.
        """
        sighting, pushed_at = sighting or self.sightings.get(tag), self.pushed_at.get(tag)
        if pushed_at is not None and pushed_at > self.listed_at + MOST_AHEAD:
            pushed_at = None
        seen_at = self.first_seen.get(tag) if self.has_history else None
        if sighting is not None and sighting.is_repushed and (pushed_at is None or pushed_at < sighting.first_seen):
            return Since(sighting.first_seen, Source.PUSHED_AGAIN)
        if pushed_at is not None:
            return Since(pushed_at, Source.PUSHED)
        return None if seen_at is None else Since(seen_at, Source.FIRST_SEEN)
