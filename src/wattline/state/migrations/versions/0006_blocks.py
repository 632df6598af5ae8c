"""Blocks between sites and devices; what a sensor is called, where it belongs, and its part in energy accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Every site that has devices gets one block with the site's own key, and its devices belong to it."""
    for column in (
        sa.Column("region", sa.Text),
        sa.Column("status", sa.Text, nullable=False, server_default="active"),
        sa.Column("zone", sa.Text),
        sa.Column("config", sa.Text),
        sa.Column("created", sa.BigInteger),
    ):
        op.add_column("sites", column)
    op.create_table(
        "blocks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id", name="fk_blocks_site_id_sites"), nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("capacity_mw", sa.Float, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("commissioned", sa.BigInteger),
        sa.Column("config", sa.Text),
        sa.Column("mode", sa.Text),
        sa.Column("mode_since", sa.BigInteger),
        sa.UniqueConstraint("site_id", "slug", name="uq_blocks_site_id"),
    )
    op.execute(
        "INSERT INTO blocks (site_id, slug, capacity_mw, status) SELECT id, key, 0.0, 'active' FROM sites"
        " WHERE id IN (SELECT site_id FROM devices)"
    )
    # Without a foreign key: SQLite adds one only by making the table anew, which its streams' foreign key forbids.
    op.add_column("devices", sa.Column("block_id", sa.Integer))
    op.execute("UPDATE devices SET block_id = (SELECT id FROM blocks WHERE blocks.site_id = devices.site_id)")
    for column in (
        sa.Column("tag", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("subsystem", sa.Text),
        sa.Column("range_min", sa.Float),
        sa.Column("range_max", sa.Float),
        sa.Column("poll_ms", sa.Integer),
        sa.Column("role", sa.Text),
        sa.Column("factor", sa.Float, nullable=False, server_default="1"),
    ):
        op.add_column("sensors", column)
    versions = op.create_table(
        "registry_versions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(versions, [{"id": 1, "version": 0}])
