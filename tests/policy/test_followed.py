"""What is said of tags where one of them is followed."""

from datetime import timedelta

import pytest

from imagebot.policy.policies import Follow
from imagebot.policy.reading import Rule, Rules
from imagebot.policy.select import NoCandidate, Selection
from tests.policy.worlds import choose, make_world

RULES = Rules(Follow("stable"), pins_digest=True)
LISTED = {"stable": 9.0, "1.0": 9.0, "2.0": 9.0}


@pytest.mark.parametrize("current", ["stable", None], ids=["it is written", "only a digest is written"])
def test_the_tag_that_is_followed_is_chosen(current):
    selection, _ = choose(make_world(LISTED), RULES, current=current, written="old")

    assert isinstance(selection, Selection)
    assert selection.tag == "stable"
    assert selection.refused == {"1.0": Rule.NOT_FOLLOWED, "2.0": Rule.NOT_FOLLOWED}


def test_another_tag_that_is_written_stays():
    selection, _ = choose(make_world(LISTED), RULES, current="1.0")

    assert isinstance(selection, NoCandidate)
    assert selection.reason == "the tag 1.0 is written, and digest: stable changes nothing but digests of stable"
    assert selection.refused == {"1.0": Rule.NOT_FOLLOWED, "2.0": Rule.NOT_FOLLOWED}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        pytest.param({}, "the repository has no tags", id="nothing is listed"),
        pytest.param(
            {"1.0": 9, "2.0": 9},
            "none of 2 tags is a candidate under digest: stable: 2 not the tag that is followed",
            id="others are listed",
        ),
    ],
)
@pytest.mark.parametrize("current", ["stable", None], ids=["it is written", "only a digest is written"])
def test_a_tag_that_is_not_listed_is_not_followed(seen, reason, current):
    selection, _ = choose(make_world(seen), RULES, current=current, written="old")

    assert isinstance(selection, NoCandidate)
    assert (selection.reason, selection.refused) == (reason, dict.fromkeys(seen, Rule.NOT_FOLLOWED))


def test_the_tag_itself_never_waits_and_is_asked_nothing():
    rules = Rules(Follow("stable"), min_age=timedelta(days=3), pins_digest=True)

    selection, asked = choose(make_world({"stable": 1}), rules, current="stable", written="old")

    assert isinstance(selection, Selection)
    assert (selection.waiting, selection.due_at, asked.rounds) == ((), None, ())
