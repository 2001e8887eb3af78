"""What makes time pass for the worker: APScheduler, which beats about once a second.

What is due at a beat is not for it to know: the agenda counts by a steady clock, APScheduler by that on the wall. Beats
that are late are made up for by one (`misfire_grace_time`, `coalesce`), and a clock that was put back is heeded.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from imagebot.agenda.values import Now

BEAT_S = 1
_LATE = timedelta(seconds=3 * BEAT_S)


def read_clocks() -> Now:
    """Read the clock on the wall, and one that stands still while the machine sleeps and that nobody sets."""
    return Now(datetime.now(UTC), time.monotonic())


class Clock:
    """Calls `beat` in a thread of its own, and never twice at once."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        self._job = self._scheduler.add_job(
            beat,
            IntervalTrigger(seconds=BEAT_S, timezone=UTC),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Beat no more; a beat that has begun ends."""
        self._scheduler.shutdown()

    def look_after(self, wall: datetime) -> None:
        """Set the next beat right if the clock was put back: it would come only when that has caught up.

        To be called about as often as it beats, by whoever has a steady clock.
        """
        due_at = self._job.next_run_time
        if due_at is not None and due_at - wall > _LATE:
            self._job.modify(next_run_time=wall)
