"""What holds whatever happens: any history of time, pauses, set clocks, news, failures and changed settings."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.agenda.agenda import PATIENCE_S, Limits
from imagebot.agenda.due_queue import DueQueue
from imagebot.agenda.rhythm import LONGEST_BACKOFF_S, find_phase, find_slot_s
from imagebot.agenda.values import Cause, Plan, Polled, Trouble, Updated
from imagebot.image.reference import Repository
from imagebot.proposal.schedule import parse_cron
from tests.agenda.simulation import Key, Simulation, end_well, simulate

REPOSITORIES = [Repository(host, f"acme/{name}") for host in ("ghcr.io", "quay.io") for name in ("api", "web")]
PLANS = {
    "minute": Plan(60),
    "quarter": Plan(900),
    "hourly": Plan(300, (parse_cron("0 * * * *"),)),
    "rare": Plan(3600),
}
LIMITS = Limits(polls=3, polls_of_host=2, updates=2, recheck_s=1800)
TROUBLES = [None, None, *(Trouble(cause) for cause in Cause), Trouble(Cause.HOST, 40.0)]


class History:
    """Makes things happen to an agenda at random, and always in a way that can happen."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.simulation: Simulation = simulate(PLANS, limits=LIMITS, jitter=self.dice.random)
        self.uses = {name: self.draw_uses() for name in PLANS}

    def draw_uses(self) -> dict[Repository, frozenset[str]]:
        return {each: frozenset() for each in REPOSITORIES if self.dice.random() < 0.6}

    def step(self) -> None:
        simulation, dice = self.simulation, self.dice
        match dice.randrange(10):
            case 0 | 1 | 2:
                simulation.advance(dice.choice([0.1, 1, 7, 60, 400]))
            case 3:
                simulation.advance(dice.choice([0, 3600, 90000]), step_s=dice.choice([-90000, -90, 0, 90, 90000]))
            case 4:
                simulation.agenda.make_target_due(dice.choice([*PLANS, "unknown"]), simulation.now)
            case 5:
                simulation.agenda.make_repository_due(dice.choice(REPOSITORIES), simulation.now)
            case 6:
                left_out = dice.choice([*PLANS, None])
                plans = {name: plan for name, plan in PLANS.items() if name != left_out}
                simulation.agenda.configure(plans, LIMITS, simulation.now)
            case _:
                for key in [each for each in simulation.running if dice.random() < 0.7]:
                    self.end(key)
        simulation.beat()

    def end(self, key: Key) -> None:
        dice, trouble = self.dice, self.dice.choice(TROUBLES)
        if isinstance(key, Repository):
            self.simulation.end(key, Polled(trouble is None and dice.random() < 0.5, trouble))
            return
        if dice.random() < 0.2:
            self.uses[key] = self.draw_uses()
        uses = self.uses[key]
        awaits = frozenset(each for each in uses if dice.random() < 0.3)
        due_at = self.simulation.now.wall + timedelta(seconds=dice.choice([5, 500])) if dice.random() < 0.2 else None
        self.simulation.end(key, Updated(dice.choice([uses, None]), dice.random() < 0.5, awaits, due_at, trouble))

    def calm_down(self) -> None:
        """Let all that runs end well, with all targets there, and wait until what failed was tried again."""
        self.simulation.agenda.configure(PLANS, LIMITS, self.simulation.now)
        for key in [*self.simulation.running]:
            ended = Polled() if isinstance(key, Repository) else Updated(self.uses[key], was_full=True)
            self.simulation.end(key, ended)
        self.live(LONGEST_BACKOFF_S + 2 * PATIENCE_S)

    def live(self, seconds: float) -> None:
        self.simulation.live(int(seconds), end_well(self.uses), beat_s=5)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_and_nothing_runs_twice_at_once_whatever_happens(seed: int):
    history = History(seed)
    simulation = history.simulation
    for _ in range(400):
        history.step()
        polls = [each for each in simulation.running if isinstance(each, Repository)]
        assert len(polls) <= LIMITS.polls
        assert len(simulation.running) - len(polls) <= LIMITS.updates

    history.calm_down()
    simulation.began.clear()
    begins_s = simulation.now.steady_s
    history.live(4 * 3600)

    for key, interval_s in find_intervals(history).items():
        instants = [begins_s, *simulation.began[key], simulation.now.steady_s]
        gaps = [later - earlier for earlier, later in pairwise(instants)]
        assert max(gaps) <= interval_s + 5, key
        assert len(simulation.began[key]) <= 4 * 3600 / (interval_s * 0.9) + 6, key  # and for the schedule


def find_intervals(history: History) -> dict[Key, float]:
    """Find within which time each target and each repository has to be due again."""
    intervals: dict[Key, float] = {name: plan.interval_s for name, plan in PLANS.items() if not plan.schedule}
    for repository in REPOSITORIES:
        shortest_s = [intervals[name] for name in intervals if repository in history.uses.get(str(name), {})]
        if shortest_s:
            intervals[repository] = min(shortest_s)
    return intervals


@given(
    st.floats(1, 1e6), st.text(max_size=20), st.floats(0, 1e9), st.floats(0, 1, exclude_max=True), st.floats(0, 0.999)
)
def test_a_slot_is_later_and_by_at_most_the_interval(interval_s, name, after_s, jitter, other):
    slot_s = find_slot_s(interval_s, find_phase(name), after_s=after_s, jitter=jitter)
    next_s = find_slot_s(interval_s, find_phase(name), after_s=slot_s, jitter=other)

    assert after_s < slot_s <= after_s + interval_s * (1 + 1e-6)
    assert slot_s < next_s <= slot_s + interval_s * (1 + 1e-6)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.none() | st.integers(0, 50)), max_size=300))
def test_a_due_queue_is_a_dictionary_of_times(moves):
    queue = DueQueue[str]()
    expected: dict[str, float] = {}
    for key, due in moves:
        if due is None:
            queue.discard(key)
            expected.pop(key, None)
        else:
            queue.put(key, due)
            expected[key] = due

    assert {key: queue.find(key) for key in "abcde"} == {key: expected.get(key) for key in "abcde"}
    assert sorted(queue.pop_due(25)) == sorted(key for key, due in expected.items() if due <= 25)
    assert queue.pop_due(25) == []
