"""Tokens of meters: kept as digests, known from memory, found in the store where another process issued them."""

from __future__ import annotations

import asyncio
import secrets
import string
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256

import sqlalchemy as sa

from wattline.households.tables import tokens
from wattline.model.clock import MINUTE, SECOND, Clock
from wattline.model.errors import Unauthenticated
from wattline.state.database import Database

LENGTH = 30
LETTERS = string.ascii_letters + string.digits
REFUSED = "Token invalid"
"""What every bad token is told, whether it never was one or holds no more."""
MOST_KNOWN = 200_000
MOST_UNKNOWN = 4096
UNKNOWN_FOR = 2 * SECOND
SHORTEST_TRUST = MINUTE
MOST_NAMED = 500
"""Digests that one question to the store names."""


def random_token() -> str:
    """178 random bits, as the devices can hold them."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def digest_of(token: str) -> str | None:
    """What is kept of a token; None for a text that cannot be one."""
    if len(token) != LENGTH or not token.isascii():
        return None
    return sha256(token.encode()).hexdigest()


class Tokens:
    """A token holds for `life`, and for `grace` at most once its meter got a newer one (us).

    What memory knows is trusted for `grace` or a minute: that long a token may outlive its end in a process that did not
    issue the newer one. All who ask for unknown tokens at once are answered by one question to the store.
    """

    def __init__(
        self, database: Database, clock: Clock, life: int, grace: int, new_token: Callable[[], str] = random_token
    ) -> None:
        self._database = database
        self._clock = clock
        self._life = life
        self._grace = grace
        self._trust = max(grace, SHORTEST_TRUST)
        self._new_token = new_token
        self._known: OrderedDict[str, tuple[str, int, int]] = OrderedDict()
        self._unknown: dict[str, int] = {}
        self._of_mac: dict[str, set[str]] = {}
        self._asked: dict[str, asyncio.Future[str | None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._epoch = 0

    def known(self, token: str) -> str | None:
        """The address of the meter whose token this is, if that is known without asking the store."""
        digest = digest_of(token)
        found = None if digest is None else self._known.get(digest)
        # A clock that was set back must not lengthen a token's life.
        return None if found is None or not found[1] <= self._clock.micros() < found[2] else found[0]

    async def owner(self, token: str) -> str:
        """The address of the meter whose token this is now. Raises `Unauthenticated`."""
        mac = self.known(token)
        if mac is not None:
            return mac
        digest = digest_of(token)
        if digest is None or self._is_unknown(digest):
            raise Unauthenticated(REFUSED)
        asked = self._asked.get(digest)
        if asked is None:
            asked = self._asked[digest] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._answer(), name="tokens of meters")
        mac = await asyncio.shield(asked)
        if mac is None:
            raise Unauthenticated(REFUSED)
        return mac

    def _is_unknown(self, digest: str) -> bool:
        since = self._unknown.get(digest)
        return since is not None and since <= self._clock.micros() < since + UNKNOWN_FOR

    async def _answer(self) -> None:
        """Answer everyone who asks, those who come while the store is read with the next question."""
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                try:
                    found = await self._read(list(asked))
                except Exception as error:
                    for waiting in asked.values():
                        if not waiting.done():
                            waiting.set_exception(error)
                            # Who asked may have gone away.
                            waiting.exception()
                else:
                    for digest, waiting in asked.items():
                        if not waiting.done():
                            waiting.set_result(found.get(digest))
        finally:
            self._reading = None

    async def _read(self, digests: Sequence[str]) -> dict[str, str]:
        """The addresses of the meters whose tokens have these digests; what is learned is kept."""
        now, epoch = self._clock.micros(), self._epoch
        found: dict[str, tuple[str, int]] = {}
        async with self._database.read() as connection:
            for first in range(0, len(digests), MOST_NAMED):
                query = sa.select(tokens.c.digest, tokens.c.mac, tokens.c.expires).where(
                    tokens.c.digest.in_(digests[first : first + MOST_NAMED]), tokens.c.expires > now
                )
                found.update((row.digest, (row.mac, row.expires)) for row in await connection.execute(query))
        if epoch == self._epoch:
            for digest in digests:
                if digest in found:
                    mac, expires = found[digest]
                    self._keep(digest, mac, now, expires)
                else:
                    self._refuse(digest, now)
        return {digest: mac for digest, (mac, _) in found.items()}

    def _keep(self, digest: str, mac: str, now: int, expires: int) -> None:
        self._known[digest] = (mac, now, min(expires, now + self._trust))
        self._known.move_to_end(digest)
        self._of_mac.setdefault(mac, set()).add(digest)
        self._unknown.pop(digest, None)
        while len(self._known) > MOST_KNOWN:
            self._drop(next(iter(self._known)))

    def _drop(self, digest: str) -> None:
        mac, _, _ = self._known.pop(digest)
        mine = self._of_mac[mac]
        mine.discard(digest)
        if not mine:
            del self._of_mac[mac]

    def _refuse(self, digest: str, now: int) -> None:
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.clear()
        self._unknown[digest] = now

    async def issue(self, mac: str) -> str:
        """A new token for a meter; its former ones end soon, and those that ended are forgotten."""
        token = self._new_token()
        digest = sha256(token.encode()).hexdigest()
        now = self._clock.micros()
        soon, expires = now + self._grace, now + self._life
        mine = tokens.c.mac == mac
        async with self._database.transaction() as connection:
            await connection.execute(sa.delete(tokens).where(mine, tokens.c.expires <= now))
            await connection.execute(sa.update(tokens).where(mine, tokens.c.expires > soon).values(expires=soon))
            await connection.execute(sa.insert(tokens).values(digest=digest, mac=mac, issued=now, expires=expires))
        # An answer that is being read may be of before.
        self._epoch += 1
        for former in list(self._of_mac.get(mac, ())):
            _, since, until = self._known[former]
            if until <= now:
                self._drop(former)
            else:
                self._known[former] = (mac, since, min(until, soon))
        self._keep(digest, mac, now, expires)
        return token

    def forget(self, mac: str) -> None:
        """A meter was removed, and its tokens with it."""
        self._epoch += 1
        for digest in list(self._of_mac.get(mac, ())):
            self._drop(digest)
