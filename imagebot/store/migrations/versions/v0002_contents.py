"""What digests stand for, what was located in files, and more about tags."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("repositories", sa.Column("doubted_since", sa.BigInteger))
    op.add_column("tags", sa.Column("pushed_at", sa.BigInteger))
    op.add_column("tags", sa.Column("is_repushed", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("tags", sa.Column("gone_since", sa.BigInteger))
    op.create_table(
        "contents",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "located",
        sa.Column("blob", sa.Text, primary_key=True),
        sa.Column("rules", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "heads",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
    )
