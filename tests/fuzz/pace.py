"""How long a call may take: what is too slow does not depend on who else uses the machine, as far as that can be told.

The bounds hold on a machine that makes a list of libyaml's events of a fixed text in a given time. A call over its
bound is measured again, in turns with that: on a machine that is busy, or a slower one, the bound is longer by as much.
"""

import gc
import time
from collections.abc import Callable
from contextlib import suppress

import yaml

_TEXT = "- image: nginx:1.2.3\n" * 3000
# Measured where the bounds were, with nothing else running.
_READS_S = 0.0135
_TURNS = 5


def time_call(call: Callable[[], object]) -> float:
    """Return the seconds of processor time that a call takes, whatever it raises."""
    start = time.process_time()
    with suppress(Exception):  # what it raises is judged elsewhere
        call()
    return time.process_time() - start


def is_slow(call: Callable[[], object], bound_s: float) -> bool:
    """Say whether each of some turns takes longer than the bound does on a machine as fast as this is at that time.

    What is there beside the call, as all of a test run, is nothing for the garbage collector to look at.
    """
    gc.collect()
    gc.freeze()
    try:
        return all(time_call(call) > bound_s * max(1.0, time_call(_read) / _READS_S) for _ in range(_TURNS))
    finally:
        gc.unfreeze()


def _read() -> None:
    list(yaml.parse(_TEXT, Loader=yaml.CSafeLoader))
