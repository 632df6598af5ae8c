"""The tables of clients, secrets and tokens, and their queries."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.identity.oauth.model import Client, Secret, Token
from wattline.state.tables import metadata

clients = sa.Table(
    "oauth_clients",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("sites", sa.Text),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.BigInteger),
    sa.Column("last_used", sa.BigInteger),
    sa.Index("oauth_clients_tenant", "tenant", "created", "id"),
)
client_secrets = sa.Table(
    "oauth_secrets",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("client", sa.String(32), sa.ForeignKey("oauth_clients.id"), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger),
    sa.Index("oauth_secrets_client", "client"),
)
tokens = sa.Table(
    "oauth_tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("client", sa.String(32), sa.ForeignKey("oauth_clients.id"), nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.BigInteger),
    sa.Index("oauth_tokens_expires", "expires"),
)


def _words(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def _sites(text: str | None) -> frozenset[str] | None:
    return None if text is None else _words(text)


def _spelled(words: Collection[str]) -> str:
    return json.dumps(sorted(words))


async def insert_client(connection: AsyncConnection, client: Client) -> None:
    """Write a new client with its secrets."""
    values = {
        "id": client.id,
        "tenant": client.tenant,
        "name": client.name,
        "scopes": _spelled(client.scopes),
        "sites": None if client.sites is None else _spelled(client.sites),
        "created": client.created,
    }
    await connection.execute(clients.insert().values(values))
    for secret in client.secrets:
        await insert_secret(connection, client.id, secret)


async def insert_secret(connection: AsyncConnection, client: str, secret: Secret) -> None:
    """Write a new secret of a client."""
    await connection.execute(client_secrets.insert().values(client=client, **secret._asdict()))


async def end_secrets(connection: AsyncConnection, digests: Collection[str], at: int) -> None:
    """Let secrets be good until then."""
    where = client_secrets.c.digest.in_(sorted(digests))
    await connection.execute(client_secrets.update().where(where).values(expires=at))


async def one(connection: AsyncConnection, client: str, tenant: str | None = None, *, hold: bool = False) -> Client | None:
    """A client, revoked or not; with `hold` against other writers until the transaction ends."""
    query = sa.select(clients).where(clients.c.id == client)
    if tenant is not None:
        query = query.where(clients.c.tenant == tenant)
    row = (await connection.execute(query.with_for_update() if hold else query)).one_or_none()
    if row is None:
        return None
    held = await connection.execute(
        sa.select(client_secrets)
        .where(client_secrets.c.client == client)
        .order_by(client_secrets.c.created, client_secrets.c.digest)
    )
    return _client(row, [Secret(each.digest, each.created, each.expires) for each in held])


async def every(connection: AsyncConnection, tenant: str | None) -> list[Client]:
    """The clients of a tenant, or of all, revoked ones too; by tenant, oldest first."""
    query = sa.select(clients).order_by(clients.c.tenant, clients.c.created, clients.c.id)
    held = sa.select(client_secrets).order_by(client_secrets.c.created, client_secrets.c.digest)
    if tenant is not None:
        query = query.where(clients.c.tenant == tenant)
        held = held.join(clients, clients.c.id == client_secrets.c.client).where(clients.c.tenant == tenant)
    by_client: dict[str, list[Secret]] = {}
    for each in await connection.execute(held):
        by_client.setdefault(each.client, []).append(Secret(each.digest, each.created, each.expires))
    return [_client(row, by_client.get(row.id, [])) for row in await connection.execute(query)]


def _client(row: sa.Row[Any], secrets: list[Secret]) -> Client:
    return Client(
        row.id, row.tenant, row.name, _words(row.scopes), _sites(row.sites), row.created, row.revoked, row.last_used, secrets
    )


async def revoke_client(connection: AsyncConnection, client: str, at: int) -> None:
    """End a client, and with it all its secrets and tokens."""
    await connection.execute(clients.update().where(clients.c.id == client).values(revoked=at))


async def insert_token(connection: AsyncConnection, digest: str, token: Token) -> None:
    """Write a new token."""
    values = {"client": token.client, "scopes": _spelled(token.scopes), "issued": token.issued, "expires": token.expires}
    await connection.execute(tokens.insert().values(digest=digest, **values))


async def token(connection: AsyncConnection, digest: str, now: int) -> Token | None:
    """The token with this digest, if it is good at that time and its client is not revoked."""
    query = (
        sa.select(tokens, clients.c.tenant, clients.c.sites)
        .join(clients, clients.c.id == tokens.c.client)
        .where(tokens.c.digest == digest, tokens.c.expires > now, tokens.c.revoked.is_(None), clients.c.revoked.is_(None))
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return Token(row.client, row.tenant, _words(row.scopes), _sites(row.sites), row.issued, row.expires)


async def revoke_token(connection: AsyncConnection, digest: str, client: str, at: int) -> None:
    """End a token, if it is this client's."""
    where = (tokens.c.digest == digest, tokens.c.client == client, tokens.c.revoked.is_(None))
    await connection.execute(tokens.update().where(*where).values(revoked=at))


async def forget_tokens(connection: AsyncConnection, before: int) -> None:
    """Delete the tokens that ended before a moment."""
    await connection.execute(tokens.delete().where(tokens.c.expires < before))


async def write_usage(connection: AsyncConnection, used: Mapping[str, int]) -> None:
    """Move `last_used` forward; another process may have written a later time."""
    later = sa.or_(clients.c.last_used.is_(None), clients.c.last_used < sa.bindparam("at"))
    statement = clients.update().where(clients.c.id == sa.bindparam("client"), later).values(last_used=sa.bindparam("at"))
    # In one order everywhere, so that two processes cannot wait for each other's rows.
    await connection.execute(statement, [{"client": client, "at": used[client]} for client in sorted(used)])
