"""A PostgreSQL for a run, which counts the statements that it executes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.servers.postgres import PostgresServer

_COUNTING = "shared_preload_libraries=pg_stat_statements"


@dataclass(frozen=True, slots=True)
class Work:
    """What a database did since its start."""

    statements: int
    transactions: int

    def __sub__(self, before: "Work") -> "Work":
        return Work(self.statements - before.statements, self.transactions - before.transactions)


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database in a server of its own; `pid` is the process whose children serve the connections."""

    url: str
    pid: int

    def read_work(self) -> Work:
        with psycopg.connect(self.url) as connection:
            calls = connection.execute("SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements").fetchone()
            query = "SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database"
            ended = connection.execute(query).fetchone()
        assert calls is not None
        assert ended is not None
        return Work(calls[0], ended[0])

    def measure_bytes(self) -> int:
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert found is not None
        return int(found[0])

    def list_most_run(self, count: int) -> list[tuple[int, float, str]]:
        """List the statements that were executed most often: how often, in how many seconds, and what they say."""
        query = "SELECT calls, total_exec_time / 1000, query FROM pg_stat_statements ORDER BY calls DESC LIMIT %s"
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, [count]).fetchall()


@contextmanager
def open_database() -> Iterator[Database]:
    with PostgresServer(settings=(_COUNTING,)) as server, server.make_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        yield Database(url, server.pid)
