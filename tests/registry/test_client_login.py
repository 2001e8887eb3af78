"""Listing tags where a login is asked for: which one goes where, how often it is asked, and what a refusal says."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.reference import Repository
from imagebot.registry.credentials import Login
from imagebot.registry.errors import AccessDenied, UnreadableCredentials
from imagebot.registry.logins import LoginSources
from imagebot.secret import Secret

BOB = Login("bob", Secret("s3cret"))


def find_api(registry: LoopbackRegistry) -> Repository:
    return Repository(registry.address, "acme/api")


def test_basic_is_asked_for_once(connect):
    with LoopbackRegistry(users={"bob": "s3cret"}) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        registry.requests.clear()
        registries = connect(registry.address, login=BOB)

        for _ in range(2):
            assert registries.list_tags(find_api(registry)).tags == ("1.0",)

        assert [(request.user, request.status) for request in registry.requests] == [
            (None, 401),
            ("bob", 200),
            ("bob", 200),
        ]


def test_one_token_serves_listing_and_digests_of_a_repository(connect):
    with LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=300) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        registry.requests.clear()
        registries = connect(registry.address, login=BOB)

        registries.list_tags(find_api(registry))
        registries.fetch_digest(find_api(registry), "1.0")

        asked = [(request.method, request.target.partition("?")[0], request.status) for request in registry.requests]
        assert asked == [
            ("GET", "/v2/acme/api/tags/list", 401),
            ("GET", "/token", 200),
            ("GET", "/v2/acme/api/tags/list", 200),
            ("HEAD", "/v2/acme/api/manifests/1.0", 200),
        ]


def test_a_second_repository_needs_no_second_challenge(connect):
    with LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=300) as registry:
        for path in ("acme/api", "acme/web"):
            push_image(registry.address, path, "1.0", login=("bob", "s3cret"))
        registries = connect(registry.address, login=BOB)
        registries.list_tags(find_api(registry))
        registry.requests.clear()

        registries.list_tags(Repository(registry.address, "acme/web"))

        assert [request.status for request in registry.requests] == [200, 200]


def test_anyone_gets_a_token_for_what_is_public(connect):
    with LoopbackRegistry(users={"bob": "s3cret"}, public=frozenset({"acme/api"}), token_ttl_s=300) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))

        assert connect(registry.address).list_tags(find_api(registry)).tags == ("1.0",)


def test_a_token_that_ends_between_two_pages_is_replaced(connect, clock):
    registry_clock = type(clock)()
    with LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=300, page_limit=1, monotonic=registry_clock) as registry:
        for tag in ("a", "b", "c"):
            push_image(registry.address, "acme/api", tag, login=("bob", "s3cret"))
        registry.requests.clear()

        def end_tokens(method: str, target: str) -> None:
            if target.endswith("last=a"):
                registry_clock.now += 1000 if registry_clock.now == 1000 else 0

        registry.fault = end_tokens

        assert connect(registry.address, login=BOB).list_tags(find_api(registry)).tags == ("a", "b", "c")
        assert [request.status for request in registry.requests] == [401, 200, 200, 401, 200, 200, 200]


def test_threads_share_one_token(connect):
    with LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=300) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        registry.requests.clear()
        registries = connect(registry.address, login=BOB)
        start = threading.Barrier(8)
        never = threading.Event()

        def slow_token(method, target):
            if target.startswith("/token"):
                never.wait(0.2)  # long enough for the other threads to ask as well, if they do

        registry.fault = slow_token

        def list_tags(_):
            start.wait()
            return registries.list_tags(find_api(registry)).tags

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(list_tags, range(8))) == {("1.0",)}

        assert sum(request.target.startswith("/token") for request in registry.requests) == 1


@pytest.mark.parametrize("token_ttl_s", [pytest.param(None, id="Basic"), pytest.param(300, id="a token")])
def test_a_wrong_password_is_said_and_not_shown(connect, token_ttl_s):
    with LoopbackRegistry(users={"bob": "right"}, token_ttl_s=token_ttl_s) as registry:
        with pytest.raises(AccessDenied) as caught:
            connect(registry.address, login=BOB).list_tags(find_api(registry))

        assert f'refused the login from registries["{registry.address}"] in the settings (401)' in str(caught.value)
        assert "s3cret" not in str(caught.value)
        assert "bob" not in str(caught.value)


@pytest.mark.parametrize("token_ttl_s", [pytest.param(None, id="Basic"), pytest.param(300, id="a token")])
def test_no_login_is_said(connect, token_ttl_s):
    with (
        LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=token_ttl_s) as registry,
        pytest.raises(AccessDenied, match=f"none is configured for {registry.address}"),
    ):
        connect(registry.address).list_tags(find_api(registry))


def test_a_realm_on_another_host_gets_no_login(connect, registry):
    with LoopbackRegistry() as other:
        challenge = f'Bearer realm="http://{other.address}/token",service="x"'
        registry.fault = lambda *_: Reply(401, headers={"WWW-Authenticate": challenge})

        with pytest.raises(AccessDenied, match=f"add {other.address} to the token_hosts of {registry.address}"):
            connect(registry.address, login=BOB).list_tags(find_api(registry))

        assert other.requests == []


def test_a_realm_on_another_host_is_asked_if_the_settings_name_it(connect):
    with (
        LoopbackRegistry(users={"bob": "s3cret"}, token_ttl_s=300) as tokens,
        LoopbackRegistry() as registry,
    ):
        push_image(registry.address, "acme/api", "1.0")
        challenge = f'Bearer realm="http://{tokens.address}/token",service="{tokens.address}"'
        first = iter([Reply(401, headers={"WWW-Authenticate": challenge})])
        registry.fault = lambda *_: next(first, None)
        registries = connect(registry.address, token_hosts=frozenset({tokens.address}), login=BOB)

        assert registries.list_tags(find_api(registry)).tags == ("1.0",)
        assert [request.user for request in tokens.requests] == ["bob"]


def test_the_login_may_be_dockers(connect, tmp_path):
    config = tmp_path / "config.json"
    with LoopbackRegistry(users={"bob": "s3cret"}) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        config.write_text(json.dumps({"auths": {registry.address: {"auth": "Ym9iOnMzY3JldA=="}}}))

        assert connect(registry.address, sources=LoginSources(docker_config=config)).list_tags(
            find_api(registry)
        ).tags == ("1.0",)


def test_a_login_of_the_settings_comes_before_dockers(connect, tmp_path):
    config = tmp_path / "config.json"
    with LoopbackRegistry(users={"bob": "s3cret"}) as registry:
        push_image(registry.address, "acme/api", "1.0", login=("bob", "s3cret"))
        config.write_text("no JSON")

        assert connect(registry.address, sources=LoginSources(docker_config=config), login=BOB).list_tags(
            find_api(registry)
        ).tags == ("1.0",)


def test_dockers_configuration_is_read_only_where_a_login_is_asked_for(registry, connect, tmp_path):
    config = tmp_path / "config.json"
    config.write_text("no JSON")
    push_image(registry.address, "acme/api", "1.0")
    registries = connect(registry.address, sources=LoginSources(docker_config=config))
    assert registries.list_tags(find_api(registry)).tags == ("1.0",)

    registry.fault = lambda *_: Reply(401, headers={"WWW-Authenticate": "Basic"})
    with pytest.raises(UnreadableCredentials, match=f"{config}: it is no JSON"):
        registries.list_tags(find_api(registry))
