"""Numbered schema migrations (alembic), applied in order at start; each is idempotent in the sense that it runs once."""
