"""Tables of analytics."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    passes = op.create_table(
        "analytics_pass",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("scored_us", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(passes, [{"id": 1, "scored_us": 0}])
    op.create_table(
        "analytics_state",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("flagged", sa.Integer, nullable=False),
        sa.Column("calm", sa.Integer, nullable=False),
        sa.Column("flat", sa.Boolean, nullable=False),
        sa.Column("incident_id", sa.Text),
        sa.Column("scored_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "analytics_incident",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("interconnection", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("opened_us", sa.BigInteger, nullable=False),
        sa.Column("last_onset_us", sa.BigInteger, nullable=False),
        sa.Column("peak_score", sa.Double, nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.Column("confirmed_us", sa.BigInteger),
        sa.Column("closed_us", sa.BigInteger),
        sa.Column("raise_told", sa.Boolean, nullable=False),
        sa.Column("clear_told", sa.Boolean, nullable=False),
    )
    op.create_index("ix_analytics_incident_tenant_opened", "analytics_incident", ["tenant", "opened_us"])
    op.create_index("ix_analytics_incident_closed", "analytics_incident", ["closed_us"])
    op.create_table(
        "analytics_incident_member",
        sa.Column("incident_id", sa.Text, sa.ForeignKey("analytics_incident.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site", sa.Text, primary_key=True),
        sa.Column("onset_us", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("peak_score", sa.Double, nullable=False),
        sa.Column("cleared_us", sa.BigInteger),
    )
