"""Against the CNCF's own registry: it pages no tags, minds the Accept header, and has all three ways in."""

import json

import pytest
import requests

from imagebot.demo.image import IMAGE, INDEX, make_digest
from imagebot.demo.push import push_image
from imagebot.image.reference import Repository
from imagebot.registry.errors import AccessDenied, UnknownRepository, UnknownTag
from imagebot.secret import Secret
from tests.servers.certificates import Authority
from tests.servers.docker_registry import PASSWORD, USER, DockerRegistry
from tests.servers.token_server import TokenServer

BOB = {"username": USER, "password": Secret(PASSWORD)}


@pytest.fixture
def folder(tmp_path):
    """A registry's folder that holds acme/api with the tags 1.0 and 1.1."""
    with DockerRegistry(tmp_path / "registry") as registry:
        for tag in ("1.0", "1.1"):
            push_image(registry.address, "acme/api", tag)
    return tmp_path / "registry"


def test_tags_and_digests_of_a_real_registry(tmp_path, connect):
    with DockerRegistry(tmp_path) as registry:
        digest = push_image(registry.address, "acme/api", "1.0")
        push_image(registry.address, "acme/api", "1.1")
        registries = connect(registry.address)
        api = Repository(registry.address, "acme/api")

        assert registries.list_tags(api) == ("1.0", "1.1")
        assert registries.fetch_digest(api, "1.0") == digest


def test_what_a_real_registry_does_not_have(folder, connect):
    with DockerRegistry(folder) as registry:
        registries = connect(registry.address)

        with pytest.raises(UnknownRepository):
            registries.list_tags(Repository(registry.address, "acme/nosuch"))
        with pytest.raises(UnknownTag):
            registries.fetch_digest(Repository(registry.address, "acme/api"), "9.9")


def test_basic_with_a_real_registry(folder, connect):
    with DockerRegistry(folder, htpasswd=True) as registry:
        api = Repository(registry.address, "acme/api")

        assert connect(registry.address, **BOB).list_tags(api) == ("1.0", "1.1")
        with pytest.raises(AccessDenied, match="check user and password"):
            connect(registry.address, username=USER, password=Secret("wrong")).list_tags(api)
        with pytest.raises(AccessDenied, match="none is configured"):
            connect(registry.address).list_tags(api)


def test_a_round_costs_a_real_registry_few_requests(folder, connect, tmp_path):
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        registries = connect(registry.address, token_hosts=frozenset({tokens.address}), **BOB)
        api = Repository(registry.address, "acme/api")

        for _ in range(2):
            registries.list_tags(api)
            registries.fetch_digest(api, "1.1")

        listing, manifest = "/v2/acme/api/tags/list?n=1000", "/v2/acme/api/manifests/1.1"
        assert registry.read_requests(5) == [
            ("GET", listing, 401),
            ("GET", listing, 200),
            ("HEAD", manifest, 200),
            ("GET", listing, 200),
            ("HEAD", manifest, 200),
        ]
        assert tokens.requests == [("GET", USER, "repository:acme/api:pull", 200)]


def test_anyone_may_read_what_is_public(folder, connect, tmp_path):
    with (
        TokenServer(tmp_path, users={USER: PASSWORD}, public=("acme/",)) as tokens,
        DockerRegistry(folder, tokens=tokens) as registry,
    ):
        registries = connect(registry.address, token_hosts=frozenset({tokens.address}))

        assert registries.list_tags(Repository(registry.address, "acme/api")) == ("1.0", "1.1")
        assert [request.user for request in tokens.requests] == [None]


def test_a_token_that_does_not_let_us_read_is_asked_for_once(folder, connect, tmp_path):
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        registries = connect(registry.address, token_hosts=frozenset({tokens.address}))

        with pytest.raises(AccessDenied, match="none is configured"):
            registries.list_tags(Repository(registry.address, "acme/api"))

        assert [request.status for request in registry.read_requests(2)] == [401, 401]
        assert len(tokens.requests) == 1


def test_an_identity_token_that_docker_keeps_lets_us_in(folder, connect, tmp_path):
    config = tmp_path / "config.json"
    with (
        TokenServer(tmp_path, users={}, identity_tokens={"id": USER}) as tokens,
        DockerRegistry(folder, tokens=tokens) as registry,
    ):
        config.write_text(json.dumps({"auths": {registry.address: {"auth": "", "identitytoken": "id"}}}))
        registries = connect(registry.address, docker_config=config, token_hosts=frozenset({tokens.address}))

        assert registries.list_tags(Repository(registry.address, "acme/api")) == ("1.0", "1.1")
        assert tokens.requests == [("POST", USER, "repository:acme/api:pull", 200)]


def test_a_real_registry_over_tls(folder, connect, tmp_path):
    authority = Authority(tmp_path / "authority")
    with DockerRegistry(folder, tls=authority) as registry:
        registries = connect(registry.address, ca_file=authority.ca_file)

        assert registries.list_tags(Repository(registry.address, "acme/api")) == ("1.0", "1.1")


def test_the_digest_of_an_index_is_that_of_the_index(folder, connect):
    with DockerRegistry(folder) as registry:
        child = push_image(registry.address, "acme/multi", "amd64")
        platform = {"os": "linux", "architecture": "amd64"}
        entry = {"mediaType": IMAGE, "digest": child, "size": 500, "platform": platform}
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
        url = f"http://{registry.address}/v2/acme/multi/manifests/multi"
        requests.put(url, data=index, headers={"Content-Type": INDEX}, timeout=5).raise_for_status()

        digest = connect(registry.address).fetch_digest(Repository(registry.address, "acme/multi"), "multi")

    assert digest == make_digest(index)
