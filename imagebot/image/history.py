"""What happened to the tags of a repository, as far as imagebot saw it: one event for each time that something changed.

All instants are those at which imagebot saw it; what happened between two listings happened at the second.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

MOST_NAMED = 1000
"""An event names so many tags at most, and counts the rest."""


@dataclass(frozen=True, slots=True)
class TagsChanged:
    """A listing had other tags than the one before; each list is sorted as text. `unnamed` counts those left out."""

    at: datetime
    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    """Tags that had vanished not long before."""
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class PushedAgain:
    """A tag was seen to point to another digest than before."""

    at: datetime
    tag: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Outage:
    """The repository could not be listed, or not be believed, from one instant until it was listed again."""

    at: datetime
    until: datetime
    polls: int
    reason: str
    """Of the last failure."""


Event = TagsChanged | PushedAgain | Outage


@dataclass(frozen=True, slots=True)
class Failing:
    """A repository that cannot be listed now: since when, when it was last tried, how often, and why."""

    since: datetime
    at: datetime
    polls: int
    reason: str


def make_tags_changed(
    at: datetime, *, appeared: Set[str], vanished: Set[str], returned: Set[str]
) -> TagsChanged | None:
    """Make the event of a listing; None if nothing changed."""
    left, named = MOST_NAMED, []
    for tags in (appeared, vanished, returned):
        named.append(tuple(sorted(tags)[:left]))
        left -= len(named[-1])
    unnamed = len(appeared) + len(vanished) + len(returned) - sum(map(len, named))
    return TagsChanged(at, named[0], named[1], named[2], unnamed) if any(named) else None
