"""Sessions of PostgreSQL for whatever thread: opened when they are wanted, and kept for the next who wants one.

Other than by a pool that connects by itself in the background, it is known at once that the server is away.
"""

from collections import deque
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

import psycopg

Session = psycopg.Connection[Any]


class Sessions:
    """At most so many at once; `open_one` makes another."""

    def __init__(self, open_one: Callable[[], Session], *, most: int, timeout_s: float) -> None:
        self._open_one = open_one
        self._room = BoundedSemaphore(most)
        self._timeout_s = timeout_s
        self._idle: deque[Session] = deque()

    def execute(self, statement: str, arguments: Any = None) -> tuple[Any, ...] | None:
        """Execute one statement, and return its first row; it may be executed twice. Raises what psycopg raises."""
        if not self._room.acquire(timeout=self._timeout_s):
            raise psycopg.OperationalError("its sessions are all in use")
        try:
            while True:
                was_idle = bool(self._idle)
                try:
                    return self._execute(self._idle.pop() if was_idle else self._open_one(), statement, arguments)
                except (psycopg.OperationalError, IndexError):
                    # One that was idle may have ended long ago, and so may the others that are.
                    if not was_idle:
                        raise
        finally:
            self._room.release()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _execute(self, session: Session, statement: str, arguments: Any) -> tuple[Any, ...] | None:
        try:
            cursor = session.execute(statement.encode(), arguments)
            row = cursor.fetchone() if cursor.description else None
        except BaseException:
            session.close()
            raise
        self._idle.append(session)
        return row
