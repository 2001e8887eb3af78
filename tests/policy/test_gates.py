"""Which candidates wait, and which are refused for their platforms; what is asked for that."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imagebot.image.platform import parse_platform
from imagebot.image.snapshot import Since, Source
from imagebot.policy.gates import Lacking, Waiting, find_waiting
from imagebot.policy.known import Fact, Known
from imagebot.policy.policies import Level, Numeric, Order, SemverLevel
from imagebot.policy.reading import Rule, Rules
from imagebot.policy.select import NoCandidate, Selection
from tests.policy.worlds import AMD64, ARM64, NOW, S390X, ago, choose, make_world

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
PLAIN = Rules(Numeric(Order.ASC))
OLD_ENOUGH = replace(PLAIN, min_age=3 * DAY)
LEAST = Rules(Numeric(Order.DESC), min_age=3 * DAY)
BOTH = "amd64 arm64"


def list_waiting(selection: Selection | NoCandidate) -> list[str]:
    return [each.tag for each in selection.waiting]


@pytest.mark.parametrize(
    ("world", "since"),
    [
        pytest.param(make_world({"2": 9}, pushed={"2": 2}), Since(ago(2), Source.PUSHED), id="pushed"),
        pytest.param(make_world({"2": 2}, pushed={"2": 9}), None, id="pushed long before it was seen"),
        pytest.param(make_world({"2": 2}), Since(ago(2), Source.FIRST_SEEN), id="first seen"),
        pytest.param(make_world({"2": 9}, repushed={"2": 2}), Since(ago(2), Source.PUSHED_AGAIN), id="pushed again"),
        pytest.param(make_world({"2": 9}, repushed={"2": 4}), None, id="pushed again long ago"),
        pytest.param(
            make_world({"2": 9}, pushed={"2": 8}, repushed={"2": 2}),
            Since(ago(2), Source.PUSHED_AGAIN),
            id="pushed again, with the time of an older image",
        ),
        pytest.param(
            make_world({"2": 9}, pushed={"2": 1}, repushed={"2": 2}),
            Since(ago(1), Source.PUSHED),
            id="pushed once more after it was seen to change",
        ),
        pytest.param(make_world({"2": 9}), None, id="old"),
    ],
)
def test_what_a_tag_waits_for(world, since):
    waiting = find_waiting("2", 3 * DAY, known=Known(world.snapshot, NOW))

    assert waiting == (None if since is None else Waiting("2", since, since.at + 3 * DAY))


@pytest.mark.parametrize(
    ("passed", "waits"),
    [
        pytest.param(3 * DAY - INSTANT, True, id="an instant too young"),
        pytest.param(3 * DAY, False, id="exactly old enough"),
        pytest.param(3 * DAY + INSTANT, False, id="older"),
    ],
)
def test_a_tag_waits_until_the_instant(passed, waits):
    known = Known(make_world({"2": 0}).snapshot, NOW + passed)

    assert (find_waiting("2", 3 * DAY, known=known) is not None) is waits


@pytest.mark.parametrize(
    ("rules", "seen", "current", "chosen", "waiting"),
    [
        pytest.param(OLD_ENOUGH, {"1": 9, "2": 5, "3": 4, "4": 1}, "1", "3", ["4"], id="the best old enough one"),
        pytest.param(OLD_ENOUGH, {"1": 9, "2": 5, "3": 1, "4": 4}, "1", "4", [], id="a young one that is worse"),
        pytest.param(OLD_ENOUGH, {"1": 1, "2": 0}, "1", "1", ["2"], id="the current one never waits"),
        pytest.param(OLD_ENOUGH, {"1": 9, "2": 1}, None, "1", ["2"], id="no tag is written"),
        pytest.param(
            OLD_ENOUGH, {"1": 9, "2": 2, "3": 1, "4": 2, "5": 1}, "1", "1", ["5", "4", "3"], id="the three best wait"
        ),
        pytest.param(
            LEAST, {"9": 9, "5": 2, "4": 1, "3": 2, "2": 1}, "9", "9", ["2", "3", "4"], id="the three least wait"
        ),
        pytest.param(LEAST, {"9": 9, "5": 4, "7": 1, "4": 1}, "9", "5", ["4"], id="a young one that is greater"),
        pytest.param(OLD_ENOUGH, {"1": 1, "2": 0}, None, None, ["2", "1"], id="all wait"),
        pytest.param(OLD_ENOUGH, {"1": 9, "2": 4, "2.0": 1}, "1", "2", ["2.0"], id="an equal that would win by text"),
        pytest.param(OLD_ENOUGH, {"1": 9, "2": 1, "2.0": 4}, "1", "2.0", [], id="an equal that would lose by text"),
        pytest.param(OLD_ENOUGH, {"1": 9, "1.0": 1}, "1", "1", [], id="an equal of the current one"),
        pytest.param(LEAST, {"9": 9, "2": 1, "2.0": 1, "2.00": 1}, "9", "9", ["2.00", "2.0", "2"], id="equals wait"),
    ],
)
def test_tags_wait_in_the_order_in_which_they_would_win(rules, seen, current, chosen, waiting):
    selection, _ = choose(make_world(seen), rules, current=current)

    assert (selection.tag if isinstance(selection, Selection) else None) == chosen
    assert list_waiting(selection) == waiting


def test_a_waiting_tag_is_refused_as_too_young():
    selection, _ = choose(make_world({"1": 9, "2": 4, "3": 1}), OLD_ENOUGH, current="1")

    assert selection.refused == {"1": Rule.LOWER_PRECEDENCE, "3": Rule.TOO_YOUNG}


def test_a_tag_of_unknown_age_waits_for_no_instant():
    selection, _ = choose(make_world({"1": 9, "2": 9}, has_history=False), OLD_ENOUGH, current="1")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.refused) == ("1", {"2": Rule.AGE_UNKNOWN})
    assert (selection.waiting, selection.due_at) == ((Waiting("2", None, None),), None)


def test_the_registrys_time_needs_no_history():
    world = make_world({"1": 0, "2": 0, "3": 0}, pushed={"2": 5, "3": 2}, has_history=False)

    selection, _ = choose(world, OLD_ENOUGH, current="1")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.since, selection.due_at) == ("2", Since(ago(5), Source.PUSHED), ago(-1))


def test_no_age_is_asked_for_without_min_age():
    selection, _ = choose(make_world({"1": 9, "2": 0}), PLAIN, current="1")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.since) == ("2", Since(ago(0), Source.FIRST_SEEN))


@pytest.mark.parametrize(
    ("seen", "due_at"),
    [
        pytest.param({"1": 9}, None, id="none waits"),
        pytest.param({"1": 9, "2": 1}, ago(-2), id="one waits"),
        pytest.param({"1": 9, "2": 2.5, "3": 1, "4": 1, "5": 1}, ago(-0.5), id="the first is not of the three best"),
        pytest.param({"1": 9, "2": 2.5, "3": 5, "4": 1}, ago(-2), id="the first is worse than what is chosen"),
    ],
)
def test_the_first_instant_of_all_that_would_be_chosen_is_due(seen, due_at):
    selection, _ = choose(make_world(seen), OLD_ENOUGH, current="1")

    assert selection.due_at == due_at


def test_what_is_chosen_the_three_best_that_wait_and_the_first_that_is_due_are_asked_for_at_once():
    world = make_world({"1": 9, "2": 5, "3": 2, "4": 1, "5": 1, "6": 1, "2.5": 1})

    _, asked = choose(world, OLD_ENOUGH, current="1", written="of 1")

    assert {each.identifier for each in asked.rounds[0]} == {"2", "3", "4", "5", "6"}


def test_no_age_is_asked_for_where_nothing_is_remembered():
    world = make_world({"1": 0, "2": 0, "3": 0}, pushed={"3": 1}, has_history=False)

    _, asked = choose(world, OLD_ENOUGH, current="1")

    assert not asked.rounds


def test_a_tag_that_is_found_to_be_pushed_again_waits_and_the_next_is_chosen():
    world = make_world({"1": 9, "2": 8, "3": 7}, repushed={"3": 0})

    selection, _ = choose(world, OLD_ENOUGH, current="1")

    assert isinstance(selection, Selection)
    assert selection.tag == "2"
    assert selection.waiting == (Waiting("3", Since(NOW, Source.PUSHED_AGAIN), NOW + 3 * DAY),)


def test_a_waiting_tag_that_is_found_to_be_pushed_again_waits_anew():
    world = make_world({"1": 9, "2": 2}, repushed={"2": 0})

    selection, _ = choose(world, OLD_ENOUGH, current="1")

    assert selection.due_at == NOW + 3 * DAY


@pytest.mark.parametrize(
    ("rules", "written", "tags"),
    [
        pytest.param(PLAIN, None, {"1", "2"}, id="only its name is written"),
        pytest.param(OLD_ENOUGH, None, {"1", "2"}, id="its age counts"),
        pytest.param(replace(PLAIN, pins_digest=True), None, {"1", "2"}, id="its digest is written"),
        pytest.param(PLAIN, "of 1", {"2"}, id="its digest replaces one, which is known"),
    ],
)
def test_a_tag_is_asked_anew_before_it_is_chosen_and_so_is_the_current_one(rules, written, tags):
    world = make_world({"1": 9, "2": 8}, repushed={"1": 5, "2": 5})

    _, asked = choose(world, rules, current="1", written=written)

    assert {tag for tag, fact in asked.questions if fact is Fact.DIGEST} == tags


@pytest.mark.parametrize(
    ("once", "now", "chosen"),
    [
        pytest.param(
            {"2": "amd64"}, {"1": "amd64 arm64", "2": "amd64 arm64"}, "2", id="what a candidate lacked is there"
        ),
        pytest.param({"1": "amd64"}, {"1": "amd64 arm64", "2": "amd64"}, "1", id="the current one has another by now"),
    ],
)
def test_what_tags_pointed_to_earlier_refuses_nothing_and_passes_nothing(once, now, chosen):
    world = make_world({"1": 9, "2": 8}, repushed={"1": 0, "2": 0}, platforms=now)
    names = {f"once {tag}": once.get(tag, BOTH).split() for tag in ("1", "2")}
    earlier = {digest: {parse_platform(f"linux/{each}"): each for each in names[digest]} for digest in names}

    selection, _ = choose(replace(world, images={**world.images, **earlier}), PLAIN, current="1")

    assert isinstance(selection, Selection)
    assert selection.tag == chosen


def test_the_current_tag_is_asked_nothing_while_it_stays():
    _, asked = choose(make_world({"1": 9, "2": 8}), OLD_ENOUGH, current="2")

    assert not asked.rounds


@pytest.mark.parametrize(
    ("platforms", "chosen", "unfit"),
    [
        pytest.param({"1": BOTH, "2": BOTH, "3": BOTH}, "3", {}, id="all have all"),
        pytest.param({"1": BOTH, "2": BOTH, "3": "amd64"}, "2", {"3": Lacking((ARM64,))}, id="the best lacks one"),
        pytest.param(
            {"1": f"{BOTH} s390x", "2": BOTH, "3": "amd64"},
            "1",
            {"2": Lacking((S390X,)), "3": Lacking((ARM64, S390X))},
            id="each lacks one",
        ),
        pytest.param({"1": "amd64", "2": BOTH, "3": BOTH}, "3", {}, id="one more is fine"),
        pytest.param({"1": "amd64", "3": ""}, "2", {"3": Lacking((AMD64,))}, id="no container image"),
        pytest.param({"1": "", "2": "", "3": ""}, "3", {}, id="a chart beside charts"),
        pytest.param({"1": "", "3": BOTH}, "3", {}, id="an image beside a chart"),
        pytest.param({"1": "none", "3": BOTH}, "3", {}, id="the current one has no image"),
        pytest.param({"3": "none"}, "2", {"3": Rule.NO_IMAGE}, id="the best has no image"),
    ],
)
def test_no_platform_gets_lost(platforms, chosen, unfit):
    selection, _ = choose(make_world({"1": 9, "2": 9, "3": 9}, platforms=platforms), PLAIN, current="1")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.unfit) == (chosen, unfit)


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        pytest.param([], "1", id="none: all count"),
        pytest.param([AMD64], "2", id="one that is there"),
        pytest.param([ARM64], "1", id="one that got lost"),
        pytest.param([S390X], "2", id="one that was never there"),
    ],
)
def test_platforms_that_the_entry_does_not_name_may_get_lost(named, chosen):
    world = make_world({"1": 9, "2": 9}, platforms={"1": BOTH})

    selection, _ = choose(world, replace(PLAIN, platforms=frozenset(named)), current="1")

    assert isinstance(selection, Selection)
    assert selection.tag == chosen


@pytest.mark.parametrize(
    ("current", "written", "chosen"),
    [
        pytest.param("1", None, "1", id="what the tag points to"),
        pytest.param("1", "of 2", "3", id="the digest beside the tag"),
        pytest.param("1", "gone", "3", id="a digest that the registry does not have"),
        pytest.param(None, "of 1", "1", id="a digest without tag"),
        pytest.param(None, None, "3", id="nothing is written"),
    ],
)
def test_the_image_now_written_is_the_measure(current, written, chosen):
    world = make_world({"1": 9, "2": 9, "3": 9}, platforms={"1": BOTH})

    selection, _ = choose(world, PLAIN, current=current, written=written)

    assert (selection.tag if isinstance(selection, Selection) else None) == chosen


def test_a_tag_without_a_platform_has_that_reason():
    world = make_world({"1": 9, "2": 9, "3": 9}, platforms={"1": BOTH, "2": "none"})

    selection, _ = choose(world, PLAIN, current="1")

    assert selection.refused == {"2": Rule.NO_IMAGE, "3": Rule.LACKS_PLATFORM}


@pytest.mark.parametrize(
    ("count", "unexamined"), [(10, 0), (11, 1), (14, 4)], ids=["ten", "one more than ten", "more than ten"]
)
def test_the_ten_best_are_looked_at(count, unexamined):
    better = {str(number): 9.0 for number in range(2, 2 + count)}

    selection, _ = choose(make_world({"1": 9, **better}, platforms={"1": BOTH}), PLAIN, current="1")

    assert isinstance(selection, Selection)
    assert selection.tag == "1"
    assert {tag for tag, rule in selection.refused.items() if rule is Rule.UNEXAMINED} == {
        str(number) for number in range(2, 2 + unexamined)
    }
    assert len(selection.unfit) == count


def test_the_eleventh_is_not_chosen_even_if_it_has_all_platforms():
    better = {str(number): 9.0 for number in range(2, 13)}

    selection, _ = choose(make_world({"0": 9, **better}, platforms={"0": BOTH, "2": BOTH}), PLAIN, current="0")

    assert isinstance(selection, Selection)
    assert (selection.tag, selection.refused["2"]) == ("0", Rule.UNEXAMINED)


def test_young_tags_are_not_of_the_ten():
    young = {str(number): 1.0 for number in range(3, 20)}

    selection, asked = choose(make_world({"1": 9, "2": 9, **young}), OLD_ENOUGH, current="1")

    assert isinstance(selection, Selection)
    assert selection.tag == "2"
    assert {tag for tag, fact in asked.questions if fact is Fact.DIGEST} == {"1", "2", "10", "17", "18", "19"}


@pytest.mark.parametrize(
    ("waiting", "text"),
    [
        pytest.param(Waiting("2", None, None), "2 waits: it is not known how old it is", id="unknown"),
        pytest.param(
            Waiting("2", Since(ago(1), Source.PUSHED), ago(-2)),
            "2 waits until 2026-03-03 12:00 UTC: pushed 2026-02-28 12:00 UTC",
            id="until an instant",
        ),
        pytest.param(Lacking((AMD64, ARM64)), "linux/amd64, linux/arm64", id="platforms"),
    ],
)
def test_reasons_are_told_to_people(waiting, text):
    assert str(waiting) == text


def test_a_level_stays_while_the_newer_version_waits():
    rules = Rules(SemverLevel(Level.MINOR), min_age=3 * DAY)

    selection, _ = choose(make_world({"1.2.0": 9, "1.3.0": 1, "2.0.0": 1}), rules, current="1.2.0")

    assert selection.refused == {"1.3.0": Rule.TOO_YOUNG, "2.0.0": Rule.BEYOND_LEVEL}
