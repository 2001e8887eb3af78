"""`imagebot run` is killed again and again, anywhere in its work, while people go on with theirs.

Whatever the instant: the next one finishes what was begun. What must hold then is what `tests/stories/month.py` says of
every day: one open merge request for a branch, exact to the byte, nothing that was refused, no commit of a person lost.
"""

import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.crash.replica import Replica, list_leavings, no_git_at_work
from tests.servers.contract import Contract
from tests.stories.month import EVENTS, Month
from tests.stories.story import Story, tell_story

_INTERVAL_S = 10.0
_LIMIT_S = 60.0


class Instant:
    """When to kill: some time after the start, or when the n-th request arrives that changes something."""

    def __init__(self, story: Story, dice: random.Random) -> None:
        self.delay_s = dice.uniform(0.0, 1.5)
        self.nth = dice.choice([None, 1, 1, 2, 3, 4])
        self.words = f"{self.delay_s:.3f} s after its start"
        if self.nth is not None:
            self.delay_s = dice.choice([0.0, dice.uniform(0.0, 0.03)])
            self.words = f"{self.delay_s * 1000:.0f} ms after the {self.nth}th request that changes something"
        self._story, self._arrived, self._count = story, threading.Event(), 0

    def wait(self) -> None:
        """Wait for it; if nothing is changed for some time, it is then."""
        if self.nth is not None:
            git, forge = self._story.world.git, self._story.forge
            git.fault = lambda request: self._hear(None, is_change=request.is_push)
            forge.fault = lambda request: self._hear(None, is_change=request.method != "GET")
            self._arrived.wait(2.0)
        threading.Event().wait(self.delay_s)
        self._story.forgive()

    def _hear(self, answer: None, *, is_change: bool) -> None:
        self._count += is_change
        if self._count == self.nth:
            self._arrived.set()
        return answer


@dataclass
class Lives:
    """A month that goes on while what `imagebot run` does is cut short; with a database there are two replicas."""

    month: Month
    dice: random.Random
    database: str | None = None
    replicas: list[Replica] = field(default_factory=list)

    @property
    def story(self) -> Story:
        return self.month.story

    @property
    def data_dirs(self) -> list[Path]:
        folder = self.story.world.folder
        return [folder / "data"] if self.database is None else [folder / "data", folder / "data-2"]

    def start(self) -> None:
        """Start those that do not run; each has mirrors of its own."""
        self.story.world.now = datetime.now(UTC)
        settings = json.loads(self.story.world.write_settings().read_text())
        running = {replica.name: replica for replica in self.replicas if replica.process.poll() is None}
        self.replicas = []
        for data_dir in self.data_dirs:
            file = data_dir.with_suffix(".yaml")
            file.write_text(json.dumps({**settings, "data_dir": str(data_dir)}))
            self.replicas.append(running.get(file.stem) or Replica(file))
        for replica in self.replicas:
            replica.wait_for("service_started")

    def let_people_act(self) -> None:
        """Let a few things happen, at one instant for whoever runs."""
        with ExitStack() as stack:
            for replica in self.replicas:
                if replica.process.poll() is None:
                    stack.enter_context(replica.paused())
            if self.month.is_broken and self.dice.random() < 0.6:
                self.month.change_the_policy()
            for _ in range(self.dice.randrange(1, 6)):
                self.dice.choice(EVENTS)(self.month)
            self.month.check_people()

    def kill(self) -> None:
        """Kill one, or of two now and then both, at some instant."""
        instant = Instant(self.story, self.dice)
        instant.wait()
        some = self.replicas if self.dice.random() < 0.3 else [self.dice.choice(self.replicas)]
        for replica in some:
            replica.kill(is_alone=self.dice.random() < 0.5)
            events = [each["event"] for each in replica.events]
            self.month.note(f"killed {replica.name} {instant.words}, after {events}")
        if len(some) == len(self.replicas):
            with ExitStack() as stack:
                for data_dir in self.data_dirs:
                    stack.enter_context(no_git_at_work(data_dir))

    def come_to_an_end(self) -> None:
        """Let all live until nothing is left to do, and look at what must hold."""
        for replica in self.replicas:
            replica.kill(is_alone=True)
        self.start()
        wait_for_any(self.replicas, "target_updated", "target_failed")
        due: dict[str, Any] = {"phase": "running"}
        while due["phase"] != "waiting":  # the round ends just after it says so
            (target,) = self.replicas[0].get("/api/v1/targets")["items"]
            due = target["due"] or due
        assert due["due_in_s"] <= _INTERVAL_S, self.month.tell(f"it is due at {due}")
        if self.database is not None:
            ends_s = time.monotonic() + _LIMIT_S
            while held := list_held_jobs(self.database):
                assert time.monotonic() < ends_s, self.month.tell(f"nobody takes over {held}")
        for replica in self.replicas:
            replica.process.terminate()
            assert replica.process.wait(_LIMIT_S) == 0, self.month.tell(f"it did not end well: {replica.events[-5:]}")
        self.month.check_people()
        if not self.month.is_broken:
            self.month.check_proposals()
        left = [each for data_dir in self.data_dirs for each in list_leavings(data_dir)]
        assert not left, self.month.tell(f"left behind: {left}")
        if self.database is not None:
            assert not list_locks(self.database)
        # What was closed made room, perhaps, for what waited.
        self.story.run()
        before = self.story.world.count_writes()
        again = self.story.run()
        assert self.story.world.count_writes() == before, self.month.tell(f"one more round did {again.actions()}")


