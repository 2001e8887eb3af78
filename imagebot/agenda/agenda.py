"""The agenda: every target, every repository that targets use, and what is to be done about them at an instant.

    waiting -> ready -> running -> waiting

Nothing runs twice at once: what is asked for while it runs is run once more after that. Intervals go by the steady
clock, so that setting the clock on the wall neither skips nor repeats a round; schedules and the instants at which
decisions change go by the wall.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from imagebot.agenda.due_queue import DueQueue
from imagebot.agenda.host_queues import HostQueues
from imagebot.agenda.rhythm import find_phase, find_retry_s, find_slot_s
from imagebot.agenda.values import (
    Cause,
    DueRound,
    Now,
    Phase,
    Plan,
    Poll,
    Polled,
    Timing,
    Trouble,
    Update,
    Updated,
    View,
)
from imagebot.image.reference import Repository
from imagebot.proposal.schedule import Open, find_window

LEAST_GAP_S = 5.0
"""Between the starts of two rounds of one target or repository, however often it is asked for."""
PATIENCE_S = 60.0
"""How long an update waits for polls, which a registry that does not answer may delay."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rounds may run at once, how often a registry may be polled, and when to update without a reason.

    `polls` are those of all registries, `polls_of_host` those of one: what is more stays for others, whatever one does.
    `floors_s` has the shortest interval of registries that have one. `recheck_s` is for what shows neither in git nor
    in a registry: merge requests that people closed or opened again.
    """

    polls: int
    polls_of_host: int
    updates: int
    recheck_s: float
    floors_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Course:
    """Where something stands, and how it got there; `place` is where in the interval its slots are."""

    place: float
    phase: Phase = Phase.WAITING
    started_s: float = float("-inf")
    failures: int = 0
    is_wanted_again: bool = False
    is_gone: bool = False


@dataclass(slots=True)
class _Target:
    plan: Plan
    course: _Course
    uses: Mapping[Repository, Set[str]] = field(default_factory=dict)
    awaits: set[Repository] = field(default_factory=set)
    # Something that it depends on is known to have moved, or nothing is known of it yet.
    is_stale: bool = True
    may_await: bool = True
    updated_s: float = float("-inf")
    decides_at: datetime | None = None
    scheduled_at: datetime | None = None


@dataclass(slots=True)
class _Repository:
    course: _Course
    users: set[str] = field(default_factory=set)
    interval_s: float | None = None


class Agenda:
    """Holds when everything is due. `jitter` gives numbers from 0 to below 1."""

    def __init__(self, limits: Limits, *, jitter: Callable[[], float]) -> None:
        self._limits = limits
        self._jitter = jitter
        self._targets: dict[str, _Target] = {}
        self._repositories: dict[Repository, _Repository] = {}
        self._due: DueQueue[str | Repository] = DueQueue()
        self._due_at: DueQueue[str] = DueQueue()
        self._ready: dict[str, None] = {}
        self._hosts = HostQueues(limits.polls_of_host, jitter=jitter)
        self._polling = self._updating = 0
        self._wall: datetime | None = None

    def configure(self, plans: Mapping[str, Plan], limits: Limits, now: Now) -> None:
        """Take these targets and no others from now on; new and changed ones are due at once, or by their schedule.

        How many rounds may run at once stays as it was.
        """
        fixed = self._limits
        self._limits = replace(limits, polls=fixed.polls, polls_of_host=fixed.polls_of_host, updates=fixed.updates)
        self._watch_wall(now)
        for name in sorted(self._targets.keys() - plans.keys()):
            self._drop_target(name)
        for name, plan in plans.items():
            known = self._targets.get(name)
            if known is None:
                known = self._targets[name] = _Target(plan, _Course(find_phase(name)))
            elif known.plan == plan and not known.course.is_gone:
                continue
            known.plan, known.is_stale, known.course.is_gone, known.course.failures = plan, True, False, 0
            known.scheduled_at = None
            self._plan_wall(name, now)
            if not plan.schedule:
                self._wake(name, now)

    def make_target_due(self, name: str, now: Now) -> bool:
        """Let a target be updated as soon as possible, whatever its schedule says; false if there is none."""
        target = self._targets.get(name)
        if target is None or target.course.is_gone:
            return False
        target.is_stale = True
        self._wake(name, now)
        return True

    def make_repository_due(self, repository: Repository, now: Now) -> bool:
        """Let a repository be polled as soon as possible; false if no target uses it."""
        if repository not in self._repositories:
            return False
        self._wake(repository, now)
        return True

    def make_room(self, *, polls: int, updates: int) -> None:
        """Let so many rounds run at once from now on; what runs beyond that ends as it would."""
        self._limits = replace(self._limits, polls=polls, updates=updates)

    def hear_moved(self, repository: Repository, now: Now) -> None:
        """Hear that a repository holds something else, by a poll that was not taken here.

        An update that runs may use it for the first time, and has read what was there before: it is done again.
        """
        known = self._repositories.get(repository)
        for name in sorted(known.users) if known is not None else ():
            self._tell_user(name, repository, has_moved=True, now=now)
        for target in self._targets.values():
            if not target.uses and target.course.phase is Phase.RUNNING:
                target.is_stale = target.course.is_wanted_again = True

    def forgive(self, now: Now) -> None:
        """Let everything that failed be tried again as soon as possible: what stood in the way may have been mended."""
        self._hosts.forgive()
        for keys in (self._targets, self._repositories):
            for key in [key for key, known in keys.items() if known.course.failures]:
                self._wake(key, now)

    def take(self, now: Now) -> tuple[DueRound, ...]:
        """Take what may begin now; each round has to be said to have ended."""
        self._watch_wall(now)
        for name in self._due_at.pop_due(now.wall.timestamp()):
            self._meet_time(name, now)
        for key in self._due.pop_due(now.steady_s):
            if not isinstance(key, Repository) and self._targets[key].awaits:
                self._lose_patience(self._targets[key])
            self._make_ready(key)
        return (*self._take_updates(now), *self._take_polls(now))

    def end_poll(self, repository: Repository, ended: Polled, now: Now) -> None:
        """Hear how a poll ended that was taken."""
        known, trouble = self._repositories[repository], ended.trouble
        self._polling -= 1
        is_of_host = trouble is not None and trouble.cause is Cause.HOST
        self._hosts.finish(repository, trouble if is_of_host else None, now_s=now.steady_s)
        has_recovered = trouble is None and known.course.failures > 0
        known.course.failures = 0 if trouble is None else known.course.failures + 1
        for name in sorted(known.users):
            self._tell_user(name, repository, has_moved=ended.moved or has_recovered, now=now)
        known.course.phase = Phase.WAITING
        if known.course.is_gone:
            del self._repositories[repository]
        elif is_of_host:
            self._make_ready(repository)
        else:
            self._put_again(repository, trouble, now)

    def end_update(self, name: str, ended: Updated, now: Now) -> None:
        """Hear how an update ended that was taken."""
        target, trouble = self._targets[name], ended.trouble
        self._updating -= 1
        target.course.phase = Phase.WAITING
        if target.course.is_gone:
            self._forget_target(name)
            return
        if ended.uses is not None:
            self._assign(name, ended.uses, now)
        target.course.failures = 0 if trouble is None else target.course.failures + 1
        target.may_await = True
        if ended.awaits:
            self._await(name, ended.awaits, now)
            return
        if trouble is not None:
            target.is_stale = True
        elif ended.was_full:
            target.updated_s, target.decides_at = now.steady_s, ended.due_at
        self._plan_wall(name, now)
        self._put_again(name, trouble, now)

    def view(self, now: Now) -> View:
        """Show everything as it stands."""
        targets = {name: self._time(name, target.course, now) for name, target in sorted(self._targets.items())}
        repositories = {each: self._time(each, known.course, now) for each, known in sorted(self._repositories.items())}
        return View(targets, repositories, self._hosts.view(now.steady_s))

    def _time(self, key: str | Repository, course: _Course, now: Now) -> Timing:
        due_s = self._due.find(key) if course.phase is not Phase.AWAITING else None
        due_in_s = None if due_s is None else max(0.0, due_s - now.steady_s)
        target = None if isinstance(key, Repository) else self._targets[key]
        return Timing(course.phase, due_in_s, course.failures, None if target is None else _find_instant(target))

    def _take_updates(self, now: Now) -> list[DueRound]:
        rounds: list[DueRound] = []
        while self._ready and self._updating < self._limits.updates:
            name = next(iter(self._ready))
            del self._ready[name]
            target = self._targets[name]
            is_full = target.is_stale or now.steady_s - target.updated_s >= self._limits.recheck_s
            # What moves from here on is not in what the round will see.
            target.is_stale = False
            self._begin(target.course, now)
            self._updating += 1
            rounds.append(Update(name, is_full, target.may_await))
        return rounds

    def _take_polls(self, now: Now) -> list[DueRound]:
        rounds: list[DueRound] = []
        while self._polling < self._limits.polls and (repository := self._hosts.take(now.steady_s)) is not None:
            known = self._repositories[repository]
            self._begin(known.course, now)
            self._polling += 1
            watched = (self._targets[user].uses.get(repository, frozenset()) for user in known.users)
            rounds.append(Poll(repository, frozenset().union(*watched)))
        return rounds

    def _begin(self, course: _Course, now: Now) -> None:
        course.phase, course.started_s, course.is_wanted_again = Phase.RUNNING, now.steady_s, False

    def _wake(self, key: str | Repository, now: Now) -> None:
        """Make it ready as soon as may be; what waits for polls goes on to."""
        course = self._find_course(key)
        earliest_s = course.started_s + LEAST_GAP_S
        if course.phase is Phase.RUNNING:
            course.is_wanted_again = True
        elif course.phase is Phase.WAITING and earliest_s > now.steady_s:
            self._put_sooner(key, earliest_s)
        elif course.phase is Phase.WAITING:
            self._make_ready(key)

    def _make_ready(self, key: str | Repository) -> None:
        self._due.discard(key)
        self._find_course(key).phase = Phase.READY
        if isinstance(key, Repository):
            self._hosts.add(key)
        else:
            self._ready[key] = None

    def _put_sooner(self, key: str | Repository, due_s: float) -> None:
        """Let it be due then, unless it is even before."""
        known_s = self._due.find(key)
        if known_s is None or due_s < known_s:
            self._due.put(key, due_s)

    def _put_again(self, key: str | Repository, trouble: Trouble | None, now: Now) -> None:
        """Let what has ended be due again: at once if it was asked for meanwhile, after a failure, or in its slot."""
        course, interval_s = self._find_course(key), self._find_interval_s(key)
        if course.is_wanted_again:
            self._wake(key, now)
        if trouble is not None and (interval_s is not None or trouble.cause is not Cause.OPERATOR):
            base_s = interval_s if interval_s is not None else self._limits.recheck_s
            retry_s = find_retry_s(base_s, trouble, failures=course.failures, jitter=self._jitter())
            self._put_waiting(key, now.steady_s + retry_s)
        elif interval_s is not None:
            slot_s = find_slot_s(interval_s, course.place, after_s=now.steady_s, jitter=self._jitter())
            self._put_waiting(key, slot_s)

    def _put_waiting(self, key: str | Repository, due_s: float) -> None:
        if self._find_course(key).phase is Phase.WAITING:
            self._put_sooner(key, due_s)

    def _find_course(self, key: str | Repository) -> _Course:
        return self._repositories[key].course if isinstance(key, Repository) else self._targets[key].course

    def _find_interval_s(self, key: str | Repository) -> float | None:
        """Find how often it is due; None if only a schedule or somebody asks for it."""
        names = self._repositories[key].users if isinstance(key, Repository) else {key}
        plans = [self._targets[name].plan for name in names]
        shortest_s = min((plan.interval_s for plan in plans if not plan.schedule), default=None)
        if shortest_s is None or not isinstance(key, Repository):
            return shortest_s
        return max(shortest_s, self._limits.floors_s.get(key.registry, 0.0))

    def _tell_user(self, name: str, repository: Repository, *, has_moved: bool, now: Now) -> None:
        """Let a target know that a poll has ended; one with a schedule is only waiting for it, if at all."""
        target = self._targets[name]
        target.awaits.discard(repository)
        if target.course.phase is Phase.AWAITING:
            if not target.awaits:
                self._make_ready(name)
        elif has_moved and not target.plan.schedule:
            target.is_stale = True
            self._wake(name, now)

    def _await(self, name: str, repositories: Set[Repository], now: Now) -> None:
        """Let a target wait until these are polled, or for as long as its patience lasts."""
        target = self._targets[name]
        target.is_stale = True
        target.awaits = {each for each in repositories if each in self._repositories}
        target.course.phase = Phase.AWAITING
        self._due.put(name, now.steady_s + PATIENCE_S)
        for repository in sorted(target.awaits):
            self._wake(repository, now)
        if not target.awaits:
            self._make_ready(name)

    def _lose_patience(self, target: _Target) -> None:
        target.awaits.clear()
        target.may_await = False

    def _assign(self, name: str, uses: Mapping[Repository, Set[str]], now: Now) -> None:
        """Let a target use these repositories and no others."""
        target = self._targets[name]
        gone, target.uses = target.uses.keys() - uses.keys(), uses
        for repository in uses:
            known = self._repositories.get(repository)
            if known is None:
                known = self._repositories[repository] = _Repository(_Course(find_phase(str(repository))))
            known.users.add(name)
            known.course.is_gone = False
            interval_s = self._find_interval_s(repository)
            if interval_s is not None and interval_s != known.interval_s:
                slot_s = find_slot_s(interval_s, known.course.place, after_s=now.steady_s, jitter=self._jitter())
                self._put_waiting(repository, slot_s)
            known.interval_s = interval_s
        for repository in gone:
            self._leave(repository, name)

    def _leave(self, repository: Repository, name: str) -> None:
        known = self._repositories[repository]
        known.users.discard(name)
        if known.users:
            return
        if known.course.phase is Phase.RUNNING:
            known.course.is_gone = True
            return
        self._due.discard(repository)
        self._hosts.discard(repository)
        del self._repositories[repository]

    def _drop_target(self, name: str) -> None:
        if self._targets[name].course.phase is Phase.RUNNING:
            self._targets[name].course.is_gone = True
        else:
            self._forget_target(name)

    def _forget_target(self, name: str) -> None:
        for repository in self._targets[name].uses:
            self._leave(repository, name)
        self._due.discard(name)
        self._due_at.discard(name)
        self._ready.pop(name, None)
        del self._targets[name]

    def _watch_wall(self, now: Now) -> None:
        """Where the wall's clock was put back, look anew when schedules come next: else some would be left out."""
        if self._wall is not None and now.wall < self._wall:
            for name, target in self._targets.items():
                target.scheduled_at = None
                self._plan_wall(name, now)
        self._wall = now.wall

    def _plan_wall(self, name: str, now: Now) -> None:
        target = self._targets[name]
        if target.plan.schedule and target.scheduled_at is None:
            target.scheduled_at = _find_next(target.plan, now.wall)
        instant = _find_instant(target)
        if instant is None:
            self._due_at.discard(name)
        else:
            self._due_at.put(name, instant.timestamp())

    def _meet_time(self, name: str, now: Now) -> None:
        """Do what the wall's clock has come to: a decision that time changes, or a schedule."""
        target = self._targets[name]
        target.is_stale = True
        if target.plan.schedule and target.uses and target.course.phase is Phase.WAITING:
            self._await(name, target.uses.keys(), now)
        else:
            self._wake(name, now)
        target.decides_at = target.scheduled_at = None
        self._plan_wall(name, now)


def _find_next(plan: Plan, wall: datetime) -> datetime:
    """Find the next minute of the schedule, after this one."""
    minute = wall.replace(second=0, microsecond=0) + _MINUTE
    window = find_window(plan.schedule, plan.timezone, now=minute)
    return minute if isinstance(window, Open) else window.at


def _find_instant(target: _Target) -> datetime | None:
    """Find when by the wall's clock the target is due; a schedule lets no other time count."""
    return target.scheduled_at if target.plan.schedule else target.decides_at
