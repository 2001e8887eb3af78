"""The clock, which one replica at a time has, and all that only this one does.

It is a lock of a session of PostgreSQL. Whoever has it says everything by this session: rounds are deferred, endings
read and jobs of killed workers given to others. So nobody can do any of it who lost the lock without noticing: the
session that held it is gone, and its next statement fails. A process that froze says nothing, and PostgreSQL ends its
session after `SILENCE_S`.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.sql import queries
from psycopg import sql
from psycopg.rows import dict_row

from imagebot.agenda.values import DueRound, Poll, Polled, Updated, View
from imagebot.image.reference import Repository
from imagebot.jobs.database import PREFIX, Database, as_job_errors
from imagebot.jobs.messages import format_due, format_view, parse_due, parse_ended, parse_repository

STALLED_S = 12.0
"""A worker that has shown no sign of life for so long is taken for dead."""
SEEN_S = 15.0
"""So long a replica counts after it was last seen."""
POLL, UPDATE = "poll", "update"
_ABANDONED_S = 3600.0
MOST = 1000
"""So many endings or asks are taken at once."""
# Of our own user, who may look into them, and with what is looked at.
_OTHERS = """
SELECT nspname::text AS name FROM pg_namespace AS schemas
WHERE starts_with(nspname, %s) AND nspname <> %s AND pg_has_role(nspowner, 'USAGE')
    AND 2 = (SELECT count(*) FROM pg_class WHERE relnamespace = schemas.oid AND relname IN ('lead', 'replicas'))
"""
_SEEN = sql.SQL(
    "SELECT 1 FROM (SELECT beaten_at FROM {0}.lead UNION ALL SELECT beaten_at FROM {0}.replicas) AS seen"
    " WHERE beaten_at > clock_timestamp() - make_interval(secs => %s)"
)


@dataclass(frozen=True, slots=True)
class Deferral:
    """A round as a job: `token` is what its ending is known by, `since` when the agenda began that it is of."""

    token: str
    due: DueRound
    since: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """How a round ended; `token` may be that of an agenda which is no more."""

    token: str
    due: DueRound
    ended: Polled | Updated


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to be due."""

    targets: tuple[str, ...]
    repositories: tuple[Repository, ...]


