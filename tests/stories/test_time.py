"""Time: tags that have to be old enough, tags that are pushed again, and choices by time alone."""

from datetime import UTC, datetime, timedelta

import pytest

from imagebot.demo.image import make_image
from imagebot.demo.push import push, push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.stories.world import NOW, World, branch_of, make_pod, make_policy

THREE_DAYS = make_policy("policy: {semver: minor}, min_age: 3d")
BY_PUSH = make_policy("policy: {newest: pushed}")
BY_BUILD = make_policy("policy: {newest: built}")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def branch(registry: LoopbackRegistry) -> str:
    return branch_of(registry, "acme/good")


@pytest.fixture
def young(world: World, registry: LoopbackRegistry) -> World:
    """A world in which 1.0.0 is written, 1.1.0 was just pushed, and tags have to be three days old."""
    world.commit({".imagebot.yaml": THREE_DAYS})
    return world


def _push(registry: LoopbackRegistry, tag: str, *, build: int = 1) -> str:
    """Push a tag; another build of it has another digest."""
    return push_image(registry.address, "acme/good", tag, labels={"build": str(build)})


def _write(world: World, registry: LoopbackRegistry, tag: str) -> None:
    world.commit({"good.yaml": make_pod(registry, "acme/good", tag)})


def test_a_tag_that_is_too_young_is_not_proposed_and_says_until_when(young: World, registry: LoopbackRegistry):
    ran = young.run()

    assert (ran.exit_code, ran.actions()) == (0, {})
    assert ran["waiting"] == [
        {
            "image": f"{registry.address}/acme/good",
            "tag": "1.1.0",
            "since": "2026-09-01T12:00:00+00:00",
            "source": "first seen",
            "until": "2026-09-04T12:00:00+00:00",
        }
    ]
    assert ran["due_at"] == "2026-09-04T12:00:00+00:00"
    assert young.count_writes() == 0


def test_a_tag_is_proposed_from_the_second_on_at_which_it_is_due(young: World, branch: str):
    due_at = datetime.fromisoformat(young.run()["due_at"])

    young.now = due_at - SECOND
    before = young.run()
    young.now = due_at
    then = young.run()

    assert (before.actions(), before["due_at"]) == ({}, due_at.isoformat())
    assert (then.actions(), then["waiting"], then["due_at"]) == ({branch: "opened"}, [], None)
    assert "It was first seen on 2026-09-01 12:00 UTC: " in young.only_request().body


def test_the_best_tag_that_is_old_enough_is_proposed_while_better_ones_wait(
    young: World, registry: LoopbackRegistry, branch: str
):
    young.run()
    young.now += 2 * DAY
    _push(registry, "1.2.0")
    young.run()
    young.now += DAY

    ran = young.run()

    assert ran.actions() == {branch: "opened"}
    assert young.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.1.0")
    assert [each["tag"] for each in ran["waiting"]] == ["1.2.0"]
    assert ran["due_at"] == (NOW + 5 * DAY).isoformat()


def test_a_tag_that_is_pushed_again_while_it_waits_begins_to_wait_anew(
    young: World, registry: LoopbackRegistry, branch: str, capsys: pytest.CaptureFixture[str]
):
    young.run()
    capsys.readouterr()
    _push(registry, "1.1.0", build=2)

    young.now = NOW + 2 * DAY
    noticed = young.run()
    log = capsys.readouterr().err
    young.now = NOW + 5 * DAY - SECOND
    before = young.run()
    young.now = NOW + 5 * DAY
    then = young.run()

    (waiting,) = noticed["waiting"]
    assert (waiting["since"], waiting["source"]) == ("2026-09-03T12:00:00+00:00", "seen to be pushed again")
    assert '"event": "tag_pushed_again"' in log
    assert "tag_pushed_again" not in capsys.readouterr().err
    assert (noticed.actions(), before.actions(), then.actions()) == ({}, {}, {branch: "opened"})
    assert "It was pushed again on 2026-09-03 12:00 UTC: " in young.only_request().body


def test_a_proposed_tag_that_is_pushed_again_is_closed_until_it_is_old_enough(
    young: World, registry: LoopbackRegistry, branch: str
):
    young.run()
    young.now = NOW + 3 * DAY
    young.run()
    _push(registry, "1.1.0", build=2)

    young.now = NOW + 4 * DAY
    closed = young.run()
    young.now = NOW + 7 * DAY
    again = young.run()

    assert closed.actions() == {branch: "closed"}
    first, second = young.gitlab.project.merge_requests.values()
    reason = "1.1.0 waits until 2026-09-08 12:00 UTC: seen to be pushed again 2026-09-05 12:00 UTC"
    assert first.notes[-1].body == f"What is newer has to wait: `{reason}`."
    assert again.actions() == {branch: "opened"}
    assert (first.state, second.state) == ("closed", "opened")


