"""The arithmetic of being due again: slots that keep their distance, and how long after a failure.

Each key has slots of its own, evenly apart and shifted by what its name comes to, so that keys are spread over the
interval from the start and stay so whatever delays them: after a long pause each is done once, and then again in its
own slot. Jitter moves the single slot and not those after it.
"""

import math
from hashlib import sha256

from imagebot.agenda.values import Cause, Trouble

JITTER = 0.1
"""The share of an interval by which a slot may be late; slots are that much closer together."""
FIRST_RETRY_S = 30.0
LONGEST_PAUSE_S = 300.0
"""Of a host that does not say how long it wants to be left alone."""
LONGEST_ASKED_S = 86400.0
LONGEST_BACKOFF_S = 3600.0
_MOST_DOUBLINGS = 20


def find_phase(name: str) -> float:
    """Find where in its interval a name has its slots: from 0 to below 1, the same each time."""
    return int.from_bytes(sha256(name.encode()).digest()[:6]) / 2**48


def find_slot_s(interval_s: float, phase: float, *, after_s: float, jitter: float) -> float:
    """Find the next slot: later than `after_s`, by at most the interval. `jitter` is from 0 to below 1."""
    spacing_s = interval_s * (1 - JITTER)
    number = math.floor(after_s / spacing_s - phase) + 1
    if (number + phase) * spacing_s <= after_s:  # by a rounding error
        number += 1
    return (number + phase) * spacing_s + jitter * interval_s * JITTER


def find_retry_s(interval_s: float, trouble: Trouble, *, failures: int, jitter: float) -> float:
    """Find how long after so many failures in a row, this one included, to try again.

    What may pass is tried again soon, and at the latest after the interval, but not before a pause that was asked for;
    what needs a person more and more rarely.
    """
    doubling = 2.0 ** min(failures - 1, _MOST_DOUBLINGS)
    if trouble.cause is Cause.OPERATOR:
        return min(interval_s * doubling, max(interval_s, LONGEST_BACKOFF_S))
    retry_s = min(interval_s, FIRST_RETRY_S * doubling) * (1 - JITTER * jitter)
    return max(retry_s, min(trouble.pause_s or 0.0, LONGEST_ASKED_S))


def find_pause_s(trouble: Trouble, *, failures: int, jitter: float) -> float:
    """Find for how long to leave a host alone after so many failures in a row, this one included."""
    if trouble.pause_s is not None and trouble.pause_s > 0:
        # Not sooner than it says.
        return min(trouble.pause_s, LONGEST_ASKED_S) + JITTER * jitter * FIRST_RETRY_S
    return min(LONGEST_PAUSE_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)) * (1 - JITTER * jitter)
