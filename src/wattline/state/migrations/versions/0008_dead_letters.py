"""Messages that could not be taken in, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "dead_letters",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_dead_letters_tenant_received", "dead_letters", ["tenant", "received"])
    op.create_index("ix_dead_letters_received", "dead_letters", ["received"])
    op.create_table(
        "dead_letter_counts",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("category", sa.String(32), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("kept", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_dead_letter_counts_minute", "dead_letter_counts", ["minute"])
