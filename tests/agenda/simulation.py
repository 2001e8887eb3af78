"""A simulated time in which an agenda is worked through: a clock that tests move, and rounds that end when told."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from imagebot.agenda.agenda import Agenda, Limits
from imagebot.agenda.values import DueRound, Now, Plan, Poll, Polled, Update, Updated
from imagebot.image.reference import Repository

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
API, WEB = Repository("ghcr.io", "acme/api"), Repository("ghcr.io", "acme/web")
CACHE = Repository("docker.io", "library/redis")
MINUTES_5 = Plan(300)

Key = str | Repository


def uses(*repositories: Repository) -> Mapping[Repository, frozenset[str]]:
    return dict.fromkeys(repositories, frozenset())


@dataclass
class Simulation:
    """An agenda in a time of its own; `began` has for each key the steady seconds at which its rounds began."""

    agenda: Agenda
    now: Now = field(default_factory=lambda: Now(START, 1000.0))
    running: dict[Key, DueRound] = field(default_factory=dict)
    began: defaultdict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))

    def advance(self, seconds: float, *, step_s: float = 0) -> None:
        """Let time pass, and the clock on the wall be put on by `step_s`, or back."""
        wall = self.now.wall + timedelta(seconds=seconds + step_s)
        self.now = Now(wall, self.now.steady_s + seconds)

    def beat(self) -> tuple[DueRound, ...]:
        """Begin what may begin; nothing runs twice at once, and no more than was allowed."""
        rounds = self.agenda.take(self.now)
        for due in rounds:
            key = find_key(due)
            assert key not in self.running
            self.running[key] = due
            self.began[key].append(self.now.steady_s)
        return rounds

    def end(self, key: Key, ended: Polled | Updated) -> None:
        del self.running[key]
        if isinstance(key, Repository):
            assert isinstance(ended, Polled)
            self.agenda.end_poll(key, ended, self.now)
        else:
            assert isinstance(ended, Updated)
            self.agenda.end_update(key, ended, self.now)

    def live(self, seconds: int, end: Callable[[DueRound], Polled | Updated], *, beat_s: int = 1) -> list[DueRound]:
        """Let time pass in beats; each round that begins ends within the same beat. Return all that began."""
        began: list[DueRound] = []
        for _ in range(seconds // beat_s):
            self.advance(beat_s)
            while rounds := self.beat():
                began += rounds
                for due in rounds:
                    self.end(find_key(due), end(due))
        return began


def simulate(
    plans: Mapping[str, Plan], *, limits: Limits | None = None, jitter: Callable[[], float] = lambda: 0.5
) -> Simulation:
    limits = limits or Limits(polls=4, polls_of_host=2, updates=2, recheck_s=3600)
    simulation = Simulation(Agenda(limits, jitter=jitter))
    simulation.agenda.configure(plans, limits, simulation.now)
    return simulation


def find_key(due: DueRound) -> Key:
    return due.repository if isinstance(due, Poll) else due.target


def end_well(found: Mapping[str, Mapping[Repository, frozenset[str]]]) -> Callable[[DueRound], Polled | Updated]:
    """Make what ends every round: nothing moved, and the targets use these repositories."""

    def end(due: DueRound) -> Polled | Updated:
        if isinstance(due, Update):
            return Updated(found[due.target] if due.is_full else None, was_full=due.is_full)
        return Polled()

    return end
