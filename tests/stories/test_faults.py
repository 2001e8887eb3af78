"""Every fault of the table at once, each of its own registry, in one round: nothing is chosen from any of them.

One round proposes a tag of each registry; then the faults begin, most of which hold out a newer one, and the next round
leaves all that was proposed as it is, and says of each registry what is wrong.
"""

import contextlib
import io
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import structlog

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.registry.pacing import Pacing
from tests.registry.conftest import Clock
from tests.servers.faults import FAULTS, Fault, list_without_end
from tests.servers.faulty_registry import LOGIN, PASSWORD, USER, FaultyRegistry
from tests.stories.world import SECRETS, Ran, World, branch_of, make_pod, make_world

POLICY = b"""\
version: 1
images: [{image: "*", policy: {semver: minor}}]
merge_requests: {max_open: null}
"""
ROWS = (
    *FAULTS,
    Fault("a list without end", list_without_end, AssertionError, ("max_tags",), settings={"max_tags": 1000}),  # type: ignore[arg-type]  # of no error
)
GOOD = "a registry without a fault"


@dataclass(frozen=True, slots=True)
class Round:
    """What came of the round with the faults, beside what was there before."""

    registries: Mapping[str, FaultyRegistry]
    heads: Mapping[str, str | None]
    ran: Ran
    heads_after: Mapping[str, str | None]
    texts: str
    """All that was printed, logged and proposed."""


@pytest.fixture(scope="module")
def faulty_round(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Round]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**SECRETS, "REGISTRY_PASSWORD": PASSWORD}.items():
            patch.setenv(name, value)
        log = stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        configure_logging(LogLevel.DEBUG, LogFormat.JSON)
        stack.callback(structlog.reset_defaults)
        world = stack.enter_context(make_world(tmp_path_factory.mktemp("faults"), None))
        registries = {row.name: stack.enter_context(FaultyRegistry(row.answer)) for row in ROWS}
        registries[GOOD] = stack.enter_context(FaultyRegistry(lambda turn: turn.reply(500)))
        _fill(world, registries)
        before = world.run()
        assert (before["unlisted"], set(before.actions().values())) == ({}, {"opened"}), before
        heads = {name: world.git_head(branch_of(each, "acme/api")) for name, each in registries.items()}
        for name, registry in registries.items():
            registry.is_faulty = name != GOOD
        ran = world.run()
        heads_after = {name: world.git_head(branch_of(each, "acme/api")) for name, each in registries.items()}
        requests = world.gitlab.merge_requests.values()
        assert {request.state for request in requests} == {"opened"}
        texts = [log.getvalue(), str(ran.targets), *(request.body for request in requests)]
        yield Round(registries, heads, ran, heads_after, "\n".join(texts))


def _fill(world: World, registries: Mapping[str, FaultyRegistry]) -> None:
    login = {"plain_http": True, "username": USER, "password": {"env": "REGISTRY_PASSWORD"}}
    settings = {row.name: row.settings for row in ROWS}
    for name, registry in registries.items():
        world.registries[registry.address] = {**login, **settings.get(name, {})}
    pods = {f"{n}.yaml": make_pod(registry, "acme/api") for n, registry in enumerate(registries.values())}
    world.commit({".imagebot.yaml": POLICY, **pods})
    clock = Clock()
    # What has to wait, waits in no time; what has to end, ends by the real clock.
    world.pacing = Pacing(wait=clock.wait, now=clock.read)
    world.settings = {"timeout": "5s"}


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_nothing_is_chosen_from_a_fault_and_what_was_proposed_stays(faulty_round: Round, row: Fault):
    registry = faulty_round.registries[row.name]

    reason = faulty_round.ran["unlisted"][f"{registry.address}/acme/api"]

    assert [each for each in row.said if each not in reason] == []
    assert faulty_round.heads_after[row.name] == faulty_round.heads[row.name]
    assert registry.asked_elsewhere == []
    assert {asked.authorization for asked in registry.asked} == {None, LOGIN}


