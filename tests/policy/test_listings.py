"""Choices from whole listings: an official image with its variants, and builds named by commit and time."""

import json
import random
import re
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.policy.policies import Level, Numeric, Order, SemverLevel, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Keep, Rule, Rules
from imagebot.policy.select import Previous, Selection, count_by_rule, select
from imagebot.policy.tag_filter import parse_tag_filter
from imagebot.policy.version import Jump
from tests.bench.choosing import make_listings

SUFFIXES = ("", "-alpine", "-alpine3.19", "-alpine3.20", "-slim", "-bookworm", "-bookworm-slim", "-bullseye")


def make_official_tags() -> list[str]:
    """Make what an official image has after years: 9,000 tags, one in eight of which ends in `-alpine`."""
    releases = [(major, minor, patch) for major in range(8, 24) for minor in range(22) for patch in range(3)]
    versions = [f"{major}.{minor}.{patch}" for major, minor, patch in releases]
    versions += [f"{major}.{minor}" for major, minor, patch in releases if patch == 0]
    versions += [str(major) for major in range(8, 24)] + ["24.0.0-rc.1", "lts", "current"]
    tags = [f"{version}{suffix}" for version in reversed(versions) for suffix in SUFFIXES]
    return [tag for tag in tags if not tag.startswith(("8.0", "8.1.", "9.0"))][:9_000]


def make_builds(count: int) -> list[str]:
    """Make `prod-<commit>-<time>` in an order that has nothing to do with the time, as registries list them."""
    source = random.Random(20260821)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    times = [first + timedelta(minutes=37 * number) for number in range(count)]
    return sorted(f"prod-{source.randrange(16**7):07x}-{time:%Y%m%d%H%M%S}" for time in times)


OFFICIAL = make_official_tags()
BUILDS = [*make_builds(5_000), "latest", "prod-latest", *(f"dev-{number:07x}-20270101000000" for number in range(50))]
BUILDS_BY_TIME = Rules(
    Numeric(Order.ASC), parse_tag_filter([r"^prod-[0-9a-f]{7}-(?P<time>[0-9]{14})$"], [], extract="$time")
)


@pytest.mark.parametrize(
    ("rules", "current", "chosen", "jump"),
    [
        pytest.param(
            Rules(SemverLevel(Level.PATCH)), "20.9.0-alpine", "20.9.2-alpine", Jump.PATCH, id="the next patches"
        ),
        pytest.param(
            Rules(SemverLevel(Level.MINOR)), "20.9.0-alpine", "20.21.2-alpine", Jump.MINOR, id="the same major"
        ),
        pytest.param(
            Rules(SemverRange(parse_range("^22.3"))), "20.9.0-alpine", "22.21.2-alpine", Jump.MAJOR, id="a range"
        ),
        pytest.param(Rules(SemverLevel(Level.MAJOR)), "20.9-alpine", "23.21-alpine", Jump.MAJOR, id="two parts"),
        pytest.param(Rules(SemverLevel(Level.MAJOR)), "20-alpine", "23-alpine", Jump.MAJOR, id="one part"),
        pytest.param(
            Rules(SemverRange(parse_range("22.x")), variant="alpine"),
            "20.9.0",
            "22.21.2-alpine",
            Jump.MAJOR,
            id="to it",
        ),
        pytest.param(
            Rules(SemverLevel(Level.MINOR)), "20.9.0-alpine3.19", "20.21.2-alpine3.19", Jump.MINOR, id="of one release"
        ),
    ],
)
def test_an_official_image_keeps_its_variant(rules, current, chosen, jump):
    selection = select(OFFICIAL, rules, current=current)

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.jump, selection.considered) == (chosen, jump, 9_000)


def test_why_not_the_other_tags_of_an_official_image():
    selection = select(OFFICIAL, Rules(SemverRange(parse_range("20.x"))), current="20.9.0-alpine")

    assert isinstance(selection, Selection)
    words = [tag for tag in OFFICIAL if tag.startswith(("lts", "current"))]
    alike = [tag for tag in OFFICIAL if re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+(-rc\.1)?-alpine", tag)]
    assert dict(count_by_rule(selection.refused)) == {
        Rule.NOT_A_VERSION: len(words),
        Rule.OTHER_VARIANT: 9_000 - len(words) - len(alike),
        Rule.OUTSIDE_RANGE: sum(not tag.startswith("20.") for tag in alike),
        Rule.OLDER_THAN_CURRENT: 9 * 3,
        Rule.LOWER_PRECEDENCE: 13 * 3 - 1,
    }


def test_builds_are_ordered_by_the_time_in_their_tags():
    newest = max(make_builds(5_000), key=lambda tag: tag[-14:])
    current = next(tag for tag in BUILDS if tag.endswith("-20260101000000"))

    selection = select(BUILDS, BUILDS_BY_TIME, current=current)

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.jump) == (newest, None)
    assert dict(count_by_rule(selection.refused)) == {Rule.NOT_INCLUDED: 52, Rule.LOWER_PRECEDENCE: 4_999}


def test_a_build_that_is_written_stays_when_only_older_ones_come():
    current = "prod-5badb8c-20261231235959"

    selection = select(BUILDS, BUILDS_BY_TIME, current=current)

    assert isinstance(selection, Selection)
    assert selection.tag == current
    assert dict(count_by_rule(selection.refused)) == {Rule.NOT_INCLUDED: 52, Rule.OLDER_THAN_CURRENT: 5_000}


def test_ten_new_builds_after_the_last_choice():
    current = next(tag for tag in BUILDS if tag.endswith("-20260101000000"))
    before = select(BUILDS, BUILDS_BY_TIME, current=current)
    assert isinstance(before, Selection)
    previous = Previous(BUILDS_BY_TIME, current, before)
    new = [f"prod-5badb8c-2026082118{second:04}" for second in range(10)]

    selection = select([*BUILDS, *new], BUILDS_BY_TIME, current=current, previous=previous)

    assert isinstance(selection, Selection)
    assert selection.tag == "prod-5badb8c-20260821180009"
    assert selection == select([*BUILDS, *new], BUILDS_BY_TIME, current=current)


def test_choosing_of_200_000_tags_takes_less_than_200_mb():
    listing, _ = make_listings(200_000)
    anything = Rules(SemverRange(parse_range(">=0-0")), variant=Keep.ANY, allows_downgrade=True)

    tracemalloc.start()
    selection = select(json.loads(listing), anything, current=None)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert isinstance(selection, Selection)
    assert len(selection.refused) > 180_000
    assert peak_bytes < 200_000_000
