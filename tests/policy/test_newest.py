"""Which tag is the newest, by when it was pushed or when its image was built."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imagebot.image.snapshot import Since, Source
from imagebot.policy.gates import Waiting
from imagebot.policy.known import Fact
from imagebot.policy.policies import Moment, Newest
from imagebot.policy.reading import Rule, Rules
from imagebot.policy.select import NoCandidate, Selection, select
from imagebot.policy.tag_filter import parse_tag_filter
from tests.policy.worlds import AMD64, ARM64, NOW, S390X, ago, choose, make_world

PUSHED, BUILT = Rules(Newest(Moment.PUSHED)), Rules(Newest(Moment.BUILT))


@pytest.mark.parametrize(
    ("world", "current", "chosen"),
    [
        pytest.param(make_world({"a": 9, "b": 2, "c": 5}), "a", "b", id="the last seen"),
        pytest.param(
            make_world({"a": 9, "b": 2, "c": 5}, pushed={"a": 8, "b": 7, "c": 1}), "a", "c", id="the last pushed"
        ),
        pytest.param(make_world({"a": 9, "b": 2, "c": 5}, repushed={"c": 1}), "a", "c", id="the last pushed again"),
        pytest.param(make_world({"a": 1, "b": 2, "c": 5}), "a", "a", id="the current one"),
        pytest.param(make_world({"a": 5, "b": 5, "c": 5}), "a", "a", id="all at once: the current one stays"),
        pytest.param(make_world({"a": 5, "b": 5, "c": 5}), None, "c", id="all at once: the last as text"),
        pytest.param(make_world({"a": 9, "b": 5, "c": 5}), "a", "c", id="two at once: the last as text"),
    ],
)
def test_the_newest_by_when_it_was_pushed(world, current, chosen):
    selection, asked = choose(world, PUSHED, current=current, written=None)

    assert isinstance(selection, Selection)
    assert selection.tag == chosen
    assert {fact for _, fact in asked.questions} <= {Fact.DIGEST, Fact.PLATFORMS}


def test_what_was_pushed_before_the_current_tag_is_older():
    selection, _ = choose(make_world({"a": 9, "b": 2, "c": 1}), PUSHED, current="b")

    assert selection.refused == {"a": Rule.OLDER_THAN_CURRENT, "b": Rule.LOWER_PRECEDENCE}


def test_where_nothing_is_remembered_only_tags_with_a_time_are_candidates():
    world = make_world({"a": 0, "b": 0, "c": 0}, pushed={"a": 5, "b": 3}, has_history=False)

    selection, _ = choose(world, PUSHED, current="a")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.refused) == ("b", {"a": Rule.LOWER_PRECEDENCE, "c": Rule.NO_TIME})


def test_where_the_registry_tells_times_the_first_sight_of_another_tag_is_none():
    world = make_world({"old": 1, "new": 1}, pushed={"new": 2})

    selection, _ = choose(world, PUSHED, current="new")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.refused) == ("new", {"old": Rule.NO_TIME})


@pytest.mark.parametrize("has_history", [True, False], ids=["with a memory", "without"])
def test_nothing_is_chosen_while_the_time_of_the_tag_that_is_written_is_not_told(has_history):
    world = make_world({"new": 9, "old": 9}, pushed={"old": 3}, has_history=has_history)

    selection, _ = choose(world, PUSHED, current="new")

    reason = "it is not known when new was pushed, which is written: newest: pushed needs that"
    assert selection == NoCandidate(reason, {})


@pytest.mark.parametrize("rules", [PUSHED, BUILT], ids=["pushed", "built"])
def test_without_anything_known_no_tag_has_a_time(rules):
    selection = select(["a", "b"], rules, current="a")

    assert isinstance(selection, NoCandidate)
    assert selection.refused == {"a": Rule.NO_TIME, "b": Rule.NO_TIME}


@pytest.mark.parametrize(
    ("built", "current", "chosen"),
    [
        pytest.param({"a": 9, "b": 2, "c": 5}, "a", "b", id="the last"),
        pytest.param({"a": 1, "b": 2, "c": 5}, "a", "a", id="the current one"),
        pytest.param({"a": 5, "b": 5, "c": 5}, "a", "a", id="all at once: the current one stays"),
        pytest.param({"a": 9, "b": 5, "c": 5}, "a", "c", id="two at once: the last as text"),
        pytest.param({"b": 2, "c": 5}, "a", "b", id="the current one does not say"),
        pytest.param({"a": 9, "c": 5}, "a", "c", id="another does not say"),
        pytest.param({}, "a", None, id="none says"),
    ],
)
def test_the_newest_by_when_it_was_built(built, current, chosen):
    world = make_world({"a": 9, "b": 9, "c": 9}, built=built)

    selection, _ = choose(world, BUILT, current=current)

    assert (selection.tag if isinstance(selection, Selection) else None) == chosen


def test_what_does_not_say_when_it_was_built_is_no_candidate():
    world = make_world({"a": 9, "b": 9, "c": 9, "d": 9}, built={"a": 3, "d": 1}, platforms={"c": "none", "d": ""})

    selection, _ = choose(world, BUILT, current="a")

    assert selection.refused == {"b": Rule.NO_TIME, "c": Rule.NO_TIME, "d": Rule.NO_TIME}


def test_what_was_built_before_the_current_tag_is_older():
    selection, _ = choose(make_world({"a": 1, "b": 2}, built={"a": 9, "b": 5}), BUILT, current="b")

    assert selection.refused == {"a": Rule.OLDER_THAN_CURRENT}


@pytest.mark.parametrize(
    ("rules", "seen", "built"),
    [
        pytest.param(PUSHED, {"a": 9, "bad": 2}, {}, id="pushed"),
        pytest.param(BUILT, {"a": 9, "bad": 9}, {"a": 9, "bad": 2}, id="built"),
    ],
)
def test_nothing_steps_back_from_a_tag_that_is_excluded_by_now(rules, seen, built):
    rules = replace(rules, filter=parse_tag_filter([], ["bad"], extract=None))

    selection, _ = choose(make_world(seen, built=built), rules, current="bad")

    assert selection.refused == {"a": Rule.OLDER_THAN_CURRENT, "bad": Rule.EXCLUDED}


def test_all_is_asked_in_one_round_for_each_fact():
    world = make_world({"a": 9, "b": 9, "c": 9}, built={"a": 9, "b": 8, "c": 7})

    _, asked = choose(world, BUILT, current="a")

    assert [{each.fact for each in questions} for questions in asked.rounds] == [
        {Fact.DIGEST},
        {Fact.PLATFORMS},
        {Fact.BUILT},
    ]


def test_nothing_is_asked_of_tags_that_the_filter_refuses():
    rules = replace(BUILT, filter=parse_tag_filter(["^main-"], ["-debug$"], extract=None))
    tags = ("main-1", "main-2", "main-2-debug", "v1", f"sha256-{64 * 'a'}.sig")
    world = make_world(dict.fromkeys(tags, 9), built={"main-1": 9, "main-2": 8})

    _, asked = choose(world, rules, current="main-1")

    assert {tag for tag, fact in asked.questions if fact is Fact.DIGEST} == {"main-1", "main-2"}


@pytest.mark.parametrize("count", [1000, 1001], ids=["the most", "one more"])
def test_at_most_a_thousand_images_are_looked_at(count):
    tags = [f"{number:04}" for number in range(count)]
    world = make_world(dict.fromkeys(tags, 9), built={tag: 9 - int(tag) / 1000 for tag in tags})

    selection, asked = choose(world, BUILT, current="0000")

    if count == 1000:
        assert isinstance(selection, Selection)
        assert selection.tag == "0999"
    else:
        assert isinstance(selection, NoCandidate)
        assert not asked.rounds
        assert selection.reason == (
            "newest: built looks at the images of 1000 tags at most, and 1001 are admitted: "
            "narrow them with tags.include"
        )


@pytest.mark.parametrize(
    ("platforms", "named", "looked_at"),
    [
        pytest.param("amd64 arm64 386", [], "amd64", id="the usual one"),
        pytest.param("s390x arm64", [], "arm64", id="the first by name without the usual one"),
        pytest.param("amd64 arm64", [ARM64], "arm64", id="the one that the entry names"),
        pytest.param("amd64 arm64 s390x", [S390X, ARM64], "arm64", id="the first of those that the entry names"),
        pytest.param("amd64 s390x", [ARM64], "amd64", id="the entry names one that is not there"),
    ],
)
def test_one_platform_speaks_for_all(platforms, named, looked_at):
    world = make_world({"a": 9}, platforms={"a": platforms})

    _, asked = choose(world, replace(BUILT, platforms=frozenset(named)), current="a")

    assert {digest for digest, fact in asked.questions if fact is Fact.BUILT} == {f"{looked_at} of a"}


def test_the_winner_loses_if_it_was_pushed_again_with_an_older_image():
    world = make_world({"a": 9, "b": 8, "c": 7}, built={"a": 9, "b": 8, "c": 20}, repushed={"a": 5, "b": 5, "c": 0})
    world = replace(
        world,
        images={**world.images, "once c": {AMD64: "amd64 once c"}},
        built={**world.built, "amd64 once c": ago(7)},
    )

    selection, asked = choose(world, BUILT, current="a")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.refused["c"]) == ("b", Rule.OLDER_THAN_CURRENT)
    assert {tag for tag, fact in asked.questions if fact is Fact.DIGEST} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("once", "now", "chosen"), [(9, 1, "a"), (1, 9, "b")], ids=["with a newer image", "with an older image"]
)
def test_of_a_written_tag_that_was_pushed_again_the_image_counts_that_it_has_now(once, now, chosen):
    world = make_world({"a": 9, "b": 8}, built={"a": now, "b": 5}, repushed={"a": 0})
    world = replace(
        world,
        images={**world.images, "once a": {AMD64: "amd64 once a"}},
        built={**world.built, "amd64 once a": ago(once)},
    )

    selection, _ = choose(world, BUILT, current="a")

    assert isinstance(selection, Selection)
    assert selection.tag == chosen


@pytest.mark.parametrize(("days", "chosen"), [(1, "b"), (1.5, "a")], ids=["a day ahead", "more than a day ahead"])
def test_a_time_of_building_that_is_far_ahead_is_not_believed(days, chosen):
    world = make_world({"a": 9, "b": 8}, built={"a": 5, "b": -days})

    selection, _ = choose(world, BUILT, current="a")

    assert isinstance(selection, Selection)
    assert selection.tag == chosen


@pytest.mark.parametrize(
    ("rules", "world"),
    [
        pytest.param(PUSHED, make_world({"a": 9, "b": 4, "c": 1}), id="pushed"),
        pytest.param(BUILT, make_world({"a": 9, "b": 4, "c": 1}, built={"a": 9, "b": 8, "c": 7}), id="built"),
    ],
)
def test_the_newest_has_to_be_old_enough(rules, world):
    selection, _ = choose(world, replace(rules, min_age=timedelta(days=3)), current="a")

    assert isinstance(selection, Selection)
    assert selection.tag == "b"
    assert selection.waiting == (Waiting("c", Since(ago(1), Source.FIRST_SEEN), ago(-2)),)


def test_a_tag_that_is_found_to_be_pushed_again_is_the_newest_and_waits():
    world = make_world({"a": 9, "b": 5, "c": 4}, repushed={"c": 0})

    selection, _ = choose(world, replace(PUSHED, min_age=timedelta(days=3)), current="a")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.due_at) == ("b", NOW + timedelta(days=3))
