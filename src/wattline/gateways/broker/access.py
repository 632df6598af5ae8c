"""Who may connect, and what a key may publish and hear. Topics are `PREFIX/SITE/BLOCK/SUBSYSTEM/...`."""

from __future__ import annotations

from typing import Protocol

from wattline.model.errors import Unauthenticated
from wattline.model.principal import ALL_SCOPES, Principal

WRITE, READ, COMMAND = "telemetry:write", "query:read", "command:write"
OPEN = "open"
"""The key id of a caller whom nobody asked for a key."""
COMMANDS = "command"
"""The subsystem whose topics carry what devices shall do."""
RESPONSE = "response"


class Keys(Protocol):
    """What is needed of `identity.service.Identity`."""

    async def authenticate(self, secret: str | None) -> Principal:
        """Whose secret this is. Raises `Unauthenticated`, `Unavailable`."""
        ...


class Authority(Protocol):
    """Another who knows callers, by user name and password, and allows topics that are not below the prefix."""

    def authenticate(self, username: str | None, password: bytes | None) -> Principal | None:
        """Whose they are; None for what is not known here. Its tenant and key_id name the caller."""
        ...

    def may_publish(self, principal: Principal, topic: str) -> bool:
        """Whether this caller, known here or an API key, may send this."""
        ...

    def may_subscribe(self, principal: Principal, pattern: str) -> bool:
        """Whether it may hear everything that the filter covers."""
        ...


class Access:
    """The password is an API key with the scope telemetry:write; the user name is free. With `anybody` no key is asked for.
    Whom one of the `others` knows is let in, and may what one of them allows; they see no site here.

    A key writes below the topics of its sites. It hears their commands, and with query:read everything of its sites; a filter
    must name each site unless the key is for all. What is for devices to hear, commands, is published with command:write only.
    """

    def __init__(self, keys: Keys, prefix: str, anybody: str | None = None) -> None:
        self._keys = keys
        self._prefix = prefix.split("/")
        self._anybody = None if anybody is None else Principal(anybody, OPEN, ALL_SCOPES)
        self.others: list[Authority] = []

    async def authenticate(self, password: bytes | None, username: str | None = None) -> Principal:
        """The principal of a password. Raises `Unauthenticated`, `Forbidden` without the scope, `Unavailable`."""
        for other in self.others:
            known = other.authenticate(username, password)
            if known is not None:
                return known
        try:
            secret = None if password is None else password.decode("ascii")
        except UnicodeDecodeError:
            secret = None
        try:
            principal = await self._keys.authenticate(secret)
        except Unauthenticated:
            if self._anybody is None:
                raise
            return self._anybody
        principal.require(WRITE)
        return principal

    def _below(self, topic: str) -> list[str] | None:
        """The levels below the prefix, None where the topic or filter is not there."""
        levels = topic.split("/")
        depth = len(self._prefix)
        return levels[depth:] if levels[:depth] == self._prefix and len(levels) > depth else None

    def may_publish(self, principal: Principal, topic: str) -> bool:
        """Whether the key may send this."""
        below = self._below(topic)
        if below is None or not principal.sees(below[0]):
            return any(other.may_publish(principal, topic) for other in self.others)
        is_command = below[2:3] == [COMMANDS] and below[3:] != [RESPONSE]
        return not is_command or COMMAND in principal.scopes

    def may_subscribe(self, principal: Principal, pattern: str) -> bool:
        """Whether the key may hear everything that the filter covers."""
        below = self._below(pattern)
        if below is None:
            return any(other.may_subscribe(principal, pattern) for other in self.others)
        if principal.sites is not None and below[0] not in principal.sites:
            return False
        return READ in principal.scopes or below[2:3] == [COMMANDS]
