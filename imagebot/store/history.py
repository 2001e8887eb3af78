"""What happened to the tags of each repository, for as long as the settings say, and which cannot be listed now.

An event is kept as a JSON array that begins with its kind, and read strictly: one that another version wrote in another
form is left out.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from imagebot.image.history import Event, Failing, Outage, PushedAgain, TagsChanged
from imagebot.image.reference import Repository
from imagebot.store.engine import Transaction, upsert
from imagebot.store.schema import failures, history, repositories, to_utc

# Whatever the settings say: a tag that is pushed again with every poll would fill the store.
_MOST_EVENTS = 1000
_LONGEST_REASON = 500


class HistoryMemory:
    """The part of a store that remembers events and failures. Snapshots and sightings write events of their own."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def list_events(self, repository: Repository, *, most: int = _MOST_EVENTS) -> tuple[Event, ...]:
        """List the last events of a repository, the latest first."""
        owner = select(repositories.c.id).where(
            repositories.c.registry == repository.registry, repositories.c.path == repository.path
        )
        query = select(history.c.at, history.c.event).where(history.c.repository == owner.scalar_subquery())
        with self._transaction(immediate=False) as connection:
            rows = connection.execute(query.order_by(history.c.at.desc(), history.c.id.desc()).limit(most)).all()
        events = (parse_event(row.event, row.at) for row in rows)
        return tuple(event for event in events if event is not None)

    def keep_failure(self, repository: Repository, reason: str, *, at: datetime) -> None:
        """Remember that the repository could not be listed, until a snapshot of it is kept."""
        at = to_utc(at)
        row = {"registry": repository.registry, "path": repository.path}
        # PostgreSQL takes no NUL, which a registry may have put into its message.
        again = {"at": at, "reason": reason[:_LONGEST_REASON].replace("\0", "")}
        with self._transaction(immediate=True) as connection:
            statement = upsert(connection, failures).values(**row, **again, since=at, polls=1)
            statement = statement.on_conflict_do_update(
                index_elements=["registry", "path"], set_={**again, "polls": failures.c.polls + 1}
            )
            connection.execute(statement)

    def list_failing(self) -> Mapping[Repository, Failing]:
        """List the repositories that cannot be listed now."""
        with self._transaction(immediate=False) as connection:
            rows = connection.execute(select(failures).order_by(failures.c.registry, failures.c.path)).all()
        return {Repository(row.registry, row.path): Failing(row.since, row.at, row.polls, row.reason) for row in rows}


def end_failure(connection: Connection, repository: Repository, *, at: datetime) -> Outage | None:
    """Forget the repository's failure, and return the event that it was; None if there was none."""
    is_it = failures.c.registry == repository.registry, failures.c.path == repository.path
    row = connection.execute(delete(failures).where(*is_it).returning(*failures.c)).one_or_none()
    if row is None:
        return None
    return Outage(min(row.since, at), at, row.polls, row.reason)


def keep_event(connection: Connection, repository_id: int, event: Event, *, keep_for: timedelta) -> None:
    """Keep an event, and forget those of the repository that are too old or too many."""
    is_own = history.c.repository == repository_id
    connection.execute(insert(history).values(repository=repository_id, at=event.at, event=format_event(event)))
    last = select(history.c.id).where(is_own).order_by(history.c.id.desc()).limit(1).offset(_MOST_EVENTS)
    is_old = history.c.at < event.at - keep_for
    connection.execute(delete(history).where(is_own, is_old | (history.c.id <= last.scalar_subquery())))


def format_event(event: Event) -> str:
    """Write all of the event but its instant."""
    match event:
        case TagsChanged(_, appeared, vanished, returned, unnamed):
            return json.dumps(["tags", appeared, vanished, returned, unnamed])
        case PushedAgain(_, tag, before, after):
            return json.dumps(["pushed again", tag, before, after])
        case Outage(_, until, polls, reason):
            return json.dumps(["outage", until.isoformat(), polls, reason])


def parse_event(text: str, at: datetime) -> Event | None:
    """Read the event back; None if it has no form that this version writes."""
    try:
        match json.loads(text):
            case ["tags", [*appeared], [*vanished], [*returned], int() as unnamed]:
                named = [tuple(map(_check, names)) for names in (appeared, vanished, returned)]
                return TagsChanged(at, named[0], named[1], named[2], unnamed)
            case ["pushed again", str() as tag, str() as before, str() as after]:
                return PushedAgain(at, tag, before, after)
            case ["outage", str() as until, int() as polls, str() as reason]:
                return Outage(at, to_utc(datetime.fromisoformat(until)), polls, reason)
    except (ValueError, TypeError, OverflowError):  # no JSON, or an instant that is none, not aware or out of range
        return None
    return None


def _check(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError("no text")
    return name
