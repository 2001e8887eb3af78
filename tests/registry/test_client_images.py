"""Fetching what a digest stands for: manifests, indexes and configs, all of them hashed."""

import hashlib
from datetime import UTC, datetime

import pytest

from imagebot.demo.image import IMAGE, INDEX, TinyImage, make_digest, make_image, make_index
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push
from imagebot.demo.registry import LoopbackRegistry
from imagebot.image.manifest import Config, Index, Manifest
from imagebot.image.platform import Platform
from imagebot.image.reference import Repository
from imagebot.registry.errors import (
    AccessDenied,
    RegistryUnavailable,
    UnexpectedAnswer,
    UnknownManifest,
    UnreadableImage,
)

AMD64, ARM_V7 = Platform("linux", "amd64"), Platform("linux", "arm", "v7")
BUILT_AT = datetime(2024, 10, 2, 15, 4, 5, tzinfo=UTC)
TINY = make_image({}, platform="linux/arm", built_at=BUILT_AT)
BLOB = TINY.blobs[0]
DIGEST = make_digest(BLOB)
EXPECTED = Config(ARM_V7, BUILT_AT)


def find_api(registry: LoopbackRegistry) -> Repository:
    return Repository(registry.address, "acme/api")


def test_what_a_digest_stands_for(registry, connect):
    image = make_image({})
    digest = push(registry.address, "acme/api", "1.0", image=image)

    manifest = connect(registry.address).fetch_manifest(find_api(registry), digest)

    assert manifest == Manifest(make_digest(image.blobs[0]), size_bytes=sum(map(len, image.blobs)))
    assert registry.requests[-1] == ("GET", f"/v2/acme/api/manifests/{digest}", None, 200)


def test_the_images_of_an_index(registry, connect):
    index = make_index({"linux/amd64": {}, "linux/arm": {"x": "y"}})
    digest = push(registry.address, "acme/api", "1.0", image=index)

    found = connect(registry.address).fetch_manifest(find_api(registry), digest)

    assert found == Index({AMD64: index.images[0].digest, ARM_V7: index.images[1].digest})


@pytest.mark.parametrize(
    ("image", "config"),
    [
        pytest.param(TINY, EXPECTED, id="built at an instant"),
        pytest.param(make_image({}), Config(AMD64, None), id="no word of when"),
        pytest.param(make_image({"a": "b"}), Config(AMD64, None, {"a": "b"}), id="labels"),
    ],
)
def test_platform_time_and_labels_of_an_image(registry, connect, image: TinyImage, config):
    push(registry.address, "acme/api", "1.0", image=image)

    assert connect(registry.address).fetch_config(find_api(registry), make_digest(image.blobs[0])) == config


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_what_comes_is_hashed_by_any_algorithm_of_digests(registry, connect, algorithm):
    digest = f"{algorithm}:{hashlib.new(algorithm, TINY.manifest).hexdigest()}"
    registry.fault = lambda *_: Reply(200, TINY.manifest, {"Content-Type": f"{IMAGE}; charset=utf-8"})
    registries = connect(registry.address)

    assert registries.fetch_manifest(find_api(registry), digest).config == DIGEST
    with pytest.raises(UnexpectedAnswer, match=rf"sent for .*/acme/api@{algorithm}:a+ has another digest"):
        registries.fetch_manifest(find_api(registry), f"{algorithm}:{len(digest.partition(':')[2]) * 'a'}")


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        pytest.param(Reply(404), UnknownManifest, "the registry has no such digest (404)", id="404"),
        pytest.param(
            Reply(412), UnreadableImage, "status 412 where the manifest sha256:", id="412: this image is refused"
        ),
        pytest.param(Reply(405), UnexpectedAnswer, "status 405 where the manifest sha256:", id="405: any would be"),
        pytest.param(Reply(403), AccessDenied, "asks for a login (403)", id="403"),
        pytest.param(Reply(500), RegistryUnavailable, "it answered 500", id="500"),
        pytest.param(Reply(204), UnexpectedAnswer, "status 204 where the manifest sha256:", id="204"),
        pytest.param(Reply(302), UnexpectedAnswer, "redirect", id="a redirect to nowhere"),
        pytest.param(Reply(200), UnexpectedAnswer, "has another digest", id="nothing"),
        pytest.param(Reply(200, bytes(4 * 1024 * 1024 + 1)), UnexpectedAnswer, "more than 4194304 bytes", id="large"),
    ],
)
def test_what_an_answer_for_a_manifest_means(registry, connect, reply, error, said):
    registry.fault = lambda *_: reply

    with pytest.raises(error) as caught:
        connect(registry.address).fetch_manifest(find_api(registry), TINY.digest)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("body", "media_type", "said"),
    [
        pytest.param(b"<html>", "text/html", "its type is 'text/html'", id="HTML"),
        pytest.param(b"{}", IMAGE, "without config", id="an empty manifest"),
        pytest.param(b"\xff\x00", INDEX, "it is no JSON", id="odd bytes"),
        pytest.param(100_000 * b"[", INDEX, "nested too deeply", id="nested without end"),
        pytest.param(b'{"config": {"digest": "\\ud800", "mediaType": ""}}', IMAGE, "is no digest", id="half a letter"),
        pytest.param(TINY.manifest, "", "its type is ''", id="no type"),
    ],
)
def test_what_hashes_to_its_digest_and_is_no_manifest(registry, connect, body, media_type, said):
    registry.fault = lambda *_: Reply(200, body, {"Content-Type": media_type})

    with pytest.raises(UnexpectedAnswer, match=said) as caught:
        connect(registry.address).fetch_manifest(find_api(registry), make_digest(body))

    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        pytest.param(Reply(404), UnexpectedAnswer, "status 404 where the blob sha256:", id="404"),
        pytest.param(Reply(403), AccessDenied, "asks for a login (403)", id="403"),
        pytest.param(Reply(503), RegistryUnavailable, "it answered 503", id="503"),
        pytest.param(Reply(200, b"{}"), UnexpectedAnswer, "has another digest", id="another blob"),
        pytest.param(Reply(200, bytes(4 * 1024 * 1024 + 1)), UnexpectedAnswer, "more than 4194304 bytes", id="large"),
    ],
)
def test_what_an_answer_for_a_config_means(registry, connect, reply, error, said):
    registry.fault = lambda *_: reply

    with pytest.raises(error) as caught:
        connect(registry.address).fetch_config(find_api(registry), DIGEST)

    assert said in str(caught.value)


@pytest.mark.parametrize("body", [b"\x00", b"[]", b'{"os": 1}', b'{"os": "a b", "architecture": "c"}', 9999 * b"["])
def test_what_hashes_to_its_digest_and_is_no_config(registry, connect, body):
    registry.fault = lambda *_: Reply(200, body)

    with pytest.raises(UnexpectedAnswer, match="this describes no image: "):
        connect(registry.address).fetch_config(find_api(registry), make_digest(body))
