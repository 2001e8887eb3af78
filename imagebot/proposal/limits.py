"""How many merge requests may be open, how many may be opened in an hour, and in which windows of time.

What has to wait is still planned and shown, with until when.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from imagebot.proposal.request_rules import RequestRules
from imagebot.proposal.schedule import ClosedUntil, find_window

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wait:
    """Why something is not done now, and until when; None if no time will do it."""

    reason: str
    until: datetime | None


class Limits:
    """The limits of one round: told what was opened in it, it knows how much room is left."""

    def __init__(self, rules: RequestRules, *, list_opened_at: Callable[[], Iterable[datetime]], now: datetime) -> None:
        """`list_opened_at` lists the times at which merge requests were opened, whatever became of them."""
        self._rules = rules
        self._now = now
        self._now_open = 0
        self._opened_now = 0
        self._list_opened_at = list_opened_at
        window = find_window(rules.schedule, rules.timezone, now=now)
        self._closed_until = window.at if isinstance(window, ClosedUntil) else None

    def find_wait_to_move(self) -> Wait | None:
        """Say until when nothing may be moved, if that is so."""
        if self._closed_until is None:
            return None
        return Wait(f"the schedule opens at {self._name(self._closed_until)}", self._closed_until)

    def find_wait_to_open(self) -> Wait | None:
        """Say until when nothing more may be opened, if that is so."""
        if wait := self.find_wait_to_move():
            return wait
        now_open, most = self._now_open + self._opened_now, self._rules.max_open
        if most is not None and now_open >= most:
            return Wait(f"{now_open} are open, and max_open is {most}: it is opened when one of them is done", None)
        hourly = self._rules.max_per_hour
        if hourly is None:
            return None
        recent = sorted(at for at in self._list_opened_at() if self._now - _HOUR < at <= self._now)
        recent += [self._now] * self._opened_now
        if len(recent) < hourly:
            return None
        until = recent[-hourly] + _HOUR
        return Wait(f"max_per_hour is {hourly}: it is opened at {self._name(until)}", until)

    def count_open(self, number: int) -> None:
        """Say how many were open when the round began, and are still."""
        self._now_open = number

    def count_opened(self) -> None:
        """Count one more that was opened now."""
        self._opened_now += 1

    def _name(self, instant: datetime) -> str:
        return f"{instant.astimezone(self._rules.timezone):%Y-%m-%d %H:%M %Z}"
