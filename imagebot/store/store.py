"""The store: snapshots, contents of digests, outcomes and what was located, in one SQLite file.

Any number of threads and processes may use it. It decides nothing: which listing to believe is for `poll`, and instants
are handed in. A file that is no database, or a broken one, is set aside and begun anew; one that belongs to something
else is left alone.
"""

import fcntl
import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from imagebot.errors import NeedsOperator, Transient
from imagebot.image.reference import Repository
from imagebot.image.snapshot import Sighting, Snapshot, TagList
from imagebot.store.contents import Content, format_content, parse_content
from imagebot.store.located import LocatedMemory
from imagebot.store.pauses import PauseMemory
from imagebot.store.schema import (
    APPLICATION_ID,
    VERSION,
    Instant,
    contents,
    create_tables,
    is_empty,
    make_engine,
    outcomes,
    read_pragma,
    repositories,
    tags,
    to_utc,
    upgrade_tables,
)

_BROKEN_SUFFIX = ".broken"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# Older builds of SQLite take 999 variables in a statement.
_DIGESTS_IN_QUERY = 900
_GONE_KEPT = timedelta(days=7)


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

    def __init__(self, path: Path, engine: Engine, *, set_aside: Path | None) -> None:
        self.path = path
        self.set_aside = set_aside
        """Where a broken file was moved to when this store was opened; None if there was no need."""
        self.located = LocatedMemory(self._transaction)
        self.pauses = PauseMemory(self._transaction)
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
            if row is None:
                return None
            known, gone = _read_snapshot(connection, row.id, repository=repository, listed_at=row.listed_at)
        return _list_again(known, known.first_seen.keys() - gone, {})

    def count_tags(self, repository: Repository) -> int:
        """Return how many tags the repository was last kept with; 0 if it never was."""
        listed = (*_is_repository(repository), tags.c.gone_since.is_(None))
        query = select(func.count()).select_from(tags.join(repositories)).where(*listed)
        with self._transaction(immediate=False) as connection:
            return int(connection.execute(query).scalar_one())

    def keep_snapshot(self, repository: Repository, listed: TagList, *, at: datetime) -> Snapshot:
        """Keep what was listed at that instant, and return it with all that is remembered of its tags.

        A tag known before keeps when it was first seen, its sighting, and the registry's time unless the listing gives
        another. So does one that was left out of listings for less than a week: registries do so while they are in
        trouble. After that it is forgotten. Doubt about earlier listings ends.
        """
        at = to_utc(at)
        with self._transaction(immediate=True) as connection:
            repository_id = _keep_repository(connection, repository, at)
            _tidy(connection, repository_id, at=at)
            known, gone = _read_snapshot(connection, repository_id, repository=repository, listed_at=at)
            kept = _list_again(known, listed.tags, listed.pushed_at)
            _write_new(connection, repository_id, known=known, kept=kept)
            _write_gone(connection, repository_id, known=known, kept=kept, gone=gone)
        return kept

    def keep_sighting(self, repository: Repository, tag: str, digest: str, *, at: datetime) -> Sighting:
        """Keep what the tag points to, and return that with since when it was seen to.

        Another digest than the one before begins anew at that instant, even one that the tag had earlier: it was pushed
        again. A tag that is not in the repository's snapshot has nothing kept.
        """
        owner = select(repositories.c.id).where(*_is_repository(repository)).scalar_subquery()
        is_tag = (tags.c.repository == owner, tags.c.tag == tag, tags.c.gone_since.is_(None))
        with self._transaction(immediate=True) as connection:
            query = select(tags.c.digest, tags.c.digest_seen, tags.c.is_repushed).where(*is_tag)
            row = connection.execute(query.where(tags.c.digest.is_not(None))).one_or_none()
            if row is not None and row.digest == digest:
                return Sighting(digest, row.digest_seen, row.is_repushed)
            sighting = Sighting(digest, to_utc(at), is_repushed=row is not None)
            values = {"digest": digest, "digest_seen": sighting.first_seen, "is_repushed": sighting.is_repushed}
            connection.execute(update(tags).where(*is_tag).values(values))
        return sighting

    def keep_doubt(self, repository: Repository, *, at: datetime) -> datetime:
        """Remember that a listing was implausible; return since when they have been, without a snapshot between.

        A repository that was never kept has nothing to doubt: its doubt begins at that instant each time.
        """
        at = to_utc(at)
        now = literal(at, Instant)
        since = func.min(func.coalesce(repositories.c.doubted_since, now), now)
        statement = update(repositories).where(*_is_repository(repository)).values(doubted_since=since)
        with self._transaction(immediate=True) as connection:
            found = connection.execute(statement.returning(repositories.c.doubted_since)).scalar_one_or_none()
        return at if found is None else found

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


