"""Who may listen, how many connections a credential has open, and whether its token still holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.live.hub import Hub
from wattline.model.errors import Unauthenticated, WattlineError
from wattline.model.principal import Principal

NO_TOKEN, FORBIDDEN, TOO_LATE, TOO_MANY = 4401, 4403, 4408, 4429
HEARD_OF = frozenset({"energy:read", "topology:read", "pq:read", "config:write"})
"""One of these is needed for anything to be heard here."""
MOST_PER_CREDENTIAL = 2_000


class Patience(NamedTuple):
    """Seconds: for the first message, between pings, between looks at the token, for a reader that stands still."""

    hello: float = 10.0
    ping: float = 20.0
    recheck: float = 3.0
    stalled: float = 60.0
    tick: float = 1.0


PATIENCE = Patience()


class Closing(Exception):
    """Why the server ends a connection: a code of RFC 6455 or of this contract, and words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Visitors:
    """Everybody who listens now. `stopping` is set when the server drains."""

    def __init__(self, gate: Gate, hub: Hub, stopping: asyncio.Event, patience: Patience = PATIENCE) -> None:
        self.stopping = stopping
        self.patience = patience
        self._gate = gate
        self._hub = hub
        self._open: Counter[str] = Counter()

    async def admit(self, token: str | None) -> Principal:
        """Whose token this is now. Raises `Closing`, and `Unavailable` where that cannot be told."""
        try:
            caller = await self._gate.authenticate(token)
        except Unauthenticated:
            raise Closing(NO_TOKEN, "missing or invalid access token") from None
        if not caller.scopes & HEARD_OF:
            raise Closing(FORBIDDEN, "this asks for the scope energy:read")
        return caller

    def check_room(self, caller: Principal) -> None:
        """Raise `Closing` where a credential has too many connections."""
        if self._open[caller.key_id] >= MOST_PER_CREDENTIAL:
            raise Closing(TOO_MANY, f"a credential may have {MOST_PER_CREDENTIAL} connections open")

    @contextlib.contextmanager
    def counted(self, caller: Principal) -> Iterator[None]:
        """While a connection is open. Raises `Closing` where there are too many."""
        self.check_room(caller)
        self._open[caller.key_id] += 1
        self._hub.opened(1)
        self._hub.start()
        try:
            yield
        finally:
            self._hub.opened(-1)
            self._open[caller.key_id] -= 1
            if not self._open[caller.key_id]:
                del self._open[caller.key_id]

    async def holds(self, token: str | None, caller: Principal) -> bool:
        """Whether a token still is what it was when its caller was let in."""
        try:
            return await self.admit(token) == caller
        except Closing:
            return False
        except WattlineError:
            # That the store cannot be asked says nothing about the token.
            return True
