"""`imagebot run` is killed again and again, anywhere in its work, while people go on with theirs.

Whatever the instant: the next one finishes what was begun. What must hold then is what `tests/stories/month.py` says of
every day: one open merge request for a branch, exact to the byte, nothing that was refused, no commit of a person lost.
"""

import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.crash.replica import Replica, list_leavings, no_git_at_work
from tests.servers.contract import Contract
from tests.stories.month import EVENTS, Month
from tests.stories.story import Story, tell_story

_INTERVAL_S = 10.0
# So many lives are cut short before one may come to its end.
_KILLS_IN_A_ROW = 5


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


def live_and_die(story: Story, *, seed: int, kills: int, start: Callable[[Path], Replica] = Replica) -> None:
    dice = random.Random(seed)
    month = Month(story, dice)
    month.note(f"seed {seed} on {story.kind}")
    month.begin()
    data_dir = story.world.folder / "data"
    story.world.settings |= {"web": {"listen": "127.0.0.1:0"}, "interval": "10s", "recheck": "10s"}
    while kills > 0:
        for _ in range(min(kills, dice.randrange(1, _KILLS_IN_A_ROW + 1))):
            kills -= 1
            if month.is_broken and dice.random() < 0.6:
                month.change_the_policy()
            for _ in range(dice.randrange(1, 6)):
                dice.choice(EVENTS)(month)
            story.world.now = datetime.now(UTC)
            instant = Instant(story, dice)
            with start(story.world.write_settings()) as replica:
                replica.wait_for("service_started")
                instant.wait()
                replica.kill(is_alone=dice.random() < 0.5)
            month.note(f"killed {instant.words}, after {[each['event'] for each in replica.events]}")
            with no_git_at_work(data_dir):
                month.check_people()
        _come_to_an_end(month, data_dir, start)


def _come_to_an_end(month: Month, data_dir: Path, start: Callable[[Path], Replica]) -> None:
    """Let one live until nothing is left to do, and look at what must hold."""
    story = month.story
    story.world.now = datetime.now(UTC)
    with start(story.world.write_settings()) as replica:
        replica.wait_for("target_updated", "target_failed")
        due: dict[str, Any] = {"phase": "running"}
        while due["phase"] != "waiting":  # the round ends just after it says so
            (target,) = replica.get("/api/v1/targets")["items"]
            due = target["due"]
        assert due["due_in_s"] <= _INTERVAL_S, month.tell(f"it is due at {due}")
        replica.process.terminate()
        assert replica.process.wait(60) == 0, month.tell("it did not end well")
    month.check_people()
    if not month.is_broken:
        month.check_proposals()
    assert not list_leavings(data_dir), month.tell(f"left behind: {list_leavings(data_dir)}")
    # What was closed made room, perhaps, for what waited.
    story.run()
    before = story.world.count_writes()
    again = story.run()
    assert story.world.count_writes() == before, month.tell(f"one more round did {again.actions()}")


def tell(folder: Path, kind: str, contract: Contract | None, *, seed: int, kills: int) -> None:
    with tell_story(folder, kind, contract) as story:
        live_and_die(story, seed=seed, kills=kills)


@pytest.mark.slow
@pytest.mark.usefixtures("_surroundings")
def test_killed_a_few_times(tmp_path: Path, contracts: Mapping[str, Contract | None]):
    tell(tmp_path, "gitlab", contracts["gitlab"], seed=7, kills=8)


@pytest.mark.long
@pytest.mark.usefixtures("_surroundings")
@pytest.mark.parametrize(("kind", "seed"), [("gitlab", 1), ("github", 2), ("gitea", 3), ("forgejo", 4)])
def test_killed_fifty_times_on_each_forge(
    kind: str, seed: int, tmp_path: Path, contracts: Mapping[str, Contract | None]
):
    tell(tmp_path, kind, contracts[kind], seed=seed, kills=50)
