"""One run: everything is new, then nothing is but a few tags; and what both took."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import requests

from tests.bench.scale.database import Database, Work
from tests.bench.scale.meter import Usage, list_family, read_memory_bytes, read_usage
from tests.bench.scale.world import Size, make_settings, write_repos, write_settings

_POLL_S = 0.5
_LIMIT_S = 1800.0
_STORE = "BENCH_STORE"
_UPDATED = re.compile(r'^imagebot_rounds_total\{kind="update",result="updated"\} (\S+)$', re.MULTILINE)
_FAILED = re.compile(r'^imagebot_rounds_total\{kind="\w+",result="failed"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Phase:
    """What a stretch of time took; `others` is what ran beside imagebot, by name."""

    wall_s: float
    usage: Usage
    requests: Mapping[str, int]
    others: Mapping[str, float]
    database: Work | None

    @property
    def cpu_s(self) -> float:
        """Return all that imagebot took, with the git programs that it ran."""
        return self.usage.cpu_s + self.usage.children_s


@dataclass(frozen=True, slots=True)
class Report:
    """What a run took. `gaps_s` are the times that repositories waited from one look to the next, in order, by kind."""

    size: Size
    start: Phase
    steady: Phase
    gaps_s: Mapping[str, Sequence[float]]
    memory_bytes: Sequence[int]
    store_bytes: int
    updates: int
    failures: int

    @property
    def has_kept_up(self) -> bool:
        """Tell whether each was looked at within its interval: a second may pass until that is noticed and done."""
        return all(gaps and gaps[-1] <= self.size.interval_s + 1 for gaps in self.gaps_s.values())


class _World:
    """All processes of a run."""

    def __init__(self, size: Size, folder: Path, *, database: Database | None, stack: ExitStack) -> None:
        self._folder = folder
        self._database = database
        (folder / "git").mkdir()
        command = [sys.executable, "-m", "tests.bench.scale.servers", str(folder / "git"), str(size.tags)]
        servers = stack.enter_context(_run(command, stdout=subprocess.PIPE))
        assert servers.stdout is not None
        self._address = f"127.0.0.1:{int(servers.stdout.readline())}"
        self._others = {"servers": servers.pid}
        if database is not None:
            self._others["PostgreSQL"] = database.pid
        write_repos(folder / "git", size, registry=self._address)
        self._workers = [stack.enter_context(self._start(size, number)) for number in range(size.replicas)]
        self._urls = [_read_url(self._find_log(number)) for number in range(size.replicas)]

    @contextmanager
    def _start(self, size: Size, number: int) -> Iterator["subprocess.Popen[bytes]"]:
        data_dir = self._folder / f"data-{number}"
        store, url = (None, "") if self._database is None else (_STORE, self._database.url)
        settings = make_settings(size, address=self._address, data_dir=data_dir, store=store)
        file = write_settings(self._folder / f"settings-{number}.json", settings)
        command = [sys.executable, "-m", "imagebot", "run", "--settings", str(file)]
        with (
            self._find_log(number).open("wb") as log,
            _run(command, stderr=log, env={**_make_environment(), _STORE: url}) as process,
        ):
            yield process

    def _find_log(self, number: int) -> Path:
        return self._folder / f"log-{number}"

    def ask(self, method: str, path: str) -> bytes:
        return requests.request(method, f"http://{self._address}{path}", timeout=60).content

    def count(self, pattern: re.Pattern[str]) -> int:
        """Count rounds, by the metrics of all workers."""
        pages = [requests.get(f"{url}/metrics", timeout=60).text for url in self._urls]
        return sum(int(float(value)) for page in pages for value in pattern.findall(page))

    def read_memory(self) -> Sequence[int]:
        return [read_memory_bytes(worker.pid) for worker in self._workers]

    def read_usage(self) -> Usage:
        return sum((read_usage(worker.pid) for worker in self._workers), Usage())

    def read_others(self) -> Mapping[str, float]:
        return {name: _read_family_s(pid) for name, pid in self._others.items()}

    def measure_store(self) -> int:
        if self._database is not None:
            return self._database.measure_bytes()
        return sum(file.stat().st_size for file in self._folder.glob("data-*/store.sqlite*"))

    def measure(self, step: Callable[[], None]) -> Phase:
        """Do a step, and tell what was taken meanwhile; requests are counted from when they were last forgotten."""
        work = self.read_work()
        before, others, began = self.read_usage(), self.read_others(), time.monotonic()
        step()
        after, wall_s = self.read_usage(), time.monotonic() - began
        taken = {name: cpu_s - others[name] for name, cpu_s in self.read_others().items()}
        done = self.read_work()
        worked = None if done is None or work is None else done - work
        return Phase(wall_s, after - before, json.loads(self.ask("GET", "/seen"))["counts"], taken, worked)

    def read_work(self) -> Work | None:
        return self._database.read_work() if self._database is not None else None


def run(size: Size, *, settled_s: float, measured_s: float, database: Database | None = None) -> Report:
    """Let imagebot begin with everything, and measure that; let it settle, and then measure for so many seconds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imagebot-scale-")))
        world = _World(size, folder, database=database, stack=stack)
        start = world.measure(lambda: _wait_for_start(world, size))
        # What was done at once at the start is in its slot from the next interval on.
        _live(world, size, seconds=settled_s)
        updates, failures = world.count(_UPDATED), world.count(_FAILED)
        world.ask("POST", "/forget")
        began = time.monotonic()
        steady = world.measure(lambda: _live(world, size, seconds=measured_s))
        seen = json.loads(world.ask("GET", "/seen"))["seen"]
        return Report(
            size,
            start,
            steady,
            {kind: _list_gaps(seen, kind, since=began, size=size) for kind in ("registry", "git")},
            world.read_memory(),
            world.measure_store(),
            world.count(_UPDATED) - updates,
            world.count(_FAILED) - failures,
        )


