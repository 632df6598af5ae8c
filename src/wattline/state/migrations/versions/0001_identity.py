"""Tables of identity."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
