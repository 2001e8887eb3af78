"""Registries that contradict themselves: tags that come and go, digests that change back, images that are refused."""

import sqlite3
from datetime import timedelta

import pytest

from imagebot.demo.image import make_index
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push, push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.stories.world import World, branch_of, make_pod, make_policy

MINOR = make_policy("policy: {semver: minor}")
PINNED = make_policy("policy: {semver: minor}, pin_digest: true")
FOLLOWED = make_policy("policy: {digest: latest}")
BY_PUSH = make_policy("policy: {newest: pushed}")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def branch(empty_registry: LoopbackRegistry) -> str:
    return branch_of(empty_registry, "acme/good")


def _push(registry: LoopbackRegistry, *tags: str, build: int = 1) -> str:
    """Push tags and return the digest of the last; another build of a tag has another one."""
    return [push_image(registry.address, "acme/good", tag, labels={"build": str(build)}) for tag in tags][-1]


def _write(world: World, registry: LoopbackRegistry, tag: str, policy: bytes) -> None:
    world.commit({".imagebot.yaml": policy, "good.yaml": make_pod(registry, "acme/good", tag)})


def _refuse(registry: LoopbackRegistry, tag: str, status: int) -> None:
    registry.fault = lambda _, target: Reply(status) if target.endswith(f"/manifests/{tag}") else None


@pytest.fixture
def flipping(world: World, empty_registry: LoopbackRegistry) -> World:
    """A world in which `latest` is followed; its second digest is proposed, and then it has the first one again."""
    digest = _push(empty_registry, "latest")
    _write(world, empty_registry, f"latest@{digest}", FOLLOWED)
    world.run()
    for build in (2, 1):
        _push(empty_registry, "latest", build=build)
        world.now += HOUR
        world.run()
    return world


def test_a_digest_that_changes_to_and_fro_opens_one_proposal_that_stays(
    flipping: World, empty_registry: LoopbackRegistry, branch: str
):
    ran = []
    for build in (1, 2, 1):
        _push(empty_registry, "latest", build=build)
        flipping.now += HOUR
        ran.append(flipping.run())

    assert [each.actions() for each in ran] == 3 * [{branch: "unchanged"}]
    assert ran[0].details() == {
        branch: "latest points to an earlier digest again: believed when it has stayed so for a day"
    }
    assert flipping.only_request().state == "opened"


def test_a_digest_that_changed_back_for_a_day_closes_its_proposal(flipping: World, branch: str):
    flipping.now += DAY - HOUR
    before = flipping.run()
    flipping.now += HOUR

    ran = flipping.run()

    assert (before.actions(), ran.actions()) == ({branch: "unchanged"}, {branch: "closed"})


def test_a_proposed_digest_that_the_policy_no_longer_wants_is_closed_at_once(
    world: World, empty_registry: LoopbackRegistry, branch: str
):
    digest = _push(empty_registry, "1.0.0")
    _write(world, empty_registry, f"1.0.0@{digest}", PINNED)
    _push(empty_registry, "1.0.0", build=2)
    world.run()
    world.commit({".imagebot.yaml": make_policy("policy: {semver: '^2'}, pin_digest: true")})

    ran = world.run()

    assert ran.actions() == {branch: "closed"}


def test_a_proposed_tag_that_is_gone_gives_way_to_one_that_was_pushed_later(
    world: World, empty_registry: LoopbackRegistry, branch: str
):
    _push(empty_registry, "f00d", "e")
    _write(world, empty_registry, "f00d", BY_PUSH)
    world.run()
    for tag in ("b", "c"):
        world.now += DAY
        _push(empty_registry, tag)
        world.run()
    empty_registry.delete_tag("acme/good", "c")

    stays = world.run()
    proposed = world.read(branch)["good.yaml"]
    world.now += DAY
    _push(empty_registry, "aaaa")
    moves = world.run()

    assert (stays.actions(), moves.actions()) == ({branch: "unchanged"}, {branch: "moved"})
    assert proposed == make_pod(empty_registry, "acme/good", "c")
    assert world.read(branch)["good.yaml"] == make_pod(empty_registry, "acme/good", "aaaa")


