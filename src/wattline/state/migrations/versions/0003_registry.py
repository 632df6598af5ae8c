"""Tables of what exists: sites, devices, streams, sensors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sites",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("latitude", sa.Float),
        sa.Column("longitude", sa.Float),
        sa.UniqueConstraint("tenant", "key", name="uq_sites_tenant"),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", name="fk_devices_site_id_sites"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.UniqueConstraint("site_id", "key", name="uq_devices_site_id"),
    )
    op.create_table(
        "streams",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("device_id", sa.Integer, sa.ForeignKey("devices.id", name="fk_streams_device_id_devices"), nullable=False),
        sa.Column("layout", sa.Text, nullable=False),
        sa.UniqueConstraint("device_id", "layout", name="uq_streams_device_id"),
    )
    op.create_table(
        "sensors",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("stream_id", sa.Integer, sa.ForeignKey("streams.id", name="fk_sensors_stream_id_streams"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.UniqueConstraint("stream_id", "position", name="uq_sensors_stream_id"),
    )
