"""Keys that stand for a role, and the projects whose secret signs them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table and the columns."""
    op.create_table(
        "projects",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("ref", name="uq_projects_ref"),
    )
    op.add_column("api_keys", sa.Column("role", sa.Text))
    op.add_column("api_keys", sa.Column("form", sa.String(8), nullable=False, server_default="wl"))
