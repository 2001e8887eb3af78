"""Connections to the database of a store, and what differs between SQLite and PostgreSQL.

Both give a transaction that only reads one state of the whole. One that reads and then writes (`immediate`) has
SQLite's write lock from its start; on PostgreSQL it has to lock the rows that it decides by, with FOR UPDATE.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite

from imagebot.secret import Secret
from imagebot.store.fault import StoreUnavailable
from imagebot.store.place import Place, name_place

Transaction = Callable[..., AbstractContextManager[Connection]]
"""What memories are made of: `transaction(immediate=...)`, of which the connection is for statements."""

_CONNECTIONS_TO_FILE = 4
_CONNECTIONS_TO_SERVER = 8
_POOL_TIMEOUT_S = 60
_STATEMENT_TIMEOUT_S = 60
# libpq's; what the URL says of them counts more.
_OF_CONNECTION = {
    "application_name": "imagebot",
    "connect_timeout": "10",
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def make_engine(place: Place, *, busy_timeout_s: float) -> Engine:
    """Make the engine of a place; a lock is waited for so long. Nothing is opened yet."""
    if isinstance(place, Path):
        return _make_file_engine(place, busy_timeout_s=busy_timeout_s)
    return _make_server_engine(place, busy_timeout_s=busy_timeout_s)


def is_file(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Begin an insert that may go on with `on_conflict_do_update`, which both have alike."""
    return sqlite.insert(table) if is_file(connection) else postgresql.insert(table)


def _make_file_engine(path: Path, *, busy_timeout_s: float) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=_CONNECTIONS_TO_FILE,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
    )

    def prepare(connection: Any, _: object) -> None:
        # Python's sqlite3 would begin transactions by itself, and only before the first write: `_begin` does it.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {int(busy_timeout_s * 1000)}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    # A transaction that reads and then writes loses updates of others, unless it has the write lock from its start.
    is_immediate = connection.get_execution_options().get("immediate", False)
    if is_immediate is not None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_immediate else "BEGIN")


def _make_server_engine(url: Secret, *, busy_timeout_s: float) -> Engine:
    parameters = {**_OF_CONNECTION, **_read_url(url)}
    engine = create_engine(
        "postgresql+psycopg://",  # the rest of it is in the parameters, as libpq reads it
        pool_size=_CONNECTIONS_TO_SERVER,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
        pool_pre_ping=True,
        use_native_hstore=False,
    )

    def prepare(connection: Any, _: object) -> None:
        # Not as parameters of the connection, which poolers refuse.
        connection.autocommit = True
        connection.execute(
            f"SET lock_timeout = {int(busy_timeout_s * 1000)}; SET statement_timeout = '{_STATEMENT_TIMEOUT_S}s';"
            f" SET idle_in_transaction_session_timeout = '{_STATEMENT_TIMEOUT_S}s'"
        )
        connection.autocommit = False

    event.listen(engine, "do_connect", lambda _dialect, _record, _args, given: given.update(parameters))
    event.listen(engine, "connect", prepare)
    return engine


def _read_url(url: Secret) -> dict[str, Any]:
    from psycopg import ProgrammingError  # it is slow to load, and most stores are files
    from psycopg.conninfo import conninfo_to_dict

    try:
        return dict(conninfo_to_dict(url.reveal()))
    except ProgrammingError:  # its text may hold a part of the password
        raise StoreUnavailable(name_place(url), "its URL is none that PostgreSQL's libpq reads") from None


def limit_transaction(engine: Engine, *, immediate: bool) -> Engine:
    """Return the engine so that its transactions are of that kind."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(immediate=immediate)
    if immediate:
        return engine.execution_options(isolation_level="READ COMMITTED")
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def without_transactions(engine: Engine) -> Engine:
    """Return the engine for statements that stand in no transaction, such as VACUUM."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(immediate=None)
    return engine.execution_options(isolation_level="AUTOCOMMIT")
