"""What a due round comes to: one poll or one update, done here and now, and how it ended.

What it remembers beside the store can be lost: the first update of every target is a full one.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from imagebot.agenda.values import Cause, Poll, Polled, Trouble, Update, Updated
from imagebot.errors import ImagebotError, NeedsOperator
from imagebot.git import Oid
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.inquire import Inquiry
from imagebot.log import log
from imagebot.policy.reading import Rules
from imagebot.poll import watch_digests
from imagebot.proposal.choose import Listings, Unlisted
from imagebot.proposal.outcome import Action, Outcome
from imagebot.proposal.watched import list_watched
from imagebot.registry.lanes import Lanes
from imagebot.rounds import Rounds
from imagebot.settings.operator import TargetSettings

_OPERATOR = Trouble(Cause.OPERATOR)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The branches that a target's last update went by: its own, that of its files, and all of the prefix."""

    base: str
    prefix: str
    branches: Mapping[str, Oid]


class Steps:
    """Does rounds, each by the `Rounds` of its time. No two at once are about the same target or repository."""

    def __init__(self, *, lanes: Lanes, now: Callable[[], datetime]) -> None:
        self._lanes, self._now = lanes, now
        self._polled: set[Repository] = set()
        self._unlisted: dict[Repository, Unlisted] = {}
        self._seen: dict[str, _Seen] = {}
        self._rules: dict[str, Mapping[tuple[str, int], Rules]] = {}

    def poll(self, due: Poll, rounds: Rounds) -> Polled:
        """Poll a repository, and tell whether anything is other than it was."""
        repository, now = due.repository, self._now()
        has_moved = rounds.refresh(repository, now=now)
        if isinstance(has_moved, Unlisted):
            self._unlisted[repository] = has_moved
            return Polled(trouble=_find_trouble(has_moved, now=now))
        self._unlisted.pop(repository, None)
        self._polled.add(repository)
        registries, store = rounds.registries, rounds.store
        try:
            has_moved |= watch_digests(repository, due.watched, registries=registries, store=store, now=now)
        except ImagebotError as error:
            needs_operator = isinstance(error, NeedsOperator)
            (log.error if needs_operator else log.warning)(
                "digests_not_watched", repository=str(repository), error=str(error)
            )
            return Polled(has_moved, Trouble(Cause.OPERATOR if needs_operator else Cause.PASSING))
        return Polled(has_moved)

    def update(self, due: Update, target: TargetSettings, rounds: Rounds) -> Updated:
        """Update a target, unless all that is asked for is to see whether it moved, and it did not."""
        if not due.is_full and (unmoved := self._look_briefly(target, rounds)) is not None:
            return unmoved
        # What is remembered must not outlive an update that ends in the middle.
        self._seen.pop(target.name, None)
        now = self._now()
        seen = rounds.look(target, now=now)
        if isinstance(seen, Outcome):
            return Updated(trouble=_find_trouble_of(seen, now=now))
        wanted = seen.survey.repositories
        try:
            listings = self._list(wanted, rounds, not_before=now - (target.interval or rounds.settings.interval))
        except ImagebotError as error:
            log.error("listings_not_read", target=target.name, error=str(error))
            return Updated(dict.fromkeys(wanted, frozenset()), trouble=_OPERATOR)
        missing = wanted - listings.keys()
        if missing and due.may_await:
            return Updated(dict.fromkeys(wanted, frozenset()), awaits=missing)
        inquiry = Inquiry(rounds.registries, rounds.store, pool=self._lanes, now=now)
        outcome = rounds.update(seen, inquiry=inquiry, listings=listings, now=now)
        if outcome.error:
            return Updated(dict.fromkeys(wanted, frozenset()), trouble=_find_trouble_of(outcome, now=now))
        chosen = _choose(seen.branches, {target.branch, seen.base}, prefix=seen.prefix)
        self._seen[target.name] = _Seen(seen.base, seen.prefix, chosen)
        entries = {choice.governed.entry for choice in outcome.choices}
        self._rules[target.name] = {(entry.label, entry.position): entry.rules for entry in entries}
        uses = {**dict.fromkeys(wanted, frozenset[str]()), **list_watched(outcome.choices)}
        trouble = self._find_trouble_within(outcome)
        return Updated(uses, was_full=True, due_at=outcome.due_at, trouble=trouble)

    def find_prefix(self, target: str) -> str | None:
        """Find what the branches begin with that are imagebot's own; None if the target was not updated yet."""
        seen = self._seen.get(target)
        return seen.prefix if seen is not None else None

    def find_rules(self, target: str, entry: str, line: int) -> Rules | None:
        """Find what an entry said at the target's last update, by what it is called and its line."""
        return self._rules.get(target, {}).get((entry, line))

    def forget(self, target: str) -> None:
        """Forget what is remembered of a target, as if it had never been looked at."""
        self._seen.pop(target, None)

    def _look_briefly(self, target: TargetSettings, rounds: Rounds) -> Updated | None:
        """Ask the git server alone, which is enough where nothing moved; None if more has to be done."""
        seen = self._seen.get(target.name)
        if seen is None:
            return None
        now = self._now()
        branches = rounds.list_branches(target, now=now)
        if isinstance(branches, Outcome):
            return Updated(trouble=_find_trouble_of(branches, now=now))
        chosen = _choose(branches, {target.branch, seen.base}, prefix=seen.prefix)
        return Updated() if chosen == seen.branches else None

    def _list(self, wanted: Collection[Repository], rounds: Rounds, *, not_before: datetime) -> Listings:
        """Find how the repositories were listed last; those are missing that have to be polled first.

        That a registry lists something else now is told by the polls. Of a repository that this worker has not polled,
        what is kept from before counts as long as it is as young as another poll would let it be.
        """
        found: dict[Repository, Snapshot | Unlisted] = {}
        for repository in sorted(wanted):
            kept = self._unlisted.get(repository) or rounds.store.find_snapshot(repository)
            if isinstance(kept, Snapshot) and repository not in self._polled:
                kept = kept if not_before <= kept.listed_at <= self._now() else None
            if kept is not None:
                found[repository] = kept
        return found

    def _find_trouble_within(self, outcome: Outcome) -> Trouble | None:
        """Find what has to be tried again of an update that came to its end.

        Repositories that could not be polled are polled again by themselves, and tell when they could be.
        """
        has_failed = any(result.action is Action.FAILED or result.refused for result in outcome.results)
        unanswered = {
            choice.governed.repository for choice in outcome.choices if isinstance(choice.verdict, Unlisted)
        } - self._unlisted.keys()
        return _OPERATOR if has_failed or unanswered else None


def _choose(branches: Mapping[str, Oid], bases: Collection[str], *, prefix: str) -> Mapping[str, Oid]:
    """Choose the branches that an update goes by."""
    return {name: oid for name, oid in branches.items() if name in bases or name.startswith(prefix)}


def _find_trouble(unlisted: Unlisted, *, now: datetime) -> Trouble:
    if unlisted.needs_operator or unlisted.is_bug:
        return _OPERATOR
    cause = Cause.HOST if unlisted.is_of_host else Cause.PASSING
    return Trouble(cause, _find_pause_s(unlisted.retry_at, now))


def _find_trouble_of(failed: Outcome, *, now: datetime) -> Trouble:
    return Trouble(Cause.PASSING, _find_pause_s(failed.retry_at, now)) if failed.is_transient else _OPERATOR


def _find_pause_s(until: datetime | None, now: datetime) -> float | None:
    return None if until is None else (until - now).total_seconds()
