"""The worker: takes what the agenda says is due, does it in a thread, and tells the agenda how it ended.

It lives from `with` to its end. Whoever makes time pass calls `beat`; whatever else happens (a round ends, a webhook
comes) is acted on at once.
"""

import random
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from threading import Condition
from types import TracebackType
from typing import Self

from imagebot.agenda.agenda import Agenda, Limits
from imagebot.agenda.values import Cause, DueRound, Finished, Now, Plan, Poll, Polled, Trouble, Update, Updated, View
from imagebot.connect import make_registries
from imagebot.image.reference import Repository
from imagebot.log import bound_fields, log
from imagebot.policy.reading import Rules
from imagebot.poll import make_pool
from imagebot.registry.client import Registries
from imagebot.registry.lanes import Lanes
from imagebot.registry.pacing import Pacing
from imagebot.rounds import Rounds
from imagebot.settings.operator import Settings, TargetSettings
from imagebot.store.store import Store
from imagebot.worker.steps import Steps

# What is decided when imagebot starts; another value is heeded at the next start.
_FIXED = ("data_dir", "parallel_polls", "parallel_updates")
# What the client for registries is made of.
_OF_CLIENT = ("registries", "docker_config", "pull_secrets", "cloud_logins", "timeout_s", "max_tags")
# So many registries may hang, and others are polled all the same.
_HOSTS_AT_ONCE = 4


class Worker:
    """Does rounds in threads: as many polls and updates at once as the settings say when it is made."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        clock: Callable[[], Now],
        observe: Callable[[Finished], None],
        pacing: Pacing | None = None,
    ) -> None:
        """Let `observe` hear of every round; `pacing` is by what registries are paced, None is this machine's clock."""
        self.settings = settings
        self._store = store
        self._clock = clock
        self._observe = observe
        self._pacing = pacing
        self._changed = Condition()
        self._agenda = Agenda(_make_limits(settings), jitter=random.random)
        self._targets: Mapping[str, TargetSettings] = {}
        self._versions: dict[str, int] = {}
        self._running = 0
        self._is_stopping = False
        self.beaten_at: Now | None = None
        """When it last saw what is due; None if it never did."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._polls = stack.enter_context(make_pool(self.settings.parallel_polls * _HOSTS_AT_ONCE))
            self._updates = stack.enter_context(make_pool(self.settings.parallel_updates))
            # Updates wait for what is asked for them, so that has threads of its own.
            lanes = stack.enter_context(Lanes(self.settings.parallel_polls))
            self._steps = Steps(lanes=lanes, now=lambda: self._clock().wall)
            self._rounds = Rounds(self.settings, self._store, self._make_client(self.settings))
            stack.callback(self._close)
            self._configure(self.settings)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what still runs."""
        self.stop()
        self._stack.__exit__(kind, error, trace)

    def beat(self) -> None:
        """Begin what is due and may begin."""
        with self._changed:
            self.beaten_at = self._clock()
            self._begin(self.beaten_at)

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

    def find_prefix(self, target: str) -> str | None:
        return self._steps.find_prefix(target)

    def find_rules(self, target: str, entry: str, line: int) -> Rules | None:
        return self._steps.find_rules(target, entry, line)

    def reconfigure(self, settings: Settings) -> tuple[str, ...]:
        """Go by other settings from now on; return the keys of which the new values count only after another start.

        Rounds that run end by the settings that they began with. What failed before is tried again at once.
        """
        fixed = {name: getattr(self.settings, name) for name in _FIXED}
        unheeded = tuple(name for name in _FIXED if getattr(settings, name) != fixed[name])
        settings = settings.model_copy(update=fixed)
        old = self.settings
        is_same_client = all(getattr(old, name) == getattr(settings, name) for name in _OF_CLIENT)
        registries = self._rounds.registries if is_same_client else self._make_client(settings)
        with self._changed:
            self.settings = settings
            self._rounds = Rounds(settings, self._store, registries)
            self._configure(settings)
            now = self._clock()
            self._agenda.forgive(now)
            self._begin(now)
        return unheeded

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
            (self._polls if isinstance(due, Poll) else self._updates).submit(self._run, due)

    def _configure(self, settings: Settings) -> None:
        targets = {target.name: target for target in settings.targets}
        for name, target in targets.items():
            if self._targets.get(name) != target:
                self._versions[name] = self._versions.get(name, 0) + 1
                self._steps.forget(name)
        self._targets = targets
        plans = {name: _make_plan(target, settings, self._versions[name]) for name, target in targets.items()}
        self._agenda.configure(plans, _make_limits(settings), self._clock())

    def _run(self, due: DueRound) -> None:
        """Do a round, in a thread of a pool, and whatever can begin after it."""
        began_s = self._clock().steady_s
        with bound_fields(round_id=secrets.token_hex(6)):
            ended = self._do(due)
            duration_s = self._clock().steady_s - began_s
            log.debug("round_ended", due=str(due), result=_name_result(ended), duration_s=round(duration_s, 3))
        self._observe(Finished("poll" if isinstance(due, Poll) else "update", _name_result(ended), duration_s))
        self._end(due, ended)

    def _do(self, due: DueRound) -> Polled | Updated:
        try:
            return self._dispatch(due)
        except Exception:  # noqa: BLE001 - the worker's loop: a bug ends its round, and the others go on
            log.exception("round_ended_by_a_bug", due=str(due))
            trouble = Trouble(Cause.OPERATOR)
            return Polled(trouble=trouble) if isinstance(due, Poll) else Updated(trouble=trouble)

    def _dispatch(self, due: DueRound) -> Polled | Updated:
        rounds = self._rounds
        if isinstance(due, Poll):
            return self._steps.poll(due, rounds)
        target = self._targets.get(due.target)
        # It may have been taken out of the settings since the round was taken.
        return self._steps.update(due, target, rounds) if target is not None else Updated()

    def _end(self, due: DueRound, ended: Polled | Updated) -> None:
        with self._changed:
            now = self._clock()
            if isinstance(due, Poll) and isinstance(ended, Polled):
                self._agenda.end_poll(due.repository, ended, now)
            elif isinstance(due, Update) and isinstance(ended, Updated):
                self._agenda.end_update(due.target, ended, now)
            self._running -= 1
            self._begin(now)
            self._changed.notify_all()

    def _make_client(self, settings: Settings) -> Registries:
        return make_registries(settings, store=self._store, pacing=self._pacing)

    def _close(self) -> None:
        self._rounds.registries.close()


def _make_limits(settings: Settings) -> Limits:
    floors = {
        name: registry.interval.total_seconds() for name, registry in settings.registries.items() if registry.interval
    }
    return Limits(
        polls=settings.parallel_polls * _HOSTS_AT_ONCE,
        polls_of_host=settings.parallel_polls,
        updates=settings.parallel_updates,
        recheck_s=settings.recheck.total_seconds(),
        floors_s=floors,
    )


def _make_plan(target: TargetSettings, settings: Settings, version: int) -> Plan:
    interval = target.interval or settings.interval
    return Plan(interval.total_seconds(), target.schedule, target.timezone, version)


def _name_result(ended: Polled | Updated) -> str:
    if ended.trouble is not None:
        return "failed"
    if isinstance(ended, Polled):
        return "moved" if ended.moved else "unmoved"
    if ended.awaits:
        return "awaiting"
    return "updated" if ended.was_full else "unmoved"
