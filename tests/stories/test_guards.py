"""Guards: from a listing that is not to be trusted nothing is decided, and what was proposed stays."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest

from imagebot.cli.once import find_exit_code
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.inquire import Inquiry
from imagebot.once import Once
from imagebot.proposal.choose import Unlisted
from imagebot.proposal.survey import survey
from imagebot.registry.client import Registries
from imagebot.registry.lanes import Lanes
from imagebot.settings.operator import load_settings
from imagebot.settings.policy_file import parse_policy_file
from imagebot.store.store import Store
from tests.stories.world import NOW, World, branch_of, make_pod, make_policy

DIGEST = f"sha256:{64 * 'd'}"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FILLER = tuple(f"0.{n}.0" for n in range(8))
LIST = "/v2/acme/good/tags/list"

Fault = Callable[[str, str], Reply | None]


@pytest.fixture
def branch(registry: LoopbackRegistry) -> str:
    return branch_of(registry, "acme/good")


@pytest.fixture
def proposed(world: World, registry: LoopbackRegistry) -> Iterator[World]:
    """A world of ten tags, in which 1.1.0 is proposed; whatever a test does, its merge request stays as it is."""
    for tag in FILLER:
        push_image(registry.address, "acme/good", tag)
    world.run()
    head, writes = world.git_head(branch_of(registry, "acme/good")), world.count_writes()
    yield world
    assert (world.only_request().state, world.count_writes()) == ("opened", writes)
    assert world.git_head(branch_of(registry, "acme/good")) == head


def _list(*tags: str, link: str | None = None) -> Reply:
    body = json.dumps({"name": "acme/good", "tags": tags}).encode()
    return Reply(200, body, {"Content-Type": "application/json", **({"Link": f'<{link}>; rel="next"'} if link else {})})


def _answer_listing(*replies: Reply | Exception) -> Fault:
    """Answer requests for tags by these, the last one again and again; an error cuts the connection."""
    left = list(replies)

    def answer(_method: str, target: str) -> Reply | None:
        if not target.startswith(LIST):
            return None
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    return answer


def _delete(registry: LoopbackRegistry, tags: Iterable[str]) -> None:
    for tag in tags:
        registry.delete_tag("acme/good", tag)


def test_a_list_that_shrank_by_more_than_is_plausible_decides_nothing(
    proposed: World, registry: LoopbackRegistry, capsys: pytest.CaptureFixture[str]
):
    _delete(registry, [*FILLER[:5], "1.1.0"])

    ran = proposed.run()

    assert (ran.exit_code, ran.actions()) == (1, {})
    image = f"{registry.address}/acme/good"
    assert ran["unlisted"][image] == (
        f"the registry lists 4 tags of {image}, and listed 10 before: nothing is decided from that, unless it stays so"
        " until 2026-09-02 12:00 UTC (settings: max_shrink, shrink_patience)"
    )
    assert '"event": "list_shrank"' in capsys.readouterr().err


def test_how_much_a_list_may_shrink_is_a_setting(proposed: World, registry: LoopbackRegistry, branch: str):
    _delete(registry, FILLER[:4])

    usual = proposed.run()
    push_image(registry.address, "acme/good", FILLER[0])
    proposed.settings = {"max_shrink": "10%"}
    _delete(registry, FILLER[4:6])
    strict = proposed.run()

    assert (usual.exit_code, usual.actions()) == (0, {branch: "unchanged"})
    assert (strict.exit_code, strict.actions()) == (1, {})


def test_a_list_that_stays_short_is_believed_in_the_end(world: World, registry: LoopbackRegistry, branch: str):
    for tag in (*FILLER, "1.2.0"):
        push_image(registry.address, "acme/good", tag)
    world.run()
    world.gitlab.merge(1, by="alice")
    world.run()
    push_image(registry.address, "acme/good", "1.3.0")
    _delete(registry, FILLER)
    world.settings = {"shrink_patience": "6h"}
    exit_codes = {}

    for hours in (1, 3, 7):
        world.now = NOW + hours * HOUR
        exit_codes[hours] = world.run().exit_code

    assert exit_codes == {1: 1, 3: 1, 7: 0}
    assert world.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.3.0")


def test_doubt_ends_with_a_whole_list_and_begins_anew_with_the_next_short_one(
    proposed: World, registry: LoopbackRegistry, branch: str
):
    short, whole = _answer_listing(_list("1.0.0")), None
    codes = []

    for hours, fault in ((1, short), (13, whole), (26, short), (49, short)):
        registry.fault = fault
        proposed.now = NOW + hours * HOUR
        codes.append(proposed.run().exit_code)

    assert codes == [1, 0, 1, 1]


def test_tags_that_come_back_after_a_short_list_are_as_old_as_before(
    world: World, registry: LoopbackRegistry, branch: str
):
    world.commit({".imagebot.yaml": make_policy("policy: {semver: minor}, min_age: 3d")})
    push_image(registry.address, "acme/good", "0.9.0")
    world.run()
    registry.fault = _answer_listing(_list("1.0.0"))
    world.now = NOW + 2 * DAY
    short = world.run()
    registry.fault = None
    world.now = NOW + 3 * DAY

    ran = world.run()

    assert (short.exit_code, ran.actions()) == (1, {branch: "opened"})
    assert "It was first seen on 2026-09-01 12:00 UTC: " in world.only_request().body


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        pytest.param([_list()], "lists no tags", id="an empty list"),
        pytest.param([Reply(200, b'{"name": "acme/good", "tags": null}')], "lists no tags", id="no list"),
        pytest.param([_list(*FILLER, "1.1.0", "1.2.0")], "but not 1.0.0, which is written", id="no current tag"),
        pytest.param([_list("1.0.0", *FILLER)], "does not give 1.1.0 any more", id="no proposed tag"),
    ],
)
def test_from_a_listing_that_is_not_whole_nothing_is_decided(
    proposed: World, registry: LoopbackRegistry, *, replies: list[Reply], said: str
):
    registry.fault = _answer_listing(*replies)

    ran = proposed.run()

    assert said in json.dumps([ran["unlisted"], ran["results"]])
    assert ran.exit_code == (1 if ran["unlisted"] else 0)


def test_a_proposed_tag_that_is_gone_keeps_nothing_open_when_its_files_moved_on(
    world: World, registry: LoopbackRegistry, branch: str
):
    push_image(registry.address, "acme/good", "1.2.0")
    world.run()
    registry.delete_tag("acme/good", "1.2.0")
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.1.0")})

    ran = world.run()

    assert ran.actions() == {branch: "closed"}
    assert world.git_head(branch) is None


def test_a_proposed_tag_that_is_gone_gives_way_to_one_that_comes_after_it(
    world: World, registry: LoopbackRegistry, branch: str
):
    push_image(registry.address, "acme/good", "1.2.0")
    world.run()
    registry.delete_tag("acme/good", "1.2.0")
    push_image(registry.address, "acme/good", "1.3.0")

    ran = world.run()

    assert ran.actions() == {branch: "moved"}
    assert world.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.3.0")


def test_a_tag_that_one_listing_left_out_is_no_new_tag(empty_registry: LoopbackRegistry, world: World):
    registry = empty_registry
    world.commit({".imagebot.yaml": make_policy("policy: {newest: pushed}")})
    world.commit({"good.yaml": make_pod(registry, "acme/good", "c0ffee1")})
    push_image(registry.address, "acme/good", "badcafe")
    world.run()
    push_image(registry.address, "acme/good", "c0ffee1")
    world.now += DAY
    world.run()
    registry.fault = _answer_listing(_list("c0ffee1"))
    world.now += DAY
    world.run()
    registry.fault = None
    world.now += DAY

    ran = world.run()

    assert ran["results"] == []


@pytest.mark.parametrize("rules", ["policy: {semver: minor}, min_age: 1d", "policy: {newest: pushed}"])
def test_a_store_that_fails_closes_no_proposal(world: World, registry: LoopbackRegistry, rules: str):
    """Without memory it is not known how old tags are, so what was proposed may still be right."""
    world.commit({".imagebot.yaml": make_policy(rules)})
    registry.delete_tag("acme/good", "1.1.0")
    world.run()
    push_image(registry.address, "acme/good", "1.1.0")
    world.now += HOUR
    world.run()
    world.now += DAY
    world.run()
    with sqlite3.connect(world.folder / "data" / "store.sqlite") as database:
        database.execute("DROP TABLE tags")

    ran = world.run()

    assert ran.actions() == {}
    assert world.only_request().state == "opened"


def test_a_bug_that_one_registry_meets_concerns_that_registry_alone(
    world: World, registry: LoopbackRegistry, branch: str, capsys: pytest.CaptureFixture[str]
):
    """Settings that no file could give make the client of one registry fail as no error of its own."""
    with LoopbackRegistry() as other:
        world.registries[other.address] = {"plain_http": True}
        world.commit({"other.yaml": make_pod(other, "acme/other")})
        settings = load_settings(world.write_settings(), os.environ)
        wrong = settings.registries[other.address].model_copy(update={"ca_file": 1.5})
        registries = {**settings.registries, other.address: wrong}
        settings = settings.model_copy(update={"registries": registries})

        with Store.open(world.folder / "data" / "store.sqlite") as store:
            outcomes = Once(settings, store, NOW, lambda *_: None).run()

    (outcome,) = outcomes
    assert {result.branch: result.action for result in outcome.results} == {branch: "opened"}
    (reason,) = outcome.unlisted.values()
    assert "a bug of imagebot stood in the way, please report it: TypeError" in reason
    assert find_exit_code(outcomes) == 3
    log = capsys.readouterr().err
    assert '"event": "poll_ended_by_a_bug"' in log
    assert "Traceback (most recent call last)" in log


class _BrokenRegistries(Registries):
    """Fails, by a bug, at whatever is asked of one image."""

    def fetch_digest(self, repository: Repository, tag: str) -> str:
        return self.no_such_attribute if repository.path == "acme/broken" else DIGEST  # type: ignore[attr-defined]  # the bug


def test_a_bug_on_the_way_to_an_answer_concerns_one_image_alone(capsys: pytest.CaptureFixture[str]):
    policy = parse_policy_file(make_policy("policy: {digest: latest}"), file=".imagebot.yaml")
    broken, good = Repository("example.com", "acme/broken"), Repository("example.com", "acme/good")
    found = survey({f"{each.path}.yaml": f"image: {each}:latest\n".encode() for each in (broken, good)}, policy.entries)
    listings = {each: Snapshot(each, NOW, {"latest": NOW}) for each in (broken, good)}
    registries = _BrokenRegistries({}, timeout_s=1, user_agent="test")

    with registries, Lanes(1) as pool:
        one, other = Inquiry(registries, None, pool=pool, now=NOW).choose(found, listings)

    assert isinstance(one.verdict, Unlisted)
    assert one.verdict.is_bug
    assert "a bug of imagebot stood in the way, please report it: AttributeError" in one.verdict.reason
    assert other.new_digest == DIGEST
    assert "inquiry_ended_by_a_bug" in "".join(capsys.readouterr())
