"""The last message of a topic, kept for those who subscribe later, as MQTT 3.1.1 section 3.3.1.3 has it."""

from __future__ import annotations

from collections.abc import Iterator

from wattline.gateways.filters import matches

MOST_TOPICS = 20_000
MOST_BYTES = 64 << 20


class Retained:
    """The retained messages of one tenant, in memory, bounded in number and bytes."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, int]] = {}
        self._bytes = 0

    def keep(self, topic: str, payload: bytes, qos: int) -> bool:
        """Keep it in place of the former; an empty payload forgets the topic. False where there is no room: nothing is kept."""
        former = self._kept.pop(topic, None)
        if former is not None:
            self._bytes -= len(topic) + len(former[0])
        if not payload:
            return True
        size = len(topic) + len(payload)
        if len(self._kept) >= MOST_TOPICS or self._bytes + size > MOST_BYTES:
            return False
        self._kept[topic] = payload, qos
        self._bytes += size
        return True

    def matching(self, pattern: str) -> Iterator[tuple[str, tuple[bytes, int]]]:
        """Topics that the filter covers, with payload and QoS."""
        if "+" not in pattern and "#" not in pattern:
            found = self._kept.get(pattern)
            if found is not None:
                yield pattern, found
            return
        yield from [(topic, kept) for topic, kept in self._kept.items() if matches(pattern, topic)]
