"""Answers about secrets, kept for two seconds: the hot path of every request is a look-up here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from wattline.identity import secret as secrets
from wattline.identity.model import KeyRecord, RoleKey
from wattline.model.clock import MINUTE, SECOND, Clock
from wattline.model.principal import Principal

VALID_FOR = 2 * SECOND
IDLE_AFTER = MINUTE
MOST_UNKNOWN = 4096


@dataclass(slots=True)
class _Known:
    """A key that was good when it was read: usable from `since` until `until`, at the latest when it expires."""

    principal: Principal
    role: RoleKey | None
    prefix: str
    since: int
    until: int
    used: int


class KeyCache:
    """Positive answers by digest, as many as there are keys in use; negative ones up to 4,096, then forgotten.

    `epoch` counts the changes that this process made to keys: what was read before the last of them is not kept.
    """

    def __init__(self, clock: Clock) -> None:
        self.epoch = 0
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._unknown: dict[str, int] = {}
        self._used: dict[str, int] = {}

    def principal(self, secret: str) -> Principal | None:
        """Whose secret this is, if that was read from the store less than two seconds ago. Notes the use."""
        known = self._current(secret) if len(secret) == secrets.LENGTH else None
        return None if known is None or known.role is not None else known.principal

    def role_key(self, secret: str) -> RoleKey | None:
        """The same for a key that stands for a role."""
        known = self._current(secret)
        return None if known is None else known.role

    def _current(self, secret: str) -> _Known | None:
        try:
            known = self._known.get(sha256(secret.encode()).hexdigest())
        except UnicodeEncodeError:
            return None
        now = self._clock.micros()
        # A clock that was set back must not lengthen an answer's life.
        if known is None or not known.since <= now < known.until:
            return None
        known.used = now
        self._used[known.principal.key_id] = now
        return known

    def is_unknown(self, digest: str) -> bool:
        """Whether this digest was refused less than two seconds ago."""
        since = self._unknown.get(digest)
        return since is not None and since <= self._clock.micros() < since + VALID_FOR

    def keep(self, digest: str, record: KeyRecord, read_at: int) -> None:
        """Remember a good key, as of the time when the reading of it began."""
        until = read_at + VALID_FOR if record.expires is None else min(read_at + VALID_FOR, record.expires)
        former = self._known.get(digest)
        used = read_at if former is None else former.used
        self._known[digest] = _Known(record.principal(), record.role_key(), record.prefix, read_at, until, used)

    def refuse(self, digest: str, read_at: int) -> None:
        """Remember a digest that no good key has."""
        self._known.pop(digest, None)
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.clear()
        self._unknown[digest] = read_at

    def drop(self, key_id: str) -> None:
        """Forget a key that was replaced or revoked."""
        self.epoch += 1
        self._known = {digest: known for digest, known in self._known.items() if known.principal.key_id != key_id}

    def in_use(self) -> dict[str, str]:
        """The digests, and the prefixes, of the keys that were shown during the last minute; the others are dropped."""
        oldest = self._clock.micros() - IDLE_AFTER
        self._known = {digest: known for digest, known in self._known.items() if known.used >= oldest}
        return {digest: known.prefix for digest, known in self._known.items()}

    def take_usage(self) -> dict[str, int]:
        """When each key was last shown, of those shown since the last call."""
        used, self._used = self._used, {}
        return used

    def note_usage(self, used: Iterable[tuple[str, int]]) -> None:
        """Remember uses, where no later one is known: of a key just read, or of what could not be written down."""
        for key_id, at in used:
            self._used[key_id] = max(at, self._used.get(key_id, at))
