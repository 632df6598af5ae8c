"""The head of an event chain may pass over several events at once: many are logged together. It still never goes back.

A head that was moved beyond the last event is found by the proof of the chain.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

POSTGRESQL = (
    "DROP TRIGGER event_chains_step ON event_chains",
    """
    CREATE TRIGGER event_chains_step BEFORE UPDATE ON event_chains FOR EACH ROW
    WHEN (NEW.tenant <> OLD.tenant OR NEW.sequence <= OLD.sequence)
    EXECUTE FUNCTION events_append_only()
    """,
)
SQLITE = (
    "DROP TRIGGER event_chains_step",
    """
    CREATE TRIGGER event_chains_step BEFORE UPDATE ON event_chains
    WHEN NEW.tenant <> OLD.tenant OR NEW.sequence <= OLD.sequence
    BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END
    """,
)


def upgrade() -> None:
    """Replace the trigger."""
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
