"""Market data and its types; the listings of devices under uuids; the log of changes to tables that clients follow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# SQLite's REAL forgets the sign of zero, and has no NaN; an untyped column keeps what it is given.
FLOAT4: sa.types.TypeEngine[object] = sa.Double().with_variant(sa.LargeBinary(), "sqlite")
BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "listings",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("uuid", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Integer, sa.ForeignKey("devices.id", name="fk_listings_device_id_devices"), nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("type", sa.Text),
        sa.Column("metadata", sa.Text),
        sa.Column("active", sa.Boolean),
        sa.Column("created", sa.BigInteger),
        sa.Column("shown", sa.Text),
        sa.UniqueConstraint("device_id", name="uq_listings_device_id"),
    )
    op.create_table(
        "market_types",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("unit", sa.Text),
        sa.Column("created", sa.BigInteger),
        sa.UniqueConstraint("tenant", "name", name="uq_market_types_tenant"),
    )
    op.create_table(
        "market_sequences",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("next", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "market_data",
        sa.Column("row", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("id", BYTEWISE, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("value", FLOAT4),
        sa.Column("metadata", sa.Text),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("tenant", "id", name="uq_market_data_tenant"),
    )
    op.create_index("ix_market_data_time", "market_data", ["tenant", "time"])
    op.create_index("ix_market_data_type_time", "market_data", ["tenant", "type", "time"])
    op.create_index("ix_market_data_created", "market_data", ["tenant", "created", "id"])
    op.create_table(
        "changes",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("rows", sa.Text, nullable=False),
    )
    op.create_index("ix_changes_tenant_subject_position", "changes", ["tenant", "subject", "position"])
    heads = op.create_table(
        "change_heads",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("forgotten", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(heads, [{"id": 1, "position": 0, "forgotten": 0}])
