"""Exports that are made on request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "exports",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("sites", sa.Text),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("finished", sa.BigInteger),
        sa.Column("rows", sa.BigInteger),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("name", sa.String(200), nullable=False),
    )
    op.create_index("exports_tenant", "exports", ["tenant", "created"])
    op.create_index("exports_created", "exports", ["created"])
    op.create_table(
        "export_secret",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("secret", sa.String(64), nullable=False),
    )
