"""Proposals made the way updates make them: from YAML, policies, tag lists, and what is answered about them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from imagebot.image.platform import Platform
from imagebot.image.reference import Repository, parse_repository
from imagebot.image.snapshot import Sighting, Snapshot
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.known import Answers, Fact, Question
from imagebot.policy.policies import Follow, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.proposal.choose import Choice, Chooser, Found, Listings
from imagebot.proposal.plan import Group, make_changes, make_groups
from imagebot.proposal.survey import Survey, survey

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DIGEST_1, DIGEST_2, DIGEST_3 = (f"sha256:{64 * digit}" for digit in "123")
SHORT_2 = f"sha256:{12 * '2'}"
AMD64 = Platform("linux", "amd64")

Sightings = Mapping[str, Sighting | None]


def make_entry(image: str, semver: str, *, name: str | None = None, line: int = 1, pins_digest: bool = False) -> Entry:
    rules = Rules(SemverRange(parse_range(semver)), pins_digest=pins_digest)
    return Entry(name, parse_image_pattern(image), None, rules, line)


def make_follower(tag: str, *, line: int = 1) -> Entry:
    """Make the entry that pins the digest of a movable tag, whatever the image."""
    return Entry(None, parse_image_pattern("*"), None, Rules(Follow(tag), pins_digest=True), line)


def make_listings(tags: Mapping[str, Sequence[str]], *, seen_at: datetime = NOW) -> Listings:
    return {
        parse_repository(name): Snapshot(parse_repository(name), NOW, dict.fromkeys(listed, seen_at))
        for name, listed in tags.items()
    }


def see(digest: str, *, at: datetime = NOW, is_repushed: bool = False) -> Sighting:
    return Sighting(digest, at, is_repushed=is_repushed)


def answer(questions: Iterable[Question], sightings: Sightings) -> Found:
    """Answer as a registry would of which every image is one for amd64; a tag without a given sighting has DIGEST_2."""
    of = {fact: [each.identifier for each in questions if each.fact is fact] for fact in Fact}
    return Found(
        Answers(
            {tag: sightings.get(tag, see(DIGEST_2)) for tag in of[Fact.DIGEST]},
            {digest: {AMD64: digest} for digest in of[Fact.PLATFORMS]},
            dict.fromkeys(of[Fact.BUILT]),
        )
    )


def make_choices(
    files: Mapping[str, bytes],
    tags: Mapping[str, Sequence[str]],
    entries: Sequence[Entry] = (),
    *,
    sightings: Sightings | None = None,
    seen_at: datetime = NOW,
) -> tuple[Choice, ...]:
    """Choose for all images in the files; without entries, anything newer is allowed."""
    found = survey(files, entries or [make_entry("*", ">=0")])
    return choose_all(found, make_listings(tags, seen_at=seen_at), sightings=sightings or {})


def choose_all(found: Survey, listings: Listings, *, sightings: Sightings) -> tuple[Choice, ...]:
    chooser = Chooser(found, listings, now=NOW)
    asked: dict[Repository, frozenset[Question]] = {}
    while True:
        chosen = chooser.choose({image: answer(questions, sightings) for image, questions in asked.items()})
        if isinstance(chosen, tuple):
            return chosen
        asked |= {image: asked.get(image, frozenset()) | questions for image, questions in chosen.items()}


def make_group(choices: Sequence[Choice]) -> Group:
    """Make the only group of the choices."""
    (group,) = make_groups(make_changes(choices), branch_prefix="imagebot/")
    return group
