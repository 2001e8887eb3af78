"""What is forgotten, and when: every table that grows has its bound here.

Of tags, those that are not listed any more have theirs in `snapshots.py`, and events have a bound by number in
`history.py`. A table without a bound has one row for each thing that there is at all, as for each chore.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from imagebot.store.engine import Transaction, upsert
from imagebot.store.schema import (
    chores,
    contents,
    failures,
    heads,
    history,
    located,
    memos,
    outcomes,
    pauses,
    repositories,
    to_utc,
)

SWEPT_EVERY = timedelta(days=1)
_UNLISTED_KEPT = timedelta(days=180)
_SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class _Bound:
    """Rows of the table whose instant is older go, so many in a transaction."""

    instant: ColumnElement[datetime]
    kept_for: timedelta
    at_once: int = 1000


_BOUNDS = {
    located: _Bound(located.c.used_at, timedelta(days=30)),
    heads: _Bound(heads.c.kept_at, timedelta(days=30)),
    failures: _Bound(failures.c.at, timedelta(days=30)),  # what is still polled fails again
    memos: _Bound(memos.c.kept_at, timedelta(days=180)),
    outcomes: _Bound(outcomes.c.finished_at, timedelta(days=180)),
    contents: _Bound(contents.c.kept_at, timedelta(days=365)),  # what is still needed is asked for again
    pauses: _Bound(pauses.c.until, timedelta()),
}


def sweep_daily(transaction: Transaction, *, at: datetime, keep_history: timedelta) -> Mapping[str, int]:
    """Sweep, unless anybody who uses the store did within a day."""
    return _sweep(transaction, at=at, keep_history=keep_history, is_daily=True)


def sweep(transaction: Transaction, *, at: datetime, keep_history: timedelta) -> Mapping[str, int]:
    """Forget what is past its bound; return how many rows of which tables that were."""
    return _sweep(transaction, at=at, keep_history=keep_history, is_daily=False)


def _sweep(transaction: Transaction, *, at: datetime, keep_history: timedelta, is_daily: bool) -> Mapping[str, int]:
    at = to_utc(at)
    with transaction(immediate=True) as connection:
        query = select(chores.c.done_at).where(chores.c.name == _SWEEP).with_for_update()
        last = connection.execute(query).scalar_one_or_none()
        if is_daily and last is not None and last <= at < last + SWEPT_EVERY:
            return {}
        statement = upsert(connection, chores).values(name=_SWEEP, done_at=at)
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"done_at": at}))
    bounds = {**_BOUNDS, history: _Bound(history.c.at, keep_history)}
    if last is not None:
        # As seen from the last sweep: who was away for half a year need not have listed anything since. With a
        # repository go its tags and their history, which may be 200,000 rows.
        since = max(at - last, timedelta())
        bounds[repositories] = _Bound(repositories.c.listed_at, _UNLISTED_KEPT + since, at_once=10)
    swept = {table.name: _sweep_table(transaction, table, bound, at=at) for table, bound in bounds.items()}
    return {name: count for name, count in swept.items() if count}


def _sweep_table(transaction: Transaction, table: Table, bound: _Bound, *, at: datetime) -> int:
    key = table.primary_key.columns
    old = select(*key).where(bound.instant <= at - bound.kept_for).limit(bound.at_once)
    # What another transaction has in hand is in use; to wait for it could be to wait for each other.
    statement = delete(table).where(tuple_(*key).in_(old.with_for_update(skip_locked=True)))
    swept = 0
    while True:
        with transaction(immediate=True) as connection:
            count = connection.execute(statement).rowcount
        swept += count
        if count < bound.at_once:
            return swept
