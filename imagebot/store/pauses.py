"""Until when registries asked to be left alone: kept, so that a restart is no reason to ask them again."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from imagebot.store.engine import Transaction, upsert
from imagebot.store.schema import pauses


class PauseMemory:
    """The part of a store that remembers pauses; `scope` says what a registry limits: all requests, or some."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, host: str, *, at: datetime) -> Mapping[str, datetime]:
        """Return the ends of the host's pauses by scope, without those that are over at that instant."""
        query = select(pauses.c.scope, pauses.c.until).where(pauses.c.host == host, pauses.c.until > at)
        with self._transaction(immediate=False) as connection:
            return {row.scope: row.until for row in connection.execute(query)}

    def keep(self, host: str, scope: str, *, until: datetime) -> None:
        """Keep a pause in the place of the one before it."""
        with self._transaction(immediate=True) as connection:
            statement = upsert(connection, pauses).values(host=host, scope=scope, until=until)
            connection.execute(statement.on_conflict_do_update(index_elements=["host", "scope"], set_={"until": until}))
