"""What the tests of registries share: a client for one registry, whose pauses are noted and not made."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.demo.registry import LoopbackRegistry
from imagebot.registry.client import Registries
from imagebot.registry.credentials import Login
from imagebot.registry.host import RegistryHost
from imagebot.registry.logins import LoginSources
from imagebot.registry.pacing import Pacing

Connect = Callable[..., Registries]


class Clock:
    """A clock that a test moves, and that whoever waits by it moves: `waits` are the seconds of each."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def read(self) -> datetime:
        return START + timedelta(seconds=self.now - 1000.0)


START = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pauses(clock: Clock) -> list[float]:
    """The pauses that clients made with `connect` would have made."""
    return clock.waits


@pytest.fixture
def pacing(clock: Clock) -> Pacing:
    """What goes by the clock, and waits as long as it ever does."""
    return Pacing(monotonic=clock, wait=clock.wait, now=clock.read, random=lambda: 1.0)


@pytest.fixture
def connect(pacing: Pacing) -> Iterator[Connect]:
    """Make a client whose settings name one registry, over plain HTTP unless the fields say otherwise."""
    with ExitStack() as stack:

        def _connect(
            address: str,
            *,
            login: Login | None = None,
            timeout_s: float = 20.0,
            sources: LoginSources | None = None,
            **fields: Any,
        ) -> Registries:
            given = {"plain_http": "ca_file" not in fields, "logins": {"": login} if login else {}, **fields}
            host = RegistryHost(address, **given)
            return stack.enter_context(
                Registries(
                    {address: host},
                    logins=sources,
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


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """A function that puts a shell script on PATH as docker-credential-NAME; it finds the question in `$server`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(name: str, script: str) -> Path:
        file = folder / f"docker-credential-{name}"
        file.write_text(f"#!/bin/sh\nread -r server\n{script}\n")
        file.chmod(0o755)
        return file

    return write
