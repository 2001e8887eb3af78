"""Nothing is decided from tags that come and go: for each image of a group by itself."""

from collections.abc import Mapping, Sequence

import pytest

from imagebot.proposal.group import Pair
from imagebot.proposal.plan import make_changes
from imagebot.proposal.waver import Images, explain_vanished, find_vanished, gather_images, stands_without
from tests.proposal.builders import make_choices, make_listings

NGINX, REDIS = "docker.io/library/nginx", "docker.io/library/redis"
FILES = {"a.yaml": b"image: nginx:1.0.0\n---\nimage: redis:7.0.0\n"}
PROPOSED = (Pair(NGINX, "1.2.0"), Pair(REDIS, "7.1.0"))


def _know(tags: Mapping[str, Sequence[str]]) -> Images:
    return gather_images(make_listings(tags), make_choices(FILES, tags))


@pytest.mark.parametrize(
    ("nginx", "redis", "vanished", "stands"),
    [
        pytest.param(["1.0.0", "1.2.0"], ["7.0.0", "7.1.0"], set(), True, id="all is there"),
        pytest.param(["1.0.0", "1.1.0"], ["7.0.0", "7.1.0"], {"1.2.0"}, False, id="what is proposed is gone"),
        pytest.param(["1.0.0", "1.3.0"], ["7.0.0", "7.1.0"], {"1.2.0"}, True, id="something better is there"),
        pytest.param(["1.0.0"], ["7.0.0", "7.1.0"], {"1.2.0"}, False, id="nothing is there to move to"),
        pytest.param(["1.0.0", "1.3.0"], ["7.0.0"], {"1.2.0", "7.1.0"}, False, id="another image has nothing"),
    ],
)
def test_a_proposed_tag_that_is_gone_holds_up_what_would_give_way_to_it(
    nginx: list[str], redis: list[str], vanished: set[str], stands: bool
):
    tags = {"nginx": nginx, "redis": redis}
    images, changes = _know(tags), make_changes(make_choices(FILES, tags))

    found = find_vanished(PROPOSED, images)

    assert {pair.tag for pair in found} == vanished
    assert stands_without(changes, found, images) is stands


def test_of_an_image_that_was_not_listed_nothing_is_known():
    assert find_vanished(PROPOSED, _know({"redis": ["7.0.0", "7.1.0"]})) == frozenset()
    assert find_vanished([Pair("ghcr.io/not/named", "1")], _know({"redis": ["7.0.0"]})) == frozenset()


def test_the_first_tag_that_is_gone_is_named():
    said = explain_vanished([Pair(REDIS, "7.1.0@sha256:1"), Pair(NGINX, "1.2.0")])

    assert said == "the registry does not give 1.2.0 any more, which is proposed: nothing is decided from that"
