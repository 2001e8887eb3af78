"""Durations as people write them: a number with its unit, as in `30s`."""

import re

ACCEPTED_DURATION = "a duration with its unit (ms, s, m, h, d), as in 30s, 1.5m or 1h"

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def find_seconds(text: str) -> float | None:
    """Return the duration in seconds; None if the text is no duration."""
    match = _DURATION.fullmatch(text)
    return float(match[1]) * _SECONDS[match[2]] if match else None
