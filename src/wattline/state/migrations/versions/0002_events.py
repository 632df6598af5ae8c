"""Tables of events, and the triggers that keep the log append-only.

A later migration that rebuilds one of these tables on SQLite loses its triggers and must make them again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

POSTGRESQL = (
    """
    CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the event log is append-only' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()
    """,
    """
    CREATE TRIGGER event_chains_stay BEFORE DELETE OR TRUNCATE ON event_chains
    FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()
    """,
    """
    CREATE TRIGGER event_chains_step BEFORE UPDATE ON event_chains FOR EACH ROW
    WHEN (NEW.tenant <> OLD.tenant OR NEW.sequence <> OLD.sequence + 1)
    EXECUTE FUNCTION events_append_only()
    """,
)

# INSERT OR REPLACE deletes the old row without firing a delete trigger, so the insert itself is refused.
SQLITE = (
    """
    CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
    """
    CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
    """
    CREATE TRIGGER events_no_replace BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM events WHERE tenant = NEW.tenant AND sequence = NEW.sequence)
    OR EXISTS (SELECT 1 FROM events WHERE tenant = NEW.tenant AND kind = NEW.kind AND identity = NEW.identity)
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
    """
    CREATE TRIGGER event_chains_no_delete BEFORE DELETE ON event_chains
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
    """
    CREATE TRIGGER event_chains_no_replace BEFORE INSERT ON event_chains
    WHEN EXISTS (SELECT 1 FROM event_chains WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM event_chains WHERE tenant = NEW.tenant)
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
    """
    CREATE TRIGGER event_chains_step BEFORE UPDATE ON event_chains
    WHEN NEW.tenant <> OLD.tenant OR NEW.sequence <> OLD.sequence + 1
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
)


def upgrade() -> None:
    """Create the tables and their triggers."""
    op.create_table(
        "events",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("site", sa.Text),
        sa.Column("device", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("event_type", sa.Text),
        sa.Column("severity", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("identity", sa.Text),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sequence", name="pk_events"),
        sa.UniqueConstraint("tenant", "kind", "identity", name="uq_events_tenant"),
    )
    op.create_index("ix_events_tenant_time", "events", ["tenant", "time", "sequence"])
    op.create_table(
        "event_chains",
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_event_chains"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