@pytest.mark.parametrize("policy", [PINNED, BY_PUSH], ids=["by version", "by time"])
def test_a_proposed_tag_whose_image_is_gone_for_a_while_stays_proposed(
    world: World, empty_registry: LoopbackRegistry, branch: str, policy: bytes
):
    _push(empty_registry, "1.0.0")
    _write(world, empty_registry, "1.0.0", policy)
    world.run()
    for tag in ("1.1.0", "1.2.0"):
        world.now += HOUR
        _push(empty_registry, tag)
        world.run()
    writes = world.count_writes()
    _refuse(empty_registry, "1.2.0", 404)

    gone = world.run()
    empty_registry.fault = None
    back = world.run()

    assert (gone.actions(), back.actions()) == ({branch: "unchanged"}, {branch: "unchanged"})
    assert world.count_writes() == writes


@pytest.mark.parametrize(
    ("tag", "proposed"),
    [
        pytest.param("1.2.0", "1.1.0", id="a candidate gives way to the next best"),
        pytest.param("1.0.0", "1.2.0", id="the one that is written guards nothing"),
    ],
)
def test_an_image_that_the_registry_refuses_to_give_concerns_no_other(
    world: World, empty_registry: LoopbackRegistry, branch: str, tag: str, proposed: str
):
    _push(empty_registry, "1.0.0", "1.1.0", "1.2.0")
    _write(world, empty_registry, "1.0.0", MINOR)
    _refuse(empty_registry, tag, 412)

    ran = world.run()

    assert (ran.exit_code, ran.actions()) == (0, {branch: "opened"})
    assert world.read(branch)["good.yaml"] == make_pod(empty_registry, "acme/good", proposed)


@pytest.mark.parametrize(
    ("more", "opened"),
    [pytest.param("", True, id="no age is needed"), pytest.param(", min_age: 1d", False, id="it may be younger")],
)
def test_a_tag_of_which_the_digest_cannot_be_remembered_is_as_young_as_can_be(
    world: World, empty_registry: LoopbackRegistry, branch: str, more: str, opened: bool
):
    _push(empty_registry, "1.0.0", "1.1.0")
    _write(world, empty_registry, "1.0.0", make_policy("policy: {semver: minor}, min_age: 30d"))
    world.run()
    world.commit({".imagebot.yaml": make_policy(f"policy: {{semver: minor}}{more}")})
    world.now += 9 * DAY
    _push(empty_registry, "1.1.0", build=2)
    with sqlite3.connect(world.folder / "data" / "store.sqlite") as store:
        full = "CREATE TRIGGER full BEFORE UPDATE OF digest ON tags BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
        store.execute(full)

    ran = world.run()

    assert ran["unlisted"] == {}
    assert ran.actions() == ({branch: "opened"} if opened else {})


def test_a_proposal_made_true_by_hand_is_closed_with_just_that_though_a_newer_tag_waits(
    world: World, empty_registry: LoopbackRegistry, branch: str
):
    _push(empty_registry, "1.0.0", "1.1.0")
    _write(world, empty_registry, "1.0.0", make_policy("policy: {semver: minor}, min_age: 3d"))
    world.run()
    world.now += 3 * DAY
    world.run()
    world.commit({"good.yaml": make_pod(empty_registry, "acme/good", "1.1.0")})
    _push(empty_registry, "1.2.0")

    ran = world.run()

    assert ran.details() == {branch: "main holds what was proposed here: nothing is left to do."}


def test_a_proposed_digest_that_lost_a_platform_since_is_closed_with_that_reason(
    world: World, empty_registry: LoopbackRegistry, branch: str
):
    images = [make_index({"linux/amd64": {"build": n}, "linux/arm64": {"build": n}}) for n in ("1", "2")]
    images.append(make_index({"linux/amd64": {"build": "3"}}))
    digest = push(empty_registry.address, "acme/good", "1.0.0", image=images[0])
    _write(world, empty_registry, f"1.0.0@{digest}", PINNED)
    for image in images[1:]:
        push(empty_registry.address, "acme/good", "1.0.0", image=image)
        ran = world.run()

    assert ran.actions() == {branch: "closed"}
    reason = "its new digest has no linux/arm64, which the digest now written has"
    assert ran.details() == {branch: f".imagebot.yaml allows nothing else now: `{reason}`."}
