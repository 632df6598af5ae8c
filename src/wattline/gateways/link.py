"""What the gateway needs of whatever brings the messages: a connection to a broker, or the broker in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Link(Protocol):
    """Brings messages to the gateway, with receipts that it gets back when they may be acknowledged."""

    async def start(self, filters: Sequence[str]) -> None:
        """Begin to bring the messages of these topic filters. Returns at once; a broker may be away for a while."""
        ...

    async def stop(self) -> None:
        """End the connection. What was not acknowledged stays with the broker."""
        ...

    def acknowledge(self, receipts: Sequence[object]) -> None:
        """The messages of these receipts are durable. Receipts of an earlier connection are without effect."""
        ...

    async def publish(self, tenant: str, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Send; with QoS 1 it returns when the broker has it. Raises `Unavailable`."""
        ...

    def pause(self) -> None:
        """Read nothing more from the network, so that the senders wait."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...
