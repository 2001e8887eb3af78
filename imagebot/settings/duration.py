"""Durations as people write them: a number with its unit, as in `30s`."""

import re
from datetime import timedelta

from imagebot.settings.section import Refused

ACCEPTED_DURATION = "a duration with its unit (ms, s, m, h, d), as in 30s, 1.5m or 1h"

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def find_seconds(text: str) -> float | None:
    """Return the duration in seconds; None if the text is no duration."""
    match = _DURATION.fullmatch(text)
    return float(match[1]) * _SECONDS[match[2]] if match else None


def make_duration(text: str, *, longest: str) -> timedelta:
    """Make a duration of more than 0s, to the microsecond, and at most the longest; raises Refused."""
    seconds, longest_s = find_seconds(text), find_seconds(longest)
    if seconds is None or longest_s is None:
        raise Refused
    # Cut before it is made, because a timedelta has a limit of its own.
    duration = timedelta(seconds=min(seconds, longest_s))
    if seconds > longest_s or not duration:
        raise Refused(f"a duration of more than 0s and at most {longest}")
    return duration
