"""The store: snapshots, contents of digests, outcomes and what was located, in an SQLite file or on PostgreSQL.

Any number of threads and processes may use it. It decides nothing: which listing to believe is for `poll`, and instants
are handed in. How it is opened, with tables of which version, is in `opening.py`.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self, cast

from sqlalchemy import Connection, Engine, select

from imagebot.errors import ImagebotError
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Sighting, Snapshot
from imagebot.image.tag_list import TagList
from imagebot.log import log
from imagebot.store import snapshots
from imagebot.store.contents import Content, format_content, parse_content
from imagebot.store.engine import is_file, limit_transaction, upsert
from imagebot.store.fault import as_store_errors
from imagebot.store.history import HistoryMemory
from imagebot.store.located import LocatedMemory
from imagebot.store.memos import MemoMemory
from imagebot.store.opening import open_engine
from imagebot.store.pauses import PauseMemory
from imagebot.store.place import Place, name_place
from imagebot.store.retention import SWEPT_EVERY, sweep_daily
from imagebot.store.schema import VERSION, contents, outcomes, to_utc

# Older builds of SQLite take 999 variables in a statement.
_DIGESTS_IN_QUERY = 900
KEEP_HISTORY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """What came of the last round of a target."""

    finished_at: datetime
    summary: Mapping[str, object]


class Store:
    """One file or database; made by `Store.open`, and closed by leaving its context."""

    def __init__(self, name: str, engine: Engine, *, set_aside: Path | None, history: timedelta) -> None:
        self.name = name
        """What people call it: the path of the file, or where the database is, without user and password."""
        self.set_aside = set_aside
        """Where a broken file was moved to when this store was opened; None if there was no need."""
        self.located = LocatedMemory(self._transaction)
        self.pauses = PauseMemory(self._transaction)
        self.history = HistoryMemory(self._transaction)
        self.memos = MemoMemory(self._transaction)
        self._engine = engine
        self._engines = {immediate: limit_transaction(engine, immediate=immediate) for immediate in (False, True)}
        self._history = history
        self._swept_at: datetime | None = None

    @classmethod
    def open(cls, place: Place, *, busy_timeout_s: float = 30.0, history: timedelta = KEEP_HISTORY) -> Self:
        """Open the store, and make it if it is not there: the file with its folder, or the tables in a database.

        A call that finds what it needs locked waits this long before it raises StoreBusy. `history` is how long is
        remembered what happened to tags. A store of an earlier version is brought forward.

        A broken file is renamed with the suffix `.broken`, in the place of the last such file, and the store starts
        empty. Raises StoreUnavailable, StoreRefused (a newer version's, or another program's), StoreBusy, StoreAway.
        """
        engine, set_aside = open_engine(place, busy_timeout_s=busy_timeout_s)
        return cls(name_place(place), engine, set_aside=set_aside, history=history)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def find_snapshot(self, repository: Repository) -> Snapshot | None:
        """Return what the repository was last kept with; None if it never was."""
        with self._transaction(immediate=False) as connection:
            return snapshots.find_snapshot(connection, repository)

    def count_tags(self, repository: Repository) -> int:
        """Return how many tags the repository was last kept with; 0 if it never was."""
        with self._transaction(immediate=False) as connection:
            return snapshots.count_tags(connection, repository)

    def keep_same(self, repository: Repository, listed: TagList, *, at: datetime) -> bool:
        """Keep what was listed, if it is what was listed before and nothing else is to be written; tell whether it is.

        It does what `keep_listing` would do, in one statement; where it tells otherwise, it has done nothing.
        """
        with self._transaction(immediate=True) as connection:
            return snapshots.keep_same(connection, repository, listed, at=to_utc(at))

    def keep_listing(self, repository: Repository, listed: TagList, *, at: datetime) -> bool:
        """Keep what was listed at that instant; return whether it differs from what was listed before.

        A tag known before keeps when it was first seen, its sighting, and the registry's time unless the listing gives
        another. So does one that was left out of listings for less than a week: registries do so while they are in
        trouble. After that it is forgotten. Doubt about earlier listings ends. What differs is written to the history.
        """
        with self._transaction(immediate=True) as connection:
            return snapshots.keep_listing(connection, repository, listed, at=to_utc(at), keep_for=self._history)

    def keep_snapshot(self, repository: Repository, listed: TagList, *, at: datetime) -> Snapshot:
        """Keep what was listed, as `keep_listing` does, and return it with all that is remembered of its tags."""
        with self._transaction(immediate=True) as connection:
            snapshots.keep_listing(connection, repository, listed, at=to_utc(at), keep_for=self._history)
            # It is there: it was kept just now.
            kept = cast("Snapshot", snapshots.find_snapshot(connection, repository))
        return replace(kept, digests=listed.digests)

    def keep_sighting(self, repository: Repository, tag: str, digest: str, *, at: datetime) -> Sighting:
        """Keep what the tag points to, and return that with since when it was seen to.

        Another digest than the one before begins anew at that instant, even one that the tag had earlier: it was pushed
        again. A tag that is not in the repository's snapshot has nothing kept.
        """
        with self._transaction(immediate=True) as connection:
            return snapshots.keep_sighting(connection, repository, tag, digest, at=to_utc(at), keep_for=self._history)

    def keep_pushes(self, repository: Repository, pushed_at: Mapping[str, datetime]) -> None:
        """Keep when tags were pushed, by another's word than the listing's, in the place of what was told before."""
        with self._transaction(immediate=True) as connection:
            snapshots.keep_pushes(connection, repository, pushed_at)

    def keep_doubt(self, repository: Repository, *, at: datetime) -> datetime:
        """Remember that a listing was implausible; return since when they have been, without a snapshot between.

        A repository that was never kept has nothing to doubt: its doubt begins at that instant each time.
        """
        with self._transaction(immediate=True) as connection:
            return snapshots.keep_doubt(connection, repository, at=to_utc(at))

    def find_content(self, digest: str) -> Content | None:
        """Return what the digest stands for; None if that was not kept in a form that this version reads."""
        return self.find_contents([digest]).get(digest)

    def find_contents(self, digests: Collection[str]) -> Mapping[str, Content]:
        """Return what the digests stand for, without those of which `find_content` would return None."""
        found: dict[str, Content] = {}
        rest = iter(digests)
        query = select(contents.c.digest, contents.c.content)
        with self._transaction(immediate=False) as connection:
            while chunk := list(islice(rest, _DIGESTS_IN_QUERY)):
                rows = connection.execute(query.where(contents.c.digest.in_(chunk)))
                parsed = ((digest, parse_content(text)) for digest, text in rows)
                found |= {digest: content for digest, content in parsed if content is not None}
        return MappingProxyType(found)

    def keep_content(self, digest: str, content: Content, *, at: datetime) -> None:
        """Keep for ever what the digest stands for, in the place of a form that another version may have written."""
        row = {"content": format_content(content), "kept_at": at}
        with self._transaction(immediate=True) as connection:
            statement = upsert(connection, contents).values(digest=digest, **row)
            statement = statement.on_conflict_do_update(
                index_elements=["digest"], set_=row, where=contents.c.content != row["content"]
            )
            connection.execute(statement)

    def keep_outcome(self, target: str, *, at: datetime, summary: Mapping[str, object]) -> None:
        """Keep what came of the target's last round, in the place of the round before; the summary is kept as JSON.

        Once a day this is when all is forgotten that is past its bound.
        """
        text = json.dumps(dict(summary), ensure_ascii=False, sort_keys=True)
        row = {"finished_at": at, "summary": text}
        with self._transaction(immediate=True) as connection:
            statement = upsert(connection, outcomes).values(target=target, **row)
            connection.execute(statement.on_conflict_do_update(index_elements=["target"], set_=row))
        self._sweep_daily(at)

    def find_outcome(self, target: str) -> KeptOutcome | None:
        query = select(outcomes.c.finished_at, outcomes.c.summary).where(outcomes.c.target == target)
        with self._transaction(immediate=False) as connection:
            row = connection.execute(query).one_or_none()
        return row and KeptOutcome(row.finished_at, MappingProxyType(json.loads(row.summary)))

    def list_outcomes(self) -> Mapping[str, datetime]:
        """List the targets of which an outcome is kept, with when their last rounds ended."""
        with self._transaction(immediate=False) as connection:
            rows = connection.execute(select(outcomes.c.target, outcomes.c.finished_at)).all()
        return {row.target: row.finished_at for row in rows}

    def ping(self) -> None:
        """See whether it can be written to; raises what every write may."""
        with self._transaction(immediate=True) as connection:
            if is_file(connection):
                # The same version again: the page is written all the same.
                connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
            else:
                # Only what may write has a number for it.
                connection.exec_driver_sql("SELECT txid_current()")

    def _sweep_daily(self, at: datetime) -> None:
        if self._swept_at is not None and self._swept_at <= at < self._swept_at + SWEPT_EVERY:
            return  # as nearly always, and then nothing is asked
        self._swept_at = at
        try:
            swept = sweep_daily(self._transaction, at=at, keep_history=self._history)
        except ImagebotError as error:
            log.warning("store_not_swept", error=str(error))  # what is kept for too long does no harm
        else:
            if swept:
                log.info("store_swept", **swept)

    @contextmanager
    def _transaction(self, *, immediate: bool) -> Iterator[Connection]:
        with as_store_errors(self.name), self._engines[immediate].begin() as connection:
            yield connection
