"""What the settings say of when something is looked at: an interval, or a schedule."""

from datetime import UTC, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from imagebot.settings.duration import ACCEPTED_DURATION, make_duration
from imagebot.settings.merge_requests_section import Timezone, Window
from imagebot.settings.section import MadeFrom, Refused, Section

_SHORTEST = timedelta(seconds=10)


def _make_interval(text: str, _: object) -> timedelta:
    interval = make_duration(text, longest="30d")
    if interval < _SHORTEST:
        raise Refused
    return interval


Interval = Annotated[timedelta, MadeFrom(f"{ACCEPTED_DURATION}, from 10s to 30d", _make_interval)]


class PacedSection(Section):
    """What is said of a target about when it is looked at."""

    interval: Interval | None = None
    """Without it that at the top counts."""
    schedule: Annotated[tuple[Window, ...], Field(max_length=50)] = ()
    timezone: Timezone = UTC

    @model_validator(mode="after")
    def _refuse_both(self) -> "PacedSection":
        if self.interval is not None and self.schedule:
            raise Refused("interval or schedule", found="both of them", at=("schedule",))
        return self
