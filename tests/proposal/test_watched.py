"""The tags whose digests are asked for at each poll are those that choices went by, and no others."""

from datetime import timedelta

import pytest

from imagebot.image.reference import parse_repository
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.policies import SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.proposal.watched import list_watched
from tests.proposal.builders import DIGEST_1, make_choices, make_entry, make_follower

_YOUNG = Entry(
    None, parse_image_pattern("*"), None, Rules(SemverRange(parse_range("^1")), min_age=timedelta(days=3)), 1
)


@pytest.mark.parametrize(
    ("image", "entry", "tags", "watched"),
    [
        pytest.param("nginx:1.0.0", make_entry("*", "^1"), ["1.0.0"], set(), id="nothing moves"),
        pytest.param("nginx:1.0.0", make_entry("*", "^1"), ["1.0.0", "1.1.0"], {"1.0.0", "1.1.0"}, id="a tag moves"),
        pytest.param("nginx:1.0.0", make_entry("*", "^2"), ["1.0.0"], set(), id="no tag is admitted"),
        pytest.param(
            f"nginx:1.0.0@{DIGEST_1}", make_entry("*", "^1", pins_digest=True), ["1.0.0"], {"1.0.0"}, id="pinned"
        ),
        pytest.param(f"nginx:latest@{DIGEST_1}", make_follower("latest"), ["latest"], {"latest"}, id="followed"),
        pytest.param("nginx:1.0.0", _YOUNG, ["1.0.0", "1.1.0"], {"1.1.0"}, id="one that waits"),
    ],
)
def test_the_tags_that_are_watched(image: str, entry: Entry, tags: list[str], watched: set[str]):
    choices = make_choices({"a.yaml": f"image: {image}\n".encode()}, {"nginx": tags}, [entry])

    assert list_watched(choices) == {parse_repository("nginx"): watched}


def test_of_a_repository_that_could_not_be_listed_nothing_is_watched():
    choices = make_choices({"a.yaml": b"image: nginx:1.0.0\n"}, {}, [make_entry("*", "^1")])

    assert list_watched(choices) == {parse_repository("nginx"): frozenset()}
