"""Platforms: which changes of an image count, and that none is lost unseen."""

from collections.abc import Mapping

import pytest

from imagebot.demo.image import TinyImage, make_image, make_index
from imagebot.demo.loopback import Reply
from imagebot.demo.push import push
from imagebot.demo.registry import LoopbackRegistry
from imagebot.registry.pacing import Pacing
from tests.registry.conftest import Clock
from tests.stories.world import World, branch_of, make_policy

AMD64, ARM64 = "linux/amd64", "linux/arm64"
MINOR = make_policy("policy: {semver: minor}")
PINNED = make_policy("policy: {semver: minor}, pin_digest: true")
PINNED_AMD64 = make_policy("policy: {semver: minor}, pin_digest: true, platforms: [linux/amd64]")


class Shelf:
    """One repository, `acme/good`, and a file of the world's project that names it."""

    def __init__(self, world: World, registry: LoopbackRegistry) -> None:
        self.world, self.registry = world, registry
        self.name, self.branch = f"{registry.address}/acme/good", branch_of(registry, "acme/good")

    def push(self, tag: str, image: TinyImage) -> str:
        return push(self.registry.address, "acme/good", tag, image=image)

    def write(self, identifier: str, policy: bytes) -> None:
        self.world.commit({".imagebot.yaml": policy, "good.yaml": f"image: {self.name}{identifier}\n".encode()})

    def read(self) -> str:
        """Return what is proposed to stand behind the name."""
        text = self.world.read(self.branch)["good.yaml"].decode()
        return text.removeprefix(f"image: {self.name}").removesuffix("\n")


@pytest.fixture
def shelf(world: World, empty_registry: LoopbackRegistry) -> Shelf:
    return Shelf(world, empty_registry)


def _index(**builds: str) -> TinyImage:
    """Make an index of images for Linux, each of which another build changes."""
    return make_index({f"linux/{architecture}": {"build": build} for architecture, build in builds.items()})


def _image(build: str, platform: str = AMD64) -> TinyImage:
    return make_image({"build": build}, platform=platform)


def test_a_digest_of_which_only_other_platforms_changed_is_not_proposed(world: World, shelf: Shelf):
    digest = shelf.push("1.0.0", _index(amd64="1", arm64="1"))
    shelf.write(f":1.0.0@{digest}", PINNED_AMD64)
    shelf.push("1.0.0", _index(amd64="1", arm64="2"))

    ran = world.run()

    assert (ran.exit_code, ran.actions()) == (0, {})
    reason = "of its new digest only platforms changed that the entry does not name"
    assert ran["held"] == [f"good.yaml:1: {shelf.name}:1.0.0@{digest}: {reason}"]


@pytest.mark.parametrize(
    ("policy", "after"),
    [
        pytest.param(PINNED, {"amd64": "1", "arm64": "2"}, id="any change counts by default"),
        pytest.param(PINNED_AMD64, {"amd64": "2", "arm64": "1"}, id="a named platform changed"),
        pytest.param(PINNED, {"amd64": "1", "arm64": "1", "s390x": "1"}, id="a platform more"),
    ],
)
def test_a_digest_of_which_something_changed_that_counts_is_proposed(
    world: World, shelf: Shelf, policy: bytes, after: Mapping[str, str]
):
    digest = shelf.push("1.0.0", _index(amd64="1", arm64="1"))
    shelf.write(f":1.0.0@{digest}", policy)
    new = shelf.push("1.0.0", _index(**after))

    ran = world.run()

    assert ran.actions() == {shelf.branch: "opened"}
    assert shelf.read() == f":1.0.0@{new}"


def test_a_digest_without_a_platform_that_the_written_one_has_is_not_proposed(world: World, shelf: Shelf):
    digest = shelf.push("1.0.0", _index(amd64="1", arm64="1"))
    shelf.write(f":1.0.0@{digest}", PINNED)
    shelf.push("1.0.0", _image("2"))

    ran = world.run()

    assert ran.actions() == {}
    reason = "its new digest has no linux/arm64, which the digest now written has"
    assert ran["held"] == [f"good.yaml:1: {shelf.name}:1.0.0@{digest}: {reason}"]


@pytest.fixture
def lossy(shelf: Shelf) -> Shelf:
    """A shelf whose newest tag has lost the image for arm64 that all others have."""
    for tag in ("1.0.0", "1.1.0"):
        shelf.push(tag, _index(amd64=tag, arm64=tag))
    shelf.push("1.2.0", _index(amd64="1.2.0"))
    return shelf


def test_a_candidate_that_lacks_a_platform_gives_way_to_the_next_best_and_that_is_said(world: World, lossy: Shelf):
    lossy.write(":1.0.0", MINOR)

    ran = world.run()

    assert ran.actions() == {lossy.branch: "opened"}
    assert lossy.read() == ":1.1.0"
    assert "1 without a platform of the current image" in world.only_request().body
    assert "Passed over for their images: `1.2.0 has no linux/arm64`." in world.only_request().body
    assert ran["unfit"] == [f"{lossy.name}: 1.2.0 has no linux/arm64"]


