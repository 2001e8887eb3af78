"""How a place becomes a store of this version: made, brought forward, set aside if its file is broken, or refused."""

import fcntl
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, inspect, select

from imagebot.log import log
from imagebot.store.engine import is_file, limit_transaction, make_engine
from imagebot.store.fault import StoreBroken, StoreRefused, StoreUnavailable, as_store_errors
from imagebot.store.place import Place, name_place
from imagebot.store.schema import VERSION, metadata, versions

# "imgb": tells a store from the file of another program, and on PostgreSQL is the lock of who changes tables.
APPLICATION_ID = 0x696D6762

_BROKEN_SUFFIX = ".broken"
# Until then a file's version stood in its `user_version` alone, where an imagebot of that time still looks for it.
_LAST_OF_FILES = 5


def open_engine(place: Place, *, busy_timeout_s: float) -> tuple[Engine, Path | None]:
    """Open a store, and make it if it is not there; second, where a broken file was set aside.

    Raises StoreUnavailable, StoreRefused, StoreBusy, StoreAway.
    """
    if not isinstance(place, Path):
        return _open(place, busy_timeout_s), None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Of two processes that find the file broken, the second must not set aside what the first has made. The
        # wait ends, because each of the waits of the process that holds the lock does.
        with place.with_name(f"{place.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                return _open(place, busy_timeout_s), None
            except StoreBroken:
                set_aside = _set_aside(place)
                return _open(place, busy_timeout_s), set_aside
    except OSError as error:
        raise StoreUnavailable(str(place), error.strerror or str(error)) from error


def _set_aside(path: Path) -> Path:
    """Rename the file with what SQLite keeps beside it, for what is left there would be taken for the new file's."""
    aside = path.with_name(path.name + _BROKEN_SUFFIX)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path.replace(aside)


def _open(place: Place, busy_timeout_s: float) -> Engine:
    """Open the place and see that it is a sound store of this version; raises StoreBroken if it is not sound."""
    name = name_place(place)
    engine = make_engine(place, busy_timeout_s=busy_timeout_s)
    try:
        with as_store_errors(name):
            if engine.dialect.name != "sqlite" and _is_current(engine, name):
                return engine  # as nearly always: replicas that start need not wait for each other
            with limit_transaction(engine, immediate=True).begin() as connection:
                _prepare(connection, name)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _is_current(engine: Engine, name: str) -> bool:
    with limit_transaction(engine, immediate=False).begin() as connection:
        return find_version(connection, name) == VERSION


def _prepare(connection: Connection, name: str) -> None:
    """Make a store of this version of the database; the caller's transaction makes it all or none."""
    if is_file(connection):
        if (found := _read_pragma(connection, "quick_check")) != "ok":
            raise StoreBroken(name, found)
    else:
        # Whoever else begins to use this database waits here, for as long as it takes.
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
        connection.execute(select(func.pg_advisory_xact_lock(APPLICATION_ID)))
    found = find_version(connection, name)
    if found is None:
        metadata.create_all(connection)
        stamp(connection, VERSION)
    elif found < VERSION:
        from imagebot.store.migrations import upgrade  # Alembic is slow to load, and hardly ever needed

        if is_file(connection) and found <= _LAST_OF_FILES:
            stamp(connection, found)
        upgrade(connection)
        _mark_file(connection)
        log.info("store_upgraded", store=name, was=found, version=VERSION)


def find_version(connection: Connection, name: str) -> int | None:
    """Find the version of the tables; None if there are no tables at all.

    Raises StoreRefused if it is a newer one, or if the tables are not of a store.
    """
    if not (tables := inspect(connection).get_table_names()):
        return None
    if versions.name in tables:
        text = connection.execute(select(versions.c.version_num)).scalar_one_or_none() or ""
        found = int(text) if text.isdecimal() else 0
    elif is_file(connection) and _read_pragma(connection, "application_id") == APPLICATION_ID:
        found = _read_pragma(connection, "user_version")
    else:
        found = 0
    if not found:
        what = "file" if is_file(connection) else "database, or another schema of this one,"
        raise StoreRefused(
            name, f"it is the database of another program; name another {what} or move what is in it away"
        )
    if found > VERSION:
        raise StoreRefused(
            name,
            f"it has version {found}, and this imagebot knows versions up to {VERSION}; run the newer imagebot, or"
            " delete what is in it: only first-seen times and history are lost",
        )
    return int(found)


def stamp(connection: Connection, version: int) -> None:
    """Write into a database that has none which version its tables have."""
    versions.create(connection)
    connection.execute(insert(versions).values(version_num=f"{version:04}"))
    _mark_file(connection)


def _mark_file(connection: Connection) -> None:
    """Let other programs, and imagebot before it had Alembic, know whose the file is."""
    if is_file(connection):
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _read_pragma(connection: Connection, name: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()
