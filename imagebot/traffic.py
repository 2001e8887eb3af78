"""Requests to registries and forges, told to whoever counts them: nobody does, unless a service is being watched.

Like the log, it is one for the whole process; nothing is decided from it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_REMAINING = ("RateLimit-Remaining", "X-RateLimit-Remaining")
_FIRST_NUMBER = re.compile(r"\s*(\d{1,10})")
_IN_POLICY = re.compile(r"\b(?:remaining|r)\s*=\s*(\d{1,10})")
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent: the status is None if there was no answer. `left` is what the host says is left."""

    host: str
    status: int | None
    left: int | None


_watchers: list[Callable[[Exchange], None]] = []


def note(host: str, status: int | None, headers: Mapping[str, str] = _NOTHING) -> None:
    """Tell of a request; `headers` are those of its answer."""
    if _watchers:
        exchange = Exchange(host, status, find_left(headers))
        for watcher in _watchers:
            watcher(exchange)


@contextmanager
def watched(watcher: Callable[[Exchange], None]) -> Iterator[None]:
    """Let the watcher hear of all requests of this process, in the threads that send them."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def find_left(headers: Mapping[str, str]) -> int | None:
    """Find how many requests are left to us; the least if several are told, None if none is."""
    told = [match for name in _REMAINING if (match := _FIRST_NUMBER.match(headers.get(name, "")))]
    told += _IN_POLICY.finditer(headers.get("RateLimit", "")[:_LONGEST])
    return min((int(match[1]) for match in told), default=None)
