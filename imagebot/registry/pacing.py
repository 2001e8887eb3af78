"""By what hosts are paced: clocks, chance, and a memory of pauses. Handed in, so that a test has them in its hand."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, sleep


def _read_clock() -> datetime:
    return datetime.now(UTC)


def _find_none(_host: str) -> Mapping[str, datetime]:
    return {}


def _keep_none(_host: str, _scope: str, _until: datetime) -> None:
    """Forget the pause when the process ends."""


@dataclass(frozen=True, slots=True)
class KeptPauses:
    """Where pauses outlast this process; without one they do not. Neither function raises."""

    find: Callable[[str], Mapping[str, datetime]] = _find_none
    """Given a host, returns the ends of its pauses by scope."""
    keep: Callable[[str, str, datetime], None] = _keep_none
    """Given a host, a scope and the end of the pause."""
    found_every_s: float | None = None
    """How often to look for those that other processes have kept; None if there are no others."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """What all hosts have in common; how many requests each of them takes is in its `RegistryHost`."""

    monotonic: Callable[[], float] = monotonic
    wait: Callable[[float], object] = sleep
    """Waits so many seconds."""
    now: Callable[[], datetime] = _read_clock
    """Pauses go by it, as they outlast the process."""
    random: Callable[[], float] = random.random
    """Returns a number from 0 to 1, each time another."""
    pauses: KeptPauses = KeptPauses()
    turns: Callable[[str, float], float | None] | None = None
    """Takes the next turn at a host among all processes, with so many seconds between turns, and returns in how many
    seconds it is, or None if that is not known; without it this process is the only one."""

    def jitter(self, seconds: float) -> float:
        """Return at least half of the seconds and at most all: those who wait at once do not come back at once."""
        return seconds * (0.5 + self.random() / 2)
