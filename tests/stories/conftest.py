from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import structlog

from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.log import LogFormat, LogLevel, configure_logging
from tests.servers.contract import Contract
from tests.servers.forges import FORGES, load_contract
from tests.stories.story import Story, tell_story
from tests.stories.world import POLICY, SECRETS, World, make_pod, make_world

FORGETFUL = "forgejo, forgetful"
_ON_EACH = ("gitlab", "github", "gitea", FORGETFUL)


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


@pytest.fixture(params=_ON_EACH)
def story(
    request: pytest.FixtureRequest, tmp_path: Path, contracts: Mapping[str, Contract | None], _surroundings: None
) -> Iterator[Story]:
    """A story on each forge that has merge requests, on one of which it forgets; at its end nothing is left to do."""
    yield from _tell(request.param, tmp_path, contracts)


@pytest.fixture(params=[*_ON_EACH, "git"])
def any_story(
    request: pytest.FixtureRequest, tmp_path: Path, contracts: Mapping[str, Contract | None], _surroundings: None
) -> Iterator[Story]:
    """A story on each forge, and on a git server that has no merge requests."""
    yield from _tell(request.param, tmp_path, contracts)


def _tell(param: str, folder: Path, contracts: Mapping[str, Contract | None]) -> Iterator[Story]:
    kind, _, is_forgetful = param.partition(", ")
    with tell_story(folder, kind, contracts.get(kind), is_forgetful=bool(is_forgetful)) as story:
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
