"""Tokens of a real registry and its token server: short-lived, ended, rotating, and for one of several logins."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagebot.demo.push import push_image
from imagebot.image.reference import Repository
from imagebot.registry.credentials import Login
from imagebot.registry.errors import AccessDenied
from imagebot.registry.logins import LoginSources
from imagebot.secret import Secret
from tests.servers.docker_registry import PASSWORD, USER, DockerRegistry
from tests.servers.token_server import TokenServer

BOB = Login(USER, Secret(PASSWORD))
PATHS = ("acme/api", "acme/web", "other/api", "other/web")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A real registry's folder that holds four repositories."""
    folder = tmp_path_factory.mktemp("registry")
    with DockerRegistry(folder) as registry:
        for path in PATHS:
            push_image(registry.address, path, "1.0")
    return folder


def test_a_token_is_renewed_before_it_ends(folder, connect, tmp_path, clock):
    with (
        TokenServer(tmp_path, users={USER: PASSWORD}, ttl_s=20) as tokens,
        DockerRegistry(folder, tokens=tokens) as registry,
    ):
        registries = connect(registry.address, login=BOB, token_hosts=frozenset({tokens.address}))
        api = Repository(registry.address, "acme/api")
        for moment in (0, 10, 17, 27):
            clock.now = 1000.0 + moment
            registries.list_tags(api)

        assert [request.status for request in registry.read_requests(5)] == [401, 200, 200, 200, 200]
        assert len(tokens.requests) == 2


def test_a_token_that_has_ended_before_it_comes_is_asked_for_once(folder, connect, tmp_path):
    now = [time.time() - 1000]  # by the clock of the token server
    with (
        TokenServer(tmp_path, users={USER: PASSWORD}, ttl_s=800, clock=lambda: now[0]) as tokens,
        DockerRegistry(folder, tokens=tokens) as registry,
    ):
        registries = connect(registry.address, login=BOB, token_hosts=frozenset({tokens.address}))
        api = Repository(registry.address, "acme/api")
        with pytest.raises(AccessDenied):
            registries.list_tags(api)
        assert len(tokens.requests) == 1

        now[0] += 1000
        assert registries.list_tags(api).tags == ("1.0",)


def test_identity_tokens_that_rotate_are_used_one_after_the_other(folder, connect, tmp_path):
    config = tmp_path / "config.json"
    with (
        TokenServer(tmp_path, users={}, identity_tokens={"first": USER}, rotates=True) as tokens,
        DockerRegistry(folder, tokens=tokens) as registry,
    ):
        config.write_text(json.dumps({"auths": {registry.address: {"auth": "", "identitytoken": "first"}}}))
        sources = LoginSources(docker_config=config)
        registries = connect(registry.address, sources=sources, token_hosts=frozenset({tokens.address}))
        start = threading.Barrier(len(PATHS))

        def list_tags(path):
            start.wait()
            return registries.list_tags(Repository(registry.address, path)).tags

        with ThreadPoolExecutor(len(PATHS)) as pool:
            assert list(pool.map(list_tags, PATHS)) == [("1.0",)] * len(PATHS)

        assert [request.status for request in tokens.requests] == [200] * len(PATHS)


def test_of_several_logins_for_one_host_the_one_that_may_read_is_found_and_kept(folder, connect, tmp_path):
    users, rights = {"acme-bot": "a", "other-bot": "o"}, {"acme-bot": "acme/", "other-bot": "other/"}
    with TokenServer(tmp_path, users=users, rights=rights) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        files = []
        for user, password in users.items():
            files.append(tmp_path / user)
            auths = {registry.address: {"username": user, "password": password}}
            files[-1].write_text(json.dumps({"auths": auths}))
        registries = connect(
            registry.address, sources=LoginSources(pull_secrets=tuple(files)), token_hosts=frozenset({tokens.address})
        )

        for _ in range(2):
            for path in PATHS:
                assert registries.list_tags(Repository(registry.address, path)).tags == ("1.0",)

        assert [request.user for request in tokens.requests] == [
            "acme-bot", "acme-bot", "acme-bot", "other-bot", "acme-bot", "other-bot",
        ]  # fmt: skip
        # The second round costs what it lists.
        assert [request.status for request in registry.read_requests(11)][-4:] == [200] * 4


def test_where_no_login_may_read_all_are_counted(folder, connect, tmp_path):
    users = {"a": "1", "b": "2"}
    with (
        TokenServer(tmp_path, users=users, rights={"a": "x/", "b": "x/"}) as tokens,
        DockerRegistry(folder, tokens=tokens) as registry,
    ):
        auths = {
            f"https://{registry.address}/v{n}/": {"username": u, "password": p}
            for n, (u, p) in enumerate(users.items(), 1)
        }
        (tmp_path / "pull").write_text(json.dumps({"auths": auths}))
        sources = LoginSources(pull_secrets=(tmp_path / "pull",))
        registries = connect(registry.address, sources=sources, token_hosts=frozenset({tokens.address}))

        with pytest.raises(AccessDenied) as caught:
            registries.list_tags(Repository(registry.address, "acme/api"))

    assert "may not read this repository, or there is none of this name (401)" in str(caught.value)
    assert "1 more of the logins for it were tried, and none lets us in" in str(caught.value)
