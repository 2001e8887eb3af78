"""What was found out about targets at their forges, kept so that it is not asked for again in every round.

The texts are for others to make and to read. One comes back for the facts that it was kept for, or not at all.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from imagebot.store.schema import memos

_UNUSED_KEPT = timedelta(days=180)


class MemoMemory:
    """The part of a store that remembers one text for each target and topic."""

    def __init__(self, transaction: Callable[..., AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def find(self, target: str, topic: str, *, facts: str) -> str | None:
        """Return the text that was kept for the target, if it was for the same facts."""
        of = (memos.c.target == target, memos.c.topic == topic, memos.c.facts == facts)
        with self._transaction(immediate=False) as connection:
            found = connection.execute(select(memos.c.content).where(*of)).scalar_one_or_none()
        return None if found is None else str(found)

    def keep(self, target: str, topic: str, text: str, *, facts: str, at: datetime) -> None:
        """Keep a text in the place of the one before; forget those from half a year ago."""
        row = {"facts": facts, "content": text, "kept_at": at}
        statement = upsert(memos).values(target=target, topic=topic, **row)
        with self._transaction(immediate=True) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["target", "topic"], set_=row))
            connection.execute(delete(memos).where(memos.c.kept_at <= at - _UNUSED_KEPT))
