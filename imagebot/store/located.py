"""What was located in files, by blob and rules, and for each target in all files of its head; kept for some time.

The texts are for others to make and to read. One comes back as it was kept, or not at all.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from imagebot.store.schema import heads, located

# A time of use is not written more often than that; so a quiet round writes nothing.
_USE_IS_KEPT = timedelta(days=1)
_UNUSED_KEPT = timedelta(days=30)
# Older builds of SQLite take 999 variables in a statement.
_BLOBS_IN_QUERY = 900

Key = tuple[str, str]
"""The oid of a blob, and what stands for the rules."""


@dataclass(frozen=True, slots=True)
class FoundLocated:
    """The texts that are kept for some of the keys; `due` are those of which it should be kept that they were used."""

    texts: Mapping[Key, str]
    due: Collection[Key]


class LocatedMemory:
    """The part of a store that remembers what was located."""

    def __init__(self, transaction: Callable[..., AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction

    def find(self, keys: Collection[Key], *, at: datetime) -> FoundLocated:
        """Find the texts that were kept for the keys."""
        wanted = keys if isinstance(keys, set | frozenset) else set(keys)
        blobs = iter(dict.fromkeys(blob for blob, _ in keys))
        is_due = (located.c.used_at <= at - _USE_IS_KEPT).label("is_due")
        columns = (located.c.blob, located.c.rules, located.c.content, located.c.seal)
        texts: dict[Key, str] = {}
        due: list[Key] = []
        with self._transaction(immediate=False) as connection:
            while chunk := list(islice(blobs, _BLOBS_IN_QUERY)):
                for *key, content, seal, used in connection.execute(
                    select(*columns, is_due).where(located.c.blob.in_(chunk))
                ):
                    found = (key[0], key[1])
                    if found in wanted and _make_seal(*found, content) == seal:
                        texts[found] = content
                        due += [found] if used else []
        return FoundLocated(texts, due)

    def keep(self, texts: Mapping[Key, str], *, used: Collection[Key], at: datetime) -> None:
        """Keep the texts, and that these others were used; forget those that were not for 30 days."""
        new = [
            {"blob": blob, "rules": rules, "content": text, "seal": _make_seal(blob, rules, text), "used_at": at}
            for (blob, rules), text in texts.items()
        ]
        statement = upsert(located)
        names = ("content", "seal", "used_at")
        statement = statement.on_conflict_do_update(
            index_elements=["blob", "rules"], set_={name: statement.excluded[name] for name in names}
        )
        is_used = (located.c.blob == bindparam("of"), located.c.rules == bindparam("by"))
        with self._transaction(immediate=True) as connection:
            if new:
                connection.execute(statement, new)
            if used:
                touch = update(located).where(*is_used).values(used_at=at)
                connection.execute(touch, [{"of": blob, "by": rules} for blob, rules in used])
            connection.execute(delete(located).where(located.c.used_at <= at - _UNUSED_KEPT))

    def find_head(self, target: str, head: str, rules: str, *, at: datetime) -> str | None:
        """Return the text that was kept for the target, if it was for this head and these rules, and not a day ago."""
        query = select(heads.c.content, heads.c.seal).where(
            heads.c.target == target,
            heads.c.head == head,
            heads.c.rules == rules,
            heads.c.kept_at > at - _USE_IS_KEPT,
        )
        with self._transaction(immediate=False) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.seal != _make_seal(target, head, rules, row.content):
            return None
        return str(row.content)

    def keep_head(self, target: str, head: str, rules: str, text: str, *, at: datetime) -> None:
        """Keep a text for the target's head, in the place of the one before; forget heads from 30 days ago."""
        row = {"head": head, "rules": rules, "content": text, "kept_at": at}
        row["seal"] = _make_seal(target, head, rules, text)
        statement = upsert(heads).values(target=target, **row)
        with self._transaction(immediate=True) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["target"], set_=row))
            connection.execute(delete(heads).where(heads.c.kept_at <= at - _UNUSED_KEPT))


def _make_seal(*texts: str) -> str:
    """Make what tells a row that a failing disk changed, or that came to stand under another key."""
    return sha256("\n".join(texts).encode()).hexdigest()[:16]
