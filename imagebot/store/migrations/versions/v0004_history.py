"""What happened to tags, repositories that cannot be listed, and fingerprints of listings."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("repositories", sa.Column("fingerprint", sa.Text))
    op.add_column("repositories", sa.Column("tag_count", sa.Integer))
    for name, column in (("tags_gone", "gone_since"), ("tags_sighted", "digest_seen")):
        is_given = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "tags", ["repository", column], sqlite_where=is_given, postgresql_where=is_given)
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "history",
        sa.Column("id", number, primary_key=True),
        sa.Column("repository", number, sa.ForeignKey("repositories.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
    )
    op.create_index("history_of_repository", "history", ["repository", "at"])
    op.create_table(
        "failures",
        sa.Column("registry", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("polls", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