def test_a_candidate_may_lack_a_platform_that_the_entry_does_not_name(world: World, lossy: Shelf):
    lossy.write(":1.0.0", make_policy("policy: {semver: minor}, platforms: [linux/amd64]"))

    world.run()

    assert lossy.read() == ":1.2.0"


def test_a_candidate_that_gets_its_platform_later_is_proposed_then(world: World, lossy: Shelf):
    lossy.write(":1.0.0", PINNED)
    world.run()
    digest = lossy.push("1.2.0", _index(amd64="1.2.0", arm64="1.2.0"))

    ran = world.run()

    assert ran.actions() == {lossy.branch: "moved"}
    assert lossy.read() == f":1.2.0@{digest}"


def test_where_all_that_is_newer_lacks_a_platform_nothing_is_proposed_and_that_is_said(world: World, lossy: Shelf):
    lossy.write(":1.1.0", MINOR)

    ran = world.run()

    assert (ran.exit_code, ran.actions()) == (0, {})
    assert ran["unfit"] == [f"{lossy.name}: 1.2.0 has no linux/arm64"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(_image("1"), _index(amd64="2", arm64="2"), {"opened"}, id="from one image to an index with it"),
        pytest.param(_image("1"), _index(arm64="2"), set(), id="from one image to an index without it"),
        pytest.param(_index(amd64="1"), _image("2"), {"opened"}, id="from an index of one to that one"),
        pytest.param(_index(amd64="1", arm64="1"), _image("2"), set(), id="from an index of two to one of them"),
        pytest.param(_image("1"), _image("2", ARM64), set(), id="from one image to one for another platform"),
    ],
)
def test_an_image_and_an_index_are_compared_by_what_they_are_for(
    world: World, shelf: Shelf, before: TinyImage, after: TinyImage, expected: set[str]
):
    shelf.push("1.0.0", before)
    shelf.push("1.1.0", after)
    shelf.write(":1.0.0", MINOR)

    ran = world.run()

    assert set(ran.actions().values()) == expected


def test_a_written_digest_that_is_gone_guards_nothing(world: World, lossy: Shelf):
    lossy.write(f":1.0.0@sha256:{64 * 'a'}", MINOR)

    ran = world.run()

    assert ran.actions() == {lossy.branch: "opened"}
    assert lossy.read().startswith(":1.2.0@")


def test_a_written_tag_whose_manifest_is_gone_guards_nothing(world: World, lossy: Shelf):
    lossy.write(":1.0.0", MINOR)
    lossy.registry.fault = lambda _method, target: Reply(404) if target.endswith("/manifests/1.0.0") else None

    ran = world.run()

    assert ran.actions() == {lossy.branch: "opened"}
    assert lossy.read() == ":1.2.0"


def test_a_candidate_whose_manifest_is_gone_gives_way_to_the_next_best(world: World, lossy: Shelf):
    lossy.write(":1.0.0", MINOR)
    lossy.registry.fault = lambda _method, target: Reply(404) if target.endswith("/manifests/1.2.0") else None

    ran = world.run()

    assert ran.actions() == {lossy.branch: "opened"}
    assert lossy.read() == ":1.1.0"
    assert ran["unfit"] == [f"{lossy.name}: 1.2.0 is listed without an image that can be read"]


@pytest.mark.parametrize("status", [403, 500, 429])
def test_an_image_that_cannot_be_looked_at_stays_and_is_looked_at_again(world: World, lossy: Shelf, status: int):
    clock = Clock()
    world.pacing = Pacing(wait=clock.wait, now=clock.read)
    lossy.write(":1.0.0", MINOR)
    world.run()
    lossy.push("1.3.0", _index(amd64="1.3.0", arm64="1.3.0"))
    writes = world.count_writes()
    lossy.registry.fault = lambda _method, target: Reply(status) if target.endswith("/manifests/1.3.0") else None

    failed = world.run()
    writes_after = world.count_writes()
    lossy.registry.fault = None
    clock.now += 3600  # longer than a registry is left alone that does not say for how long
    again = world.run()

    assert (failed.exit_code, failed.actions(), len(failed["unlisted"])) == (1, {}, 1)
    assert writes_after == writes
    assert again.actions() == {lossy.branch: "moved"}
    assert lossy.read() == ":1.3.0"


def test_what_an_image_is_for_is_asked_once_and_what_tags_point_to_each_time(world: World, lossy: Shelf):
    lossy.write(":1.0.0", MINOR)
    world.run()
    lossy.registry.requests.clear()

    world.run()

    asked = [(each.method, each.target.removeprefix("/v2/acme/good/")) for each in lossy.registry.requests]
    heads = [("HEAD", f"manifests/{tag}") for tag in ("1.0.0", "1.1.0", "1.2.0")]
    assert sorted(asked) == [("GET", "tags/list?n=1000"), *heads]
