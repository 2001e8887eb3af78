"""Choosing from a long listing: from nothing, and again when a few tags are new; and what stands beside it."""

import json
import random
from collections.abc import Collection, Iterator, Sequence

from semver import Version

from imagebot.policy.policies import SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.policy.select import Previous, Selection, select
from imagebot.policy.tag_filter import parse_tag_filter

_CURRENT = "3.4.5"
_NEW_TAGS = [f"28.99.{number}" for number in range(10)]


def make_listings(count: int) -> tuple[bytes, bytes]:
    """Make the answer of a registry with tags of all kinds, and the one after ten more were pushed."""
    tags = list(_make_tags(count))
    return json.dumps(tags).encode(), json.dumps([*tags, *_NEW_TAGS]).encode()


def _make_tags(count: int) -> Iterator[str]:
    source = random.Random(3)
    for number in range(count):
        version = f"{source.randrange(30)}.{source.randrange(50)}.{source.randrange(1000)}"
        yield (
            version,
            f"v{version}",
            f"{version}-alpine",
            f"{version}-rc.{number % 9}",
            version.rpartition(".")[0],
            f"prod-{source.randrange(16**7):07x}-202608{number:08}",
            f"{version}-alpine3.{number % 20}",
            f"{source.randrange(16**40):040x}",
            f"{version}-beta{number % 4}",
            f"{version}-{number % 3}.slim",
        )[number % 10]


def make_rules() -> Rules:
    """Make rules with a filter, a range and the variant of the current tag."""
    tag_filter = parse_tag_filter(["^v?[0-9]"], ["windows"], extract=None)
    return Rules(SemverRange(parse_range(">=1.2 <29")), tag_filter)


def choose(tags: Collection[str], rules: Rules, *, previous: Previous | None = None) -> Previous:
    """Choose, and return what spares judging the same tags again."""
    selection = select(tags, rules, current=_CURRENT, previous=previous)
    assert isinstance(selection, Selection)
    return Previous(rules, _CURRENT, selection)


def parse_and_sort(tags: Sequence[str]) -> list[Version]:
    """Do with the semver package what it takes to know the newest version: skip what is none, and sort the rest."""
    versions = []
    for tag in tags:
        try:
            versions.append(Version.parse(tag))
        except ValueError:
            continue
    return sorted(versions)
