"""What the tests of registries share: a client for one registry, whose pauses are noted and not made."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from imagebot.demo.registry import LoopbackRegistry
from imagebot.registry.client import Registries
from imagebot.registry.host import RegistryHost
from imagebot.registry.transport import Pacing

Connect = Callable[..., Registries]


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that clients made with `connect` would have made."""
    return []


@pytest.fixture
def connect(clock: Clock, pauses: list[float]) -> Iterator[Connect]:
    """Make a client whose settings name one registry, over plain HTTP unless the fields say otherwise."""
    with ExitStack() as stack:

        def _connect(
            address: str, *, docker_config: Path | None = None, timeout_s: float = 20.0, **fields: Any
        ) -> Registries:
            host = RegistryHost(address, **{"plain_http": "ca_file" not in fields, **fields})
            pacing = Pacing(monotonic=clock, wait=pauses.append)
            return stack.enter_context(
                Registries(
                    {address: host},
                    docker_config=docker_config,
                    timeout_s=timeout_s,
                    user_agent="imagebot/test",
                    pacing=pacing,
                )
            )

        yield _connect


@pytest.fixture
def registry() -> Iterator[LoopbackRegistry]:
    """An open registry."""
    with LoopbackRegistry() as registry:
        yield registry
