"""A mirror is asked in place of a registry; what is written are the registry's names, and nothing moves backwards."""

from collections.abc import Iterator

import pytest

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.stories.world import World, branch_of, make_pod, make_policy


@pytest.fixture
def mirror(world: World, registry: LoopbackRegistry) -> Iterator[LoopbackRegistry]:
    """A mirror that has what the registry of the world has; that registry itself is asked only if the mirror fails."""
    with LoopbackRegistry() as mirror:
        for tag in ("1.0.0", "1.1.0"):
            push_image(mirror.address, "hub/acme/good", tag)
        world.registries[registry.address] = {"plain_http": True, "mirrors": [f"{mirror.address}/hub"]}
        world.registries[mirror.address] = {"plain_http": True}
        registry.requests.clear()
        mirror.requests.clear()
        yield mirror


def test_what_a_mirror_says_is_proposed_in_the_names_of_the_registry(
    world: World, registry: LoopbackRegistry, mirror: LoopbackRegistry
):
    ran = world.run()

    branch = branch_of(registry, "acme/good")
    assert ran.actions() == {branch: "opened"}
    assert world.read(branch)["good.yaml"] == make_pod(registry, "acme/good", "1.1.0")
    assert registry.requests == []
    assert mirror.address not in world.only_request().body


def test_a_mirror_that_lags_moves_nothing_backwards(world: World, registry: LoopbackRegistry, mirror: LoopbackRegistry):
    for tag in ("1.2.0", "1.3.0"):
        push_image(registry.address, "acme/good", tag)
    world.commit({"good.yaml": make_pod(registry, "acme/good", "1.2.0")})
    registry.requests.clear()

    ran = world.run()

    assert (ran.actions(), world.gitlab.project.merge_requests) == ({}, {})
    assert registry.requests == []


def test_a_mirror_that_is_down_is_as_if_there_were_none(
    world: World, registry: LoopbackRegistry, mirror: LoopbackRegistry
):
    mirror.__exit__()

    ran = world.run()

    assert ran.actions() == {branch_of(registry, "acme/good"): "opened"}
    assert ran["unlisted"] == {}


def test_where_only_a_mirror_may_be_asked_its_silence_is_said(
    world: World, registry: LoopbackRegistry, mirror: LoopbackRegistry
):
    world.registries[registry.address] = {
        "plain_http": True, "mirrors": [f"{mirror.address}/hub"], "mirrors_only": True
    }  # fmt: skip
    mirror.__exit__()

    ran = world.run()

    assert (ran.exit_code, ran.actions()) == (1, {})
    assert f"{mirror.address} is unavailable" in ran["unlisted"][f"{registry.address}/acme/good"]
    assert registry.requests == []


def test_digests_of_a_mirror_are_those_of_the_content(
    world: World, registry: LoopbackRegistry, mirror: LoopbackRegistry
):
    world.commit({".imagebot.yaml": make_policy("policy: {semver: minor}, pin_digest: true")})

    ran = world.run()

    branch = branch_of(registry, "acme/good")
    assert ran.actions() == {branch: "opened"}
    assert b"good:1.1.0@sha256:" in world.read(branch)["good.yaml"]
    assert registry.requests == []
