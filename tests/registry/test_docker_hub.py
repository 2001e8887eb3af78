"""When tags on Docker Hub were pushed, by its own API, and how much of it is read."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imagebot.demo.loopback import LoopbackServer, Reply
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Pushes
from imagebot.registry.client import Registries
from imagebot.registry.docker_hub import DockerHub
from imagebot.registry.errors import RateLimited, RegistryUnavailable, UnexpectedAnswer
from imagebot.registry.host import RegistryHost
from imagebot.registry.pacing import Pacing
from tests.servers.docker_hub import HubApi

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
NGINX = Repository("docker.io", "library/nginx")
HOUR = timedelta(hours=1)
Ask = Callable[[HubApi | Callable[..., Reply]], DockerHub]


def make_digest(number: int) -> str:
    return f"sha256:{number:064x}"


def make_api(count: int) -> HubApi:
    """Make an API with as many tags of nginx: the higher its number, the later a tag was pushed."""
    tags = {f"1.{number}": (NOW + number * HOUR, make_digest(number)) for number in range(count)}
    return HubApi({NGINX.path: tags})


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Serve an API, and return the client that the settings make for it."""
    stack: list[Any] = []

    def ask(api: HubApi | Callable[..., Reply]) -> DockerHub:
        server = LoopbackServer(api.answer if isinstance(api, HubApi) else api).__enter__()
        hosts = {
            "docker.io": RegistryHost("docker.io", hub_api=server.address),
            server.address: RegistryHost(server.address, plain_http=True),
        }
        registries = Registries(hosts, timeout_s=5, user_agent="test", pacing=Pacing(wait=lambda _: None))
        stack.extend([registries, server])
        hub = registries.find_hub(NGINX)
        assert hub is not None
        return hub

    yield ask
    for each in stack:
        each.__exit__(None, None, None)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3), (600, 5)])
def test_what_was_pushed_last_is_read_to_the_end_or_to_what_is_enough(ask: Ask, count: int, pages: int):
    api = make_api(count)

    pushes = ask(api).list_pushes(NGINX, known={})

    read = range(max(0, count - 500), count)
    assert pushes.pushed_at == {f"1.{number}": NOW + number * HOUR for number in read}
    assert pushes.digests == {f"1.{number}": make_digest(number) for number in read}
    assert len(api.asked) == pages
    assert api.asked[0] == "/v2/namespaces/library/repositories/nginx/tags?page_size=100&page=1&ordering=last_updated"


def test_pages_are_read_only_until_what_is_known(ask: Ask):
    api = make_api(400)
    hub = ask(api)
    known = hub.list_pushes(NGINX, known={}).pushed_at
    api.asked.clear()
    api.repositories[NGINX.path] |= {f"2.{number}": (NOW + 9999 * HOUR, make_digest(number)) for number in range(120)}

    pushes = hub.list_pushes(NGINX, known=known)

    assert len(api.asked) == 2
    assert len(pushes.pushed_at.keys() - known.keys()) == 120


def test_a_tag_that_was_pushed_again_is_not_what_is_known(ask: Ask):
    api = make_api(300)
    hub = ask(api)
    known = hub.list_pushes(NGINX, known={}).pushed_at
    api.asked.clear()
    api.repositories[NGINX.path]["1.0"] = (NOW + 9999 * HOUR, make_digest(7))

    pushes = hub.list_pushes(NGINX, known=known)

    assert len(api.asked) == 1
    assert (pushes.pushed_at["1.0"], pushes.digests["1.0"]) == (NOW + 9999 * HOUR, make_digest(7))


def test_one_tag(ask: Ask):
    hub = ask(make_api(300))

    assert hub.find_push(NGINX, "1.7") == Pushes({"1.7": NOW + 7 * HOUR}, {"1.7": make_digest(7)})
    with pytest.raises(UnexpectedAnswer, match="status 404"):
        hub.find_push(NGINX, "9.9")


