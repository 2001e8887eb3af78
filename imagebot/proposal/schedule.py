"""When merge requests may be opened and moved: windows of time, given by the lines of a crontab.

A line stands for all the minutes that match it, so `* 8-17 * * mon-fri` is open from 8:00 to 17:59. Minutes are those
of the clock on the wall: one that is skipped in spring is in no window, one that comes twice in autumn is in it twice.
"""

import re
from calendar import monthrange
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from imagebot.errors import InvalidInput

_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat"
# No `L`, `W`, `#`, `?`, `H` or `@daily`, which mean something to some crons and nothing to others.
_FIELD = re.compile(rf"(?:[0-9*,/-]|{_NAMES})+", re.IGNORECASE)
_EVERY = (range(60), range(24), range(1, 32), range(1, 13), range(7))
_MAX_CHARACTERS = 200
_MINUTE = timedelta(minutes=1)
# Clocks are put on or back by less, and no leap year is further away.
_MOST_SKIPPED = timedelta(hours=26)
_FURTHEST = timedelta(days=8 * 366)


class InvalidCron(InvalidInput):
    """A text is no line of a crontab, or one that no minute ever matches."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text[:_MAX_CHARACTERS]!r} is no window of time: {reason}")
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes that a line matches; weekdays count from 0, which is Sunday.

    With `any_day`, as where both fields of days are given, a day need only be in one of them, as in cron.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool

    def __str__(self) -> str:
        return self.text

    def has_day(self, day: date) -> bool:
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (in_month or in_week if self.any_day else in_month and in_week)

    def has_minute(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and self.has_day(wall.date())


@dataclass(frozen=True, slots=True)
class Open:
    """Merge requests may be opened and moved now."""


@dataclass(frozen=True, slots=True)
class ClosedUntil:
    """No merge request may be opened or moved before this instant, in UTC."""

    at: datetime


def parse_cron(text: str) -> Cron:
    """Parse minute, hour, day of the month, month and day of the week, each `*`, or numbers, names, ranges and steps.

    The days of the week count from Sunday, which is 0 and 7. Ranges may pass the end: `22-6`, `fri-mon`. Raises
    InvalidCron.
    """
    from croniter import CroniterError, croniter

    if len(text) > _MAX_CHARACTERS:
        raise InvalidCron(text, f"it has more than {_MAX_CHARACTERS} characters")
    fields = text.split()
    if len(fields) != 5:
        raise InvalidCron(text, f"it has {len(fields)} fields, and 5 are minute, hour, day, month, day of the week")
    if odd := next((field for field in fields if not _FIELD.fullmatch(field)), None):
        raise InvalidCron(text, f"{odd!r} is not made of numbers, names, and * , - /")
    try:
        expanded, _ = croniter.expand(" ".join(fields))
    except (CroniterError, ValueError) as error:
        raise InvalidCron(text, "a number is too large, or what stands beside it is none") from error
    minutes, hours, days, months, weekdays = map(_list_numbers, expanded, _EVERY)
    any_day = not (fields[2].startswith("*") or fields[4].startswith("*"))
    cron = Cron(text, minutes, hours, days, months, weekdays, any_day=any_day)
    # Every date falls on every day of the week some year.
    if not cron.any_day and not any(min(cron.days) <= _count_days(month) for month in cron.months):
        raise InvalidCron(text, "none of its months has such a day")
    return cron


def _list_numbers(found: Sequence[object], every: range) -> frozenset[int]:
    numbers = frozenset(each for each in found if isinstance(each, int))
    return frozenset(every) if "*" in found else numbers


def _count_days(month: int) -> int:
    a_leap_year = 2024
    return monthrange(a_leap_year, month)[1]


def find_window(schedule: Collection[Cron], timezone: tzinfo, *, now: datetime) -> Open | ClosedUntil:
    """Say whether any line of the schedule matches this minute on the wall of the time zone, or when the next will.

    A schedule without lines is always open. Where nothing matches in eight years, as a minute that clocks skip each
    time, it is closed until then.
    """
    wall = now.astimezone(timezone)
    if not schedule or any(cron.has_minute(wall) for cron in schedule):
        return Open()
    for day in (wall.date() + timedelta(days=n) for n in range(_FURTHEST.days)):
        crons = [cron for cron in schedule if cron.has_day(day)]
        for instant in _list_minutes(day, timezone, after=now) if crons else ():
            if any(cron.has_minute(instant.astimezone(timezone)) for cron in crons):
                return ClosedUntil(instant)
    return ClosedUntil(now + _FURTHEST)


def _list_minutes(day: date, timezone: tzinfo, *, after: datetime) -> Iterator[datetime]:
    """Yield the instants in UTC that may be minutes of this day on the wall, in the order in which they pass."""
    first = datetime.combine(day, time(), tzinfo=UTC) - _MOST_SKIPPED
    start = max(first, after.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE)
    count = max(0, (first + 2 * _MOST_SKIPPED + timedelta(days=1) - start) // _MINUTE)
    instants = (start + number * _MINUTE for number in range(count))
    return (instant for instant in instants if instant.astimezone(timezone).date() == day)