@pytest.mark.xdist_group("faults")
def test_no_fault_stands_in_the_way_of_a_registry_without_one(faulty_round: Round):
    ran, registry = faulty_round.ran, faulty_round.registries[GOOD]

    assert ran.exit_code == 1
    assert len(ran["unlisted"]) == len(ROWS)
    assert ran.actions() == {branch_of(registry, "acme/api"): "unchanged"}
    assert faulty_round.heads_after[GOOD] == faulty_round.heads[GOOD]


@pytest.mark.xdist_group("faults")
def test_no_password_is_said_anywhere(faulty_round: Round):
    assert PASSWORD not in faulty_round.texts
    assert LOGIN.removeprefix("Basic ") not in faulty_round.texts
    assert "1.9.0" not in faulty_round.texts


@pytest.mark.parametrize("is_let_in_again", [True, False])
def test_a_token_that_ends_between_two_pages(world: World, registry: LoopbackRegistry, is_let_in_again: bool):
    """From all pages a tag is chosen; from those before the token ended, where there is no other, none is."""
    clock = Clock()
    users = {"bot": SECRETS["REGISTRY_PASSWORD"]}
    with LoopbackRegistry(users=users, token_ttl_s=300, page_limit=1, monotonic=clock) as other:
        login = {"username": "bot", "password": {"env": "REGISTRY_PASSWORD"}}
        world.registries[other.address] = {"plain_http": True, **login}
        for tag in ("1.0.0", "1.1.0", "1.2.0"):
            push_image(other.address, "acme/other", tag, login=("bot", users["bot"]))
        world.commit({"other.yaml": make_pod(other, "acme/other")})
        challenge = f'Bearer realm="http://{other.address}/token",service="{other.address}"'
        refused = Reply(401, headers={"WWW-Authenticate": challenge})

        def end_tokens(_method: str, target: str) -> Reply | None:
            if not target.endswith("last=1.1.0"):
                return None
            clock.now += 1000 if clock.now == Clock().now else 0
            return None if is_let_in_again else refused

        other.fault = end_tokens
        ran = world.run()

        good = {branch_of(registry, "acme/good"): "opened"}
        image, branch = f"{other.address}/acme/other", branch_of(other, "acme/other")
        if is_let_in_again:
            assert (ran["unlisted"], ran.actions()) == ({}, {**good, branch: "opened"})
            assert world.read(branch)["other.yaml"] == make_pod(other, "acme/other", "1.2.0")
        else:
            assert ran.actions() == good
            assert "which may not read this repository" in ran["unlisted"][image]


def test_a_name_that_leads_to_a_private_address_is_not_asked(world: World, registry: LoopbackRegistry):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        image = f"localhost:{listener.getsockname()[1]}/acme/inner"
        world.commit({"inner.yaml": f"image: {image}:1.0.0\n".encode()})

        ran = world.run()

        with pytest.raises(BlockingIOError):
            listener.accept()
    assert ran.actions() == {branch_of(registry, "acme/good"): "opened"}
    host = image.partition("/")[0]
    assert "which is no public address" in ran["unlisted"][image]
    assert f"name {host} among the registries of the settings" in ran["unlisted"][image]


def test_a_pause_outlasts_a_restart(world: World, registry: LoopbackRegistry):
    """The second run is another process, as far as can be told: all that both have is the store."""
    clock = Clock()
    world.pacing = Pacing(monotonic=clock, wait=clock.wait, now=clock.read)
    registry.fault = lambda _method, target: Reply(429, headers={"Retry-After": "3600"}) if "tags" in target else None
    first = world.run()
    asked = len(registry.requests)
    registry.fault = None

    second = world.run()
    clock.now += 3600
    third = world.run()

    image = f"{registry.address}/acme/good"
    assert "is limiting our requests (429) and asks for a pause of 3600 s" in first["unlisted"][image]
    assert second["unlisted"][image].startswith(f"{registry.address} is left alone until 2026-09-01 13:00:00 UTC")
    assert len([each for each in registry.requests if "tags" in each.target]) == 2
    assert asked >= 1
    assert third.actions() == {branch_of(registry, "acme/good"): "opened"}
