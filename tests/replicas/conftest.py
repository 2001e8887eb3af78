"""Replicas of `imagebot run` as processes of their own, around one PostgreSQL, a registry and git repos."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from threading import Condition, Thread
from typing import Any, NamedTuple

import pytest
import requests

from imagebot.demo.image import IMAGE
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.servers.gitserver import create_repo, list_heads, read_branch, seed

POLICY = b'version: 1\nimages:\n  - {image: "*", policy: {semver: minor}}\n'
LIMIT_S = 60.0
SECRET = "of-the-webhook"


class Done(NamedTuple):
    """A round that a replica did."""

    what: str
    began_s: float
    ended_s: float
    result: str


class Replica:
    """A process of `imagebot run`, and what it logs, which is read in a thread."""

    def __init__(self, process: "subprocess.Popen[bytes]", changed: Condition) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._changed = changed
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            with self._changed:
                self.lines.append(json.loads(text))
                self._changed.notify_all()
        self.process.stderr.close()

    def wait_for(self, event: str, *, times: int = 1) -> dict[str, Any]:
        """Wait until it has logged the event so often, and return the last of these lines."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.find(event)) >= times, LIMIT_S)
        found = self.find(event)
        assert len(found) >= times, f"no {event} among {[line['event'] for line in self.lines]}"
        return found[times - 1]

    def find(self, event: str) -> list[dict[str, Any]]:
        return [line for line in list(self.lines) if line["event"] == event]

    @property
    def url(self) -> str:
        return str(self.wait_for("service_started")["url"])

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=30)

    def send_push(self, host: str, path: str, tag: str) -> requests.Response:
        """Send what a registry would when a tag is pushed to it."""
        target = {"mediaType": IMAGE, "digest": f"sha256:{64 * 'a'}", "repository": path, "tag": tag}
        event = {"action": "push", "target": target, "request": {"host": host}}
        return requests.post(
            f"{self.url}/webhooks/registry",
            data=json.dumps({"events": [event]}),
            headers={"Authorization": f"Bearer {SECRET}"},
            timeout=30,
        )

    def list_done(self) -> list[Done]:
        """List the rounds that it has done."""
        found = []
        for line in self.find("round_ended"):
            ended_s = datetime.fromisoformat(line["timestamp"]).timestamp()
            what = re.sub(r", (watched|is_full|may_await)=.*", "", line["due"])
            found.append(Done(what, ended_s - line["duration_s"], ended_s, line["result"]))
        return found

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)


@dataclass
class Site:
    """What replicas work on: `settings` are those of the next one that starts, targets come by `add_target`."""

    folder: Path
    database: str
    registry: LoopbackRegistry
    settings: dict[str, Any]
    stack: ExitStack
    bares: dict[str, Path] = field(default_factory=dict)
    replicas: list[Replica] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)

    def add_target(self, name: str, *paths: str) -> None:
        """Add a target with one file for each image, which has something newer."""
        bare = self.bares[name] = create_repo(self.folder / f"{name}.git")
        files = {f"{path.replace('/', '-')}.yaml": f"image: {self.registry.address}/{path}:1.0.0\n" for path in paths}
        seed(bare, {".imagebot.yaml": POLICY, **{path: text.encode() for path, text in files.items()}})
        for path in paths:
            for tag in ("1.0.0", "1.1.0"):
                push_image(self.registry.address, path, tag)
        self.settings["targets"].append({"name": name, "url": f"file://{bare}"})

    def push(self, path: str, tag: str) -> None:
        push_image(self.registry.address, path, tag)

    def read_proposal(self, name: str, path: str) -> str:
        """Return the tag that stands on imagebot's branch."""
        branch = f"imagebot/{self.registry.address.replace(':', '_')}-{path.replace('/', '-')}"
        return read_branch(self.bares[name], branch)[f"{path.replace('/', '-')}.yaml"].decode().strip().split(":")[-1]

    def count_proposals(self, name: str) -> int:
        return len(list_heads(self.bares[name])) - 1

    def start(self, **others: Any) -> Replica:
        """Start a replica, with a data directory of its own, as on a machine of its own."""
        number = len(self.replicas)
        path = self.folder / f"settings-{number}.yaml"
        path.write_text(json.dumps({**self.settings, "data_dir": str(self.folder / f"data-{number}"), **others}))
        command = [sys.executable, "-W", "error", "-m", "imagebot", "run", "--log-level", "debug"]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "IMAGEBOT_SETTINGS": str(path),
            "HOOK": SECRET,
            "STORE": self.database,
        }
        process = subprocess.Popen(command, env=environment, cwd=self.folder, stderr=subprocess.PIPE)
        self.stack.enter_context(_killed(process))
        self.replicas.append(Replica(process, self.changed))
        return self.replicas[-1]

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; looked at whenever a replica logs a line."""
        with self.changed:
            assert self.changed.wait_for(holds, LIMIT_S), [replica.lines[-20:] for replica in self.replicas]

    def count(self, event: str) -> int:
        return sum(len(replica.find(event)) for replica in self.replicas)

    def find_leader(self) -> Replica:
        """Find the replica that has the clock, the first time that any has."""
        self.wait_until(lambda: self.count("clock_taken") > 0)
        return next(replica for replica in self.replicas if replica.find("clock_taken"))

    def list_done(self) -> list[Done]:
        return [done for replica in self.replicas for done in replica.list_done()]


@contextmanager
def _killed(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure_s(since: datetime, line: Mapping[str, Any]) -> float:
    """Measure how much later it was when the line was logged."""
    return (datetime.fromisoformat(line["timestamp"]) - since).total_seconds()


def list_overlaps(done: list[Done]) -> list[tuple[Done, Done]]:
    """List the rounds of one target or repository that began before another of it had ended."""
    ordered = sorted(done)
    return [
        (one, other)
        for one, other in pairwise(ordered)
        if one.what == other.what and other.began_s < one.ended_s - 0.002
    ]


@pytest.fixture
def site(tmp_path: Path, database: str) -> Iterator[Site]:
    with ExitStack() as stack:
        registry = stack.enter_context(LoopbackRegistry())
        settings = {
            "store": {"env": "STORE"},
            "registries": {registry.address: {"plain_http": True}},
            "targets": [],
            "interval": "30s",
            "web": {"listen": "127.0.0.1:0"},
            "webhooks": {"registry": {"kind": "distribution", "secret": {"env": "HOOK"}}},
        }
        yield Site(tmp_path, database, registry, settings, stack)
