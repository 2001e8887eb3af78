"""Small worlds for the tests of choosing: what a registry has, what is remembered of it, and answers to questions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

from imagebot.image.platform import Platform, parse_platform
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Sighting, Snapshot
from imagebot.policy.known import Answers, Fact, Known, Question, Unknown
from imagebot.policy.reading import Rules
from imagebot.policy.select import NoCandidate, Previous, Selection, select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
API = Repository("ghcr.io", "acme/api")
AMD64, ARM64, S390X = (parse_platform(f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
NOTHING: Mapping[str, float] = MappingProxyType({})

T = TypeVar("T")


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@dataclass(frozen=True, slots=True)
class World:
    """What is remembered in `snapshot`; what tags point to now; what each digest stands for, if it is not gone."""

    snapshot: Snapshot
    tags: Mapping[str, Sighting | None] = field(default_factory=dict)
    images: Mapping[str, Mapping[Platform, str]] = field(default_factory=dict)
    built: Mapping[str, datetime] = field(default_factory=dict)

    def answer(self, questions: frozenset[Question], answers: Answers) -> Answers:
        asked = {fact: [each.identifier for each in questions if each.fact is fact] for fact in Fact}
        return Answers(
            {**answers.sightings, **{tag: self.tags.get(tag) for tag in asked[Fact.DIGEST]}},
            {**answers.platforms, **{digest: self.images.get(digest) for digest in asked[Fact.PLATFORMS]}},
            {**answers.built, **{digest: self.built.get(digest) for digest in asked[Fact.BUILT]}},
        )

    def remember(self, answers: Answers) -> "World":
        """Return the world in which what was found of tags is remembered."""
        found = {tag: sighting for tag, sighting in answers.sightings.items() if sighting is not None}
        return replace(self, snapshot=replace(self.snapshot, sightings={**self.snapshot.sightings, **found}))


def make_world(
    seen: Mapping[str, float],
    *,
    pushed: Mapping[str, float] = NOTHING,
    repushed: Mapping[str, float] = NOTHING,
    platforms: Mapping[str, str] = MappingProxyType({}),
    built: Mapping[str, float] = NOTHING,
    has_history: bool = True,
) -> World:
    """Make a world of tags that were first seen that many days ago; each has the digest `of TAG`, for linux/amd64.

    `pushed` has the registry's times. `repushed` says of tags when they were seen to have another digest: 0, to be
    found out now; else `then` is remembered. `platforms` has other ones of a tag; "none" is a tag without image.
    `built` says when the images for linux/amd64 were built.
    """
    kept = {tag: Sighting(f"of {tag}", ago(days), is_repushed=True) for tag, days in repushed.items() if days}
    earlier = {tag: Sighting(f"once {tag}", ago(seen[tag]), is_repushed=False) for tag in repushed if tag not in kept}
    tags: dict[str, Sighting | None] = {
        tag: kept.get(tag) or Sighting(f"of {tag}", NOW, is_repushed=tag in repushed) for tag in seen
    }
    images = {}
    for tag in seen:
        names = platforms.get(tag, "amd64").split()
        if names == ["none"]:
            tags[tag] = None
        images[f"of {tag}"] = {parse_platform(f"linux/{name}"): f"{name} of {tag}" for name in names}
    first_seen = {tag: ago(days) for tag, days in seen.items()}
    pushed_at = {tag: ago(days) for tag, days in pushed.items()}
    snapshot = Snapshot(API, NOW, first_seen, pushed_at, kept | earlier, has_history)
    return World(snapshot, tags, images, {f"amd64 of {tag}": ago(days) for tag, days in built.items()})


@dataclass(frozen=True, slots=True)
class Asked:
    """How a decision came about: what was asked, one round after the other, and what was found."""

    rounds: tuple[frozenset[Question], ...]
    answers: Answers

    @property
    def questions(self) -> set[tuple[str, Fact]]:
        return {(each.identifier, each.fact) for questions in self.rounds for each in questions}


def decide(
    make: Callable[[Known], T | Unknown], world: World, *, now: datetime = NOW, written: str | None = None
) -> tuple[T, Asked]:
    """Make a decision, with all that it wants to know."""
    answers, rounds = Answers(), list[frozenset[Question]]()
    while isinstance(decision := make(Known(world.snapshot, now, answers, written)), Unknown):
        assert decision.questions
        assert not any(decision.questions & earlier for earlier in rounds), "nothing is asked twice"
        rounds.append(decision.questions)
        answers = world.answer(decision.questions, answers)
    return decision, Asked(tuple(rounds), answers)


def choose(
    world: World,
    rules: Rules,
    *,
    current: str | None,
    now: datetime = NOW,
    written: str | None = None,
    previous: Previous | None = None,
) -> tuple[Selection | NoCandidate, Asked]:
    """Select one of the tags of a world."""
    tags = world.snapshot.first_seen
    return decide(
        lambda known: select(tags, rules, current=current, known=known, previous=previous),
        world,
        now=now,
        written=written,
    )
