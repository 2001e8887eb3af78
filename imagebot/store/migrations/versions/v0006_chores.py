"""When was last done what is done from time to time."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "chores",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("done_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
