"""Requests are told to whoever watches, with what the host says is left."""

from collections.abc import Mapping

import pytest

from imagebot import traffic
from imagebot.traffic import Exchange, find_left


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        pytest.param({}, None, id="nothing said"),
        pytest.param({"RateLimit-Remaining": "76;w=21600"}, 76, id="Docker Hub"),
        pytest.param({"X-RateLimit-Remaining": "4999"}, 4999, id="GitHub"),
        pytest.param({"RateLimit": "limit=10, remaining=3, reset=30"}, 3, id="one header"),
        pytest.param({"RateLimit": '"default";r=50;t=30, "daily";r=7;t=600'}, 7, id="the least of several"),
        pytest.param({"RateLimit-Remaining": "none"}, None, id="no number"),
        pytest.param({"RateLimit": "r=" * 5000}, None, id="too long"),
    ],
)
def test_what_is_left(headers: Mapping[str, str], left: int | None):
    assert find_left(headers) == left


def test_who_watches_hears_of_every_request_until_the_end():
    heard: list[Exchange] = []

    with traffic.watched(heard.append):
        traffic.note("ghcr.io", 200, {"RateLimit-Remaining": "5"})
        traffic.note("ghcr.io", None)
    traffic.note("ghcr.io", 500)

    assert heard == [Exchange("ghcr.io", 200, 5), Exchange("ghcr.io", None, None)]
