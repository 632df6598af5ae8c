"""Power quality and protection events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "quality_events",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("meter", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("lane", sa.String(12), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger),
        sa.Column("superseded_by", sa.BigInteger),
        sa.Column("source_event_id", sa.String(200)),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("tenant", "meter", "source_event_id", name="quality_events_source"),
    )
    op.create_index("quality_events_time", "quality_events", ["tenant", "start", "id"])
    op.create_index("quality_events_meter", "quality_events", ["meter", "type", "start"])
    op.create_table(
        "quality_lanes",
        sa.Column("meter", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("lane", sa.String(12), primary_key=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "protection_events",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("meter", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("breaker", sa.String(200)),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("source_event_id", sa.String(200)),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("tenant", "meter", "source_event_id", name="protection_events_source"),
    )
    op.create_index("protection_events_time", "protection_events", ["tenant", "time", "id"])
    op.create_table(
        "breakers",
        sa.Column("meter", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("breaker", sa.String(200), primary_key=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
    )
    op.create_index("breakers_tenant", "breakers", ["tenant", "meter", "breaker"])