def _wait_for_start(world: _World, size: Size) -> None:
    ends_at = time.monotonic() + _LIMIT_S
    while world.count(_UPDATED) < size.targets:
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not all targets were updated within {_LIMIT_S:g} s")
        time.sleep(_POLL_S)


def _live(world: _World, size: Size, *, seconds: float) -> None:
    """Let some time pass, while new tags come evenly."""
    paths = [path for target in range(size.targets) for path in size.list_paths(target)]
    began = time.monotonic()
    pushes = math.ceil(len(paths) * size.new_percent * seconds / size.interval_s / 100)
    for number in range(pushes):
        # Far from each other, and each time others.
        world.ask("POST", f"/push/{paths[number * 7919 % len(paths)]}")
        time.sleep(max(0.0, began + (number + 1) * seconds / pushes - time.monotonic()))
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def _list_gaps(seen: Mapping[str, Sequence[float]], kind: str, *, since: float, size: Size) -> Sequence[float]:
    """List how long each waited from look to look, if it waited since then; and who still waits for too long."""
    now = time.monotonic()
    gaps = []
    for name, instants in seen.items():
        if name.startswith(f"{kind} "):
            gaps += [after - before for before, after in pairwise(instants) if after >= since]
            gaps += [now - instants[-1]] if now - instants[-1] > size.interval_s else []
    return sorted(gaps)


@contextmanager
def _run(
    command: Sequence[str], *, stdout: int | None = None, stderr: object = None, env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the end of the block."""
    environment = _make_environment() if env is None else env
    with subprocess.Popen(command, stdout=stdout, stderr=stderr, env=environment) as process:  # type: ignore[call-overload]  # a file or None
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _make_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": os.pathsep.join(sys.path)}


def _read_url(log: Path) -> str:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        for line in log.read_text().splitlines():
            if '"service_started"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.1)
    raise TimeoutError(f"it did not start: {log.read_text()}")


def _read_family_s(pid: int) -> float:
    usages = [read_usage(each) for each in list_family(pid)]
    return sum(usage.cpu_s + usage.children_s for usage in usages)
