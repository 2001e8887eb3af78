"""What every replica may read and say at any time, whoever has the clock."""

from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

from psycopg.types.json import Jsonb

from imagebot.agenda.values import View
from imagebot.image.reference import Repository
from imagebot.jobs.database import Database, JobsAway, as_job_errors
from imagebot.jobs.messages import format_repository, parse_view
from imagebot.jobs.standing import Standing
from imagebot.log import log

_CONNECTIONS = 4
_TURN = """
INSERT INTO turns AS known (host, next_at) VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(gap_s)s))
ON CONFLICT (host) DO UPDATE SET next_at =
    greatest(known.next_at, clock_timestamp()) + make_interval(secs => %(gap_s)s)
RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - %(gap_s)s
"""


_STANDING = """
SELECT replica, extract(epoch FROM clock_timestamp() - beaten_at)::float8, (SELECT count(*) FROM replicas), EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = (%(key)s::bigint >> 32)::oid AND objid = (%(key)s::bigint & 4294967295)::oid
) FROM (SELECT true) AS always LEFT JOIN lead ON true
"""


class Notices:
    """Safe for threads; closed by leaving the context. Methods raise JobsAway, but for `take_turn`."""

    def __init__(self, database: Database) -> None:
        self._sessions = database.make_sessions(_CONNECTIONS)
        self._clock_key = database.clock_key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sessions.close()

    def ask(self, targets: Collection[str], repositories: Collection[Repository]) -> None:
        """Let these be made due by whoever has the clock."""
        parts = [format_repository(each) for each in sorted(repositories)]
        self._execute(
            "INSERT INTO asks (targets, repositories) VALUES (%s, %s)", [Jsonb(sorted(targets)), Jsonb(parts)]
        )

    def read_view(self) -> View:
        """Read what is due, as whoever has the clock said last."""
        row = self._execute("SELECT content, extract(epoch FROM clock_timestamp() - kept_at)::float8 FROM views")
        return parse_view(row[0], age_s=max(0.0, row[1])) if row else View()

    def read_standing(self) -> Standing:
        row = self._execute(_STANDING, {"key": self._clock_key})
        return Standing(row[0] or "", *row[1:]) if row else Standing()

    def take_turn(self, host: str, gap_s: float) -> float | None:
        """Take the next turn at a host, of all replicas; return in how many seconds it is, None if nobody knows."""
        try:
            row = self._execute(_TURN, {"host": host, "gap_s": gap_s})
        except JobsAway as error:
            log.warning("turn_not_taken", registry=host, error=str(error))
            return None
        return max(0.0, float(row[0])) if row else None

    def _execute(self, statement: str, arguments: Any = None) -> tuple[Any, ...] | None:
        with as_job_errors():
            return self._sessions.execute(statement, arguments)
