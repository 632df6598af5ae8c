"""Clients and tokens: make, list, rotate, revoke, and tell whose a token is."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wattline.identity.oauth import store
from wattline.identity.oauth.cache import TokenCache
from wattline.identity.oauth.model import (
    LIVE_SECRETS,
    SECRET,
    TOKEN,
    Client,
    Secret,
    Token,
    check,
    is_token,
    new_client_id,
    new_secret,
)
from wattline.identity.secret import RandomBytes, digest
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Fault, Faulty, NotFound, Unauthenticated
from wattline.model.principal import Principal
from wattline.state.database import Database

if TYPE_CHECKING:
    from wattline.identity.oauth.rules import Answer, Asked

REFUSED = "missing or invalid access token"
LONGEST_OVERLAP = 365 * DAY
KEPT_AFTER_END = DAY


class OAuth:
    """The clients of every tenant, on one state database. Call `flush_usage` and `prune` now and then."""

    def __init__(self, database: Database, clock: Clock, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes
        self._cache = TokenCache(clock)
        self._reading: dict[str, asyncio.Task[Token | None]] = {}
        self._used: dict[str, int] = {}

    async def create(self, tenant: str, name: object, scopes: object, sites: object = None) -> tuple[Client, str]:
        """A new client and its secret, which nothing can show again. Raises `Faulty`."""
        checked_name, checked_scopes, checked_sites = check(name, scopes, sites)
        now = self._clock.micros()
        text = new_secret(SECRET, self._random_bytes)
        client = Client(
            id=new_client_id(self._random_bytes),
            tenant=tenant,
            name=checked_name,
            scopes=checked_scopes,
            sites=checked_sites,
            created=now,
            revoked=None,
            last_used=None,
            secrets=[Secret(digest(text), now, None)],
        )
        async with self._database.transaction() as connection:
            await store.insert_client(connection, client)
        return client, text

    async def list(self, tenant: str | None = None) -> list[Client]:
        """Every client of a tenant, or of all, revoked ones too; by tenant, oldest first."""
        async with self._database.read() as connection:
            return await store.every(connection, tenant)

    async def get(self, client_id: str, tenant: str | None = None) -> Client:
        """One client that is not revoked. Raises `NotFound`."""
        async with self._database.read() as connection:
            return _there(await store.one(connection, client_id, tenant))

    async def rotate(self, client_id: str, overlap: object = DAY, tenant: str | None = None) -> tuple[Client, str]:
        """Another secret for a client; the one before is good for `overlap` us longer, any older one ends at once.

        Tokens that were obtained before stay. Raises `NotFound`, and `Faulty` for an impossible overlap.
        """
        if type(overlap) is not int or not 0 <= overlap <= LONGEST_OVERLAP:
            raise Faulty([Fault("/overlap_seconds", "out_of_range", "the overlap is between 0 and 365 days")])
        now = self._clock.micros()
        text = new_secret(SECRET, self._random_bytes)
        async with self._database.transaction() as connection:
            client = _there(await store.one(connection, client_id, tenant, hold=True))
            live = client.live_secrets(now)
            older = live[: -(LIVE_SECRETS - 1)]
            await store.end_secrets(connection, [each.digest for each in older], now)
            for each in live[len(older) :]:
                end = now + overlap if each.expires is None else min(now + overlap, each.expires)
                await store.end_secrets(connection, [each.digest], end)
            # The newest is the last, also where the clock stood still or was set back.
            created = max([now, *(each.created + 1 for each in client.secrets)])
            await store.insert_secret(connection, client.id, Secret(digest(text), created, None))
            return _there(await store.one(connection, client_id)), text

    async def revoke(self, client_id: str, tenant: str | None = None) -> Client:
        """End a client for good, and every token of it: here at once, in other processes within two seconds.

        Raises `NotFound`, also for one that is revoked.
        """
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            client = _there(await store.one(connection, client_id, tenant, hold=True))
            await store.revoke_client(connection, client_id, now)
        self._cache.drop_client(client_id)
        self._reading.clear()
        return replace(client, revoked=now)

    async def authenticate(self, token: str | None) -> Principal:
        """Whose access token this is now. Raises `Unauthenticated`, always with the same words."""
        if token is None or not is_token(token):
            raise Unauthenticated(REFUSED)
        key = digest(token)
        principal = self._cache.principal(key)
        if principal is None:
            found = None if self._cache.is_unknown(key) else await self._read_once(key)
            if found is None:
                raise Unauthenticated(REFUSED)
            principal = found.principal()
        self._used[principal.key_id] = self._clock.micros()
        return principal

    async def answer(
        self, endpoint: str, body: bytes, content_type: str | None, authorization: str | None, *, query: bool = False
    ) -> Answer:
        """The answer of an endpoint (`token`, `introspect`, `revocation`) to a POST; what it says is durable.

        `query` tells whether the request's address had parameters.
        """
        from wattline.identity.oauth import rules  # noqa: PLC0415 (a start has no time for it)

        asked = rules.read(body, content_type, authorization, query=query)
        if asked.refused is not None:
            return asked.refused
        now = self._clock.micros()
        held = rules.Rules(*await self._about(asked, now), asked.secret, new_secret(TOKEN, self._random_bytes), now)
        answer = rules.decide(held, endpoint, asked)
        if held.issued is not None:
            text, scopes, life = held.issued
            if not await self._issue(str(asked.client_id), str(asked.secret), digest(text), scopes, now, now + life):
                return rules.refused_client()
        if held.ended:
            await self._end(digest(str(asked.token)), str(asked.client_id), now)
        return answer

    def metadata(self, issuer: str) -> dict[str, Any]:
        """What the server can do (RFC 8414); `issuer` is its address, without a slash at its end."""
        from wattline.identity.oauth import rules  # noqa: PLC0415 (a start has no time for it)

        return rules.metadata(issuer)

    async def _about(self, asked: Asked, now: int) -> tuple[Client | None, Token | None]:
        """The client that a request names, and the token that it is about."""
        client = token = None
        async with self._database.read() as connection:
            if asked.client_id is not None and asked.client_id.isascii() and asked.client_id.isprintable():
                client = await store.one(connection, asked.client_id)
            if asked.token is not None and is_token(asked.token):
                token = await store.token(connection, digest(asked.token), now)
        return client, token

    async def _issue(self, client_id: str, secret: str, key: str, scopes: frozenset[str], now: int, expires: int) -> bool:
        """Write a token, unless the client, its secret or one of the scopes ended since it was read."""
        async with self._database.transaction() as connection:
            client = await store.one(connection, client_id, hold=True)
            if client is None or digest(secret) not in {each.digest for each in client.live_secrets(now)}:
                return False
            token = Token(client.id, client.tenant, scopes & client.scopes, client.sites, now, expires)
            await store.insert_token(connection, key, token)
            await store.write_usage(connection, {client.id: now})
        self._cache.drop(key)
        return True

    async def _end(self, key: str, client_id: str, now: int) -> None:
        async with self._database.transaction() as connection:
            await store.revoke_token(connection, key, client_id, now)
        self._cache.drop(key)
        self._reading.pop(key, None)

    async def flush_usage(self) -> None:
        """Write down when each client's tokens were last used; to be called now and then, and at the end."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with self._database.transaction() as connection:
                await store.write_usage(connection, used)
        except BaseException:
            self._used = {**used, **self._used}
            raise

    async def prune(self) -> None:
        """Delete tokens that ended a day ago; to be called now and then."""
        async with self._database.transaction() as connection:
            await store.forget_tokens(connection, self._clock.micros() - KEPT_AFTER_END)

    async def _read_once(self, key: str) -> Token | None:
        """One question to the store for all who ask it at the same time; it goes on if one of them stops waiting."""
        task = self._reading.get(key)
        if task is None:
            task = asyncio.create_task(self._read(key))
            # A failure that nobody waits for any more is no one's concern: the next caller asks again.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._reading[key] = task
        return await asyncio.shield(task)

    async def _read(self, key: str) -> Token | None:
        task = asyncio.current_task()
        try:
            now, epoch = self._clock.micros(), self._cache.epoch
            async with self._database.read() as connection:
                found = await store.token(connection, key, now)
            if epoch == self._cache.epoch:
                self._cache.keep(key, found, now)
            return found
        finally:
            if self._reading.get(key) is task:
                del self._reading[key]


def _there(client: Client | None) -> Client:
    if client is None or client.revoked is not None:
        raise NotFound("no such credential")
    return client
