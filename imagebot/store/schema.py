"""The tables of the store. How to add one is said in `migrations/__init__.py`.

Instants are kept as whole microseconds since 1970 in UTC, because SQLite has no type for them.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.types import TypeDecorator

VERSION = 6
"""Of the tables below; the last of `migrations/versions` makes a store of it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# SQLite numbers rows by itself only if they are INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware datetime, read back in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else find_instant(value)


def find_instant(microseconds: int) -> datetime:
    """Read an instant as it is kept."""
    return _EPOCH + microseconds * _MICROSECOND


def to_utc(instant: datetime) -> datetime:
    """Make the instant read as it will be read back; raises TypeError if it is not aware."""
    return _EPOCH + (instant - _EPOCH)


metadata = MetaData()

# Of Alembic: the version as four digits, in a single row. It is what tells a store from another program's database.
versions = Table("imagebot_version", MetaData(), Column("version_num", String(32), primary_key=True))

repositories = Table(
    "repositories",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("registry", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("listed_at", Instant, nullable=False),
    Column("doubted_since", Instant),
    # Of the last listing: the tags need not be read to know that the next one has no other.
    Column("fingerprint", Text),
    Column("tag_count", Integer),
    UniqueConstraint("registry", "path"),
)

tags = Table(
    "tags",
    metadata,
    Column("repository", ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("first_seen", Instant, nullable=False),
    # The sighting, all of it: what the tag points to, since when, and whether it pointed to something else before.
    Column("digest", Text),
    Column("digest_seen", Instant),
    Column("pushed_at", Instant),
    Column("is_repushed", Boolean, nullable=False, server_default=false()),
    # Since when it is not listed any more; it is kept for some time, as it may come back.
    Column("gone_since", Instant),
    sqlite_with_rowid=False,
)

# Both are of few tags, which each poll looks for.
for _name, _column in {"tags_gone": tags.c.gone_since, "tags_sighted": tags.c.digest_seen}.items():
    _is_given = _column.is_not(None)
    Index(_name, tags.c.repository, _column, sqlite_where=_is_given, postgresql_where=_is_given)

history = Table(
    "history",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("repository", ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("event", Text, nullable=False),
)
Index("history_of_repository", history.c.repository, history.c.at)

# Of repositories that cannot be listed now, many of which never could be.
failures = Table(
    "failures",
    metadata,
    Column("registry", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("at", Instant, nullable=False),
    Column("polls", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)

contents = Table(
    "contents",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("content", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("target", Text, primary_key=True),
    Column("finished_at", Instant, nullable=False),
    Column("summary", Text, nullable=False),
    sqlite_with_rowid=False,
)

located = Table(
    "located",
    metadata,
    Column("blob", Text, primary_key=True),
    Column("rules", Text, primary_key=True),
    Column("content", Text, nullable=False),
    Column("seal", Text, nullable=False),
    Column("used_at", Instant, nullable=False),
)

heads = Table(
    "heads",
    metadata,
    Column("target", Text, primary_key=True),
    Column("head", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("seal", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("host", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("until", Instant, nullable=False),
    sqlite_with_rowid=False,
)

memos = Table(
    "memos",
    metadata,
    Column("target", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
)

# What is done from time to time, by one of all that use the store.
chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("done_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
