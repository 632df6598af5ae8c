"""Keys of devices and gateways."""

from __future__ import annotations

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the tables."""
