"""What candidates have to pass whatever orders them: a minimum age, and the platforms of the image now written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from imagebot.image.platform import Platform
from imagebot.image.snapshot import Since
from imagebot.policy.known import Known, Unknown
from imagebot.policy.reading import Rule, Rules

Platforms = Mapping[Platform, str]
"""The digest of the manifest for each platform of an image."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A tag that is too young to be chosen.

    From `until` on it is a candidate, if nothing changes; both instants are None if its age is not known.
    """

    tag: str
    since: Since | None
    until: datetime | None

    def __str__(self) -> str:
        if self.since is None or self.until is None:
            return f"{self.tag} waits: it is not known how old it is"
        return f"{self.tag} waits until {self.until:%Y-%m-%d %H:%M} UTC: {self.since}"


@dataclass(frozen=True, slots=True)
class Lacking:
    """The platforms that a candidate lacks and the image now written has."""

    platforms: tuple[Platform, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.platforms))


def find_waiting(tag: str, min_age: timedelta, *, known: Known) -> Waiting | None:
    """Find how long the tag has to wait; None if it is old enough."""
    since = known.find_since(tag)
    if since is None:
        return Waiting(tag, None, None)
    until = since.at + min_age
    return Waiting(tag, since, until) if until > known.now else None


def examine(tag: str, rules: Rules, *, current: str | None, known: Known) -> Rule | Lacking | Unknown | None:
    """Look at the image of a tag that would be chosen; return what refuses it, or None.

    It is asked anew what both tags point to: either may have been pushed again, for other platforms than before.
    """
    sighting = known.find_sighting(tag, is_fresh=True)
    written = find_written(current, known=known)
    if isinstance(sighting, Unknown) or isinstance(written, Unknown):
        return _join(sighting, written)
    if sighting is None:
        return Rule.NO_IMAGE
    if written is None:
        return None
    both = find_both(written, sighting.digest, known=known)
    if isinstance(both, Unknown):
        return both
    # It may have gone between two requests.
    return Rule.NO_IMAGE if known.find_platforms(sighting.digest) is None else find_lacking(*both, rules)


def find_written(current: str | None, *, known: Known) -> str | Unknown | None:
    """Find the digest of the image now written: the one beside the tag, or what the tag points to."""
    if known.written is not None or current is None:
        return known.written
    sighting = known.find_sighting(current, is_fresh=True)
    return sighting if sighting is None or isinstance(sighting, Unknown) else sighting.digest


def find_lacking(before: Platforms, after: Platforms, rules: Rules) -> Lacking | None:
    """Find the platforms that got lost, of those that the rules name if they name any."""
    lost = before.keys() - after.keys()
    lost = lost & rules.platforms if rules.platforms else lost
    return Lacking(tuple(sorted(lost))) if lost else None


def find_both(old: str, new: str, *, known: Known) -> tuple[Platforms, Platforms] | Unknown:
    """Find the manifests for each platform of two digests; none for one that the registry does not have."""
    before, after = known.find_platforms(old), known.find_platforms(new)
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return _join(before, after)
    return before or {}, after or {}


def _join(*findings: object) -> Unknown:
    return Unknown(frozenset().union(*(each.questions for each in findings if isinstance(each, Unknown))))
