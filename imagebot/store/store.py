"""The store: snapshots, contents of digests, outcomes and what was located, in one SQLite file.

Any number of threads and processes may use it. It decides nothing: which listing to believe is for `poll`, and instants
are handed in. A file that is no database, or a broken one, is set aside and begun anew; one that belongs to something
else is left alone.
"""

import fcntl
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self, cast

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from imagebot.errors import NeedsOperator, Transient
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Sighting, Snapshot
from imagebot.image.tag_list import TagList
from imagebot.store import snapshots
from imagebot.store.contents import Content, format_content, parse_content
from imagebot.store.history import HistoryMemory
from imagebot.store.located import LocatedMemory
from imagebot.store.memos import MemoMemory
from imagebot.store.pauses import PauseMemory
from imagebot.store.schema import (
    APPLICATION_ID,
    VERSION,
    contents,
    create_tables,
    is_empty,
    make_engine,
    outcomes,
    read_pragma,
    to_utc,
    upgrade_tables,
)

_BROKEN_SUFFIX = ".broken"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# Older builds of SQLite take 999 variables in a statement.
_DIGESTS_IN_QUERY = 900
KEEP_HISTORY = timedelta(days=90)


class StoreUnavailable(NeedsOperator):
    """The file cannot be opened, read or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the store {path} cannot be used: {reason}")
        self.path = path
        self.reason = reason


class StoreRefused(NeedsOperator):
    """The file is a sound database, but not one that this version of imagebot may write to."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the store {path} is left alone: {reason}")
        self.path = path
        self.reason = reason


class StoreBusy(Transient):
    """Others held the write lock for too long."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the store {path} was locked for too long")
        self.path = path


class StoreBroken(NeedsOperator):
    """The file turned out to be broken while it was in use; `Store.open` would begin it anew."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the store {path} is broken ({reason}): start imagebot again, and it is set aside")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """What came of the last round of a target."""

    finished_at: datetime
    summary: Mapping[str, object]


class Store:
    """One file; made by `Store.open`, and closed by leaving its context."""

    def __init__(self, path: Path, engine: Engine, *, set_aside: Path | None, history: timedelta) -> None:
        self.path = path
        self.set_aside = set_aside
        """Where a broken file was moved to when this store was opened; None if there was no need."""
        self.located = LocatedMemory(self._transaction)
        self.pauses = PauseMemory(self._transaction)
        self.history = HistoryMemory(self._transaction)
        self.memos = MemoMemory(self._transaction)
        self._engine = engine
        self._history = history

    @classmethod
    def open(cls, path: Path, *, busy_timeout_s: float = 30.0, history: timedelta = KEEP_HISTORY) -> Self:
        """Open the store, and make it and its folder if they are not there.

        A call that finds the file locked waits this long before it raises StoreBusy. `history` is how long is
        remembered what happened to tags.

        A broken file is renamed with the suffix `.broken`, in the place of the last such file, and the store starts
        empty. Raises StoreUnavailable, StoreRefused (a newer version's, or another program's database), StoreBusy.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Of two processes that find the file broken, the second must not set aside what the first has made. The
            # wait ends, because each of the waits of the process that holds the lock does.
            with path.with_name(f"{path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                try:
                    return cls(path, _open_engine(path, busy_timeout_s), set_aside=None, history=history)
                except StoreBroken:
                    set_aside = _set_aside(path)
                    return cls(path, _open_engine(path, busy_timeout_s), set_aside=set_aside, history=history)
        except OSError as error:
            raise StoreUnavailable(path, error.strerror or str(error)) from error

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
        statement = upsert(contents).values(digest=digest, **row)
        statement = statement.on_conflict_do_update(
            index_elements=["digest"], set_=row, where=contents.c.content != row["content"]
        )
        with self._transaction(immediate=True) as connection:
            connection.execute(statement)

    def keep_outcome(self, target: str, *, at: datetime, summary: Mapping[str, object]) -> None:
        """Keep what came of the target's last round, in the place of the round before; the summary is kept as JSON."""
        text = json.dumps(dict(summary), ensure_ascii=False, sort_keys=True)
        row = {"finished_at": at, "summary": text}
        statement = upsert(outcomes).values(target=target, **row)
        with self._transaction(immediate=True) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["target"], set_=row))

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
        """See whether the file can be written to; raises what every write may."""
        with self._transaction(immediate=True) as connection:
            # The same version again: the page is written all the same.
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _transaction(self, *, immediate: bool) -> Iterator[Connection]:
        engine = self._engine.execution_options(immediate=immediate)
        with _as_store_errors(self.path), engine.begin() as connection:
            yield connection


def _open_engine(path: Path, busy_timeout_s: float) -> Engine:
    """Open the file and see that it is a sound store of this version; raises StoreBroken if it is not sound."""
    engine = make_engine(str(path), busy_timeout_s=busy_timeout_s)
    try:
        with _as_store_errors(path), engine.execution_options(immediate=True).begin() as connection:
            _check(connection, path)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _check(connection: Connection, path: Path) -> None:
    if is_empty(connection):
        create_tables(connection)
        return
    if (found := read_pragma(connection, "quick_check")) != "ok":
        raise StoreBroken(path, found)
    if read_pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreRefused(path, "it is the database of another program; name another file, or move this one away")
    found = read_pragma(connection, "user_version")
    if found > VERSION:
        raise StoreRefused(
            path,
            f"it has version {found}, and this imagebot knows versions up to {VERSION}; run the newer imagebot, or"
            " delete the file: only first-seen times and history are lost",
        )
    if found < VERSION:
        upgrade_tables(connection, found=found)


def _set_aside(path: Path) -> Path:
    """Rename the file with what SQLite keeps beside it, for what is left there would be taken for the new file's."""
    aside = path.with_name(path.name + _BROKEN_SUFFIX)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path.replace(aside)


@contextmanager
def _as_store_errors(path: Path) -> Iterator[None]:
    """Let SQLAlchemy's errors stop here."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest refines it
        if code in _BROKEN:
            raise StoreBroken(path, str(error.orig)) from error
        if code in _BUSY:
            raise StoreBusy(path) from error
        raise StoreUnavailable(path, str(error.orig)) from error
    except PoolTimeoutError as error:
        raise StoreBusy(path) from error
