"""A host that fails again and again is left alone for a while: then one request finds out whether it works again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from imagebot.registry.errors import LeftAlone, RateLimited, RegistryUnavailable, UnexpectedAnswer
from imagebot.registry.pacing import Pacing

_FAILURES = 5
_FIRST_REST_S = 30.0
_LONGEST_REST_S = 15 * 60.0


class Breaker:
    """Counts the requests to one host that failed in a row. All threads share it.

    A failure is no answer, or one that speaks of a fault on the host's side. Any other answer ends the row: that a
    repository is not there, or not for us, says nothing against its host.
    """

    def __init__(self, host: str, pacing: Pacing) -> None:
        self._host = host
        self._pacing = pacing
        self._lock = threading.Lock()
        self._failures = 0
        self._reason = ""
        self._rests = 0
        """How often in a row the host was left alone; each time for longer."""
        self._until: datetime | None = None
        self._is_probing = False
        self._era = 0
        """Counts all rests: what was begun before the last one says nothing of what came after."""

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Span one request with its repetitions; raises LeftAlone at once while the host is left alone."""
        era = self._begin()
        try:
            yield
        except RegistryUnavailable as error:
            self._fail(era, error.reason)
            raise
        except (RateLimited, UnexpectedAnswer):
            self._succeed()
            raise
        except BaseException:  # says nothing of the host
            self._release(era)
            raise
        else:
            self._succeed()

    def _begin(self) -> int:
        with self._lock:
            if self._until is None:
                return self._era
            left = self._until - self._pacing.now()
            # A longer rest than there is was begun by a clock that was ahead.
            if timedelta(0) < left <= timedelta(seconds=_LONGEST_REST_S):
                raise LeftAlone(self._host, self._explain(), until=self._until)
            if self._is_probing:
                raise LeftAlone(self._host, f"{self._explain()}; one request finds out now whether it works again")
            self._is_probing = True
            return self._era

    def _succeed(self) -> None:
        with self._lock:
            self._failures, self._rests, self._until, self._is_probing = 0, 0, None, False

    def _fail(self, era: int, reason: str) -> None:
        with self._lock:
            if era != self._era:
                return
            self._failures += 1
            self._reason = reason
            if not self._is_probing and self._failures < _FAILURES:
                return
            # 2 to the power of 10 is beyond the longest rest, and of more no float could be made in the end.
            rest_s = min(_FIRST_REST_S * 2 ** min(self._rests, 10), _LONGEST_REST_S)
            self._until = self._pacing.now() + timedelta(seconds=self._pacing.jitter(rest_s))
            self._rests += 1
            self._era += 1
            self._is_probing = False

    def _release(self, era: int) -> None:
        with self._lock:
            if era == self._era:
                self._is_probing = False

    def _explain(self) -> str:
        return f"its last {self._failures} requests failed, the last one because {self._reason}"
