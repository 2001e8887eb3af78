"""The store: snapshots, digests and outcomes in one SQLite file, for any number of threads and processes.

It decides nothing: which snapshot to believe is for `poll`, and instants are handed in. A file that is no database, or
a broken one, is set aside and begun anew; one that belongs to something else is left alone.
"""

import fcntl
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from imagebot.errors import NeedsOperator, Transient
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Snapshot
from imagebot.store.schema import (
    APPLICATION_ID,
    VERSION,
    create_tables,
    is_empty,
    make_engine,
    outcomes,
    read_pragma,
    repositories,
    tags,
)

_BROKEN_SUFFIX = ".broken"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


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
class KeptDigest:
    """What a tag pointed to when the registry was last asked."""

    digest: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """What came of the last round of a target."""

    finished_at: datetime
    summary: Mapping[str, object]


class Store:
    """One file; made by `Store.open`, and closed by leaving its context."""

    def __init__(self, path: Path, engine: Engine, *, set_aside: Path | None) -> None:
        self.path = path
        self.set_aside = set_aside
        """Where a broken file was moved to when this store was opened; None if there was no need."""
        self._engine = engine

    @classmethod
    def open(cls, path: Path, *, busy_timeout_s: float = 30.0) -> Self:
        """Open the store, and make it and its folder if they are not there.

        A call that finds the file locked waits this long before it raises StoreBusy.

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
                    return cls(path, _open_engine(path, busy_timeout_s), set_aside=None)
                except StoreBroken:
                    set_aside = _set_aside(path)
                    return cls(path, _open_engine(path, busy_timeout_s), set_aside=set_aside)
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
            row = connection.execute(
                select(repositories.c.id, repositories.c.listed_at).where(*_is_repository(repository))
            ).one_or_none()
            return row and Snapshot(repository, row.listed_at, MappingProxyType(_read_tags(connection, row.id)))

    def keep_snapshot(self, repository: Repository, listed: Collection[str], *, at: datetime) -> Snapshot:
        """Keep the tags as listed at that instant, and return them with when each was first seen.

        Tags known before keep their instant and digest; tags that are no longer listed are forgotten.
        """
        with self._transaction(immediate=True) as connection:
            repository_id = _keep_repository(connection, repository, at)
            first_seen = _read_tags(connection, repository_id)
            new, gone = set(listed) - first_seen.keys(), first_seen.keys() - set(listed)
            if new:
                rows = [{"repository": repository_id, "tag": tag, "first_seen": at} for tag in sorted(new)]
                connection.execute(insert(tags), rows)
            if gone:
                is_gone = (tags.c.repository == repository_id, tags.c.tag == bindparam("gone"))
                connection.execute(delete(tags).where(*is_gone), [{"gone": tag} for tag in sorted(gone)])
        kept = {tag: instant for tag, instant in first_seen.items() if tag not in gone}
        return Snapshot(repository, at, MappingProxyType(kept | dict.fromkeys(new, at)))

    def find_digest(self, repository: Repository, tag: str) -> KeptDigest | None:
        """Return the digest last kept for the tag; None if there is none, or no such tag."""
        query = select(tags.c.digest, tags.c.digest_seen).join(repositories).where(*_is_tag(repository, tag))
        with self._transaction(immediate=False) as connection:
            row = connection.execute(query.where(tags.c.digest.is_not(None))).one_or_none()
        return row and KeptDigest(row.digest, row.digest_seen)

    def keep_digest(self, repository: Repository, tag: str, digest: str, *, at: datetime) -> None:
        """Keep what the tag points to; a tag that is not in the repository's snapshot has nothing kept."""
        owner = select(repositories.c.id).where(*_is_repository(repository)).scalar_subquery()
        is_tag = (tags.c.repository == owner, tags.c.tag == tag)
        with self._transaction(immediate=True) as connection:
            connection.execute(update(tags).where(*is_tag).values(digest=digest, digest_seen=at))

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


def _is_repository(repository: Repository) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return repositories.c.registry == repository.registry, repositories.c.path == repository.path


def _is_tag(repository: Repository, tag: str) -> tuple[ColumnElement[bool], ...]:
    return *_is_repository(repository), tags.c.tag == tag


def _keep_repository(connection: Connection, repository: Repository, at: datetime) -> int:
    statement = upsert(repositories).values(registry=repository.registry, path=repository.path, listed_at=at)
    statement = statement.on_conflict_do_update(index_elements=["registry", "path"], set_={"listed_at": at})
    return int(connection.execute(statement.returning(repositories.c.id)).scalar_one())


def _read_tags(connection: Connection, repository_id: int) -> dict[str, datetime]:
    rows = connection.execute(select(tags.c.tag, tags.c.first_seen).where(tags.c.repository == repository_id))
    return {row.tag: row.first_seen for row in rows}
