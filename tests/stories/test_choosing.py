"""Two teams' tags, end to end with a real registry: times behind commit hashes, and variants of an official image."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from imagebot.demo.push import push_image
from tests.servers.docker_registry import DockerRegistry
from tests.stories.world import World

pytestmark = pytest.mark.slow

_TIMED = """\
version: 1
images:
  - image: "*"
    policy: {numeric: asc}
    tags:
      include: ['^prod-[0-9a-f]+-(?P<time>[0-9]{14})$']
      extract: $time
"""


def _stock(folder: Path, path: str, tags: Iterable[str]) -> None:
    """Push one image, and let all tags point to it, as the registry itself keeps them: a file for each."""
    first, *others = tags
    with DockerRegistry(folder) as door:
        push_image(door.address, path, first)
    kept = folder / "data" / "docker" / "registry" / "v2" / "repositories" / path / "_manifests" / "tags"
    for tag in others:
        shutil.copytree(kept / first, kept / tag)


def _run(world: World, registry: DockerRegistry, image: str, policy: str) -> str:
    """Run once over one file that names the image, and return the tag that is proposed."""
    world.registries[registry.address] = {"plain_http": True}
    world.commit({".imagebot.yaml": policy.encode(), "a.yaml": f"image: {registry.address}/{image}\n".encode()})
    (branch,) = world.run().actions()
    return world.read(branch)["a.yaml"].decode().strip().rpartition(":")[2]


def test_tags_of_a_commit_and_a_time_are_ordered_by_the_time(world: World, tmp_path: Path):
    hashes = [f"{(n * 2654435761) % 2**32:08x}" for n in range(300)]
    tags = [f"prod-{digest}-202608{n % 28 + 1:02}18{n // 28:02}38" for n, digest in enumerate(hashes)]
    newest = max(tags, key=lambda tag: tag.rpartition("-")[2])
    folder = tmp_path / "registry"
    _stock(folder, "shop/api", [*tags, "dev-ffffffff-20270101000000", "prod-main", "latest"])

    with DockerRegistry(folder) as registry:
        assert _run(world, registry, f"shop/api:{tags[0]}", _TIMED) == newest


def test_an_alpine_variant_of_an_image_with_9000_tags_stays_one(world: World, tmp_path: Path):
    suffixes = (
        "",
        "-alpine",
        "-alpine3.19",
        "-slim",
        "-bookworm",
        "-slim-bookworm",
        "-bullseye",
        "-windowsservercore",
        "-rc.1",
    )
    numbers = [f"{major}.{minor}.{patch}" for major in range(1, 21) for minor in range(10) for patch in range(5)]
    tags = [number + suffix for number in numbers for suffix in suffixes]
    assert len(tags) == 9000
    folder = tmp_path / "registry"
    _stock(folder, "library/node", [*tags, "21.0.0", "21.0.0-slim", "lts-alpine", "20-alpine"])
    policy = 'version: 1\nimages: [{image: "*", policy: {semver: ">=18 <22"}}]\n'

    with DockerRegistry(folder) as registry:
        assert _run(world, registry, "library/node:18.3.1-alpine", policy) == "20.9.4-alpine"
