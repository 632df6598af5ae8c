"""Peaks that a household took away, and when it was told what a peak looks like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

UNTOLD = sa.text("suggested IS NULL")


def upgrade() -> None:
    """Create the table and the column."""
    op.create_table(
        "household_removed_peaks",
        sa.Column("tenant", sa.String(128), primary_key=True),
        sa.Column("user", sa.String(30), primary_key=True),
        sa.Column("mac", sa.String(17), primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True),
        sa.Column("end", sa.BigInteger, nullable=False),
    )
    op.add_column("household_peaks", sa.Column("suggested", sa.BigInteger))
    op.execute(sa.text("UPDATE household_peaks SET suggested = updated"))
    op.create_index("ix_household_peaks_untold", "household_peaks", ["updated"], sqlite_where=UNTOLD, postgresql_where=UNTOLD)
