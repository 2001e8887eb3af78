"""One row an image: what is written, what may be, what there is, and why not more."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.image.reference import parse_repository
from imagebot.policy.entry import Entry, parse_image_pattern
from imagebot.policy.policies import Level, Numeric, Order, SemverLevel, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rules
from imagebot.proposal.group import GroupKey, make_branch_name
from imagebot.proposal.image_state import ImageState, State, list_image_states, parse_image_state
from imagebot.proposal.outcome import Action, Result
from imagebot.proposal.plan import make_changes, make_groups
from imagebot.proposal.request_rules import GroupBy
from tests.proposal.builders import DIGEST_1, DIGEST_2, NOW, make_choices, make_entry, make_follower, make_listings

BRANCH = make_branch_name("imagebot/", GroupKey.of_image(parse_repository("nginx")))
_AGED = Rules(SemverRange(parse_range("^1")), min_age=timedelta(days=3))


def list_rows(image: str, tags: Sequence[str], entry: Entry, *results: Result) -> tuple[ImageState, ...]:
    files = {"a.yaml": f"image: {image}\n".encode()}
    return list_of(files, tags, entry, *results)


def list_of(files: dict[str, bytes], tags: Sequence[str], entry: Entry, *results: Result) -> tuple[ImageState, ...]:
    listed = {"nginx": tags} if tags else {}
    choices = make_choices(files, listed, [entry], seen_at=NOW - timedelta(days=1))
    groups = make_groups(make_changes(choices), branch_prefix="imagebot/", group_by=GroupBy.IMAGE)
    listings = make_listings(listed, seen_at=NOW - timedelta(days=1))
    return list_image_states(choices, listings=listings, groups=groups, results=results)


def make_result(action: Action, *, detail: str = "") -> Result:
    return Result(BRANCH, "Update nginx", action, url="https://git.example.com/1", detail=detail)


def make_rules(rules: Rules) -> Entry:
    return Entry("web", parse_image_pattern("*"), None, rules, 7)


@pytest.mark.parametrize(
    ("image", "tags", "entry", "state", "allowed", "newest"),
    [
        pytest.param(
            "nginx:1.0.0", ["1.0.0"], make_entry("*", "^1"), State.CURRENT, "1.0.0", "1.0.0", id="nothing newer"
        ),
        pytest.param(
            "nginx:1.0.0",
            ["1.0.0", "2.0.0"],
            make_entry("*", "^1"),
            State.CURRENT,
            "1.0.0",
            "2.0.0",
            id="held by range",
        ),
        pytest.param(
            "nginx:1.0.0-alpine",
            ["1.0.0-alpine", "2.0.0", "1.9.0-alpine"],
            make_rules(Rules(SemverLevel(Level.PATCH))),
            State.CURRENT,
            "1.0.0-alpine",
            "1.9.0-alpine",
            id="the newest of its kind",
        ),
        pytest.param(
            "nginx:1.0.0", ["1.0.0"], make_entry("*", "^3"), State.STUCK, None, "1.0.0", id="no tag is admitted"
        ),
        pytest.param("nginx:1.0.0", [], make_entry("*", "^1"), State.UNDECIDED, None, None, id="not listed"),
        pytest.param(
            "nginx:1.0.0", ["1.0.0", "1.1.0"], make_rules(_AGED), State.WAITING, "1.0.0", "1.1.0", id="too young"
        ),
        pytest.param(
            f"nginx:latest@{DIGEST_1}",
            ["latest"],
            make_follower("latest"),
            State.PROPOSED,
            "latest",
            None,
            id="a digest",
        ),
        pytest.param(
            "nginx:7",
            ["7", "9"],
            make_rules(Rules(Numeric(Order.ASC), min_age=timedelta(days=3))),
            State.WAITING,
            "7",
            "9",
            id="numbers",
        ),
    ],
)
def test_where_an_image_stands(image: str, tags: list[str], entry: Entry, state: State, allowed: str, newest: str):
    (row,) = list_rows(image, tags, entry, make_result(Action.OPENED))

    assert (row.state, row.allowed, row.newest) == (state, allowed, newest)


@pytest.mark.parametrize(
    ("action", "state", "is_behind"),
    [
        (Action.OPENED, State.PROPOSED, True),
        (Action.UNCHANGED, State.PROPOSED, True),
        (Action.WAITING, State.WAITING, True),
        (Action.DECLINED, State.DECLINED, False),
        (Action.LEFT_ALONE, State.FOREIGN, True),
        (Action.FAILED, State.FAILED, True),
    ],
)
def test_what_was_done_about_an_image_that_is_to_move(action: Action, state: State, is_behind: bool):
    (row,) = list_rows("nginx:1.0.0", ["1.0.0", "1.1.0"], make_entry("*", "^1"), make_result(action, detail="as it is"))

    assert (row.state, row.reason, row.branch, row.url) == (state, "as it is", BRANCH, "https://git.example.com/1")
    assert (row.behind_since is not None) is is_behind


def test_an_image_whose_turn_did_not_come_has_failed():
    (row,) = list_rows("nginx:1.0.0", ["1.0.0", "1.1.0"], make_entry("*", "^1"))

    assert (row.state, row.reason) == (State.FAILED, "the round ended before it was proposed")


def test_an_image_is_behind_since_the_first_tag_that_would_have_been_allowed():
    (row,) = list_rows("nginx:1.0.0", ["1.0.0", "1.1.0", "1.2.0"], make_entry("*", "^1"), make_result(Action.OPENED))

    assert row.behind_since == NOW - timedelta(days=1)


def test_another_digest_is_told():
    (row,) = list_rows(f"nginx:latest@{DIGEST_1}", ["latest"], make_follower("latest"), make_result(Action.OPENED))

    assert (row.digest, row.allowed_digest) == (DIGEST_1, DIGEST_2)


def test_places_that_are_written_alike_are_one_row_and_others_are_others():
    files = {
        "a.yaml": b"image: nginx:1.0.0\n---\nimage: nginx:1.0.0\n",
        "b.yaml": b"image: nginx:1.1.0\n",
    }

    rows = list_of(files, ["1.0.0", "1.1.0"], make_entry("*", "^1"), make_result(Action.OPENED))

    assert [(row.tag, row.place_count, row.places) for row in rows] == [
        ("1.0.0", 2, ("a.yaml:1", "a.yaml:3")),
        ("1.1.0", 1, ("b.yaml:1",)),
    ]


_instants = st.none() | st.datetimes(timezones=st.just(NOW.tzinfo))
_texts = st.none() | st.text(max_size=20)


@given(
    st.builds(
        ImageState,
        image=st.text(max_size=20),
        tag=_texts,
        digest=_texts,
        entry=st.text(max_size=20),
        line=st.integers(0, 1000),
        state=st.sampled_from(State),
        reason=st.text(max_size=20),
        allowed=_texts,
        until=_instants,
        behind_since=_instants,
        places=st.lists(st.text(max_size=5), max_size=3).map(tuple),
        place_count=st.integers(0, 9),
    )
)
def test_a_row_is_read_back_as_it_was_kept(row):
    assert parse_image_state(row.summarize()) == row


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(None, id="nothing"),
        pytest.param("nginx", id="a text"),
        pytest.param({"state": "unheard of"}, id="an unknown state"),
        pytest.param({"colour": "red"}, id="an unknown field"),
        pytest.param({"image": 7}, id="a field of another kind"),
        pytest.param({"until": "tomorrow"}, id="no instant"),
        pytest.param({"places": 3}, id="no list"),
    ],
)
def test_what_another_version_wrote_is_left_out(kept: object):
    assert parse_image_state(kept) is None
