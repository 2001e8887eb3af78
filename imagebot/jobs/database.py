"""Where jobs are: a schema of their own in the database of the store, and connections to it.

Its name ends in a hash of all that it is made of: procrastinate's tables, our own, and how messages are written. So
another version of any of them works in a new schema beside the old one, nothing is ever migrated, and replicas of both
versions run at the same time; the clock is one for all of them. What nobody works in any more is dropped.

All in it passes: jobs that are lost with it are due again.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from typing import Any

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from imagebot.errors import NeedsOperator, Transient
from imagebot.jobs.sessions import Sessions
from imagebot.secret import Secret

PREFIX = "imagebot_jobs_"
# A session that says nothing for so long is over, and with it the lock of a process that froze or fell off the network.
SILENCE_S = 8
_TIMEOUT_S = 5
# libpq's; what the URL says of them counts more.
_OF_CONNECTION = {
    "application_name": "imagebot jobs",
    "connect_timeout": str(_TIMEOUT_S),
    "keepalives_idle": "3",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": str(1000 * _TIMEOUT_S),
}
# Connections are made when they are wanted, so that none is waited for longer than the server is away.
_OF_POOL: dict[str, Any] = {"min_size": 0, "timeout": 3.0, "reconnect_timeout": 1.0}
_LEAST_VERSION = 140000
_INSTALLING = 0x696D676A  # "imgj"


class JobsAway(Transient):
    """PostgreSQL cannot be reached, or has ended the connection."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the database of jobs cannot be reached: {reason}")
        self.reason = reason


class JobsRefused(NeedsOperator):
    """PostgreSQL does not let jobs be there."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the database of the store takes no jobs: {reason}; PostgreSQL has to be 14 or newer, reached without a"
            " pooler that shares sessions, by a user who may create a schema (GRANT CREATE ON DATABASE)"
        )
        self.reason = reason


@contextmanager
def as_job_errors() -> Iterator[None]:
    """Let the libraries' errors stop here."""
    try:
        yield
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject) as error:
        raise JobsRefused(_tell(error)) from error
    except (psycopg.Error, ConnectorException) as error:
        raise JobsAway(_tell(error)) from error


class Database:
    """Made by `prepare`, which sees that the schema is there."""

    def __init__(self, url: Secret, schema: str, clock_key: int) -> None:
        self.schema = schema
        self.clock_key = clock_key
        """Of the lock that whoever has the clock holds."""
        self._parameters = _make_parameters(url)

    @classmethod
    def prepare(cls, url: Secret) -> "Database":
        """Make the schema if it is not there; raises JobsAway and JobsRefused."""
        # What these tell is told by us, in one line.
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with as_job_errors(), psycopg.connect(**_make_parameters(url)) as connection:
            if connection.info.server_version < _LEAST_VERSION:
                raise JobsRefused(f"it is version {connection.info.server_version // 10000}")
            home = connection.execute("SELECT current_schema()").fetchone()
            where = str(home[0]) if home else ""
            schema = PREFIX + _hash_parts(where)
            _install(connection, schema)
            key = int.from_bytes(sha256(f"imagebot clock {where}".encode()).digest()[:7])
            return cls(url, schema, key)

    def connect(self) -> "psycopg.Connection[Any]":
        """Open a session that ends when it is silent for long."""
        connection = self._connect()
        connection.execute(f"SET idle_session_timeout = '{SILENCE_S}s'".encode())
        return connection

    def make_sessions(self, most: int) -> Sessions:
        """Make sessions for whatever thread, which may be idle."""
        return Sessions(self._connect, most=most, timeout_s=_TIMEOUT_S)

    def make_connector(self, most: int) -> PsycopgConnector:
        async def set_up(connection: "psycopg.AsyncConnection[Any]") -> None:
            is_automatic = connection.autocommit
            await connection.set_autocommit(True)
            await connection.execute(self._path())
            await connection.set_autocommit(is_automatic)

        return PsycopgConnector(kwargs=self._parameters, configure=set_up, max_size=most, **_OF_POOL)

    def _connect(self) -> "psycopg.Connection[Any]":
        connection = psycopg.connect(**self._parameters, autocommit=True)
        connection.execute(self._path())
        connection.execute(f"SET statement_timeout = '{_TIMEOUT_S}s'".encode())
        return connection

    def _path(self) -> sql.Composed:
        return sql.SQL("SET search_path = {}").format(sql.Identifier(self.schema))


def _make_parameters(url: Secret) -> dict[str, Any]:
    try:
        return {**_OF_CONNECTION, **conninfo_to_dict(url.reveal())}
    except psycopg.ProgrammingError:  # its text may hold a part of the password
        raise JobsRefused("its URL is none that PostgreSQL's libpq reads") from None


def _hash_parts(where: str) -> str:
    """Hash all that the schema is made of, and where the store is: two stores in one database share no jobs."""
    own = [files("imagebot.jobs").joinpath(name).read_bytes() for name in ("schema.sql", "messages.py")]
    return sha256(b"\0".join([where.encode(), SchemaManager.get_schema().encode(), *own])).hexdigest()[:8]


def _install(connection: "psycopg.Connection[Any]", schema: str) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_INSTALLING])
        is_there = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [schema]).fetchone()
        if is_there and is_there[0]:
            return
        name = sql.Identifier(schema)
        connection.execute(sql.SQL("CREATE SCHEMA {0}; SET LOCAL search_path = {0}").format(name))
        connection.execute(SchemaManager.get_schema().encode())
        connection.execute(files("imagebot.jobs").joinpath("schema.sql").read_bytes())


def _tell(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
