"""Keys of devices and gateways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "device_keys",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("name", sa.String(200)),
        sa.Column("meter", sa.BigInteger),
        sa.Column("meters", sa.Text),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("former_secret", sa.String(64)),
        sa.Column("former_until", sa.BigInteger),
        sa.Column("require_signature", sa.Boolean, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("rotated", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("device_keys_change", "device_keys", ["change"])
    op.create_index("device_keys_meter", "device_keys", ["tenant", "meter"])
    head = op.create_table(
        "device_key_head",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("change", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(head, [{"one": 1, "change": 0}])
