"""Tokens that were good when they were read: for two seconds, so that a request is a look-up."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from wattline.identity.oauth.model import Token
from wattline.model.clock import SECOND, Clock
from wattline.model.principal import Principal

VALID_FOR = 2 * SECOND
MOST = 100_000
MOST_UNKNOWN = 4096


class _Known(NamedTuple):
    principal: Principal
    since: int
    until: int


class TokenCache:
    """Answers by digest. `epoch` counts the changes that this process made: what was read before the last is not kept."""

    def __init__(self, clock: Clock) -> None:
        self.epoch = 0
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._unknown: dict[str, int] = {}

    def principal(self, digest: str) -> Principal | None:
        """Whose token this is, if that was read less than two seconds ago and the token has not ended since."""
        known = self._known.get(digest)
        now = self._clock.micros()
        # A clock that was set back must not lengthen an answer's life.
        if known is None or not known.since <= now < known.until:
            return None
        return known.principal

    def is_unknown(self, digest: str) -> bool:
        """Whether this digest was refused less than two seconds ago."""
        since = self._unknown.get(digest)
        return since is not None and since <= self._clock.micros() < since + VALID_FOR

    def keep(self, digest: str, token: Token | None, read_at: int) -> None:
        """Remember what was read, as of the time when the reading of it began; None for no good token."""
        if token is None:
            self._known.pop(digest, None)
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[digest] = read_at
            return
        self._known[digest] = _Known(token.principal(), read_at, min(read_at + VALID_FOR, token.expires))
        self._known.move_to_end(digest)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def drop(self, digest: str) -> None:
        """Forget a token that was revoked or made."""
        self.epoch += 1
        self._known.pop(digest, None)
        self._unknown.pop(digest, None)

    def drop_client(self, client: str) -> None:
        """Forget the tokens of a client."""
        self.epoch += 1
        for digest in [digest for digest, known in self._known.items() if known.principal.key_id == client]:
            del self._known[digest]
