from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.log import LogFormat, LogLevel, configure_logging
from tests.servers.contract import Contract
from tests.servers.forges import load_contract
from tests.stories.world import POLICY, SECRETS, World, make_pod, make_world


@pytest.fixture(scope="session")
def contract() -> Contract | None:
    return load_contract("gitlab")


@pytest.fixture
def world(tmp_path: Path, contract: Contract | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    configure_logging(LogLevel.INFO, LogFormat.JSON)
    with make_world(tmp_path, contract) as world:
        yield world
    structlog.reset_defaults()


@pytest.fixture
def empty_registry(world: World) -> Iterator[LoopbackRegistry]:
    with LoopbackRegistry() as registry:
        world.registries[registry.address] = {"plain_http": True}
        yield registry


@pytest.fixture
def registry(world: World, empty_registry: LoopbackRegistry) -> LoopbackRegistry:
    """A registry with `acme/good`, which has a newer tag; the world's project names it, in a policy and a file."""
    for tag in ("1.0.0", "1.1.0"):
        push_image(empty_registry.address, "acme/good", tag)
    world.commit({".imagebot.yaml": POLICY, "good.yaml": make_pod(empty_registry, "acme/good")})
    return empty_registry
