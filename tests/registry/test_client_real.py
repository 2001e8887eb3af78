"""Against the CNCF's own registry: it pages no tags, minds the Accept header, and has all three ways in."""

import json
from datetime import UTC, datetime

import pytest

from imagebot.demo.image import IMAGE, TinyImage, make_digest, make_image, make_index
from imagebot.demo.push import push, push_image
from imagebot.image.manifest import Config, Index, Manifest
from imagebot.image.media_types import IMAGE_TYPES, INDEX_TYPES
from imagebot.image.platform import Platform
from imagebot.image.reference import Repository
from imagebot.registry.credentials import Login
from imagebot.registry.errors import AccessDenied, UnexpectedAnswer, UnknownManifest, UnknownRepository
from imagebot.registry.logins import LoginSources
from imagebot.secret import Secret
from tests.servers.certificates import Authority
from tests.servers.docker_registry import PASSWORD, USER, DockerRegistry
from tests.servers.token_server import TokenServer

BUILT_AT = datetime(2024, 10, 2, 15, 4, 5, tzinfo=UTC)
BOB = Login(USER, Secret(PASSWORD))


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

        assert registries.list_tags(api).tags == ("1.0", "1.1")
        assert registries.fetch_digest(api, "1.0") == digest


def test_what_a_real_registry_does_not_have(folder, connect):
    with DockerRegistry(folder) as registry:
        registries = connect(registry.address)

        with pytest.raises(UnknownRepository):
            registries.list_tags(Repository(registry.address, "acme/nosuch"))
        with pytest.raises(UnknownManifest):
            registries.fetch_digest(Repository(registry.address, "acme/api"), "9.9")


def test_basic_with_a_real_registry(folder, connect):
    with DockerRegistry(folder, htpasswd=True) as registry:
        api = Repository(registry.address, "acme/api")

        assert connect(registry.address, login=BOB).list_tags(api).tags == ("1.0", "1.1")
        with pytest.raises(AccessDenied, match="check user and password"):
            connect(registry.address, login=Login(USER, Secret("wrong"))).list_tags(api)
        with pytest.raises(AccessDenied, match="none is configured"):
            connect(registry.address).list_tags(api)


def test_a_round_costs_a_real_registry_few_requests(folder, connect, tmp_path):
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        registries = connect(registry.address, token_hosts=frozenset({tokens.address}), login=BOB)
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

        assert registries.list_tags(Repository(registry.address, "acme/api")).tags == ("1.0", "1.1")
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
        registries = connect(
            registry.address, sources=LoginSources(docker_config=config), token_hosts=frozenset({tokens.address})
        )

        assert registries.list_tags(Repository(registry.address, "acme/api")).tags == ("1.0", "1.1")
        assert tokens.requests == [("POST", USER, "repository:acme/api:pull", 200)]


def test_a_real_registry_over_tls(folder, connect, tmp_path):
    authority = Authority(tmp_path / "authority")
    with DockerRegistry(folder, tls=authority) as registry:
        registries = connect(registry.address, ca_file=authority.ca_file)

        assert registries.list_tags(Repository(registry.address, "acme/api")).tags == ("1.0", "1.1")


def test_the_digest_of_an_index_is_that_of_the_index(folder, connect):
    index = make_index({"linux/amd64": {}, "linux/arm64": {}})
    with DockerRegistry(folder) as registry:
        push(registry.address, "acme/multi", "multi", image=index)

        digest = connect(registry.address).fetch_digest(Repository(registry.address, "acme/multi"), "multi")

    assert digest == index.digest


@pytest.mark.parametrize("way_in", [{}, {"htpasswd": True}], ids=["open", "Basic"])
def test_the_images_of_an_index_and_when_they_were_built(folder, connect, way_in):
    index = make_index({"linux/amd64": {}, "linux/arm": {}, "windows/amd64": {}}, built_at=BUILT_AT)
    amd64, arm, windows = index.images
    with DockerRegistry(folder) as registry:
        push(registry.address, "acme/multi", "1.0", image=index)
    with DockerRegistry(folder, **way_in) as registry:
        registries, repository = connect(registry.address, login=BOB), Repository(registry.address, "acme/multi")

        found = registries.fetch_manifest(repository, registries.fetch_digest(repository, "1.0"))
        manifest = registries.fetch_manifest(repository, arm.digest)
        config = registries.fetch_config(repository, make_digest(arm.blobs[0]))

    assert found == Index(
        {
            Platform("linux", "amd64"): amd64.digest,
            Platform("linux", "arm", "v7"): arm.digest,
            Platform("windows", "amd64"): windows.digest,
        }
    )
    assert manifest == Manifest(make_digest(arm.blobs[0]), size_bytes=sum(map(len, arm.blobs)))
    assert config == Config(Platform("linux", "arm", "v7"), BUILT_AT)


def test_the_types_of_docker(folder, connect):
    image = make_image({}, built_at=BUILT_AT)
    docker_image, docker_list = IMAGE_TYPES[1], INDEX_TYPES[1]
    manifest = image.manifest.replace(IMAGE.encode(), docker_image.encode()).replace(
        b"application/vnd.oci.image.config.v1+json", b"application/vnd.docker.container.image.v1+json"
    )
    digest, platform = make_digest(manifest), {"os": "linux", "architecture": "arm64", "variant": "v8"}
    entry = {"mediaType": docker_image, "digest": digest, "size": len(manifest), "platform": platform}
    manifests = json.dumps({"schemaVersion": 2, "mediaType": docker_list, "manifests": [entry]}).encode()
    docker = TinyImage((), manifests, docker_list, (TinyImage(image.blobs, manifest, docker_image),))
    with DockerRegistry(folder) as registry:
        push(registry.address, "acme/docker", "1.0", image=docker)
        registries, repository = connect(registry.address), Repository(registry.address, "acme/docker")

        assert registries.fetch_manifest(repository, docker.digest) == Index({Platform("linux", "arm64"): digest})
        assert registries.fetch_manifest(repository, digest).config == make_digest(image.blobs[0])


def test_an_image_costs_a_real_registry_one_request_each(folder, connect, tmp_path):
    image = make_image({"org.opencontainers.image.version": "1.0"})
    with TokenServer(tmp_path, users={USER: PASSWORD}) as tokens, DockerRegistry(folder, tokens=tokens) as registry:
        registries = connect(registry.address, token_hosts=frozenset({tokens.address}), login=BOB)
        api = Repository(registry.address, "acme/api")

        registries.fetch_manifest(api, image.digest)
        registries.fetch_config(api, make_digest(image.blobs[0]))

        manifest = f"/v2/acme/api/manifests/{image.digest}"
        assert registry.read_requests(3) == [
            ("GET", manifest, 401),
            ("GET", manifest, 200),
            ("GET", f"/v2/acme/api/blobs/{make_digest(image.blobs[0])}", 200),
        ]
        assert len(tokens.requests) == 1


def test_what_a_digest_no_longer_stands_for(folder, connect):
    gone = f"sha256:{64 * '0'}"
    with DockerRegistry(folder) as registry:
        registries, api = connect(registry.address), Repository(registry.address, "acme/api")

        with pytest.raises(UnknownManifest, match="the registry has no such digest"):
            registries.fetch_manifest(api, gone)
        with pytest.raises(UnexpectedAnswer, match="status 404 where the blob"):
            registries.fetch_config(api, gone)
