"""What was found out about targets at their forges, kept so that it is not asked for again in every round.

The texts are for others to make and to read. One comes back for the facts that it was kept for, or not at all.
"""

from datetime import datetime

from sqlalchemy import select

from imagebot.store.engine import Transaction, upsert
from imagebot.store.schema import memos


class MemoMemory:
    """The part of a store that remembers one text for each target and topic."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, target: str, topic: str, *, facts: str) -> str | None:
        """Return the text that was kept for the target, if it was for the same facts."""
        of = (memos.c.target == target, memos.c.topic == topic, memos.c.facts == facts)
        with self._transaction(immediate=False) as connection:
            found = connection.execute(select(memos.c.content).where(*of)).scalar_one_or_none()
        return None if found is None else str(found)

    def keep(self, target: str, topic: str, text: str, *, facts: str, at: datetime) -> None:
        """Keep a text in the place of the one before."""
        row = {"facts": facts, "content": text, "kept_at": at}
        with self._transaction(immediate=True) as connection:
            statement = upsert(connection, memos).values(target=target, topic=topic, **row)
            connection.execute(statement.on_conflict_do_update(index_elements=["target", "topic"], set_=row))
