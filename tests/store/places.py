"""Where the stores of tests are, and what else may be done there than a store does: SQL by another connection."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from imagebot.store.place import Place

_NOTE = """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO written VALUES (1); RETURN NULL; END'"""


def execute(place: Place, *statements: str) -> list[tuple[Any, ...]]:
    """Execute statements that both databases have, and return the rows of the last."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as connection, connection:
            return [connection.execute(statement).fetchall() for statement in statements][-1]
    with psycopg.connect(place.reveal()) as server:
        cursors = [server.execute(statement.encode()) for statement in statements]
        return cursors[-1].fetchall() if cursors[-1].description else []


def count_written_rows(place: Place, act: Callable[[], object]) -> int:
    """Do it, and return how many rows that changed, as the database counts them."""
    tables = ("repositories", "tags", "history", "failures", "contents", "located", "heads")
    events = ("INSERT", "UPDATE", "DELETE")
    if isinstance(place, Path):
        does, each, functions = "BEGIN INSERT INTO written VALUES (1); END", "", []
    else:
        does, each, functions = "EXECUTE FUNCTION note()", "FOR EACH ROW", [_NOTE]
    triggers = [
        f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} {each} {does}" for table in tables for event in events
    ]
    execute(place, "CREATE TABLE written (one INTEGER)", *functions, *triggers)
    act()
    return int(execute(place, "SELECT count(*) FROM written")[0][0])
