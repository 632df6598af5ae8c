"""Feeder states, the alert ledger with its recipients, and outages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    _feeders()
    _alerts()
    _outages()


def _feeders() -> None:
    op.create_table(
        "feeder_states",
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("site", sa.String(128), nullable=False),
        sa.Column("feeder", sa.String(128), nullable=False),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("tripped", sa.Boolean, nullable=False),
        sa.Column("last_change", sa.BigInteger),
        sa.Column("since", sa.BigInteger),
        sa.Column("trip_seq", sa.Integer, nullable=False),
        sa.Column("incident", sa.String(128)),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "site", "feeder", name="pk_feeder_states"),
    )
    op.create_index("ix_feeder_states_tenant_tripped", "feeder_states", ["tenant", "tripped"])


def _alerts() -> None:
    op.create_table(
        "alert_ledger",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("site", sa.String(128)),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("incident", sa.String(128), nullable=False),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("message_id", sa.String(320), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt", sa.BigInteger),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("queued", sa.BigInteger),
        sa.Column("handed", sa.BigInteger),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("error", sa.String(300)),
        sa.Column("carried_by", sa.BigInteger),
        sa.Column("awaits", sa.BigInteger),
        sa.Column("body", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_ledger"),
        sa.UniqueConstraint("tenant", "kind", "event_id", "recipient", name="uq_alert_ledger_tenant"),
    )
    op.create_index("ix_alert_ledger_next_attempt", "alert_ledger", ["next_attempt"])
    op.create_index("ix_alert_ledger_tenant_incident", "alert_ledger", ["tenant", "incident"])
    op.create_index("ix_alert_ledger_tenant_kind_created", "alert_ledger", ["tenant", "kind", "created"])
    op.create_index("ix_alert_ledger_tenant_subject_queued", "alert_ledger", ["tenant", "subject", "queued"])
    op.create_index("ix_alert_ledger_tenant_recipient_queued", "alert_ledger", ["tenant", "recipient", "queued"])
    op.create_index("ix_alert_ledger_carried_by", "alert_ledger", ["carried_by"])
    op.create_index("ix_alert_ledger_awaits", "alert_ledger", ["awaits"])
    op.create_index("ix_alert_ledger_updated", "alert_ledger", ["updated"])
    op.create_table(
        "alert_recipients",
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("name", sa.String(128)),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "address", name="pk_alert_recipients"),
    )
    op.create_table(
        "alert_event_types",
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("event_type", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "event_type", name="pk_alert_event_types"),
    )


def _outages() -> None:
    op.create_table(
        "outage_records",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("outage_id", sa.String(128), nullable=False),
        sa.Column("feeder_id", sa.String(128), nullable=False),
        sa.Column("site", sa.String(128)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("customers_out", sa.BigInteger, nullable=False),
        sa.Column("region", sa.String(256)),
        sa.Column("mw_interrupted", sa.Float(53)),
        sa.Column("cause", sa.String(128)),
        sa.Column("etr_time", sa.String(64)),
        sa.Column("etr", sa.BigInteger),
        sa.Column("latitude", sa.Float(53)),
        sa.Column("longitude", sa.Float(53)),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outage_records"),
    )
    op.create_index("ix_outage_records_tenant_outage_id_time", "outage_records", ["tenant", "outage_id", "time"])
    op.create_index("ix_outage_records_tenant_status_time", "outage_records", ["tenant", "status", "time"])
    op.create_table(
        "outage_lifecycles",
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("outage_id", sa.String(128), nullable=False),
        sa.Column("site", sa.String(128)),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("last_time", sa.BigInteger, nullable=False),
        sa.Column("last_restored", sa.Boolean, nullable=False),
        sa.Column("newest_active", sa.BigInteger),
        sa.Column("started", sa.BigInteger),
        sa.Column("restored", sa.BigInteger),
        sa.Column("episodes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "outage_id", name="pk_outage_lifecycles"),
    )
    op.create_index("ix_outage_lifecycles_tenant_active", "outage_lifecycles", ["tenant", "active"])
