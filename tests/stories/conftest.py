from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import structlog

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.log import LogFormat, LogLevel, configure_logging
from tests.servers.contract import Contract
from tests.servers.forges import load_contract
from tests.stories.story import Story, tell_story
from tests.stories.world import POLICY, SECRETS, World, make_pod, make_world

FORGES = ("gitlab",)
FORGETFUL = "gitlab, forgetful"


@pytest.fixture(scope="session")
def contracts() -> Mapping[str, Contract | None]:
    return {kind: load_contract(kind) for kind in FORGES}


@pytest.fixture
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    # What a forge refuses is asked for again without waiting.
    monkeypatch.setattr("imagebot.forge.once.WAITS_S", (0.0, 0.0, 0.0))
    configure_logging(LogLevel.INFO, LogFormat.JSON)
    yield
    structlog.reset_defaults()


@pytest.fixture
def world(tmp_path: Path, contracts: Mapping[str, Contract | None], _surroundings: None) -> Iterator[World]:
    with make_world(tmp_path, contracts["gitlab"]) as world:
        yield world


@pytest.fixture(params=[*FORGES, FORGETFUL])
def story(
    request: pytest.FixtureRequest, tmp_path: Path, contracts: Mapping[str, Contract | None], _surroundings: None
) -> Iterator[Story]:
    """A story on each forge that has merge requests, and one that forgets; at its end nothing is left to do."""
    kind, _, is_forgetful = request.param.partition(", ")
    with tell_story(tmp_path, kind, contracts[kind], is_forgetful=bool(is_forgetful)) as story:
        yield story


@pytest.fixture(params=[*FORGES, "git"])
def any_story(
    request: pytest.FixtureRequest, tmp_path: Path, contracts: Mapping[str, Contract | None], _surroundings: None
) -> Iterator[Story]:
    """A story on each forge, and on a git server that has no merge requests."""
    with tell_story(tmp_path, request.param, contracts.get(request.param)) as story:
        yield story


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
