"""The tables of alerting. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

import sqlalchemy as sa

from wattline.state.tables import metadata

#: SQLite numbers rows by itself only where the key is a plain INTEGER.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ledger = sa.Table(
    "alert_ledger",
    metadata,
    sa.Column("id", ROW_ID, primary_key=True, autoincrement=True),
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
    sa.UniqueConstraint("tenant", "kind", "event_id", "recipient"),
    sa.Index("ix_alert_ledger_next_attempt", "next_attempt"),
    sa.Index("ix_alert_ledger_tenant_incident", "tenant", "incident"),
    sa.Index("ix_alert_ledger_tenant_kind_created", "tenant", "kind", "created"),
    sa.Index("ix_alert_ledger_tenant_subject_queued", "tenant", "subject", "queued"),
    sa.Index("ix_alert_ledger_tenant_recipient_queued", "tenant", "recipient", "queued"),
    sa.Index("ix_alert_ledger_carried_by", "carried_by"),
    sa.Index("ix_alert_ledger_awaits", "awaits"),
    sa.Index("ix_alert_ledger_updated", "updated"),
)

recipients = sa.Table(
    "alert_recipients",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("address", sa.String(254), primary_key=True),
    sa.Column("name", sa.String(128)),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)

event_types = sa.Table(
    "alert_event_types",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("event_type", sa.String(128), primary_key=True),
)
