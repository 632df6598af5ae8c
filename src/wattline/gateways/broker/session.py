"""What the broker knows of a client beyond one connection: its subscriptions, and what it has yet to hear."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

from wattline.model.principal import Principal

WINDOW = 32
"""Messages on their way to one client without its acknowledgement, unless it takes less."""
MOST_WAITING = 1000
"""Messages that wait for a slow or absent client."""
MOST_SUBSCRIPTIONS = 64

SessionKey = tuple[str, str, str]
"""Tenant, key, client id: nobody can take over the session of another key by its client id."""


class Outgoing(NamedTuple):
    """A message on its way to a client."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Wire(Protocol):
    """The connection as a session uses it."""

    @property
    def congested(self) -> bool:
        """Whether the client does not read what is sent to it."""
        ...

    def send(self, message: Outgoing, packet_id: int, duplicate: bool) -> None:
        """Send a PUBLISH."""
        ...


class Session:
    """One client. While it is away, QoS 1 messages wait, QoS 0 messages are lost, as the standard has it."""

    def __init__(self, key: SessionKey, principal: Principal) -> None:
        self.key = key
        self.principal = principal
        self.subscriptions: dict[str, int] = {}
        self.received: set[int] = set()
        """Packet identifiers of QoS 2 publications that are durable and were not released yet."""
        self.window = WINDOW
        self.wire: Wire | None = None
        self.expires: float | None = None
        """When an absent client is forgotten, by the clock of the event loop."""
        self._waiting: deque[Outgoing] = deque()
        self._sent: dict[int, Outgoing] = {}
        self._last = 0

    def deliver(self, message: Outgoing) -> bool:
        """Send, or keep for later; False where it is lost."""
        if message.qos == 0:
            if self.wire is None or self.wire.congested:
                return False
            self.wire.send(message, 0, False)
            return True
        if self.wire is not None and not self._waiting and len(self._sent) < self.window:
            self._send(message)
            return True
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(message)
        return True

    def _send(self, message: Outgoing) -> None:
        assert self.wire is not None
        while True:
            self._last = self._last % 0xFFFF + 1
            if self._last not in self._sent:
                break
        self._sent[self._last] = message
        self.wire.send(message, self._last, False)

    def resume(self, wire: Wire) -> None:
        """The client is there (again): send what it did not acknowledge, then what waited."""
        self.wire = wire
        self.expires = None
        for packet_id, message in self._sent.items():
            wire.send(message, packet_id, True)
        self._pump()

    def acknowledged(self, packet_id: int) -> None:
        """The client has a message; without effect where it is none of ours."""
        if self._sent.pop(packet_id, None) is not None:
            self._pump()

    def _pump(self) -> None:
        while self.wire is not None and self._waiting and len(self._sent) < self.window:
            self._send(self._waiting.popleft())
