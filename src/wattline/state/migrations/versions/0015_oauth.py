"""OAuth2 clients, their secrets and tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("sites", sa.Text),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
        sa.Column("last_used", sa.BigInteger),
    )
    op.create_index("oauth_clients_tenant", "oauth_clients", ["tenant", "created", "id"])
    op.create_table(
        "oauth_secrets",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("client", sa.String(32), sa.ForeignKey("oauth_clients.id"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
    )
    op.create_index("oauth_secrets_client", "oauth_secrets", ["client"])
    op.create_table(
        "oauth_tokens",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("client", sa.String(32), sa.ForeignKey("oauth_clients.id"), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("issued", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
    )
    op.create_index("oauth_tokens_expires", "oauth_tokens", ["expires"])
