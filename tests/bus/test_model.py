"""Any sequence of subscribing, publishing, reading and closing gives what a plain list per reader would give."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from wattline.bus.memory import MemoryBus, MemorySubscription

TOPICS = ["a", "a.b", "a.b.c", "b", "b.a"]
COVERED = {
    **{topic: [topic] for topic in TOPICS},
    "*": TOPICS,
    "a.*": ["a.b", "a.b.c"],
    "a.b.*": ["a.b.c"],
    "b.*": ["b.a"],
    "c.*": [],
}

actions = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(TOPICS)),
    st.tuples(
        st.just("subscribe"),
        st.lists(st.sampled_from(sorted(COVERED)), max_size=3),
        st.integers(1, 4),
        st.sampled_from(["drop_oldest", "close"]),
    ),
    st.tuples(st.just("read"), st.integers(0, 3)),
    st.tuples(st.just("close"), st.integers(0, 3)),
)


@dataclass
class Reader:
    """What one reader must see, kept the slow and obvious way."""

    patterns: list[str]
    size: int
    overflow: str
    real: MemorySubscription
    held: list[tuple[str, int]] = field(default_factory=list)
    lost: int = 0
    dropped: int = 0
    open: bool = True

    def follows(self, topic: str) -> bool:
        return any(topic in COVERED[pattern] for pattern in self.patterns)

    def take(self, topic: str, n: int) -> None:
        if not self.open or not self.follows(topic):
            return
        if len(self.held) == self.size and self.overflow == "close":
            self.open = False
            return
        self.held.append((topic, n))
        if len(self.held) > self.size:
            del self.held[0]
            self.lost += 1
            self.dropped += 1


async def play(script: list[tuple[object, ...]]) -> None:
    bus = MemoryBus()
    readers: list[Reader] = []
    for n, (name, *rest) in enumerate(script):
        if name == "publish":
            bus.publish(rest[0], n)
            for reader in readers:
                reader.take(rest[0], n)
        elif name == "subscribe":
            readers.append(Reader(*rest, bus.subscribe(rest[0], size=rest[1], overflow=rest[2])))
        elif readers and name == "close":
            reader = readers[rest[0] % len(readers)]
            reader.real.close()
            reader.open = False
        elif readers and name == "read":
            reader = readers[rest[0] % len(readers)]
            if reader.held:
                assert await anext(reader.real) == (*reader.held.pop(0), reader.lost)
                reader.lost = 0
    assert bus.subscriptions == sum(reader.open for reader in readers)
    assert bus.dropped == sum(reader.dropped for reader in readers)
    for reader in readers:
        assert (reader.real.reason is None) == reader.open
        assert reader.real.dropped == reader.dropped
        reader.real.close()
        assert [(d.topic, d.message) async for d in reader.real] == reader.held


@given(st.lists(actions, max_size=60))
def test_the_bus_is_its_model(script: list[tuple[object, ...]]) -> None:
    asyncio.run(play(script))
