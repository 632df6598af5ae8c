"""OAuth2 clients, their secrets and tokens."""

from __future__ import annotations

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables."""
