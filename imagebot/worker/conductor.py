"""Who keeps the agenda: lets what is due begin, wherever rounds are done, and hears how they ended.

Safe for threads. Whoever makes time pass calls `beat`; whatever else happens (a round ends, a webhook comes) is acted
on at once.
"""

import random
from collections.abc import Callable, Collection, Mapping
from threading import Condition

from imagebot.agenda.agenda import Agenda, Limits
from imagebot.agenda.values import DueRound, Now, Plan, Poll, Polled, Update, Updated, View
from imagebot.image.reference import Repository
from imagebot.settings.operator import Settings, TargetSettings
from imagebot.worker.crew import Room


class Conductor:
    """Hands each round that may begin to `start`, with its lock held; it has to be said how each of them ended."""

    def __init__(
        self, settings: Settings, *, clock: Callable[[], Now], start: Callable[[DueRound], None], room: Room
    ) -> None:
        self._clock = clock
        self._start = start
        self._changed = Condition()
        self._agenda = Agenda(_make_limits(settings, room), jitter=random.random)
        self._targets: Mapping[str, TargetSettings] = {}
        self._versions: dict[str, int] = {}
        self._running = 0
        self._is_stopping = False
        self.since = clock().wall
        """When its agenda began, which knows nothing of before."""
        self._configure(settings)

    def beat(self) -> None:
        """Begin what is due and may begin."""
        with self._changed:
            self._begin(self._clock())

    def make_due(self, targets: Collection[str], repositories: Collection[Repository]) -> int:
        """Let these be updated and polled as soon as possible; return how many of them there are here."""
        with self._changed:
            now = self._clock()
            known = [self._agenda.make_target_due(name, now) for name in sorted(targets)]
            known += [self._agenda.make_repository_due(each, now) for each in sorted(repositories)]
            self._begin(now)
        return sum(known)

    def view(self) -> View:
        """Show when everything is due."""
        with self._changed:
            return self._agenda.view(self._clock())

    def end(self, due: DueRound, ended: Polled | Updated) -> None:
        """Hear how a round ended that was started, and begin what can after it."""
        with self._changed:
            now = self._clock()
            if isinstance(due, Poll) and isinstance(ended, Polled):
                self._agenda.end_poll(due.repository, ended, now)
            elif isinstance(due, Update) and isinstance(ended, Updated):
                self._agenda.end_update(due.target, ended, now)
            self._running -= 1
            self._begin(now)
            self._changed.notify_all()

    def hear_moved(self, repository: Repository) -> None:
        """Hear that a repository holds something else, by a poll that was not started here."""
        with self._changed:
            now = self._clock()
            self._agenda.hear_moved(repository, now)
            self._begin(now)

    def make_room(self, room: Room) -> None:
        """Let so many rounds run at once from now on."""
        with self._changed:
            self._agenda.make_room(polls=room.polls, updates=room.updates)
            self._begin(self._clock())

    def reconfigure(self, settings: Settings) -> None:
        """Go by other settings from now on; what failed before is tried again at once."""
        with self._changed:
            self._configure(settings)
            now = self._clock()
            self._agenda.forgive(now)
            self._begin(now)

    def stop(self) -> None:
        """Begin nothing any more."""
        with self._changed:
            self._is_stopping = True

    def wait(self, timeout_s: float) -> bool:
        """Wait so long until nothing runs, and nothing is due that may begin; tell whether it came to that."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout_s)

    def _begin(self, now: Now) -> None:
        rounds = () if self._is_stopping else self._agenda.take(now)
        self._running += len(rounds)
        for due in rounds:
            self._start(due)

    def _configure(self, settings: Settings) -> None:
        targets = {target.name: target for target in settings.targets}
        for name, target in targets.items():
            if self._targets.get(name) != target:
                self._versions[name] = self._versions.get(name, 0) + 1
        self._targets = targets
        plans = {name: _make_plan(target, settings, self._versions[name]) for name, target in targets.items()}
        self._agenda.configure(plans, _make_limits(settings, Room.of(settings)), self._clock())


def _make_limits(settings: Settings, room: Room) -> Limits:
    floors = {
        name: registry.interval.total_seconds() for name, registry in settings.registries.items() if registry.interval
    }
    return Limits(
        polls=room.polls,
        polls_of_host=settings.parallel_polls,
        updates=room.updates,
        recheck_s=settings.recheck.total_seconds(),
        floors_s=floors,
    )


def _make_plan(target: TargetSettings, settings: Settings, version: int) -> Plan:
    interval = target.interval or settings.interval
    return Plan(interval.total_seconds(), target.schedule, target.timezone, version)
