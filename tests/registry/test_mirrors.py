"""Mirrors: asked first, in their order, by what is said of their own host; what they say passes for the registry's."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from imagebot.demo.image import IMAGE, make_image
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push, push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.manifest import Manifest
from imagebot.image.reference import InvalidReference, Repository
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.registry.client import Registries
from imagebot.registry.credentials import Login
from imagebot.registry.errors import (
    AccessDenied,
    RegistryUnavailable,
    UnexpectedAnswer,
    UnknownManifest,
    UnknownRepository,
)
from imagebot.registry.host import Mirror, RegistryHost, parse_mirror
from imagebot.registry.pacing import Pacing
from imagebot.secret import Secret

ORIGIN_LOGIN = Login("bob", Secret("origins"))
MIRROR_LOGIN = Login("eve", Secret("mirrors"))


@pytest.mark.parametrize(
    ("text", "mirror", "place"),
    [
        pytest.param("mirror.gcr.io", Mirror("mirror.gcr.io", ""), "mirror.gcr.io/library/nginx", id="a host"),
        pytest.param("localhost:5000", Mirror("localhost:5000", ""), "localhost:5000/library/nginx", id="a port"),
        pytest.param("h.example/hub", Mirror("h.example", "hub"), "h.example/hub/library/nginx", id="a path"),
        pytest.param("h.example/a/b", Mirror("h.example", "a/b"), "h.example/a/b/library/nginx", id="a longer path"),
    ],
)
def test_where_a_mirror_has_a_repository(text, mirror, place):
    assert parse_mirror(text) == mirror
    assert str(mirror.locate(Repository("docker.io", "library/nginx"))) == place


def test_what_is_no_mirror():
    with pytest.raises(InvalidReference):
        parse_mirror("https://mirror.example")


@contextmanager
def connect_to(pacing: Pacing, origin: LoopbackRegistry, *mirrors: LoopbackRegistry, **fields) -> Iterator[Registries]:
    """A client that has logins for the registry and its mirrors, each its own."""
    places = tuple(Mirror(mirror.address, "hub") for mirror in mirrors)
    hosts = {each.address: RegistryHost(each.address, plain_http=True, logins={"": MIRROR_LOGIN}) for each in mirrors}
    hosts[origin.address] = RegistryHost(
        origin.address, plain_http=True, logins={"": ORIGIN_LOGIN}, mirrors=places, **fields
    )
    with Registries(hosts, timeout_s=5, user_agent="imagebot/test", pacing=pacing) as registries:
        yield registries


@pytest.fixture
def origin() -> Iterator[LoopbackRegistry]:
    with LoopbackRegistry(users={"bob": "origins"}) as registry:
        yield registry


@pytest.fixture
def mirror() -> Iterator[LoopbackRegistry]:
    with LoopbackRegistry(users={"eve": "mirrors"}) as registry:
        yield registry


@pytest.fixture
def second() -> Iterator[LoopbackRegistry]:
    with LoopbackRegistry(users={"eve": "mirrors"}) as registry:
        yield registry


def fill_mirror(mirror: LoopbackRegistry, *tags: str) -> None:
    for tag in tags:
        push_image(mirror.address, "hub/acme/api", tag, login=("eve", "mirrors"))
    mirror.requests.clear()


def fill(origin: LoopbackRegistry, *tags: str) -> None:
    for tag in tags:
        push_image(origin.address, "acme/api", tag, login=("bob", "origins"))
    origin.requests.clear()


def test_a_mirror_is_asked_and_the_registry_is_not(pacing, origin, mirror):
    fill_mirror(mirror, "1.0", "1.1")

    with connect_to(pacing, origin, mirror) as registries:
        assert registries.list_tags(Repository(origin.address, "acme/api")).tags == ("1.0", "1.1")

    assert origin.requests == []
    assert {request.user for request in mirror.requests} == {None, "eve"}


def test_digests_manifests_and_configs_come_from_the_mirror(pacing, origin, mirror):
    image = make_image({"of": "api"})
    push(mirror.address, "hub/acme/api", "1.0", image=image, login=("eve", "mirrors"))
    repository = Repository(origin.address, "acme/api")

    with connect_to(pacing, origin, mirror) as registries:
        digest = registries.fetch_digest(repository, "1.0")
        manifest = registries.fetch_manifest(repository, digest)
        assert isinstance(manifest, Manifest)
        assert manifest.config is not None
        config = registries.fetch_config(repository, manifest.config)

    assert digest == image.digest
    assert config.platform is not None
    assert origin.requests == []


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(404), id="it does not have it"),
        pytest.param(Reply(403), id="it does not let us in"),
        pytest.param(Reply(500), id="it is down"),
        pytest.param(Reply(429, headers={"Retry-After": "3600"}), id="it limits us"),
        pytest.param(Reply(200, b"<html>"), id="it answers nonsense"),
        pytest.param(Reply(200, b'{"tags": null}'), id="it has none of its tags"),
    ],
)
def test_the_next_mirror_is_asked_and_then_the_registry(pacing, origin, mirror, second, reply):
    repository = Repository(origin.address, "acme/api")
    fill_mirror(second, "1.1")
    fill(origin, "1.2")
    mirror.fault = lambda *_: reply

    with connect_to(pacing, origin, mirror, second) as registries:
        from_second = registries.list_tags(repository).tags
        second.fault = lambda *_: reply
        from_origin = registries.list_tags(repository).tags

    assert (from_second, from_origin) == (("1.1",), ("1.2",))
    assert {request.user for request in origin.requests} == {None, "bob"}
    assert {request.user for request in (*mirror.requests, *second.requests)} <= {None, "eve"}


def test_what_the_registry_says_counts_where_it_may_be_asked(pacing, origin, mirror):
    mirror.fault = lambda *_: Reply(500)
    origin.fault = lambda *_: Reply(404)

    with connect_to(pacing, origin, mirror) as registries, pytest.raises(UnknownRepository) as caught:
        registries.list_tags(Repository(origin.address, "acme/api"))

    assert str(caught.value).startswith(f"{origin.address}/acme/api: ")


@pytest.mark.parametrize(
    ("first", "last", "error"),
    [
        pytest.param(Reply(404), Reply(404), UnknownRepository, id="neither has it"),
        pytest.param(Reply(500), Reply(404), RegistryUnavailable, id="one cannot be asked just now"),
        pytest.param(Reply(404), Reply(500), RegistryUnavailable, id="nor the other"),
        pytest.param(Reply(403), Reply(404), UnknownRepository, id="the last one's word"),
        pytest.param(Reply(404), Reply(403), AccessDenied, id="the last one's other word"),
        pytest.param(Reply(404), Reply(200, b'{"tags": []}'), UnexpectedAnswer, id="none of its tags"),
    ],
)
def test_where_only_mirrors_may_be_asked_the_registry_never_is(pacing, origin, mirror, second, *, first, last, error):
    fill(origin, "1.0")
    mirror.fault, second.fault = lambda *_: first, lambda *_: last

    with (
        connect_to(pacing, origin, mirror, second, mirrors_only=True) as registries,
        pytest.raises(error, match=r"/hub/acme/api|is unavailable"),
    ):
        registries.list_tags(Repository(origin.address, "acme/api"))

    assert origin.requests == []


def test_a_tag_that_a_mirror_does_not_have_yet_is_asked_of_the_registry(pacing, origin, mirror):
    fill_mirror(mirror, "1.0")
    fill(origin, "1.0", "1.1")
    repository = Repository(origin.address, "acme/api")

    with connect_to(pacing, origin, mirror) as registries:
        assert registries.fetch_digest(repository, "1.1").startswith("sha256:")
        with pytest.raises(UnknownManifest, match=f"{origin.address}/acme/api:1.2"):
            registries.fetch_digest(repository, "1.2")


def test_a_mirror_that_lies_about_a_digest_is_passed_over(pacing, origin, mirror):
    fill(origin, "1.0")
    mirror.fault = lambda *_: Reply(200, b'{"schemaVersion": 2}', {"Content-Type": IMAGE})
    repository = Repository(origin.address, "acme/api")

    with connect_to(pacing, origin, mirror) as registries:
        digest = push_image(origin.address, "acme/api", "1.1", login=("bob", "origins"))
        assert registries.fetch_manifest(repository, digest) is not None


def test_a_mirror_has_no_mirrors(pacing, origin, mirror, second):
    """What a mirror's own entry says of mirrors is about its own repositories."""
    fill_mirror(mirror, "1.0")
    hosts = {
        origin.address: RegistryHost(origin.address, plain_http=True, mirrors=(Mirror(mirror.address, "hub"),)),
        mirror.address: RegistryHost(
            mirror.address, plain_http=True, logins={"": MIRROR_LOGIN}, mirrors=(Mirror(second.address, ""),)
        ),
    }
    with Registries(hosts, timeout_s=5, user_agent="imagebot/test", pacing=pacing) as registries:
        assert registries.list_tags(Repository(origin.address, "acme/api")).tags == ("1.0",)

    assert second.requests == []


def test_a_mirror_that_is_passed_over_is_said_once_until_it_works_again(pacing, origin, mirror, capsys):
    configure_logging(LogLevel.WARNING, LogFormat.JSON)
    fill(origin, "1.0")
    fill_mirror(mirror, "1.0")
    repository = Repository(origin.address, "acme/api")
    try:
        with connect_to(pacing, origin, mirror) as registries:
            for fault in (None, 500, 500, 500, None, 500, 404, 404):
                mirror.fault = (lambda *_: Reply(fault)) if fault else None  # noqa: B023 - used before the next
                registries.list_tags(repository)
    finally:
        structlog.reset_defaults()

    lines = capsys.readouterr().err.splitlines()
    assert [line.count("mirror_passed_over") for line in lines] == [1, 1]
    assert f"{mirror.address} is unavailable: it answered 500" in lines[0]
