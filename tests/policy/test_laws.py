"""What holds of every choice, whatever the policy, the filter, the variant and the tags."""

import contextlib

from hypothesis import assume, given
from hypothesis import strategies as st

from imagebot.errors import InvalidInput
from imagebot.policy.calver import parse_calver
from imagebot.policy.known import Unknown
from imagebot.policy.npm_range import parse_npm_range
from imagebot.policy.policies import Alphabetical, Calver, Level, Numeric, Order, Policy, SemverLevel, SemverRange
from imagebot.policy.range import parse_range
from imagebot.policy.reading import Keep, Key, Rule, Rules, make_reader
from imagebot.policy.select import NoCandidate, Previous, Selection, select
from imagebot.policy.tag_filter import parse_tag_filter
from tests.policy.versions import any_tags, ranges

HEX = 64 * "a"


def make_semver(text: str) -> Policy:
    return SemverRange(parse_range(text))


def make_npm(text: str) -> Policy:
    return SemverRange(parse_npm_range(text))


def make_calver(text: str) -> Policy:
    return Calver(parse_calver(text))


policies = (
    ranges.map(make_semver)
    | st.sampled_from(Level).map(SemverLevel)
    | st.sampled_from(
        [
            *map(make_npm, (">=1.0.0", "^1.2.0-rc.1 || 3")),
            SemverRange(parse_npm_range("*", includes_prereleases=True, is_loose=True)),
            *map(make_calver, ("YYYY.0M.MICRO", "YY.MM-MODIFIER")),
            *(Numeric(order) for order in Order),
            *(Alphabetical(order) for order in Order),
        ]
    )
)
filters = st.none() | st.sampled_from(
    [
        parse_tag_filter([], [r"^1\.", "x"], extract=None),
        parse_tag_filter(["^v?[0-9]", "latest"], ["rc"], extract=None),
        parse_tag_filter(["-([0-9]+)$", "^v?(.*)"], ["-beta"], extract="$1"),
    ]
)
rules_of_any_kind = st.builds(
    Rules,
    policies,
    filter=filters,
    variant=st.sampled_from([Keep.KEEP, Keep.ANY, "", "alpine"]),
    allows_downgrade=st.booleans(),
)
tags_of_any_kind = (
    any_tags
    | st.builds("{}.{:02}.{}".format, st.integers(2023, 2025), st.integers(1, 12), st.integers(0, 3))
    | st.builds("prod-{:07x}-{}".format, st.integers(0, 3), st.integers(0, 3))
    | st.sampled_from(["1", "01", "1.0", "7", "1.50", "24.4", "24.4-rc1", f"sha256-{HEX}", f"sha256-{HEX}.sig"])
)
listings = st.lists(tags_of_any_kind, max_size=8)
currents = st.none() | tags_of_any_kind


@given(listings, rules_of_any_kind, currents, st.randoms())
def test_a_choice_ignores_order_and_repetition(tags, rules, current, random):
    shuffled = random.sample(tags * 2, len(tags) * 2)

    assert select(shuffled, rules, current=current) == select(tags, rules, current=current)


def is_before(key: Key, other: Key, rules: Rules) -> bool:
    is_descending = isinstance(rules.policy, Numeric | Alphabetical) and rules.policy.order is Order.DESC
    return bool(key > other if is_descending else key < other)


@given(listings, rules_of_any_kind, currents, tags_of_any_kind)
def test_a_better_admitted_tag_becomes_the_choice(tags, rules, current, tag):
    before = select(tags, rules, current=current)
    reader = make_reader(rules, current=current)
    bounds = [] if rules.allows_downgrade or isinstance(reader.written, Rule | None) else [reader.written]
    bounds += [reader.judge(before.tag)] if isinstance(before, Selection) else []
    key = reader.judge(tag)

    after = select([*tags, tag], rules, current=current)

    if not isinstance(key, Rule) and all(is_before(bound, key, rules) for bound in bounds):
        assert isinstance(after, Selection)
        assert after.tag == tag


@given(listings, rules_of_any_kind, currents)
def test_nothing_steps_back_unless_it_is_allowed(tags, rules, current):
    selection = select(tags, rules, current=current)
    reader = make_reader(rules, current=current)

    if isinstance(selection, Selection) and not isinstance(reader.written, Rule | None) and not rules.allows_downgrade:
        assert not is_before(reader.judge(selection.tag), reader.written, rules)


@given(listings, rules_of_any_kind, currents)
def test_a_second_choice_stays_where_the_first_went(tags, rules, current):
    first = select(tags, rules, current=current)

    if isinstance(first, Selection):
        second = select(tags, rules, current=first.tag)
        assert isinstance(second, Selection)
        assert second.tag == first.tag


@given(listings | st.lists(st.text()), rules_of_any_kind, currents | st.text())
def test_every_tag_that_is_not_chosen_has_its_rule(tags, rules, current):
    selection = select(tags, rules, current=current)

    assert not isinstance(selection, Unknown)
    assert all(isinstance(rule, Rule) for rule in selection.refused.values())
    if isinstance(selection, Selection):
        assert selection.refused.keys() == set(tags) - {selection.tag}
        assert selection.tag in tags or selection.tag == current
    else:
        assert selection.refused.keys() in (set(tags), set())


@given(st.text(), st.text(), st.lists(st.text(), max_size=3), st.none() | st.text())
def test_any_texts_are_rules_or_invalid(text, pattern, tags, current):
    for parse in (make_semver, make_npm, make_calver):
        with contextlib.suppress(InvalidInput):
            rules = Rules(parse(text), parse_tag_filter([pattern], [], extract=None), text)
            select(tags, rules, current=current)


@given(listings, listings, rules_of_any_kind, currents)
def test_what_was_chosen_before_changes_nothing(before, tags, rules, current):
    earlier = select(before, rules, current=current)
    assert not isinstance(earlier, Unknown)
    previous = Previous(rules, current, earlier)

    assert select(tags, rules, current=current, previous=previous) == select(tags, rules, current=current)


@given(st.lists(listings, min_size=2, max_size=4), listings, rules_of_any_kind, currents)
def test_however_often_tags_came_and_went(changing, lasting, rules, current):
    previous = None
    for tags in changing:
        selection = select([*tags, *lasting], rules, current=current, previous=previous)
        assert not isinstance(selection, Unknown)
        previous = Previous(rules, current, selection)

    assert selection == select([*changing[-1], *lasting], rules, current=current)


@given(listings, rules_of_any_kind, rules_of_any_kind, currents, currents)
def test_what_was_chosen_by_other_rules_or_beside_another_tag_is_not_used(tags, rules, others, current, other):
    previous = Previous(others, other, NoCandidate("", dict.fromkeys(tags, Rule.EXCLUDED)))
    assume((others, other) != (rules, current))

    assert select(tags, rules, current=current, previous=previous) == select(tags, rules, current=current)
