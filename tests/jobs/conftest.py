"""Jobs in a database of their own, without processes: what replicas do, one call at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from imagebot.agenda.values import DueRound, Polled, Update, Updated
from imagebot.image.reference import Repository
from imagebot.jobs.database import Database
from imagebot.jobs.lead import POLL, UPDATE, Deferral, Lead
from imagebot.jobs.notices import Notices
from imagebot.jobs.takers import Takers
from imagebot.secret import Secret

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
API, WEB = Repository("ghcr.io", "acme/api"), Repository("ghcr.io", "acme/web")
LIMIT_S = 30.0


def defer(lead: Lead, *rounds: DueRound) -> list[str]:
    """Defer the rounds, and return their tokens."""
    tokens = [f"{lead.term}:{number}" for number in range(len(rounds))]
    lead.defer([Deferral(token, due, NOW) for token, due in zip(tokens, rounds, strict=True)])
    return tokens


@dataclass
class Bench:
    """A database of jobs; what is made here is ended with the test."""

    url: str
    database: Database
    stack: ExitStack
    begun: list[DueRound] = field(default_factory=list)

    def make_lead(self, name: str = "one") -> Lead:
        lead = Lead(self.database, replica=name)
        self.stack.callback(lead.give_up)
        return lead

    def take_clock(self, name: str = "one") -> Lead:
        lead = self.make_lead(name)
        assert lead.try_take(before=None)
        return lead

    def make_notices(self) -> Notices:
        return self.stack.enter_context(Notices(self.database))

    def start_takers(self, do: Callable[[DueRound], Future[Polled | Updated] | None]) -> Takers:
        takers = Takers(self.database, do=lambda due, _: do(due), room={POLL: 2, UPDATE: 2})
        takers.start()
        self.stack.callback(takers.wait, LIMIT_S)
        self.stack.callback(takers.stop)
        return takers

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"SET search_path = {self.database.schema}".encode())
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def wait_for_rows(self, table: str) -> None:
        """Wait until the table has a row, of which its trigger tells."""
        self.execute(
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NOTIFY told; RETURN NULL; END';"
            f"CREATE TRIGGER tell AFTER INSERT ON {table} EXECUTE FUNCTION tell()"
        )
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("LISTEN told")
            if not self.execute(f"TABLE {table} LIMIT 1"):
                assert list(connection.notifies(timeout=LIMIT_S, stop_after=1))


def end_at_once(due: DueRound) -> Future[Polled | Updated]:
    ended: Future[Polled | Updated] = Future()
    ended.set_result(Updated() if isinstance(due, Update) else Polled())
    return ended


@pytest.fixture
def bench(database: str) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(database, Database.prepare(Secret(database)), stack)
