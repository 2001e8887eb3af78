"""The threads that do rounds, by the settings that count: as many at once as the first of them say."""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from imagebot.agenda.values import Cause, DueRound, Finished, Now, Poll, Polled, Trouble, Updated
from imagebot.connect import make_registries
from imagebot.log import bound_fields, log
from imagebot.policy.reading import Rules
from imagebot.poll import make_pool
from imagebot.registry.client import Registries
from imagebot.registry.lanes import Lanes
from imagebot.registry.pacing import Pacing
from imagebot.rounds import Rounds
from imagebot.settings.operator import Settings, TargetSettings
from imagebot.store.store import Store
from imagebot.worker.seen import find_entry_rules, find_seen
from imagebot.worker.steps import Steps

# What is decided when imagebot starts; another value is heeded at the next start.
_FIXED = ("data_dir", "store", "parallel_polls", "parallel_updates")
# What the client for registries is made of.
_OF_CLIENT = ("registries", "docker_config", "pull_secrets", "cloud_logins", "timeout_s", "max_tags")
HOSTS_AT_ONCE = 4
"""So many registries may hang, and others are polled all the same."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many rounds may run at once."""

    polls: int
    updates: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.parallel_polls * HOSTS_AT_ONCE, settings.parallel_updates)


class Crew:
    """Does what it is given, each round in a thread; what is due is for others to know."""

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
        self.room = Room.of(settings)
        self._store = store
        self._clock = clock
        self._observe = observe
        self._pacing = pacing
        self._targets = _map_targets(settings)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._polls = stack.enter_context(make_pool(self.room.polls))
            self._updates = stack.enter_context(make_pool(self.room.updates))
            # Updates wait for what is asked for them, so that has threads of its own.
            lanes = stack.enter_context(Lanes(self.settings.parallel_polls))
            self._steps = Steps(lanes=lanes, now=lambda: self._clock().wall)
            self._rounds = Rounds(self.settings, self._store, self._make_client(self.settings))
            stack.callback(self._close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what still runs."""
        self._stack.__exit__(kind, error, trace)

    def knows(self, target: str) -> bool:
        return target in self._targets

    def submit(self, due: DueRound, *, since: datetime) -> Future[Polled | Updated]:
        """Let a round be done, by an agenda that began then; the future has how it ended, and never an error."""
        return (self._polls if isinstance(due, Poll) else self._updates).submit(self._run, due, since)

    def reconfigure(self, settings: Settings) -> tuple[str, ...]:
        """Go by other settings from now on; return the keys of which the new values count only after another start.

        Rounds that run end by the settings that they began with.
        """
        fixed = {name: getattr(self.settings, name) for name in _FIXED}
        unheeded = tuple(name for name in _FIXED if getattr(settings, name) != fixed[name])
        settings = settings.model_copy(update=fixed)
        old = self.settings
        is_same_client = all(getattr(old, name) == getattr(settings, name) for name in _OF_CLIENT)
        registries = self._rounds.registries if is_same_client else self._make_client(settings)
        self.settings, self._targets = settings, _map_targets(settings)
        self._rounds = Rounds(settings, self._store, registries)
        return unheeded

    def find_prefix(self, target: str) -> str | None:
        """Find what the branches begin with that are imagebot's own; None if the target was not updated yet."""
        settings = self._targets.get(target)
        seen = find_seen(self._store, settings) if settings is not None else None
        return seen.prefix if seen is not None else None

    def find_rules(self, target: str, entry: str, line: int) -> Rules | None:
        """Find what an entry said when the target was last looked at, by what it is called and its line."""
        settings = self._targets.get(target)
        found = find_entry_rules(self._store, settings, entry, line) if settings is not None else None
        return found or self._steps.find_rules(target, entry, line)

    def _run(self, due: DueRound, since: datetime) -> Polled | Updated:
        began_s = self._clock().steady_s
        with bound_fields(round_id=secrets.token_hex(6)):
            ended = self._do(due, since)
            duration_s = self._clock().steady_s - began_s
            log.debug("round_ended", due=str(due), result=_name_result(ended), duration_s=round(duration_s, 3))
        self._observe(Finished("poll" if isinstance(due, Poll) else "update", _name_result(ended), duration_s))
        return ended

    def _do(self, due: DueRound, since: datetime) -> Polled | Updated:
        try:
            rounds = self._rounds
            if isinstance(due, Poll):
                return self._steps.poll(due, rounds)
            target = self._targets.get(due.target)
            # It may have been taken out of the settings since the round was taken.
            return self._steps.update(due, target, rounds, since=since) if target is not None else Updated()
        except Exception:  # noqa: BLE001 - the worker's loop: a bug ends its round, and the others go on
            log.exception("round_ended_by_a_bug", due=str(due))
            trouble = Trouble(Cause.OPERATOR)
            return Polled(trouble=trouble) if isinstance(due, Poll) else Updated(trouble=trouble)

    def _make_client(self, settings: Settings) -> Registries:
        return make_registries(settings, store=self._store, pacing=self._pacing)

    def _close(self) -> None:
        self._rounds.registries.close()


def _map_targets(settings: Settings) -> Mapping[str, TargetSettings]:
    return {target.name: target for target in settings.targets}


def _name_result(ended: Polled | Updated) -> str:
    if ended.trouble is not None:
        return "failed"
    if isinstance(ended, Polled):
        return "moved" if ended.moved else "unmoved"
    if ended.awaits:
        return "awaiting"
    return "updated" if ended.was_full else "unmoved"
