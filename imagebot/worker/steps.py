"""What a due round comes to: one poll or one update, done here and now, and how it ended.

What one round has to know of another is in the store: whoever does the next need not have done the last.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

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
from imagebot.worker.seen import Seen, find_seen, forget_seen, keep_seen

_OPERATOR = Trouble(Cause.OPERATOR)
# By so much the clocks of those who share a store may differ, or one be set back, before anything is asked twice.
_SKEW = timedelta(minutes=1)


class Steps:
    """Does rounds, each by the `Rounds` of its time. No two at once are about the same target or repository."""

    def __init__(self, *, lanes: Lanes, now: Callable[[], datetime]) -> None:
        self._lanes, self._now = lanes, now
        self._rules: dict[str, Mapping[tuple[str, int], Rules]] = {}

    def poll(self, due: Poll, rounds: Rounds) -> Polled:
        """Poll a repository, and tell whether anything is other than it was."""
        repository, now = due.repository, self._now()
        has_moved = rounds.refresh(repository, now=now)
        if isinstance(has_moved, Unlisted):
            return Polled(trouble=_find_trouble(has_moved, now=now))
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

    def update(self, due: Update, target: TargetSettings, rounds: Rounds, *, since: datetime) -> Updated:
        """Update a target, unless all that is asked for is to see whether it moved, and it did not.

        `since` is when the agenda began that the round is of: what it had polled is not polled for this one.
        """
        if not due.is_full and (unmoved := self._look_briefly(target, rounds)) is not None:
            return unmoved
        now = self._now()
        # What is remembered must not outlive an update that ends in the middle.
        forget_seen(rounds.store, target, at=now)
        seen = rounds.look(target, now=now)
        if isinstance(seen, Outcome):
            return Updated(trouble=_find_trouble_of(seen, now=now))
        wanted = seen.survey.repositories
        try:
            interval = target.interval or rounds.settings.interval
            listings = self._list(wanted, rounds, not_before=now - interval, since=since)
        except ImagebotError as error:
            log.error("listings_not_read", target=target.name, error=str(error))
            cause = Cause.OPERATOR if isinstance(error, NeedsOperator) else Cause.PASSING
            return Updated(dict.fromkeys(wanted, frozenset()), trouble=Trouble(cause))
        missing = wanted - listings.keys()
        if missing and due.may_await:
            return Updated(dict.fromkeys(wanted, frozenset()), awaits=missing)
        inquiry = Inquiry(rounds.registries, rounds.store, pool=self._lanes, now=now)
        outcome = rounds.update(seen, inquiry=inquiry, listings=listings, now=now)
        if outcome.error:
            return Updated(dict.fromkeys(wanted, frozenset()), trouble=_find_trouble_of(outcome, now=now))
        chosen = _choose(seen.branches, {target.branch, seen.base}, prefix=seen.prefix)
        keep_seen(rounds.store, target, Seen(seen.base, seen.prefix, chosen), at=now)
        entries = {choice.governed.entry for choice in outcome.choices}
        self._rules[target.name] = {(entry.label, entry.position): entry.rules for entry in entries}
        uses = {**dict.fromkeys(wanted, frozenset[str]()), **list_watched(outcome.choices)}
        trouble = _find_trouble_within(outcome, listings)
        return Updated(uses, was_full=True, due_at=outcome.due_at, trouble=trouble)

    def find_rules(self, target: str, entry: str, line: int) -> Rules | None:
        """Find what an entry said at the target's last update here: of Flux's own policies the store keeps nothing."""
        return self._rules.get(target, {}).get((entry, line))

    def _look_briefly(self, target: TargetSettings, rounds: Rounds) -> Updated | None:
        """Ask the git server alone, which is enough where nothing moved; None if more has to be done."""
        seen = find_seen(rounds.store, target)
        if seen is None:
            return None
        now = self._now()
        branches = rounds.list_branches(target, now=now)
        if isinstance(branches, Outcome):
            return Updated(trouble=_find_trouble_of(branches, now=now))
        chosen = _choose(branches, {target.branch, seen.base}, prefix=seen.prefix)
        return Updated() if chosen == seen.branches else None

    def _list(
        self, wanted: Collection[Repository], rounds: Rounds, *, not_before: datetime, since: datetime
    ) -> Listings:
        """Find how the repositories were listed last; those are missing that have to be polled first.

        That a registry lists something else now is told by the polls. Of a repository that was not polled since then,
        what is kept from before counts as long as it is as young as another poll would let it be.
        """
        failing = rounds.store.history.list_failing() if wanted else {}

        def find(repository: Repository) -> Snapshot | Unlisted | None:
            failed = failing.get(repository)
            if failed is not None and failed.at >= since:
                return Unlisted(repository, failed.reason)
            kept = rounds.store.find_snapshot(repository)
            oldest, latest = min(not_before, since), self._now() + _SKEW
            return kept if kept is not None and oldest <= kept.listed_at <= latest else None

        found = {repository: find(repository) for repository in sorted(wanted)}
        return {repository: listing for repository, listing in found.items() if listing is not None}


def _find_trouble_within(outcome: Outcome, listings: Listings) -> Trouble | None:
    """Find what has to be tried again of an update that came to its end.

    Repositories that could not be polled are polled again by themselves, and tell when they could be.
    """
    has_failed = any(result.action is Action.FAILED or result.refused for result in outcome.results)
    repositories = {choice.governed.repository for choice in outcome.choices if isinstance(choice.verdict, Unlisted)}
    unanswered = any(not isinstance(listings.get(repository), Unlisted) for repository in repositories)
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
