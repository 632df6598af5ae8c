"""What the tokens of a tenant are signed with: a project's secret, made when the tenant gets its first key for a role."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.identity import jwt_token, store
from wattline.identity.model import KeyRecord, Project
from wattline.identity.secret import RandomBytes
from wattline.model.clock import SECOND, Clock
from wattline.state.database import Database

ISSUER = "wattline"
"""Who signs keys: a token of this issuer is a key, and holds only as long as the key does."""
SECRET_BYTES = 32
REF_LENGTH = 20


def given_secrets(tenant: str, secret: SecretStr | None) -> dict[str, str]:
    """The secrets that are given rather than made, by tenant: that of one tenant, or none."""
    return {} if secret is None else {tenant: secret.get_secret_value()}


class Projects:
    """The projects of all tenants. A secret never changes, so one that was read is kept; `given` ones come first."""

    def __init__(self, database: Database, clock: Clock, random_bytes: RandomBytes, given: Mapping[str, str]) -> None:
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes
        self._secrets = dict(given)

    async def secret(self, tenant: str) -> str | None:
        """What the tenant's tokens are signed with; None where no key for a role was ever made."""
        known = self._secrets.get(tenant)
        if known is not None:
            return known
        async with self._database.read() as connection:
            found = await store.project(connection, tenant)
        if found is None:
            return None
        return self._secrets.setdefault(tenant, found.secret)

    async def ensure(self, connection: AsyncConnection, tenant: str) -> Project:
        """The tenant's project as the transaction sees it, made if it has none."""
        found = await store.project(connection, tenant)
        if found is not None:
            return found
        ref = base64.b32encode(self._random_bytes(REF_LENGTH)).decode().lower()[:REF_LENGTH]
        new = Project(tenant, ref, self._random_bytes(SECRET_BYTES).hex(), self._clock.micros())
        return await store.insert_project(connection, new)

    async def key(self, connection: AsyncConnection, record: KeyRecord) -> str:
        """The token of a key that stands for a role."""
        project = await self.ensure(connection, record.tenant)
        claims = {
            "iss": ISSUER,
            "ref": project.ref,
            "role": record.role,
            "iat": record.created // SECOND,
            "exp": None if record.expires is None else record.expires // SECOND,
            "jti": record.id,
        }
        return jwt_token.sign(claims, self._secrets.get(record.tenant, project.secret))