def test_a_proposed_tag_that_is_pushed_again_gives_way_to_the_next_best(
    young: World, registry: LoopbackRegistry, branch: str
):
    _push(registry, "1.2.0")
    young.run()
    young.now = NOW + 3 * DAY
    young.run()
    proposed = young.read(branch)["good.yaml"]
    _push(registry, "1.2.0", build=2)

    young.now = NOW + 4 * DAY
    moved = young.run()
    meanwhile = young.read(branch)["good.yaml"]
    young.now = NOW + 7 * DAY
    back = young.run()

    assert (moved.actions(), back.actions()) == ({branch: "moved"}, {branch: "moved"})
    assert meanwhile == make_pod(registry, "acme/good", "1.1.0")
    assert young.read(branch)["good.yaml"] == proposed == make_pod(registry, "acme/good", "1.2.0")
    assert young.only_request().state == "opened"


def test_a_second_run_with_a_waiting_tag_writes_nothing_and_asks_only_what_may_have_changed(
    young: World, registry: LoopbackRegistry
):
    young.run()
    registry.requests.clear()

    young.run()

    assert [(each.method, each.target) for each in registry.requests] == [
        ("GET", "/v2/acme/good/tags/list?n=1000"),
        ("HEAD", "/v2/acme/good/manifests/1.1.0"),
    ]
    assert young.count_writes() == 0


@pytest.fixture
def timed(world: World, empty_registry: LoopbackRegistry) -> World:
    """A world whose registry tells when tags were pushed: 1.0.0 ten days ago, 1.1.0 yesterday."""
    for tag, age in (("1.0.0", 10 * DAY), ("1.1.0", DAY)):
        _push_at(empty_registry, tag, NOW - age)
    world.commit({".imagebot.yaml": THREE_DAYS, "good.yaml": make_pod(empty_registry, "acme/good")})
    return world


def _push_at(registry: LoopbackRegistry, tag: str, at: datetime, *, build: int = 1) -> None:
    registry.upload_clock = lambda: at
    _push(registry, tag, build=build)


def test_the_time_that_a_registry_gives_counts_and_is_named(timed: World, empty_registry: LoopbackRegistry):
    first = timed.run()
    timed.now = NOW + 2 * DAY
    then = timed.run()

    (waiting,) = first["waiting"]
    assert (waiting["since"], waiting["source"]) == ("2026-08-31T12:00:00+00:00", "pushed")
    assert first["due_at"] == "2026-09-03T12:00:00+00:00"
    assert then.actions() == {branch_of(empty_registry, "acme/good"): "opened"}
    assert "It was pushed on 2026-08-31 12:00 UTC, as the registry says." in timed.only_request().body


def test_a_lost_store_changes_nothing_where_the_registry_gives_times(timed: World, empty_registry: LoopbackRegistry):
    timed.now = NOW + 2 * DAY
    timed.run()
    writes = timed.count_writes()
    timed.forget()

    ran = timed.run()

    assert ran.actions() == {branch_of(empty_registry, "acme/good"): "unchanged"}
    assert timed.count_writes() == writes


def test_with_a_lost_store_all_is_first_seen_anew_and_what_is_written_stays(
    young: World, registry: LoopbackRegistry, branch: str
):
    _push(registry, "1.2.0")
    young.run()
    _write(young, registry, "1.1.0")
    young.now = NOW + 4 * DAY
    young.forget()

    forgotten = young.run()
    young.now = NOW + 7 * DAY
    then = young.run()

    (waiting,) = forgotten["waiting"]
    assert (forgotten.actions(), waiting["tag"], waiting["since"]) == ({}, "1.2.0", "2026-09-05T12:00:00+00:00")
    assert then.actions() == {branch: "opened"}
    assert young.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.2.0")


def test_a_proposal_whose_age_is_forgotten_is_closed_with_the_reason_and_comes_back(
    young: World, registry: LoopbackRegistry, branch: str
):
    young.run()
    young.now = NOW + 3 * DAY
    young.run()
    young.forget()

    forgotten = young.run()
    note = young.gitlab.project.merge_requests[1].notes[-1].body
    young.now = NOW + 6 * DAY
    then = young.run()

    assert (forgotten.actions(), then.actions()) == ({branch: "closed"}, {branch: "opened"})
    assert note.startswith("What is newer has to wait: `1.1.0 waits until 2026-09-07 12:00 UTC: first seen 2026-09-04")


