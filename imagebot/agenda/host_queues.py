"""Polls that are due, by the host that they ask: the hosts take turns, so that none holds up another.

A host that failed is left alone for a while, then asked by one poll at a time until one succeeds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from imagebot.agenda.rhythm import find_pause_s
from imagebot.agenda.values import HostTiming, Trouble
from imagebot.image.reference import Repository


@dataclass(slots=True)
class _Host:
    ready: dict[Repository, None] = field(default_factory=dict)
    running: int = 0
    failures: int = 0
    paused_until_s: float = float("-inf")


class HostQueues:
    """At most `limit` polls of one host run at a time; `jitter` gives a number from 0 to below 1."""

    def __init__(self, limit: int, *, jitter: Callable[[], float]) -> None:
        self._limit = limit
        self._jitter = jitter
        self._hosts: dict[str, _Host] = {}
        # Of the hosts with anything that is ready: the one whose turn was longest ago comes first.
        self._turns: dict[str, None] = {}

    def add(self, repository: Repository) -> None:
        self._hosts.setdefault(repository.registry, _Host()).ready[repository] = None
        self._turns.setdefault(repository.registry)

    def discard(self, repository: Repository) -> None:
        host = self._hosts.get(repository.registry)
        if host is not None:
            host.ready.pop(repository, None)
            self._tidy(repository.registry)

    def take(self, now_s: float) -> Repository | None:
        """Take the poll that may begin now, if any may."""
        for name in self._turns:
            host = self._hosts[name]
            limit = 1 if host.failures else self._limit
            if host.paused_until_s <= now_s and host.running < limit:
                repository = next(iter(host.ready))
                del host.ready[repository], self._turns[name]
                host.running += 1
                if host.ready:
                    self._turns[name] = None
                return repository
        return None

    def finish(self, repository: Repository, trouble: Trouble | None, *, now_s: float) -> None:
        """Hear how a poll ended that was taken; `trouble` is None unless it concerns the host."""
        host = self._hosts[repository.registry]
        host.running -= 1
        if trouble is None:
            host.failures = 0
        else:
            host.failures += 1
            pause_s = find_pause_s(trouble, failures=host.failures, jitter=self._jitter())
            host.paused_until_s = max(host.paused_until_s, now_s + pause_s)
        self._tidy(repository.registry)

    def forgive(self) -> None:
        """Ask every host again as if it had never failed."""
        for host in self._hosts.values():
            host.failures, host.paused_until_s = 0, float("-inf")

    def view(self, now_s: float) -> Mapping[str, HostTiming]:
        return {
            name: HostTiming(len(host.ready), host.running, host.failures, max(0.0, host.paused_until_s - now_s))
            for name, host in sorted(self._hosts.items())
        }

    def _tidy(self, name: str) -> None:
        """Forget a host that nobody waits for and of which there is nothing to remember."""
        host = self._hosts[name]
        if not host.ready:
            self._turns.pop(name, None)
            if not host.running and not host.failures:
                del self._hosts[name]