def _is_repository(repository: Repository) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return repositories.c.registry == repository.registry, repositories.c.path == repository.path


def _keep_repository(connection: Connection, repository: Repository, at: datetime) -> int:
    row = {"listed_at": at, "doubted_since": None}
    statement = upsert(repositories).values(registry=repository.registry, path=repository.path, **row)
    statement = statement.on_conflict_do_update(index_elements=["registry", "path"], set_=row)
    return int(connection.execute(statement.returning(repositories.c.id)).scalar_one())


def _tidy(connection: Connection, repository_id: int, *, at: datetime) -> None:
    """Forget tags that have been gone for long, and what a clock wrote that was ahead."""
    is_own = tags.c.repository == repository_id
    connection.execute(delete(tags).where(is_own, tags.c.gone_since <= at - _GONE_KEPT))
    for column in (tags.c.first_seen, tags.c.digest_seen, tags.c.gone_since):
        connection.execute(update(tags).where(is_own, column > at).values({column: at}))


def _read_snapshot(
    connection: Connection, repository_id: int, *, repository: Repository, listed_at: datetime
) -> tuple[Snapshot, Set[str]]:
    """Read all that is kept of a repository; second, the tags of it that are not listed any more."""
    first_seen: dict[str, datetime] = {}
    pushed_at: dict[str, datetime] = {}
    sightings: dict[str, Sighting] = {}
    gone: set[str] = set()
    names = ("tag", "first_seen", "pushed_at", "gone_since", "digest", "digest_seen", "is_repushed")
    rows = connection.execute(select(*(tags.c[name] for name in names)).where(tags.c.repository == repository_id))
    for tag, seen, pushed, gone_since, digest, digest_seen, is_repushed in rows:
        first_seen[tag] = seen
        if pushed is not None:
            pushed_at[tag] = pushed
        if digest is not None:
            sightings[tag] = Sighting(digest, digest_seen, is_repushed)
        if gone_since is not None:
            gone.add(tag)
    return Snapshot(repository, listed_at, first_seen, pushed_at, sightings), gone


def _list_again(known: Snapshot, listed: Collection[str], pushed_at: Mapping[str, datetime]) -> Snapshot:
    """Make the snapshot that the listing leaves of what is known; what is known bears the instant of the listing."""
    first_seen = {tag: known.first_seen.get(tag, known.listed_at) for tag in listed}
    given = {tag: to_utc(instant) for tag, instant in pushed_at.items() if tag in first_seen}
    remembered = {tag: instant for tag, instant in known.pushed_at.items() if tag in first_seen}
    sightings = {tag: sighting for tag, sighting in known.sightings.items() if tag in first_seen}
    gone = {tag: instant for tag, instant in known.first_seen.items() if tag not in first_seen}
    return replace(
        known,
        first_seen=MappingProxyType(first_seen),
        pushed_at=MappingProxyType(remembered | given),
        sightings=MappingProxyType(sightings),
        gone=MappingProxyType(gone),
    )


def _write_new(connection: Connection, repository_id: int, *, known: Snapshot, kept: Snapshot) -> None:
    """Write the tags that were not known, and the registry's times that changed."""
    new = kept.first_seen.keys() - known.first_seen.keys()
    moved = {tag for tag, _ in kept.pushed_at.items() - known.pushed_at.items()} - new
    if new:
        fresh = {"repository": repository_id, "first_seen": kept.listed_at}
        rows = [{**fresh, "tag": tag, "pushed_at": kept.pushed_at.get(tag)} for tag in sorted(new)]
        connection.execute(insert(tags), rows)
    if moved:
        rows = [{"of": tag, "pushed_at": kept.pushed_at[tag]} for tag in sorted(moved)]
        statement = update(tags).where(*_is_bound_tag(repository_id)).values(pushed_at=bindparam("pushed_at"))
        connection.execute(statement, rows)


def _write_gone(connection: Connection, repository_id: int, *, known: Snapshot, kept: Snapshot, gone: Set[str]) -> None:
    """Write which tags are not listed any more, or again."""
    back = dict.fromkeys(gone & kept.first_seen.keys())
    missing = dict.fromkeys(known.first_seen.keys() - kept.first_seen.keys() - gone, kept.listed_at)
    if back or missing:
        rows = [{"of": tag, "gone_since": since} for tag, since in sorted({**back, **missing}.items())]
        statement = update(tags).where(*_is_bound_tag(repository_id)).values(gone_since=bindparam("gone_since"))
        connection.execute(statement, rows)


def _is_bound_tag(repository_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Choose the tag that a row of a statement gives as `of`."""
    return tags.c.repository == repository_id, tags.c.tag == bindparam("of")
