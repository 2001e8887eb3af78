"""Snapshots of repositories, with what tags point to, and outcomes of targets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "repositories",
        sa.Column("id", number, primary_key=True),
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("listed_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("registry", "path"),
    )
    op.create_table(
        "outcomes",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tags",
        sa.Column("repository", number, sa.ForeignKey("repositories.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text),
        sa.Column("digest_seen", sa.BigInteger),
        sqlite_with_rowid=False,
    )
