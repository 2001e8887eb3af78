"""skopeo agrees with what imagebot reads of a real registry: tags, digests, and what they stand for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.demo.image import make_digest, make_image, make_index
from imagebot.demo.push import push
from imagebot.image.reference import Repository
from tests.registry.conftest import Connect
from tests.servers.docker_registry import DockerRegistry
from tests.servers.skopeo import Skopeo

IMAGES = {
    "image": make_image({"of": "image"}),
    "index": make_index({"linux/amd64": {"of": "index"}, "linux/arm64": {}, "windows/amd64": {}}),
    "1.0.0": make_image({"of": "1.0.0"}, platform="linux/arm"),
    "_odd.tag-with_ALL.signs": make_image({}),
    128 * "x": make_index({"linux/amd64": {}}),
}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[DockerRegistry]:
    with DockerRegistry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def skopeo(tmp_path: Path) -> Skopeo:
    return Skopeo(tmp_path)


def push_all(registry: DockerRegistry, path: str) -> None:
    for tag, image in IMAGES.items():
        push(registry.address, path, tag, image=image)


def test_tags_and_digests_of_images_and_indexes(registry: DockerRegistry, skopeo: Skopeo, connect: Connect):
    push_all(registry, "acme/api")
    registries, api = connect(registry.address), Repository(registry.address, "acme/api")

    tags = registries.list_tags(api).tags
    digests = {tag: registries.fetch_digest(api, tag) for tag in tags}

    assert list(tags) == sorted(skopeo.list_tags(str(api))) == sorted(IMAGES)
    assert digests == {tag: skopeo.find_digest(f"{api}:{tag}") for tag in tags}
    assert digests == {tag: make_digest(skopeo.read_manifest(f"{api}:{tag}").encode()) for tag in tags}


@pytest.mark.parametrize("tag", ["image", "index"])
def test_what_skopeo_copies_is_found_to_be_the_same(
    registry: DockerRegistry, skopeo: Skopeo, connect: Connect, tag: str
):
    push_all(registry, "acme/api")
    skopeo.copy(f"{registry.address}/acme/api:{tag}", f"{registry.address}/acme/copy:1.0")
    registries, copy = connect(registry.address), Repository(registry.address, "acme/copy")

    digest = registries.fetch_digest(copy, "1.0")

    assert digest == IMAGES[tag].digest
    original = registries.fetch_manifest(Repository(registry.address, "acme/api"), digest)
    assert registries.fetch_manifest(copy, digest) == original


@pytest.mark.slow
def test_a_repository_of_twenty_thousand_tags(registry: DockerRegistry, skopeo: Skopeo, connect: Connect):
    image = make_image({})
    push(registry.address, "acme/api", "0.0.0", image=image)
    many = [f"{number % 7}.{number}.0-build.{number * 7919}" for number in range(1, 20_000)]
    registry.write_tags("acme/api", many, image.digest)
    registries, api = connect(registry.address), Repository(registry.address, "acme/api")

    tags = registries.list_tags(api).tags

    assert len(tags) == 20_000
    assert list(tags) == sorted(skopeo.list_tags(str(api)))
    for tag in (tags[0], many[10_000], tags[-1]):
        assert registries.fetch_digest(api, tag) == skopeo.find_digest(f"{api}:{tag}") == image.digest