def test_a_list_that_breaks_off_is_none(ask: Ask):
    api = make_api(300)
    api.left = 2

    with pytest.raises(RateLimited, match="is limiting our requests"):
        ask(api).list_pushes(NGINX, known={})


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        pytest.param(Reply(404), UnexpectedAnswer, "status 404 where its API was asked", id="private, or not there"),
        pytest.param(Reply(401), UnexpectedAnswer, "status 401 where its API was asked", id="a login is wanted"),
        pytest.param(Reply(500), RegistryUnavailable, "it answered 500", id="a fault"),
        pytest.param(Reply(302, headers={"Location": "https://a.example/"}), UnexpectedAnswer, "a redirect", id="away"),
        pytest.param(Reply(200, b"<html>"), UnexpectedAnswer, "is no JSON", id="HTML"),
        pytest.param(Reply(200, b"[]"), UnexpectedAnswer, "is no JSON object", id="a list"),
        pytest.param(Reply(200, b"{}"), UnexpectedAnswer, '"results" .* is no list', id="no results"),
        pytest.param(Reply(200, 100_000 * b"["), UnexpectedAnswer, "is no JSON", id="nested without end"),
        pytest.param(Reply(200, bytes(4 * 1024 * 1024 + 1)), UnexpectedAnswer, "more than 4194304 bytes", id="large"),
    ],
)
def test_what_is_no_list(ask: Ask, reply: Reply, error: type[Exception], said: str):
    with pytest.raises(error, match=said):
        ask(lambda _: reply).list_pushes(NGINX, known={})


AT = "2026-03-01T12:00:00.123456Z"


@pytest.mark.parametrize(
    ("entry", "pushes"),
    [
        pytest.param(
            {"name": "a", "tag_last_pushed": AT, "digest": make_digest(1)},
            Pushes({"a": NOW}, {"a": make_digest(1)}),
            id="all",
        ),
        pytest.param({"name": "a", "last_updated": AT}, Pushes({"a": NOW}), id="when it was updated"),
        pytest.param({"name": "a", "tag_last_pushed": None, "digest": None}, Pushes(), id="nulls"),
        pytest.param({"name": "a", "digest": "sha256:a", "last_updated": AT}, Pushes({"a": NOW}), id="no digest"),
        pytest.param(
            {"name": "a", "digest": make_digest(1), "last_updated": "0001-01-01T00:00:00Z"},
            Pushes({}, {"a": make_digest(1)}),
            id="Go's zero",
        ),
        pytest.param({"name": "-a", "last_updated": AT}, Pushes(), id="no tag"),
        pytest.param({"name": 1, "last_updated": AT}, Pushes(), id="a number"),
        pytest.param({"last_updated": AT}, Pushes(), id="no name"),
        pytest.param(None, Pushes(), id="null"),
        pytest.param([AT], Pushes(), id="a list"),
    ],
)
def test_entries_are_read_as_far_as_they_can_be(ask: Ask, entry: object, pushes: Pushes):
    reply = Reply(200, json.dumps({"next": None, "results": [entry]}).encode())

    assert ask(lambda _: reply).list_pushes(NGINX, known={}) == pushes


def test_pages_without_end_have_one(ask: Ask):
    asked = []

    def answer(call: object) -> Reply:
        asked.append(call)
        return Reply(200, b'{"next": "https://hub.docker.com/more", "results": []}')

    assert ask(answer).list_pushes(NGINX, known={}) == Pushes()
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("host", "repository"),
    [
        pytest.param(RegistryHost("docker.io"), Repository("ghcr.io", "acme/api"), id="another registry"),
        pytest.param(RegistryHost("docker.io", hub_api=None), NGINX, id="the settings say no"),
        pytest.param(RegistryHost("docker.io", mirrors_only=True), NGINX, id="only mirrors are asked"),
        pytest.param(RegistryHost("docker.io"), Repository("docker.io", "a/b/c"), id="a path that cannot be there"),
    ],
)
def test_where_nobody_tells(host: RegistryHost, repository: Repository):
    with Registries({"docker.io": host}, timeout_s=5, user_agent="test") as registries:
        assert registries.find_hub(repository) is None
