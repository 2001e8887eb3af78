"""Proposals made the way updates make them: from YAML, a policy and tag lists."""

from collections.abc import Mapping
from datetime import UTC, datetime

from imagebot.image.reference import parse_repository
from imagebot.image.snapshot import Snapshot
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.policies import SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.proposal.choose import Choice, choose
from imagebot.proposal.survey import survey

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DIGEST_1, DIGEST_2 = f"sha256:{64 * '1'}", f"sha256:{64 * '2'}"


def make_entry(image: str, semver: str, *, name: str | None = None, line: int = 1) -> Entry:
    return Entry(name, parse_image_pattern(image), None, Rules(SemverRange(parse_range(semver))), line)


def make_choices(
    files: Mapping[str, bytes], tags: Mapping[str, list[str]], entries: list[Entry] | None = None
) -> tuple[Choice, ...]:
    """Choose for all images in the files; without entries, anything newer is allowed."""
    listings = {
        parse_repository(name): Snapshot(parse_repository(name), NOW, dict.fromkeys(listed, NOW))
        for name, listed in tags.items()
    }
    return choose(survey(files, entries or [make_entry("*", ">=0")]), listings)
