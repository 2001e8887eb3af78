"""What the agenda is told and what it says: instants, rounds, and how these ended."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from imagebot.image.reference import Repository
from imagebot.proposal.schedule import Cron


@dataclass(frozen=True, slots=True)
class Now:
    """One instant by two clocks.

    The one on the wall may be set, back as well; the steady one only goes on, and what it counts from means nothing.
    """

    wall: datetime
    steady_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How often a target is to be looked at.

    With a `schedule` it is at the minutes of that and at no other time; else at least once every `interval_s`. A target
    whose `version` is another than before is due at once.
    """

    interval_s: float
    schedule: tuple[Cron, ...] = ()
    timezone: tzinfo = UTC
    version: int = 0


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask a registry for the tags of a repository, and what the watched ones of them point to."""

    repository: Repository
    watched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Update:
    """Look at a target, and update it if that is asked for (`is_full`) or if it was found to have moved.

    If it `may_await` polls, it is not updated before the tags of all its images were listed once.
    """

    target: str
    is_full: bool = True
    may_await: bool = True


DueRound = Poll | Update


class Cause(enum.Enum):
    """Who can help where a round failed."""

    PASSING = "passing"
    """Time: it is tried again soon."""
    HOST = "host"
    """Time, and everything at the host is concerned: it is left alone for a while."""
    OPERATOR = "operator"
    """A person: it is tried again, more and more rarely."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a round failed. `pause_s` is how long whoever was asked wants to be left alone, if it says so."""

    cause: Cause
    pause_s: float | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """How a poll ended; it `moved` if anything is other than it was after the poll before."""

    moved: bool = False
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """How an update ended.

    `uses` has the repositories of the target's images, each with the tags of which the digests matter; None if that was
    not found out, and is as before. With `awaits` nothing was decided, as these have to be polled first. `due_at` is
    when a decision will be another one by time alone.
    """

    uses: Mapping[Repository, frozenset[str]] | None = None
    was_full: bool = False
    awaits: frozenset[Repository] = frozenset()
    due_at: datetime | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A round that has ended: `kind` is poll or update, `result` a word for what it came to."""

    kind: str
    result: str
    duration_s: float


class Phase(enum.Enum):
    """Where a target or repository stands."""

    WAITING = "waiting"
    """For its time."""
    AWAITING = "awaiting"
    """For polls of its images."""
    READY = "ready"
    """It begins as soon as there is room."""
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Timing:
    """When a target or repository is due: in so many seconds, None if it only is at a schedule's or other's time."""

    phase: Phase
    due_in_s: float | None
    failures: int = 0
    at: datetime | None = None
    """The instant on the wall at which it is due at the latest, if there is one."""


@dataclass(frozen=True, slots=True)
class HostTiming:
    """How a registry stands: how many polls of it wait and run, and for how long it is left alone."""

    ready: int
    running: int
    failures: int
    paused_s: float


@dataclass(frozen=True, slots=True)
class View:
    """Everything in the agenda at one instant."""

    targets: Mapping[str, Timing] = field(default_factory=dict)
    repositories: Mapping[Repository, Timing] = field(default_factory=dict)
    hosts: Mapping[str, HostTiming] = field(default_factory=dict)
