"""Who asks: the key in `Authorization`, with `Bearer` or without, or the secret in a body."""

from __future__ import annotations

from wattline.identity.service import Identity
from wattline.model.principal import Principal
from wattline.settings import Settings

READ, ADMIN, ML, CRON = "household:read", "household:admin", "household:ml", "household:cron"
"""What a key may do: read the household that it is limited to, manage, classify, run periodic work."""


class Gate:
    """Tells the principal of a key. Where the server runs with `open`, a caller without a good key is the default tenant."""

    def __init__(self, identity: Identity, settings: Settings) -> None:
        raise NotImplementedError

    async def admit(self, key: str | None, scope: str) -> Principal:
        """Who shows this key, the whole text of the `Authorization` header. Raises `Unauthenticated`, also without the scope:
        a household's token is no admin's."""
        raise NotImplementedError
