"""A worker in a time that only tests move: a config repository and a registry on loopback, and threads of its own."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from imagebot.agenda.values import Finished, Now
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from imagebot.log import LogFormat, LogLevel, configure_logging
from imagebot.registry.pacing import Pacing
from imagebot.settings.operator import load_settings
from imagebot.store.store import Store
from imagebot.worker.worker import Worker
from tests.servers.gitserver import GitServer, list_heads, read_branch, seed

POLICY = b'version: 1\nimages:\n  - {image: "*", policy: {semver: minor}}\n'
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
_LIMIT_S = 60.0


@dataclass
class Scene:
    """One target, `fleet`, that uses the image `acme/api`; the worker is made by `start`, from settings as they are."""

    folder: Path
    git: GitServer
    bare: Path
    registry: LoopbackRegistry
    stack: ExitStack
    settings: dict[str, Any] = field(default_factory=dict)
    now: Now = field(default_factory=lambda: Now(NOW, 1000.0))
    finished: list[Finished] = field(default_factory=list)

    def start(self) -> Worker:
        """Make the worker and let it do what is due at its start."""
        settings = load_settings(self.write_settings(), {"PASSWORD": "s3cret"})
        store = self.stack.enter_context(Store.open(self.folder / "data" / "store.sqlite"))
        pacing = Pacing(monotonic=lambda: self.now.steady_s, wait=lambda _: None, now=lambda: self.now.wall)
        self.worker = self.stack.enter_context(
            Worker(settings, store, clock=lambda: self.now, observe=self.finished.append, pacing=pacing)
        )
        self.store = store
        self.beat()
        return self.worker

    def write_settings(self) -> Path:
        path = self.folder / "imagebot.yaml"
        path.write_text(json.dumps(self.settings))
        return path

    def beat(self, seconds: float = 0.0) -> None:
        """Let so much time pass, then all that is due be done."""
        self.now = Now(self.now.wall + timedelta(seconds=seconds), self.now.steady_s + seconds)
        self.worker.beat()
        assert self.worker.wait(_LIMIT_S)

    def live(self, seconds: int, *, beat_s: int = 5) -> None:
        for _ in range(seconds // beat_s):
            self.beat(beat_s)

    def push_tag(self, tag: str, *, path: str = "acme/api", labels: dict[str, str] | None = None) -> str:
        return push_image(self.registry.address, path, tag, labels=labels)

    def write_image(self, tag: str, *, path: str = "acme/api", policy: bytes = POLICY) -> None:
        image = f"image: {self.registry.address}/{path}:{tag}\n".encode()
        seed(self.bare, {".imagebot.yaml": policy, "api.yaml": image})

    def read_proposal(self, path: str = "acme/api") -> str | None:
        """Return what stands in the file on imagebot's branch; None if there is no such branch."""
        branch = f"imagebot/{self.registry.address.replace(':', '_')}-{path.replace('/', '-')}"
        if branch not in list_heads(self.bare):
            return None
        return read_branch(self.bare, branch)["api.yaml"].decode().split("/", 1)[1].strip()

    def count_asked(self, part: str) -> int:
        return sum(part in each.target for each in self.registry.requests)

    def count_git(self) -> int:
        return len(self.git.requests)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    configure_logging(LogLevel.INFO, LogFormat.JSON)
    with ExitStack() as stack:
        git = stack.enter_context(GitServer(tmp_path / "repos", users={"bot": "s3cret"}))
        registry = stack.enter_context(LoopbackRegistry())
        scene = Scene(tmp_path, git, git.create("acme/fleet"), registry, stack)
        login = {"username": "bot", "password": {"env": "PASSWORD"}}
        target = {"name": "fleet", "url": git.url("acme/fleet"), "plain_http": True, **login}
        scene.settings = {
            "data_dir": str(tmp_path / "data"),
            "docker_config": None,
            "registries": {registry.address: {"plain_http": True}},
            "targets": [target],
        }
        for tag in ("1.0.0", "1.1.0"):
            scene.push_tag(tag)
        scene.write_image("1.0.0")
        yield scene
    structlog.reset_defaults()
