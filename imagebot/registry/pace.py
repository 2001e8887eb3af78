"""How one host is pressed: so many requests at once, so many a second, and none while it asks to be left alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from imagebot.registry.errors import LeftAlone, RateLimited, RegistryUnavailable
from imagebot.registry.host import Limits
from imagebot.registry.limits import find_pause, parse_retry_after
from imagebot.registry.message import Answer, Request
from imagebot.registry.pacing import Pacing

# A pause that is waited out; whoever meets a longer one is told until when, and its thread is free for others.
_BRIEF_PAUSE_S = 10.0
_LONGEST_PAUSE_S = 24 * 3600.0
# For a 429 that does not say for how long: each time longer, while no other answer comes between.
_FIRST_UNSAID_S = 30.0
_LONGEST_UNSAID_S = 15 * 60.0
_MOST_WAITS = 10
# Longer than all that may be before one in the queue ever take.
_QUEUE_LIMIT_S = 1800.0
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Scope(StrEnum):
    """What a registry limits."""

    ALL = "all"
    PULLS = "pulls"
    """GET of manifests: what Docker Hub counts, while all else is free."""


_HELP = "a login or a mirror may help (settings: registries)"
_REASONS = {
    Scope.ALL: f"it asked to be; if it limits us, {_HELP}",
    Scope.PULLS: f"it lets us read no more manifests until then, which it counts as pulls; {_HELP}",
}


class Pace:
    """What is known of the limits of one host. All threads share it: what one of them learns, all obey."""

    def __init__(self, host: str, limits: Limits, pacing: Pacing) -> None:
        self._host = host
        self._pacing = pacing
        self._slots = threading.BoundedSemaphore(limits.in_flight)
        self._interval_s = 1 / limits.per_second if limits.per_second is not None else 0.0
        self._lock = threading.Lock()
        self._next_at = float("-inf")
        self._refusals = 0
        self._until: dict[Scope, datetime] = {}
        self._found_at = float("-inf")
        self._find_kept()

    @contextmanager
    def take_turn(self, request: Request) -> Iterator[None]:
        """Wait until the request may be sent, and hold its place until it is answered.

        Raises LeftAlone where that is not soon, and RegistryUnavailable where the queue does not move.
        """
        scopes = (Scope.ALL, Scope.PULLS) if _is_pull(request) else (Scope.ALL,)
        self._find_left_s(scopes)
        if not self._slots.acquire(timeout=_QUEUE_LIMIT_S):
            raise RegistryUnavailable(self._host, "too many of our own requests to it are under way")
        try:
            self._wait(scopes)
            yield
        finally:
            self._slots.release()

    def heed(self, request: Request, answer: Answer) -> datetime | None:
        """Learn from an answer until when to leave the host alone, None is not at all; raises RateLimited for a 429."""
        asked_s = _find_asked_s(answer)
        left_s = asked_s if asked_s is not None else find_pause(answer.headers)
        if answer.status == 429:
            scope = Scope.PULLS if _is_pull(request) else Scope.ALL
            raise RateLimited(self._host, asked_s, until=self._pause(scope, left_s))
        with self._lock:
            self._refusals = 0
        if not left_s:
            return None
        # A quota that is told with manifests is that of pulls; HEAD, which is none, is told of it as well.
        is_of_pulls = asked_s is None and _is_about_manifests(request)
        return self._pause(Scope.PULLS if is_of_pulls else Scope.ALL, left_s)

    def is_brief(self, until: datetime) -> bool:
        """Tell whether a pause that ends then is one that is waited out."""
        return (until - self._pacing.now()).total_seconds() <= _BRIEF_PAUSE_S

    def _wait(self, scopes: tuple[Scope, ...]) -> None:
        for _ in range(_MOST_WAITS):
            # While one waits for its place, or its turn, others may learn of a pause.
            left_s = self._find_left_s(scopes)
            if left_s > 0:
                self._pacing.wait(left_s)
                continue
            turn_s = self._reserve()
            if turn_s > 0:
                self._pacing.wait(turn_s)
            if self._find_left_s(scopes) <= 0:
                return
        raise LeftAlone(self._host, "it asks for one brief pause after the other")

    def _reserve(self) -> float:
        """Take the next turn, and return in how many seconds it is."""
        if not self._interval_s:
            return 0.0
        if self._pacing.turns is not None and (left_s := self._pacing.turns(self._host, self._interval_s)) is not None:
            return left_s
        with self._lock:
            now = self._pacing.monotonic()
            at = max(self._next_at, now)
            self._next_at = at + self._interval_s
            return at - now

    def _find_left_s(self, scopes: tuple[Scope, ...]) -> float:
        """Return how long a brief pause still takes, 0 if there is none; raises LeftAlone for a longer one."""
        every_s = self._pacing.pauses.found_every_s
        if every_s is not None and self._pacing.monotonic() >= self._found_at + every_s:
            self._find_kept()
        if not self._until:
            return 0.0
        with self._lock:
            until, scope = max((self._until.get(scope, _LONG_AGO), scope) for scope in scopes)
        left_s = (until - self._pacing.now()).total_seconds()
        if left_s > _BRIEF_PAUSE_S:
            raise LeftAlone(self._host, _REASONS[scope], until=until)
        return max(0.0, left_s)

    def _find_kept(self) -> None:
        """Learn of pauses that were kept, by this process before it ended or by another."""
        self._found_at = self._pacing.monotonic()
        # What ends later than any pause may was kept by a clock that was ahead.
        latest = self._pacing.now() + timedelta(seconds=_LONGEST_PAUSE_S)
        kept = self._pacing.pauses.find(self._host)
        with self._lock:
            for scope in Scope:
                if scope in kept and self._until.get(scope, _LONG_AGO) < kept[scope] <= latest:
                    self._until[scope] = kept[scope]

    def _pause(self, scope: Scope, seconds: float | None) -> datetime:
        """Begin a pause, or make it longer, and return its end; None is one of which it was not said how long."""
        now = self._pacing.now()
        with self._lock:
            before = self._until.get(scope, _LONG_AGO)
            if seconds is None:
                # Refusals that come during a pause are of requests that were sent before it.
                seconds = 0.0 if before > now else self._grow()
            until = max(before, now + timedelta(seconds=min(seconds, _LONGEST_PAUSE_S)))
            self._until[scope] = until
        if until > before and seconds > _BRIEF_PAUSE_S:
            self._pacing.pauses.keep(self._host, scope, until)
        return until

    def _grow(self) -> float:
        # 2 to the power of 10 is beyond the longest, and of more no float could be made in the end.
        seconds = min(_FIRST_UNSAID_S * 2 ** min(self._refusals, 10), _LONGEST_UNSAID_S)
        self._refusals += 1
        return self._pacing.jitter(seconds)


def _is_about_manifests(request: Request) -> bool:
    return "/manifests/" in urlsplit(request.url).path


def _is_pull(request: Request) -> bool:
    return request.method == "GET" and _is_about_manifests(request)


def _find_asked_s(answer: Answer) -> float | None:
    if answer.status not in (403, 429) and answer.status < 500:
        return None
    return parse_retry_after(answer.headers.get("Retry-After"), answer.headers.get("Date"))
