"""API keys: make, list, rotate, revoke, and tell whose a secret is."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.identity import secret as text
from wattline.identity import store
from wattline.identity.cache import KeyCache
from wattline.identity.model import KeyRecord, RoleKey, check_role, check_scopes, check_sites, check_text
from wattline.identity.projects import Projects
from wattline.model.clock import DAY, SECOND, Clock
from wattline.model.errors import Invalid, NotFound, Unauthenticated
from wattline.model.principal import Principal
from wattline.state.database import Database

REFUSED = "missing or invalid API key"
"""What every refused caller is told, whether the key is missing, unknown, revoked or expired."""

LATEST = 2**63 - 1
LONGEST_OVERLAP = 365 * DAY
TOKEN_LIFE = 3650 * DAY
REFRESH_BLOCK = 1000


class Identity:
    """The keys of every tenant, on one state database. `project_secrets` overrule, by tenant, those that it would make."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        random_bytes: text.RandomBytes = secrets.token_bytes,
        project_secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes
        self._cache = KeyCache(clock)
        self._reading: dict[str, asyncio.Task[KeyRecord | None]] = {}
        self.projects = Projects(database, clock, random_bytes, project_secrets or {})

    def cached(self, secret: str) -> Principal | None:
        """Whose secret this is, if that is known without asking the store; None says nothing about the secret."""
        return self._cache.principal(secret)

    async def authenticate(self, secret: str | None) -> Principal:
        """Whose secret this is now. Raises `Unauthenticated`, always with the same words."""
        prefix = None if secret is None else text.prefix_of(secret)
        if secret is None or prefix is None:
            raise Unauthenticated(REFUSED)
        principal = self._cache.principal(secret)
        if principal is not None:
            return principal
        record = await self._look_up(secret, prefix)
        if record is None or record.role is not None:
            raise Unauthenticated(REFUSED)
        return record.principal()

    def cached_role(self, secret: str) -> RoleKey | None:
        """The role that this key stands for, if that is known without asking the store; None says nothing about the key."""
        return self._cache.role_key(secret)

    async def role_key(self, secret: str) -> RoleKey | None:
        """The role that this key stands for now; None for every key that is unknown, ended, revoked or of another kind."""
        known = self._cache.role_key(secret)
        prefix = None if known is not None else text.role_prefix_of(secret)
        if prefix is None:
            return known
        record = await self._look_up(secret, prefix)
        return None if record is None else record.role_key()

    async def _look_up(self, secret: str, prefix: str) -> KeyRecord | None:
        digest = text.digest(secret)
        record = None if self._cache.is_unknown(digest) else await self._read_once(digest, prefix)
        if record is not None:
            self._cache.note_usage([(record.id, self._clock.micros())])
        return record

    async def create(
        self,
        tenant: str,
        name: str,
        scopes: Collection[str],
        sites: Collection[str] | None = None,
        expires: int | None = None,
    ) -> tuple[KeyRecord, str]:
        """A new key and its secret, which nothing can show again. `expires` in microseconds since 1970 UTC.

        Raises `Invalid` for an unknown scope, an impossible name or site, or an end that has passed.
        """
        now = self._clock.micros()
        if expires is not None and (type(expires) is not int or not now < expires <= LATEST):
            raise Invalid("a key must expire in the future", "expires")
        return await self._insert(
            KeyRecord(
                id="",
                tenant=check_text("tenant", tenant),
                name=check_text("name", name),
                prefix="",
                scopes=check_scopes(scopes),
                sites=check_sites(sites),
                created=now,
                expires=expires,
                revoked=None,
                last_used=None,
                replaced_by=None,
            )
        )

    async def create_role_key(
        self, tenant: str, name: str, role: str, expires: int | None = None, form: Literal["jwt", "sb"] = "jwt"
    ) -> tuple[KeyRecord, str]:
        """A new key that stands for a role, and its text, which nothing can show again: a token or an opaque key.

        A token always has an end, in whole seconds: in ten years where none is given. Raises `Invalid` as `create` does, and
        for a role that has no opaque keys.
        """
        now = self._clock.micros()
        if expires is not None and (type(expires) is not int or not now < expires <= LATEST):
            raise Invalid("a key must expire in the future", "expires")
        if form == "jwt":
            expires = (now + TOKEN_LIFE if expires is None else expires) // SECOND * SECOND
        return await self._insert(
            KeyRecord(
                id="",
                tenant=check_text("tenant", tenant),
                name=check_text("name", name),
                prefix="",
                scopes=frozenset(),
                sites=None,
                created=now,
                expires=expires,
                revoked=None,
                last_used=None,
                replaced_by=None,
                role=check_role(role, form),
                form=form,
            )
        )

    async def list(self, tenant: str | None = None) -> list[KeyRecord]:
        """Every key of a tenant, or of all, revoked and expired ones too; by tenant, oldest first."""
        async with self._database.read() as connection:
            return await store.every(connection, tenant)

    async def rotate(self, key_id: str, overlap: int = DAY, tenant: str | None = None) -> tuple[KeyRecord, str]:
        """A new key in place of this one, with its name, scopes, sites and end; the old one holds for `overlap` longer.

        `overlap` in microseconds, 0 to end the old secret at once. Raises `NotFound`, and `Invalid` for a key that is
        revoked, expired or replaced already.
        """
        if type(overlap) is not int or not 0 <= overlap <= LONGEST_OVERLAP:
            raise Invalid("the overlap must be between 0 and 365 days", "overlap")
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            old = await store.hold(connection, key_id, tenant)
            if old is None:
                raise NotFound("no such key")
            if old.state(now) != "active":
                raise Invalid(f"this key is {old.state(now)}", "key_id")
            if old.replaced_by is not None:
                raise Invalid(f"this key has been replaced by {old.replaced_by}", "key_id")
            record, secret = await self._new(connection, replace(old, created=now, last_used=None))
            last = now + overlap if old.expires is None else min(now + overlap, old.expires)
            end = {"expires": last} if overlap else {"revoked": now}
            await store.change(connection, key_id, {**end, "replaced_by": record.id})
        self._drop(key_id)
        return record, secret

    async def revoke(self, key_id: str, tenant: str | None = None) -> KeyRecord:
        """End a key for good: here at once, in other processes within two seconds. Again is without effect."""
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            record = await store.hold(connection, key_id, tenant)
            if record is None:
                raise NotFound("no such key")
            if record.revoked is None:
                record = replace(record, revoked=now)
                await store.change(connection, key_id, {"revoked": now})
        self._drop(key_id)
        return record

    async def refresh(self) -> None:
        """Read the keys in use again, so that no request waits for the store; to be called every second."""
        in_use = [*self._cache.in_use().items()]
        for start in range(0, len(in_use), REFRESH_BLOCK):
            await self._read(dict(in_use[start : start + REFRESH_BLOCK]))

    async def flush_usage(self) -> None:
        """Write down when each key was last used; to be called now and then, and at the end."""
        used = self._cache.take_usage()
        if not used:
            return
        try:
            async with self._database.transaction() as connection:
                await store.write_usage(connection, used)
        except BaseException:
            self._cache.note_usage(used.items())
            raise

    async def _insert(self, like: KeyRecord) -> tuple[KeyRecord, str]:
        async with self._database.transaction() as connection:
            return await self._new(connection, like)

    async def _new(self, connection: AsyncConnection, like: KeyRecord) -> tuple[KeyRecord, str]:
        key_id = self._random_bytes(8).hex()
        if like.form == "jwt":
            secret = await self.projects.key(connection, replace(like, id=key_id))
            prefix = text.token_prefix(secret)
        elif like.form == "sb":
            prefix, secret = text.generate_opaque(str(like.role), self._random_bytes)
            # The tokens of signed-in users that come beside the key are checked with the project's secret.
            await self.projects.ensure(connection, like.tenant)
        else:
            prefix, secret = text.generate(self._random_bytes)
        record = replace(like, id=key_id, prefix=prefix)
        await store.insert(connection, record, text.digest(secret))
        return record, secret

    def _drop(self, key_id: str) -> None:
        """Let no answer from before a change be used after it, also none that is being read."""
        self._cache.drop(key_id)
        self._reading.clear()

    async def _read_once(self, digest: str, prefix: str) -> KeyRecord | None:
        """One question to the store for all who ask it at the same time; it goes on if one of them stops waiting."""
        task = self._reading.get(digest)
        if task is None:
            task = asyncio.create_task(self._read_one(digest, prefix))
            # A failure that nobody waits for any more is no one's concern: the next caller asks again.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._reading[digest] = task
        return await asyncio.shield(task)

    async def _read_one(self, digest: str, prefix: str) -> KeyRecord | None:
        task = asyncio.current_task()
        try:
            return (await self._read({digest: prefix})).get(digest)
        finally:
            if self._reading.get(digest) is task:
                del self._reading[digest]

    async def _read(self, presented: Mapping[str, str]) -> dict[str, KeyRecord]:
        """The good keys among these digests (with their prefixes), by digest; what is learned of each is cached."""
        now = self._clock.micros()
        epoch = self._cache.epoch
        async with self._database.read() as connection:
            stored = await store.by_prefix(connection, set(presented.values()))
        good = {}
        for digest, prefix in presented.items():
            found = stored.get(prefix)
            if found is not None and hmac.compare_digest(found[0], digest) and found[1].state(now) == "active":
                good[digest] = found[1]
        if epoch == self._cache.epoch:
            for digest in presented:
                if digest in good:
                    self._cache.keep(digest, good[digest], now)
                else:
                    self._cache.refuse(digest, now)
        return good
