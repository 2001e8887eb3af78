"""What was located in files, by blob and rules, and for each target in all files of its head; kept for some time.

The texts are for others to make and to read. One comes back as it was kept, or not at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice

from sqlalchemy import bindparam, select, update

from imagebot.store.engine import Transaction, upsert
from imagebot.store.schema import heads, located

# A time of use is not written more often than that; so a quiet round writes nothing.
_USE_IS_KEPT = timedelta(days=1)
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

    def __init__(self, transaction: Transaction) -> None:
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
        """Keep the texts, and that these others were used."""
        # In one order, and in two transactions, or two that keep the same at once would wait for each other.
        new = [
            {"blob": blob, "rules": rules, "content": text, "seal": _make_seal(blob, rules, text), "used_at": at}
            for (blob, rules), text in sorted(texts.items())
        ]
        names = ("content", "seal", "used_at")
        is_used = (located.c.blob == bindparam("of"), located.c.rules == bindparam("by"))
        if new:
            with self._transaction(immediate=True) as connection:
                statement = upsert(connection, located)
                statement = statement.on_conflict_do_update(
                    index_elements=["blob", "rules"], set_={name: statement.excluded[name] for name in names}
                )
                connection.execute(statement, new)
        if used:
            touch = update(located).where(*is_used).values(used_at=at)
            with self._transaction(immediate=True) as connection:
                connection.execute(touch, [{"of": blob, "by": rules} for blob, rules in sorted(used)])

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

    def find_last_head(self, target: str) -> str | None:
        """Return the text that was kept last for the target, whichever head and rules it was for."""
        query = select(heads.c.head, heads.c.rules, heads.c.content, heads.c.seal).where(heads.c.target == target)
        with self._transaction(immediate=False) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.seal != _make_seal(target, row.head, row.rules, row.content):
            return None
        return str(row.content)

    def keep_head(self, target: str, head: str, rules: str, text: str, *, at: datetime) -> None:
        """Keep a text for the target's head, in the place of the one before."""
        row = {"head": head, "rules": rules, "content": text, "kept_at": at}
        row["seal"] = _make_seal(target, head, rules, text)
        with self._transaction(immediate=True) as connection:
            statement = upsert(connection, heads).values(target=target, **row)
            connection.execute(statement.on_conflict_do_update(index_elements=["target"], set_=row))


def _make_seal(*texts: str) -> str:
    """Make what tells a row that a failing disk changed, or that came to stand under another key."""
    return sha256("\n".join(texts).encode()).hexdigest()[:16]
