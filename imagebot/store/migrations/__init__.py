"""The steps by which a store of an earlier version becomes one of this version, run by Alembic when it is opened.

To add a table or a column:

1. Change `schema.py`: the table in `metadata`, and VERSION one more. A store that is new is made of these tables.
2. Write `versions/vNNNN_WHAT.py`, where NNNN is that VERSION: `revision = "NNNN"`, `down_revision` the one before, and
   `upgrade()` with operations of Alembic. It runs on SQLite and on PostgreSQL, in one transaction with all others that
   are due, under a lock that lets one process do it; it is never run again, so it imports no table of ours.
3. Say in `retention.py` what bounds the table.

What only PostgreSQL has, such as the schema of another library, is no Table: let `upgrade()` execute its SQL there, and
`event.listen(metadata, "after_create", DDL(...).execute_if(dialect="postgresql"))` in `schema.py` for new stores; a
prefix in FOREIGN leaves its tables out of comparisons. `tests/store/test_migrations.py` fails where tables and steps
disagree. Replicas of the version before may still run while a step is done: add, and take away one version later.
"""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

FOREIGN = ("procrastinate_",)
"""How the names of tables begin that are in the same database and not of `metadata`."""


def upgrade(connection: Connection, to: str = "head") -> None:
    """Take the steps that the store has not had yet; the caller's transaction makes them all or none."""
    command.upgrade(make_config(connection), to)


def make_config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def is_of_store(name: str | None, kind: str, _: Any) -> bool:
    """Tell Alembic which tables to compare."""
    return kind != "table" or not (name or "").startswith(FOREIGN)
