"""What a decision knows of a repository's tags beyond their names, and how it says what it has to know as well.

Nothing is asked for before a decision needs it: it then ends in `Unknown`, whoever made it finds the answers, and it is
made again with them. So decisions stay functions of what they are given.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from imagebot.image.platform import Platform
from imagebot.image.snapshot import Sighting, Since, Snapshot


class Fact(enum.Enum):
    """What can be asked of a tag or digest."""

    DIGEST = "what the tag points to now"
    PLATFORMS = "the manifest of each platform"
    BUILT = "when the image was built"


@dataclass(frozen=True, slots=True)
class Question:
    """A fact that is to be found: DIGEST of a tag, PLATFORMS of a digest, BUILT of the digest of one platform."""

    identifier: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Answers:
    """What was found, by identifier; None stands for an identifier that the registry has no manifest of.

    `platforms` has the digest of the manifest for each platform, and is empty for what is no container image. `built`
    also is None where the image does not say.
    """

    sightings: Mapping[str, Sighting | None] = field(default_factory=dict)
    platforms: Mapping[str, Mapping[Platform, str] | None] = field(default_factory=dict)
    built: Mapping[str, datetime | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """No decision yet: these questions have to be answered first."""

    questions: frozenset[Question]


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a repository at one instant, and the digest that the file has beside the tag, if any."""

    snapshot: Snapshot
    now: datetime
    answers: Answers = field(default_factory=Answers)
    written: str | None = None

    def find_since(self, tag: str) -> Since | None:
        """Find from when on the tag has been what it is; None if that is not known."""
        sighting = self.answers.sightings.get(tag)
        return self.snapshot.find_since(tag, sighting)

    def find_sighting(self, tag: str, *, is_fresh: bool) -> Sighting | Unknown | None:
        """Find what the tag points to, now or, if need not be, when it was last asked; None for a tag without image."""
        if tag in self.answers.sightings:
            return self.answers.sightings[tag]
        kept = None if is_fresh else self.snapshot.sightings.get(tag)
        return kept or Unknown(frozenset([Question(tag, Fact.DIGEST)]))

    def find_platforms(self, digest: str) -> Mapping[Platform, str] | Unknown | None:
        if digest in self.answers.platforms:
            return self.answers.platforms[digest]
        return Unknown(frozenset([Question(digest, Fact.PLATFORMS)]))

    def find_built(self, digest: str) -> datetime | Unknown | None:
        if digest in self.answers.built:
            return self.answers.built[digest]
        return Unknown(frozenset([Question(digest, Fact.BUILT)]))
