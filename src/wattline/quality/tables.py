"""The tables of power quality and protection."""

from __future__ import annotations

import sqlalchemy as sa

from wattline.state.tables import metadata

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

events = sa.Table(
    "quality_events",
    metadata,
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
    sa.Column("category", sa.String(20)),
    sa.Column("residual_pu", sa.Double),
    sa.Column("max_pu", sa.Double),
    sa.UniqueConstraint("tenant", "meter", "source_event_id", name="quality_events_source"),
    sa.Index("quality_events_time", "tenant", "start", "id"),
    sa.Index("quality_events_meter", "meter", "type", "start"),
    sa.Index("quality_events_counts", "tenant", "start", "superseded_by", "meter", "type", "category", "residual_pu", "max_pu"),
)
"""`category`, `residual_pu` and `max_pu` are those of the body: what events are counted by."""
lanes = sa.Table(
    "quality_lanes",
    metadata,
    sa.Column("meter", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("lane", sa.String(12), primary_key=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
protection = sa.Table(
    "protection_events",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("meter", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("breaker", sa.String(200)),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("source_event_id", sa.String(200)),
    sa.Column("body", sa.Text, nullable=False),
    sa.UniqueConstraint("tenant", "meter", "source_event_id", name="protection_events_source"),
    sa.Index("protection_events_time", "tenant", "time", "id"),
)
breakers = sa.Table(
    "breakers",
    metadata,
    sa.Column("meter", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("breaker", sa.String(200), primary_key=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Index("breakers_tenant", "tenant", "meter", "breaker"),
)