def wait_for_any(replicas: Sequence[Replica], *events: str) -> None:
    """Wait until one of them has logged one of the events."""
    with ThreadPoolExecutor(len(replicas)) as pool:
        found = [pool.submit(replica.wait_for, *events) for replica in replicas]
        next(as_completed(found)).result()
        for replica in replicas:
            replica.look_no_more()


def list_held_jobs(database: str) -> list[object]:
    """List the jobs that are taken: each holds the lock of its target or repository."""
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'imagebot_jobs_%'").fetchone()
        assert found is not None
        query = sql.SQL("SELECT id, lock FROM {}.procrastinate_jobs WHERE status = 'doing'")
        return [*connection.execute(query.format(sql.Identifier(found[0]))).fetchall()]


def list_locks(database: str) -> list[object]:
    """List the locks of sessions, as that of who has the clock."""
    with psycopg.connect(database) as connection:
        return [*connection.execute("SELECT pid, objid FROM pg_locks WHERE locktype = 'advisory'").fetchall()]


def live_and_die(story: Story, *, seed: int, kills: int, in_a_row: int, database: str | None = None) -> None:
    """Kill so many times, and after up to `in_a_row` of them see that all comes to its end."""
    dice = random.Random(seed)
    month = Month(story, dice)
    month.note(f"seed {seed} on {story.kind}")
    month.begin()
    story.world.settings |= {"web": {"listen": "127.0.0.1:0"}, "interval": "10s", "recheck": "10s"}
    if database is not None:
        story.world.settings |= {"store": {"env": "STORE_URL"}}
    lives = Lives(month, dice, database)
    try:
        while kills > 0:
            for _ in range(min(kills, dice.randrange(1, in_a_row + 1))):
                kills -= 1
                lives.let_people_act()
                lives.start()
                lives.kill()
            lives.come_to_an_end()
    finally:
        for replica in lives.replicas:
            replica.kill(is_alone=False)


def tell(folder: Path, kind: str, contract: Contract | None, *, seed: int, kills: int) -> None:
    with tell_story(folder, kind, contract) as story:
        live_and_die(story, seed=seed, kills=kills, in_a_row=5)


@pytest.mark.slow
@pytest.mark.usefixtures("_surroundings")
def test_killed_a_few_times(tmp_path: Path, contracts: Mapping[str, Contract | None]):
    tell(tmp_path, "gitlab", contracts["gitlab"], seed=7, kills=4)


@pytest.mark.long
@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize(("kind", "seed"), [("gitlab", 1), ("github", 2), ("gitea", 3), ("forgejo", 4)])
def test_killed_fifty_times_on_each_forge(
    kind: str, seed: int, tmp_path: Path, contracts: Mapping[str, Contract | None]
):
    tell(tmp_path, kind, contracts[kind], seed=seed, kills=50)


@pytest.mark.slow
@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.long)])
def test_two_replicas_of_which_one_or_both_are_killed(
    kills: int,
    tmp_path: Path,
    contracts: Mapping[str, Contract | None],
    database: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("STORE_URL", database)
    with tell_story(tmp_path, "gitlab", contracts["gitlab"]) as story:
        live_and_die(story, seed=kills, kills=kills, in_a_row=20, database=database)
