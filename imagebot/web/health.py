"""Whether the service is alive, and whether it is ready: told apart, because a restart helps only the first.

What fails outside, a registry or a forge, makes it degraded and not unready: its page and its webhooks are needed then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imagebot.agenda.values import Now, View
from imagebot.errors import ImagebotError
from imagebot.jobs.standing import Standing

LONGEST_BEAT_S = 60.0
"""A clock that has not beaten for so long has stopped."""


LONGEST_WITHOUT_CLOCK_S = 15.0
"""By then another replica has the clock."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. What is not ok makes the service unready, unless it may also be degraded."""

    is_ok: bool
    detail: str
    may_degrade: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """What is said at `/readyz`."""

    checks: Mapping[str, Check]

    @property
    def is_ready(self) -> bool:
        return all(check.is_ok or check.may_degrade for check in self.checks.values())

    @property
    def status(self) -> str:
        if not self.is_ready:
            return "unready"
        return "ready" if all(check.is_ok for check in self.checks.values()) else "degraded"


def check_clock(beaten_at: Now | None, now: Now) -> Check:
    """Say whether what is due is still looked for."""
    if beaten_at is None:
        return Check(is_ok=False, detail="it has not begun to look for what is due")
    ago_s = now.steady_s - beaten_at.steady_s
    return Check(ago_s <= LONGEST_BEAT_S, f"it looked for what is due {ago_s:.0f} s ago")


def check_replicas(find_standing: Callable[[], Standing]) -> Check:
    """Say whether any replica has the clock."""
    try:
        standing = find_standing()
    except ImagebotError as error:
        return Check(is_ok=False, detail=str(error))
    if standing.beaten_s is not None and standing.beaten_s <= LONGEST_WITHOUT_CLOCK_S:
        return Check(is_ok=True, detail=f"{standing.replica} has the clock, of {standing.replicas} replicas")
    if standing.is_held:
        # Ready all the same: whoever rolls out a version ends those of the one before when those of this are ready.
        return Check(is_ok=True, detail="a replica of another version has the clock; this one waits until it ends")
    if standing.beaten_s is None:
        return Check(is_ok=False, detail="no replica has the clock yet")
    return Check(is_ok=False, detail=f"no replica has had the clock for {standing.beaten_s:.0f} s")


def check_store(ping: Callable[[], None]) -> Check:
    """Say whether the store can be written to."""
    try:
        ping()
    except ImagebotError as error:
        return Check(is_ok=False, detail=str(error))
    return Check(is_ok=True, detail="it can be written to")


def check_rounds(view: View) -> Check:
    """Say whose last rounds failed, without a word that only those should read who may see the pages."""
    failing = sum(timing.failures > 0 for timing in view.targets.values())
    unpolled = sum(timing.failures > 0 for timing in view.repositories.values())
    paused = sum(host.paused_s > 0 for host in view.hosts.values())
    detail = (
        f"failing: {failing} of {len(view.targets)} targets, {unpolled} of {len(view.repositories)} repositories;"
        f" {paused} registries are left alone for now"
    )
    return Check(not failing and not unpolled, detail, may_degrade=True)
