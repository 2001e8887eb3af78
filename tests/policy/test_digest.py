"""Which digest is to stand beside a tag."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imagebot.image.snapshot import Sighting, Since, Source
from imagebot.policy.digest import Pin, select_digest
from imagebot.policy.gates import Waiting
from imagebot.policy.known import Fact
from imagebot.policy.policies import Numeric, Order
from imagebot.policy.reading import Rules
from tests.policy.worlds import AMD64, ARM64, NOW, S390X, World, ago, decide, make_world

DAY = timedelta(days=1)
LEAVES = Rules(Numeric(Order.ASC))
PINS = replace(LEAVES, pins_digest=True)
AGED = replace(PINS, min_age=3 * DAY)
BOTH = "amd64 arm64"
OLD = make_world({"1": 9, "2": 9})


def pin(
    rules: Rules,
    written: str | None,
    *,
    world: World = OLD,
    tag: str = "2",
    moves: bool = False,
    can_hold: bool = True,
) -> Pin:
    decision, _ = decide(
        lambda known: select_digest(tag, rules, moves=moves, can_hold=can_hold, known=known), world, written=written
    )
    return decision


@pytest.mark.parametrize(
    ("rules", "moves", "written", "digest"),
    [
        pytest.param(LEAVES, False, None, None, id="none is written, and none is wanted"),
        pytest.param(LEAVES, False, "old", "old", id="one is written, and the tag stays"),
        pytest.param(LEAVES, True, None, None, id="the tag moves without one"),
        pytest.param(LEAVES, True, "old", "of 2", id="the tag moves, and its digest with it"),
        pytest.param(PINS, False, None, "of 2", id="one is added"),
        pytest.param(PINS, False, "old", "of 2", id="one is kept up to date"),
        pytest.param(PINS, False, "of 2", "of 2", id="it is up to date"),
        pytest.param(PINS, True, None, "of 2", id="the tag moves, and one is added"),
        pytest.param(PINS, True, "of 1", "of 2", id="the tag moves, and its digest with it, as is wanted"),
    ],
)
def test_the_digest_beside_a_tag(rules, moves, written, digest):
    assert pin(rules, written, moves=moves) == Pin(digest)


def test_a_place_that_cannot_hold_a_digest_gets_none_and_is_told_of():
    held = "no digest can be written there"

    assert pin(PINS, None, can_hold=False) == Pin(None, held)


@pytest.mark.parametrize("moves", [False, True], ids=["the tag stays", "the tag moves"])
def test_nothing_is_said_of_a_place_that_need_not_hold_a_digest(moves):
    assert pin(LEAVES, None, moves=moves, can_hold=False) == Pin(None)


@pytest.mark.parametrize(
    ("rules", "moves", "written"),
    [
        pytest.param(PINS, False, None, id="to be added"),
        pytest.param(PINS, False, "of 2", id="to be compared"),
        pytest.param(LEAVES, True, "of 1", id="to move with its tag"),
    ],
)
def test_what_is_written_is_what_the_tag_points_to_now(rules, moves, written):
    world = make_world({"1": 9, "2": 9}, repushed={"2": 5})

    _, asked = decide(
        lambda known: select_digest("2", rules, moves=moves, can_hold=True, known=known), world, written=written
    )

    assert asked.questions == {("2", Fact.DIGEST)}


def test_a_tag_without_image_keeps_the_digest():
    world = make_world({"2": 9}, platforms={"2": "none"})

    assert pin(PINS, "old", world=world) == Pin("old", "the registry lists 2, but has no image of it")


@pytest.mark.parametrize(
    ("world", "written", "waiting"),
    [
        pytest.param(make_world({"2": 9}), None, None, id="old enough"),
        pytest.param(
            make_world({"2": 9}),
            "old",
            Waiting("2", Since(NOW, Source.PUSHED_AGAIN), ago(-3)),
            id="what is written proves that it was pushed again, at the latest now",
        ),
        pytest.param(
            replace(make_world({"2": 9}), tags={"2": Sighting("of 2", ago(3), is_repushed=False)}),
            "old",
            None,
            id="what is written proves that it was pushed again, at the latest when it was first asked for",
        ),
        pytest.param(
            make_world({"2": 9}, pushed={"2": 3}), "old", None, id="what is written proves nothing if its age is told"
        ),
        pytest.param(
            make_world({"2": 9}, repushed={"2": 3}), "once 2", None, id="pushed again exactly as long ago as is needed"
        ),
        pytest.param(
            make_world({"2": 9}, repushed={"2": 2}),
            "once 2",
            Waiting("2", Since(ago(2), Source.PUSHED_AGAIN), ago(-1)),
            id="pushed again",
        ),
        pytest.param(
            make_world({"2": 9}, repushed={"2": 0}),
            "once 2",
            Waiting("2", Since(NOW, Source.PUSHED_AGAIN), ago(-3)),
            id="found to be pushed again",
        ),
        pytest.param(
            make_world({"2": 1}),
            None,
            Waiting("2", Since(ago(1), Source.FIRST_SEEN), ago(-2)),
            id="a young tag without digest",
        ),
        pytest.param(make_world({"2": 0}, has_history=False), "old", Waiting("2", None, None), id="of unknown age"),
        pytest.param(make_world({"2": 1}), "of 2", None, id="a young one that is written already"),
    ],
)
def test_a_new_digest_waits_until_it_is_old_enough(world, written, waiting):
    digest = written if waiting else "of 2"

    assert pin(AGED, written, world=world) == Pin(digest, waiting=waiting)


def test_the_digest_of_a_tag_that_moves_does_not_wait():
    assert pin(AGED, "of 1", world=make_world({"2": 1}), moves=True) == Pin("of 2")


def make_changed(before: str, after: str, *, same: str = "") -> World:
    """Make a world in which tag 2 has another digest, with the same manifests for some platforms."""
    world = make_world({"1": 9, "2": 9}, platforms={"1": before, "2": after})
    old, new = world.images["of 1"], world.images["of 2"]
    new = {platform: old[platform] if platform.architecture in same else digest for platform, digest in new.items()}
    return replace(world, images={**world.images, "of 2": new})


LOST = "its new digest has no {}, which the digest now written has"
UNNAMED = "of its new digest only platforms changed that the entry does not name"


@pytest.mark.parametrize(
    ("world", "named", "held"),
    [
        pytest.param(make_changed(BOTH, BOTH), [], "", id="all changed"),
        pytest.param(make_changed(BOTH, BOTH, same="amd64"), [], "", id="some changed, and all count"),
        pytest.param(make_changed(BOTH, BOTH, same=BOTH), [], "", id="the index alone changed, and all counts"),
        pytest.param(make_changed(BOTH, BOTH, same="amd64"), [AMD64], UNNAMED, id="only another changed"),
        pytest.param(make_changed(BOTH, BOTH, same="amd64"), [AMD64, ARM64], "", id="one of two named changed"),
        pytest.param(make_changed(BOTH, BOTH, same=BOTH), [AMD64], UNNAMED, id="the index alone changed"),
        pytest.param(make_changed(BOTH, "amd64", same="amd64"), [AMD64], UNNAMED, id="another got lost"),
        pytest.param(make_changed(BOTH, "amd64"), [AMD64], "", id="another got lost, and this one changed"),
        pytest.param(make_changed("amd64", BOTH, same="amd64"), [AMD64], UNNAMED, id="another was added"),
        pytest.param(make_changed("amd64", BOTH, same="amd64"), [AMD64, ARM64], "", id="a named one was added"),
        pytest.param(make_changed(BOTH, BOTH), [S390X], UNNAMED, id="the named one is in neither"),
        pytest.param(make_changed(BOTH, "arm64"), [], LOST.format("linux/amd64"), id="one got lost"),
        pytest.param(make_changed(BOTH, ""), [], LOST.format("linux/amd64, linux/arm64"), id="all got lost"),
        pytest.param(make_changed(BOTH, "arm64"), [AMD64], LOST.format("linux/amd64"), id="a named one got lost"),
        pytest.param(make_changed("", ""), [], "", id="charts"),
        pytest.param(make_changed("", ""), [AMD64], "", id="charts, whatever the platforms"),
    ],
)
def test_a_new_digest_is_weighed_by_its_platforms(world, named, held):
    rules = replace(PINS, platforms=frozenset(named))

    assert pin(rules, "of 1", world=world) == Pin("of 1" if held else "of 2", held)


@pytest.mark.parametrize("named", [[], [AMD64]], ids=["all count", "one counts"])
def test_a_digest_that_is_gone_from_the_registry_is_replaced(named):
    assert pin(replace(PINS, platforms=frozenset(named)), "gone") == Pin("of 2")


@pytest.mark.parametrize(
    ("named", "digest"),
    [
        pytest.param([], "of 2", id="all count"),
        pytest.param([AMD64], "of 1", id="the one counts"),
        pytest.param([AMD64, ARM64], "of 2", id="the added one counts as well"),
    ],
)
def test_the_image_of_one_platform_becomes_part_of_an_index(named, digest):
    world = make_world({"1": 9, "2": 9})
    images = {"of 1": {AMD64: "of 1"}, "of 2": {AMD64: "of 1", ARM64: "arm64 of 2"}}

    decision = pin(replace(PINS, platforms=frozenset(named)), "of 1", world=replace(world, images=images))

    assert decision.digest == digest
