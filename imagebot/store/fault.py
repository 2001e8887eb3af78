"""What can go wrong with a store, whichever database it is in; the libraries' errors stop here.

Transient
├── StoreBusy         others held a lock for too long
└── StoreAway         PostgreSQL cannot be reached, or ended the connection: the next call connects again
NeedsOperator
├── StoreUnavailable  the file or the database cannot be opened, read or written
├── StoreRefused      it is another program's, or a newer imagebot's
└── StoreBroken       the file broke while it was in use
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from imagebot.errors import ImagebotError, NeedsOperator, Transient

_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html that pass: connections, resources,
# an administrator who intervenes (a shutdown), and a server that has become a read-only replica.
_PG_AWAY = ("08", "53", "57P", "25006")
# Deadlocks and serialization, locks that were not to be had, and statements that took too long.
_PG_BUSY = ("40", "55P03", "57014")


class StoreUnavailable(NeedsOperator):
    """The file or the database cannot be opened, read or written."""

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"the store {store} cannot be used: {reason}")
        self.store = store
        self.reason = reason


class StoreRefused(NeedsOperator):
    """It is a sound database, but not one that this version of imagebot may write to."""

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"the store {store} is left alone: {reason}")
        self.store = store
        self.reason = reason


class StoreBusy(Transient):
    """Others held a lock for too long."""

    def __init__(self, store: str) -> None:
        super().__init__(f"the store {store} was locked for too long")
        self.store = store


class StoreAway(Transient):
    """The server of the database cannot be reached, or has ended the connection."""

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"the store {store} cannot be reached: {reason}")
        self.store = store
        self.reason = reason


class StoreBroken(NeedsOperator):
    """The file turned out to be broken while it was in use; `Store.open` would begin it anew."""

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"the store {store} is broken ({reason}): start imagebot again, and it is set aside")
        self.store = store
        self.reason = reason


@contextmanager
def as_store_errors(store: str) -> Iterator[None]:
    """Let SQLAlchemy's errors stop here; `store` is what people call it."""
    try:
        yield
    except DBAPIError as error:
        make = _make_sqlite_error if isinstance(error.orig, sqlite3.Error) else _make_postgres_error
        raise make(store, error) from error
    except PoolTimeoutError as error:
        raise StoreBusy(store) from error


def _make_sqlite_error(store: str, error: DBAPIError) -> ImagebotError:
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest refines it
    if code in _BROKEN:
        return StoreBroken(store, str(error.orig))
    return StoreBusy(store) if code in _BUSY else StoreUnavailable(store, str(error.orig))


def _make_postgres_error(store: str, error: DBAPIError) -> ImagebotError:
    # What libpq says of a connection has no code, a refused password neither.
    code = getattr(error.orig, "sqlstate", None)
    reason = " ".join(str(error.orig).split())
    if code is not None and code.startswith(_PG_BUSY):
        return StoreBusy(store)
    is_of_connection = code is None and isinstance(error, OperationalError | InterfaceError)
    if is_of_connection or error.connection_invalidated or (code or "").startswith(_PG_AWAY):
        return StoreAway(store, reason)
    return StoreUnavailable(store, reason)
