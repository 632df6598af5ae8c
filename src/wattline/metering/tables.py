"""The tables of device keys, in the state database."""

from __future__ import annotations

import sqlalchemy as sa

from wattline.state.tables import metadata

device_keys = sa.Table(
    "device_keys",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("name", sa.String(200)),
    # The meter of a device key; None for a gateway's.
    sa.Column("meter", sa.BigInteger),
    # The meters of a gateway's key, as a JSON list; None for all of the tenant's.
    sa.Column("meters", sa.Text),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    # An HMAC needs the secret itself: a digest of it could check nothing.
    sa.Column("secret", sa.String(64), nullable=False),
    sa.Column("former_secret", sa.String(64)),
    sa.Column("former_until", sa.BigInteger),
    sa.Column("require_signature", sa.Boolean, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("rotated", sa.BigInteger),
    sa.Column("revoked", sa.BigInteger),
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Index("device_keys_change", "change"),
    sa.Index("device_keys_meter", "tenant", "meter"),
)
head = sa.Table(
    "device_key_head",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("change", sa.BigInteger, nullable=False),
)