class Lead:
    """One replica's session, by which it waits for the clock and then holds it; for one thread.

    Every method raises JobsAway if the session is gone: the clock is lost then, and the next call opens another one.
    """

    def __init__(self, database: Database, *, replica: str) -> None:
        self._database = database
        self._replica = replica
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._jobs = JobManager(procrastinate.SyncPsycopgConnector())
        self.term: str | None = None
        """Which of all holdings of the clock this is; None while somebody else has it, or nobody."""

    def try_take(self, *, before: str | None) -> bool:
        """Take the clock if nobody has it; a term goes on if it is `before`, and there was no other meanwhile."""
        with self._session() as session:
            taken = session.execute("SELECT pg_try_advisory_lock(%s) AS taken", [self._database.clock_key]).fetchone()
            if taken is None or not taken["taken"]:
                return False
            last = session.execute("SELECT term FROM lead").fetchone()
            term = before if before is not None and last == {"term": before} else secrets.token_hex(8)
            session.execute(
                "INSERT INTO lead (term, replica, beaten_at) VALUES (%s, %s, clock_timestamp()) ON CONFLICT (one)"
                " DO UPDATE SET term = excluded.term, replica = excluded.replica, beaten_at = excluded.beaten_at",
                [term, self._replica],
            )
            self.term = term
        return True

    def give_up(self) -> None:
        """Let another replica have the clock at once, and end the session."""
        if self._connection is not None:
            # Of a session that only ends, PostgreSQL has the locks for some moments more.
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._drop()

    def _drop(self) -> None:
        self.term = None
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def beat(self) -> None:
        """Let all know that this replica has the clock."""
        with self._session() as session:
            session.execute("UPDATE lead SET beaten_at = clock_timestamp()")

    def show_up(self, *, polls: int, updates: int) -> None:
        """Let all know that this replica is there, and how many rounds it can do at once."""
        with self._session() as session:
            session.execute(
                "INSERT INTO replicas (id, polls, updates, beaten_at) VALUES (%s, %s, %s, clock_timestamp())"
                " ON CONFLICT (id) DO UPDATE SET beaten_at = excluded.beaten_at",
                [self._replica, polls, updates],
            )

    def leave(self) -> None:
        """Let all know that this replica takes no more jobs."""
        with self._session() as session:
            session.execute("DELETE FROM replicas WHERE id = %s", [self._replica])

    def count_room(self) -> tuple[int, int]:
        """Count how many polls and updates all replicas can do at once; forget those that were not seen for long."""
        with self._session() as session:
            session.execute(
                "DELETE FROM replicas WHERE beaten_at < clock_timestamp() - make_interval(secs => %s)", [SEEN_S]
            )
            row = session.execute(
                "SELECT coalesce(sum(polls), 0) AS polls, coalesce(sum(updates), 0) AS updates FROM replicas"
            ).fetchone()
        return (int(row["polls"]), int(row["updates"])) if row else (0, 0)

    def defer(self, rounds: Sequence[Deferral]) -> None:
        """Let the rounds be done by whoever takes them; all of them, or none.

        Raises procrastinate's AlreadyEnqueued if a job of the same target or repository waits already.
        """
        jobs = [_make_job(each) for each in rounds]
        with self._session() as session:
            self._jobs.batch_defer_jobs(jobs, connection=session)

    def take_endings(self) -> Sequence[Ending]:
        """Take what was said of rounds that ended, in its order."""
        rows = self._take("endings", "token, due, ended")
        return [Ending(row["token"], parse_due(row["due"]), parse_ended(row["ended"])) for row in rows]

    def take_asks(self) -> Sequence[Asked]:
        rows = self._take("asks", "targets, repositories")
        return [Asked(tuple(row["targets"]), tuple(map(parse_repository, row["repositories"]))) for row in rows]

    def clear(self, is_wanted: Callable[[str], bool]) -> None:
        """Take back what was deferred, nobody has begun, and is not wanted: an agenda that is new asks for all anew."""
        with self._session() as session:
            for job in self._list_jobs(session, status="todo"):
                if not is_wanted(job["args"]["token"]):
                    arguments = {"job_id": job["id"], "abort": False, "delete_job": True}
                    session.execute(queries["cancel_job"], arguments)

    def list_tokens(self) -> set[str]:
        """List the rounds that wait or run."""
        with self._session() as session:
            return {str(job["args"]["token"]) for job in self._list_jobs(session, status=None)}

    def revive(self, is_wanted: Callable[[str], bool]) -> Sequence[Repository]:
        """Let jobs of workers that died be done by others, and drop those whose rounds are not wanted any more.

        Returns the repositories whose polls were dropped: what they found may not have been said.
        """
        dropped: list[Repository] = []
        arguments = {"queue": None, "task_name": None, "seconds_since_heartbeat": STALLED_S}
        with self._session() as session:
            for job in session.execute(queries["select_stalled_jobs_by_heartbeat"], arguments).fetchall():
                if is_wanted(job["args"]["token"]):
                    again = dict.fromkeys(("retry_at", "new_priority", "new_queue_name", "new_lock"))
                    session.execute(queries["retry_job"], {"job_id": job["id"], **again})
                    continue
                session.execute(queries["finish_job"], {"job_id": job["id"], "status": "failed", "delete_job": True})
                due = parse_due(job["args"]["due"])
                dropped += [due.repository] if isinstance(due, Poll) else []
        return dropped

    def publish(self, view: View) -> None:
        """Let all replicas see what is due."""
        with self._session() as session:
            session.execute(
                "INSERT INTO views (content, kept_at) VALUES (%s, clock_timestamp()) ON CONFLICT (one)"
                " DO UPDATE SET content = excluded.content, kept_at = excluded.kept_at",
                [format_view(view)],
            )

    def drop_abandoned(self) -> Sequence[str]:
        """Drop the schemas of other versions in which nobody was seen for an hour; return their names.

        Not to be called before all who live had the time to show up: in a schema that is new nobody ever was before.
        """
        dropped = []
        with self._session() as session:
            for name in [row["name"] for row in session.execute(_OTHERS, [PREFIX, self._database.schema]).fetchall()]:
                if session.execute(_SEEN.format(sql.Identifier(name)), [_ABANDONED_S]).fetchone() is None:
                    session.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
                    dropped.append(name)
        return dropped

    def _take(self, table: str, columns: str) -> Sequence[Mapping[str, Any]]:
        statement = (
            f"WITH taken AS (DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT {MOST})"  # noqa: S608 - our own names
            f" RETURNING id, {columns}) SELECT {columns} FROM taken ORDER BY id"
        )
        with self._session() as session:
            return session.execute(statement.encode()).fetchall()

    def _list_jobs(
        self, session: "psycopg.Connection[dict[str, Any]]", *, status: str | None
    ) -> Sequence[Mapping[str, Any]]:
        every = dict.fromkeys(("id", "queue_name", "task_name", "lock", "queueing_lock", "worker_id"))
        return session.execute(queries["list_jobs"], {**every, "status": status}).fetchall()

    @contextmanager
    def _session(self) -> "Iterator[psycopg.Connection[dict[str, Any]]]":
        with as_job_errors():
            try:
                if self._connection is None:
                    self._connection = self._database.connect()
                    self._connection.row_factory = dict_row
                yield self._connection
            except AlreadyEnqueued:
                raise
            except BaseException:
                # Whatever it was: without this session nothing is held, and another one begins from there.
                self._drop()
                raise


def _make_job(deferral: Deferral) -> Job:
    due = deferral.due
    kind = POLL if isinstance(due, Poll) else UPDATE
    lock = f"poll:{due.repository}" if isinstance(due, Poll) else f"update:{due.target}"
    arguments: dict[str, Any] = {"token": deferral.token, "due": format_due(due), "since": deferral.since.isoformat()}
    return Job(
        id=None,
        queue=kind,
        task_name=kind,
        lock=lock,
        queueing_lock=lock,
        task_kwargs=arguments,
    )
