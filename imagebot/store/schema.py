"""The tables of the store, and how an SQLite file is made ready for them.

Instants are kept as whole microseconds since 1970 in UTC, because SQLite has no type for them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    false,
)
from sqlalchemy.types import TypeDecorator

VERSION = 5
# "imgb": tells a store from the database of another program.
APPLICATION_ID = 0x696D6762

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CONNECTIONS = 4


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

repositories = Table(
    "repositories",
    metadata,
    Column("id", Integer, primary_key=True),
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
Index("tags_gone", tags.c.repository, tags.c.gone_since, sqlite_where=tags.c.gone_since.is_not(None))
Index("tags_sighted", tags.c.repository, tags.c.digest_seen, sqlite_where=tags.c.digest_seen.is_not(None))

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
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

# What makes a store of that version one of the next. Written out, because the tables above are those of VERSION.
_UPGRADES = {
    1: (
        "ALTER TABLE repositories ADD COLUMN doubted_since BIGINT",
        "ALTER TABLE tags ADD COLUMN pushed_at BIGINT",
        "ALTER TABLE tags ADD COLUMN is_repushed BOOLEAN DEFAULT 0 NOT NULL",
        "ALTER TABLE tags ADD COLUMN gone_since BIGINT",
        """CREATE TABLE contents (
            digest TEXT NOT NULL, content TEXT NOT NULL, kept_at BIGINT NOT NULL, PRIMARY KEY (digest)
        ) WITHOUT ROWID""",
        """CREATE TABLE located (
            blob TEXT NOT NULL, rules TEXT NOT NULL, content TEXT NOT NULL, seal TEXT NOT NULL, used_at BIGINT NOT NULL,
            PRIMARY KEY (blob, rules)
        )""",
        """CREATE TABLE heads (
            target TEXT NOT NULL, head TEXT NOT NULL, rules TEXT NOT NULL, content TEXT NOT NULL, seal TEXT NOT NULL,
            kept_at BIGINT NOT NULL, PRIMARY KEY (target)
        )""",
    ),
    2: (
        """CREATE TABLE pauses (
            host TEXT NOT NULL, scope TEXT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (host, scope)
        ) WITHOUT ROWID""",
    ),
    3: (
        "ALTER TABLE repositories ADD COLUMN fingerprint TEXT",
        "ALTER TABLE repositories ADD COLUMN tag_count INTEGER",
        "CREATE INDEX tags_gone ON tags (repository, gone_since) WHERE gone_since IS NOT NULL",
        "CREATE INDEX tags_sighted ON tags (repository, digest_seen) WHERE digest_seen IS NOT NULL",
        """CREATE TABLE history (
            id INTEGER NOT NULL, repository INTEGER NOT NULL, at BIGINT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (id),
            FOREIGN KEY(repository) REFERENCES repositories (id) ON DELETE CASCADE
        )""",
        "CREATE INDEX history_of_repository ON history (repository, at)",
        """CREATE TABLE failures (
            registry TEXT NOT NULL, path TEXT NOT NULL, since BIGINT NOT NULL, at BIGINT NOT NULL,
            polls INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (registry, path)
        ) WITHOUT ROWID""",
    ),
    4: (
        """CREATE TABLE memos (
            target TEXT NOT NULL, topic TEXT NOT NULL, facts TEXT NOT NULL, content TEXT NOT NULL,
            kept_at BIGINT NOT NULL, PRIMARY KEY (target, topic)
        )""",
    ),
}


def make_engine(path: str, *, busy_timeout_s: float) -> Engine:
    """Make the engine of one file. Transactions with the option `immediate` take the write lock when they begin."""
    engine = create_engine(URL.create("sqlite", database=path), pool_size=_CONNECTIONS, max_overflow=0, pool_timeout=60)

    def prepare(connection: Any, _: object) -> None:
        _prepare_connection(connection, busy_timeout_ms=int(busy_timeout_s * 1000))

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: Any, *, busy_timeout_ms: int) -> None:
    # Python's sqlite3 would begin transactions by itself, and only before the first write: `_begin` does it instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {busy_timeout_ms}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads and then writes loses updates of others, unless it has the write lock from its start.
    is_immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_immediate else "BEGIN")


def read_pragma(connection: Connection, name: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def is_empty(connection: Connection) -> bool:
    return connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar() == 0


def create_tables(connection: Connection) -> None:
    """Make an empty database a store of this version."""
    metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def upgrade_tables(connection: Connection, *, found: int) -> None:
    """Make a store of the version that was found one of this version; the caller's transaction makes it all or none."""
    for version in range(found, VERSION):
        for statement in _UPGRADES[version]:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