@pytest.fixture
def hashes(world: World, empty_registry: LoopbackRegistry) -> World:
    """A world whose tags are hashes of commits, first seen a day apart: `f00d` is written, `0ff1ce` is newer."""
    _push(empty_registry, "f00d")
    world.commit({".imagebot.yaml": BY_PUSH, "good.yaml": make_pod(empty_registry, "acme/good", "f00d")})
    world.run()
    _push(empty_registry, "0ff1ce")
    world.now = NOW + DAY
    return world


def test_of_tags_without_an_order_the_one_that_was_pushed_last_is_proposed(
    hashes: World, empty_registry: LoopbackRegistry
):
    branch = branch_of(empty_registry, "acme/good")

    first = hashes.run()
    _push(empty_registry, "abcdef")
    hashes.now += DAY
    second = hashes.run()

    assert (first.actions(), second.actions()) == ({branch: "opened"}, {branch: "moved"})
    assert hashes.read(branch)["good.yaml"] == make_pod(empty_registry, "acme/good", "abcdef")
    assert "It was first seen on 2026-09-03 12:00 UTC: " in hashes.only_request().body


def test_an_older_tag_is_never_proposed_by_push_time(hashes: World, empty_registry: LoopbackRegistry):
    hashes.run()
    _write(hashes, empty_registry, "0ff1ce")
    hashes.run()

    ran = hashes.run()

    assert (ran.actions(), ran["unlisted"]) == ({}, {})


def test_a_tag_that_the_registry_says_to_be_older_is_not_proposed(world: World, empty_registry: LoopbackRegistry):
    for tag, age in (("f00d", DAY), ("0ff1ce", 9 * DAY)):
        _push_at(empty_registry, tag, NOW - age)
    world.commit({".imagebot.yaml": BY_PUSH, "good.yaml": make_pod(empty_registry, "acme/good", "f00d")})

    older = world.run()
    _push_at(empty_registry, "abcdef", NOW)
    newer = world.run()

    assert (older.actions(), newer.actions()) == ({}, {branch_of(empty_registry, "acme/good"): "opened"})


def test_without_memory_no_tag_was_pushed_later_than_the_one_that_is_written(
    hashes: World, empty_registry: LoopbackRegistry
):
    _push(empty_registry, "ffffff")
    hashes.forget()

    assert hashes.run().actions() == {}
    hashes.now += DAY
    assert hashes.run().actions() == {}


def _push_built(registry: LoopbackRegistry, tag: str, built_at: datetime | None) -> None:
    push(registry.address, "acme/good", tag, image=make_image({"tag": tag}, built_at=built_at))


@pytest.fixture
def built(world: World, empty_registry: LoopbackRegistry) -> World:
    """A world whose images say when they were built, in another order than their tags: `bbb` is written."""
    for tag, age in (("bbb", 5 * DAY), ("zzz", 9 * DAY), ("aaa", DAY)):
        _push_built(empty_registry, tag, NOW - age)
    _push_built(empty_registry, "epoch", datetime(1970, 1, 1, tzinfo=UTC))
    _push_built(empty_registry, "mute", None)
    world.commit({".imagebot.yaml": BY_BUILD, "good.yaml": make_pod(empty_registry, "acme/good", "bbb")})
    return world


def test_the_image_that_was_built_last_is_proposed(built: World, empty_registry: LoopbackRegistry):
    branch = branch_of(empty_registry, "acme/good")

    ran = built.run()

    assert ran.actions() == {branch: "opened"}
    assert built.read(branch)["good.yaml"] == make_pod(empty_registry, "acme/good", "aaa")
    assert "Not chosen: 2 of unknown time, 1 older than the current tag, 1 not the newest" in (
        built.only_request().body
    )


def test_what_was_looked_at_once_is_known_by_its_digest_for_ever(built: World, empty_registry: LoopbackRegistry):
    built.run()
    empty_registry.requests.clear()

    built.run()
    asked = [(each.method, each.target) for each in empty_registry.requests]

    assert sorted(asked) == [
        ("GET", "/v2/acme/good/tags/list?n=1000"),
        ("HEAD", "/v2/acme/good/manifests/aaa"),
        ("HEAD", "/v2/acme/good/manifests/bbb"),
    ]


def test_an_image_of_unknown_age_that_is_written_gives_way_to_one_that_says_its_age(
    built: World, empty_registry: LoopbackRegistry
):
    _write(built, empty_registry, "epoch")

    ran = built.run()

    assert ran.actions() == {branch_of(empty_registry, "acme/good"): "opened"}
