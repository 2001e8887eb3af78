"""Which tag is chosen, and what is said of the others."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.policy.policies import Level, Moment, Newest, Numeric, Order, SemverLevel, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Rule, Rules
from imagebot.policy.select import NoCandidate, Previous, Selection, count_by_rule, select
from imagebot.policy.tag_filter import parse_tag_filter
from imagebot.policy.variant import Variant, split_tag
from imagebot.policy.version import Jump, Version, find_version
from tests.policy.versions import a_version, any_tags, ranges
from tests.policy.worlds import choose as choose_of
from tests.policy.worlds import make_world


def read_variant(tag: str) -> tuple[Variant, Version] | None:
    split = split_tag(tag)
    version = find_version(split[1]) if split else None
    return (split[0], version) if split and version else None


PATCH, MINOR, MAJOR = (Rules(SemverLevel(level)) for level in Level)

policies = ranges.map(lambda text: Rules(SemverRange(parse_range(text)))) | st.sampled_from([PATCH, MINOR, MAJOR])


def semver(text: str) -> Rules:
    return Rules(SemverRange(parse_range(text)))


def choose(tags: str, policy: Rules, current: str | None) -> str | None:
    selection = select(tags.split(), policy, current=current)
    return selection.tag if isinstance(selection, Selection) else None


@pytest.mark.parametrize(
    ("policy", "current", "tags", "chosen"),
    [
        pytest.param(semver("^1.2"), "1.2.0", "1.2.0 1.3.0 1.10.0 2.0.0", "1.10.0", id="the greatest in the range"),
        pytest.param(semver("^1.2"), "1.10.0", "1.2.0 1.10.0", "1.10.0", id="the current one is the greatest"),
        pytest.param(semver("^1.2"), "1.10.0", "1.2.0 1.3.0", "1.10.0", id="the current one is not listed"),
        pytest.param(semver("^2"), "1.2.0", "1.2.0 2.1.0", "2.1.0", id="the current one is below the range"),
        pytest.param(semver("^1"), "2.0.0", "1.9.0 2.0.0", None, id="the current one is above the range"),
        pytest.param(semver("^1"), "0.9.0", "0.9.0 2.0.0", None, id="nothing in the range"),
        pytest.param(semver("^1"), "1.2.0", "1.3.0-rc.1 1.2.0", "1.2.0", id="no prerelease without one in the range"),
        pytest.param(semver("^1-0"), "1.2.0", "1.3.0-rc.1 1.2.0", "1.3.0-rc.1", id="a prerelease by the range"),
        pytest.param(semver("^1-0"), "1.2.0", "1.3.0-rc.1 1.3.0", "1.3.0", id="a release before its prerelease"),
        pytest.param(semver("^1"), "1.3.0-rc.1", "1.2.9 1.3.0-rc.2 1.3.0", "1.3.0", id="off a prerelease"),
        pytest.param(semver("^1"), "1.3.0-rc.1", "1.2.9 1.3.0-rc.2", None, id="not back from a prerelease"),
        pytest.param(PATCH, "1.2.3", "1.2.3 1.2.9 1.3.0 2.0.0", "1.2.9", id="patch"),
        pytest.param(MINOR, "1.2.3", "1.2.3 1.2.9 1.3.0 2.0.0", "1.3.0", id="minor"),
        pytest.param(MAJOR, "1.2.3", "1.2.3 1.2.9 1.3.0 2.0.0", "2.0.0", id="major"),
        pytest.param(MINOR, "1.9.0", "1.2.3 0.9.0 2.0.0", "1.9.0", id="nothing newer within the level"),
        pytest.param(MAJOR, "1.2.3", "1.3.0-rc.1 2.0.0-0", "1.2.3", id="a release never moves to a prerelease"),
        pytest.param(PATCH, "1.2.3-rc.1", "1.2.3-rc.1 1.2.3-rc.2", "1.2.3-rc.2", id="to a later prerelease"),
        pytest.param(PATCH, "1.2.3-rc.1", "1.2.3-rc.2 1.2.3", "1.2.3", id="from a prerelease to its release"),
        pytest.param(PATCH, "1.2.3-rc.2", "1.2.3-rc.1 1.2.4-rc.1", "1.2.3-rc.2", id="to no prerelease of another"),
        pytest.param(PATCH, "1.2.3-rc.2", "1.3.0 1.2.4", "1.2.4", id="from a prerelease to a later release"),
    ],
)
def test_how_far_a_tag_moves(policy, current, tags, chosen):
    assert choose(tags, policy, current) == chosen


@pytest.mark.parametrize(
    ("policy", "current", "tags", "chosen"),
    [
        pytest.param(MAJOR, "1.2.3-alpine", "1.3.0 1.2.4-alpine 1.4.0-slim", "1.2.4-alpine", id="the suffix"),
        pytest.param(MAJOR, "1.2.3", "1.2.4 1.3.0-alpine", "1.2.4", id="no suffix"),
        pytest.param(
            MAJOR, "1.2.3-alpine3.19", "1.3.0-alpine3.20 1.2.4-alpine3.19", "1.2.4-alpine3.19", id="its numbers"
        ),
        pytest.param(MAJOR, "1.2.3-debian-12-r3", "1.2.3-debian-12-r4", "1.2.3-debian-12-r3", id="its revision"),
        pytest.param(
            MAJOR, "12.3.1-base-ubuntu22.04", "12.4.0-base-ubuntu22.04", "12.4.0-base-ubuntu22.04", id="its zeros"
        ),
        pytest.param(MAJOR, "1.25", "1.26 1.27.3 1.28.0 2", "1.26", id="two numbers"),
        pytest.param(MAJOR, "17-jdk", "21-jdk 21.0-jdk 22", "21-jdk", id="one number"),
        pytest.param(MAJOR, "1.2.3", "1.2.4 20240131", "1.2.4", id="no date for a version"),
        pytest.param(MAJOR, "v1.2.3", "1.3.0 v1.2.4", "v1.2.4", id="a v"),
        pytest.param(MAJOR, "1.2.3", "v1.3.0 1.2.4", "1.2.4", id="no v"),
        pytest.param(semver("^1"), "1.2.3-alpine", "1.3.0-alpine 1.4.0", "1.3.0-alpine", id="in a range"),
        pytest.param(semver("^v1.2"), "1.2.3", "1.3.0 v1.4.0", "1.3.0", id="a v in the range binds nothing"),
        pytest.param(
            semver("^1-0"), "1.2.3-alpine", "1.3.0-rc.1-alpine", "1.3.0-rc.1-alpine", id="beside a prerelease"
        ),
        pytest.param(MAJOR, "1.2.3-rc.1-alpine", "1.2.3-rc.2-alpine", "1.2.3-rc.2-alpine", id="behind a prerelease"),
        pytest.param(semver(">=1.2.3-alpine"), "1.2.3", "1.3.0-alpine 1.2.4", "1.2.4", id="a suffix in the range"),
        pytest.param(
            semver(">=1.2.3-alpine"), "1.2.3-alpine", "1.3.0-alpine 1.2.4", "1.3.0-alpine", id="both with a suffix"
        ),
        pytest.param(
            semver(">=1.2.3-alpine"), "1.2.3", "1.3.0-rc.1", "1.3.0-rc.1", id="a suffix opts in to prereleases"
        ),
    ],
)
def test_a_tag_keeps_its_variant(policy, current, tags, chosen):
    assert choose(tags, policy, current) == chosen


@pytest.mark.parametrize(
    ("current", "tags", "chosen"),
    [
        pytest.param("latest", "1.2.3 1.3.0 2.0.0", "1.3.0", id="a word"),
        pytest.param(None, "1.2.3 1.3.0 2.0.0", "1.3.0", id="no tag"),
        pytest.param("latest", "1.3.0-alpine 1.2.0", "1.2.0", id="without a suffix"),
        pytest.param("alpine", "1.3.0-alpine 1.2.0", "1.2.0", id="without a suffix whatever the word"),
        pytest.param("latest", "1.3.0-rc.1 1.2.0", "1.2.0", id="no prerelease"),
        pytest.param("latest", "v1.3.0 1.2.0", "v1.3.0", id="with a v or not"),
        pytest.param("latest", "1.2 1.1.9", "1.2", id="of any number of parts"),
        pytest.param("latest", "1.2 1.2.0 v1.2", "v1.2", id="the greatest text among equals"),
        pytest.param("latest", "latest 1.2.3-alpine", None, id="nothing but other variants"),
    ],
)
def test_a_range_selects_a_first_version(current, tags, chosen):
    assert choose(tags, semver("^1"), current) == chosen


@pytest.mark.parametrize(
    ("policy", "current", "tags", "chosen"),
    [
        pytest.param(MAJOR, "2024.1.31", "2024.01.31", "2024.1.31", id="the current one stays"),
        pytest.param(MAJOR, "2024.01.31", "2024.1.31", "2024.01.31", id="whichever it is"),
        pytest.param(MAJOR, "2024.1.30", "2024.01.31 2024.1.31", "2024.1.31", id="else the greatest text wins"),
    ],
)
def test_tags_of_equal_precedence(policy, current, tags, chosen):
    assert choose(tags, policy, current) == chosen


def test_a_selection_says_what_was_chosen_and_why_not_the_others():
    tags = ["1.2.0", "1.2.9", "1.10.0", "1.1.0", "2.0.0", "1.11.0-rc.1", "1.12.0-alpine", "1.13", "latest", "1.2.9"]

    selection = select(tags, semver("^1.0"), current="1.2.0")

    assert selection == Selection(
        tag="1.10.0",
        jump=Jump.MINOR,
        refused={
            "1.2.0": Rule.LOWER_PRECEDENCE,
            "1.2.9": Rule.LOWER_PRECEDENCE,
            "1.1.0": Rule.OLDER_THAN_CURRENT,
            "2.0.0": Rule.OUTSIDE_RANGE,
            "1.11.0-rc.1": Rule.PRERELEASE,
            "1.12.0-alpine": Rule.OTHER_VARIANT,
            "1.13": Rule.OTHER_VARIANT,
            "latest": Rule.NOT_A_VERSION,
        },
        considered=9,
    )


@pytest.mark.parametrize(
    ("tag", "rule"),
    [
        pytest.param("nightly", Rule.NOT_A_VERSION, id="no version"),
        pytest.param("2.0.0-alpine", Rule.OTHER_VARIANT, id="another variant, and beyond the level"),
        pytest.param("2.0.0-rc.1", Rule.BEYOND_LEVEL, id="beyond the level, and a prerelease"),
        pytest.param("1.3.0-rc.1", Rule.PRERELEASE, id="a prerelease"),
        pytest.param("1.1.0-rc.1", Rule.PRERELEASE, id="a prerelease, and older"),
        pytest.param("0.9.0", Rule.OLDER_THAN_CURRENT, id="older, whatever the level"),
        pytest.param("1.2.0", Rule.LOWER_PRECEDENCE, id="the current one"),
    ],
)
def test_the_first_rule_that_refuses_a_tag_is_its_reason(tag, rule):
    selection = select([tag, "1.4.0"], MINOR, current="1.2.0")

    assert isinstance(selection, Selection)
    assert selection.refused == {tag: rule}


@pytest.mark.parametrize(
    ("policy", "current", "tags", "reason"),
    [
        pytest.param(semver("^1"), "1.0", "", None, id="no tags, but the current one is admitted"),
        pytest.param(semver("^1"), "latest", "", "the repository has no tags", id="no tags"),
        pytest.param(
            semver("^1"),
            "2.0.0",
            "1.9.0 2.0.0",
            "the current tag 2.0.0 is newer than every tag that semver: ^1 admits",
            id="the current one is newer than the range",
        ),
        pytest.param(
            semver("^3"),
            "1.0.0",
            "1.9.0 2.0.0 latest 3.0.0-alpine",
            "none of 4 tags is a candidate under semver: ^3: 1 not a version, 1 another variant, 2 outside the range",
            id="nothing in the range",
        ),
        pytest.param(
            MINOR,
            "latest",
            "1.0.0",
            "the tag latest is not a version, so semver: minor has nothing to start from",
            id="a level from a word",
        ),
        pytest.param(
            MINOR,
            None,
            "1.0.0",
            "no tag is written, so semver: minor has nothing to start from",
            id="a level from nothing",
        ),
    ],
)
def test_why_there_is_no_candidate(policy, current, tags, reason):
    selection = select(tags.split(), policy, current=current)

    assert (selection.reason if isinstance(selection, NoCandidate) else None) == reason


def test_a_level_without_a_start_judges_no_tag():
    selection = select(["1.0.0"], MINOR, current="latest")

    assert isinstance(selection, NoCandidate)
    assert selection.refused == {}


@pytest.mark.parametrize(
    ("current", "tags", "jump"),
    [
        pytest.param("1.2.3", ["2.0.0"], Jump.MAJOR, id="to another version"),
        pytest.param("1.2.3", ["1.2.3"], Jump.NONE, id="to itself"),
        pytest.param("latest", ["1.2.3"], None, id="from a word"),
    ],
)
def test_how_far_a_selection_jumps(current, tags, jump):
    selection = select(tags, semver("*"), current=current)

    assert isinstance(selection, Selection)
    assert selection.jump is jump


def test_tags_are_counted_by_rule_in_the_order_of_the_rules():
    refused = {"a": Rule.LOWER_PRECEDENCE, "b": Rule.NOT_A_VERSION, "c": Rule.LOWER_PRECEDENCE}

    assert count_by_rule(refused) == ((Rule.NOT_A_VERSION, 1), (Rule.LOWER_PRECEDENCE, 2))


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        pytest.param(semver(" ^1.4 "), "semver: ^1.4", id="a range"),
        pytest.param(MINOR, "semver: minor", id="a level"),
    ],
)
def test_a_policy_is_written_as_in_the_policy_file(policy, text):
    assert str(policy) == text


@given(st.lists(any_tags, max_size=8), policies, any_tags | st.none(), st.randoms())
def test_a_selection_ignores_order_and_repetition(tags, policy, current, random):
    shuffled = random.sample(tags * 2, len(tags) * 2)

    assert select(shuffled, policy, current=current) == select(tags, policy, current=current)


@given(st.lists(any_tags, max_size=8), policies, any_tags | st.none())
def test_every_tag_is_chosen_or_refused(tags, policy, current):
    selection = select(tags, policy, current=current)

    if isinstance(selection, Selection):
        assert set(selection.refused) == set(tags) - {selection.tag}
        assert selection.considered == len(set(tags))
        assert selection.tag in tags or selection.tag == current
    else:
        assert isinstance(selection, NoCandidate)
        assert set(selection.refused) in (set(tags), set())


@given(st.lists(any_tags, max_size=8), policies, any_tags)
def test_nothing_moves_backwards_or_to_another_variant(tags, policy, current):
    selection = select(tags, policy, current=current)
    written = read_variant(current)
    chosen = read_variant(selection.tag) if isinstance(selection, Selection) else None

    if written and chosen:
        assert chosen[0] == written[0]
        assert chosen[1].key >= written[1].key


@given(st.lists(any_tags, max_size=8), policies, any_tags)
def test_a_second_selection_stays_where_the_first_went(tags, policy, current):
    first = select(tags, policy, current=current)

    if isinstance(first, Selection):
        second = select(tags, policy, current=first.tag)
        assert isinstance(second, Selection)
        assert second.tag == first.tag


@given(st.lists(any_tags, max_size=8), st.integers(0, 3), st.integers(4, 9))
def test_a_newer_admitted_tag_becomes_the_choice(tags, minor, patch):
    newest = f"4.{minor}.{patch}"
    older = [tag for tag in tags if (split := read_variant(tag)) and split[1].key < a_version(newest).key]

    assert choose(" ".join([*older, newest]), semver(">=1.0.0"), "1.0.0") == newest


AGED = Rules(SemverLevel(Level.MINOR), min_age=timedelta(days=3))


@pytest.mark.parametrize(
    ("rules", "world", "current", "reason"),
    [
        pytest.param(
            Rules(Numeric(Order.ASC), min_age=timedelta(days=3)),
            make_world({"2": 9, "3": 1}),
            None,
            None,
            id="an old one is chosen",
        ),
        pytest.param(
            Rules(Numeric(Order.ASC), min_age=timedelta(days=3)),
            make_world({"3": 1}),
            None,
            "none of 1 tags is a candidate under numeric: asc: 1 younger than min_age",
            id="the only one waits",
        ),
        pytest.param(
            Rules(
                Numeric(Order.ASC),
                parse_tag_filter([], ["^2$"], extract=None),
                min_age=timedelta(days=3),
            ),
            make_world({"1": 9, "2": 9, "3": 1}),
            "2",
            "none of 3 tags is a candidate under numeric: asc: "
            "1 excluded, 1 older than the current tag, 1 younger than min_age",
            id="a newer one waits, so it is not that there is none",
        ),
        pytest.param(
            Rules(Numeric(Order.ASC), parse_tag_filter([], ["^2$"], extract=None)),
            make_world({"1": 9, "2": 9, "3": 1}, platforms={"3": "none"}),
            "2",
            "none of 3 tags is a candidate under numeric: asc: "
            "1 excluded, 1 older than the current tag, 1 listed without an image that can be read",
            id="a newer one has no image",
        ),
    ],
)
def test_why_no_candidate_passes_the_gates(rules, world, current, reason):
    selection, _ = choose_of(world, rules, current=current)

    assert (selection.reason if isinstance(selection, NoCandidate) else None) == reason


@pytest.mark.parametrize(
    ("rules", "before", "after"),
    [
        pytest.param(
            AGED,
            make_world({"1.0.0": 9, "1.1.0": 8, "1.2.0": 7}),
            make_world({"1.0.0": 9, "1.1.0": 1, "1.2.0": 7}),
            id="a tag that lost has come back and is young",
        ),
        pytest.param(
            AGED,
            make_world({"1.0.0": 9, "1.1.0": 8, "1.2.0": 7}),
            make_world({"1.0.0": 9, "1.1.0": 8, "1.2.0": 7}, repushed={"1.2.0": 0}),
            id="the winner is found to be pushed again",
        ),
        pytest.param(
            AGED,
            make_world({"1.0.0": 9, "1.1.0": 1}),
            make_world({"1.0.0": 9, "1.1.0": 4}),
            id="a tag has waited long enough",
        ),
        pytest.param(
            MINOR,
            make_world({"1.0.0": 9, "1.1.0": 9, "1.2.0": 9}, platforms={"1.2.0": "arm64"}),
            make_world({"1.0.0": 9, "1.1.0": 9, "1.2.0": 9}),
            id="the best has the platform now",
        ),
        pytest.param(
            MINOR,
            make_world({"1.0.0": 9, "1.1.0": 9, "1.2.0": 9}),
            make_world({"1.0.0": 9, "1.1.0": 9, "1.2.0": 9}, platforms={"1.2.0": "arm64"}),
            id="the winner lacks the platform now",
        ),
        pytest.param(
            Rules(Newest(Moment.PUSHED)),
            make_world({"1.0.0": 9, "1.1.0": 9, "1.2.0": 8}),
            make_world({"1.0.0": 9, "1.1.0": 9, "1.2.0": 8}, has_history=False),
            id="no time is known any more",
        ),
    ],
)
def test_what_was_selected_before_the_world_changed_is_not_believed(rules, before, after):
    previous = Previous(rules, "1.0.0", choose_of(before, rules, current="1.0.0")[0])

    selection, _ = choose_of(after, rules, current="1.0.0", previous=previous)

    assert selection == choose_of(after, rules, current="1.0.0")[0]
