"""The in-process bus: order, matching, overflow, closing, other threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from wattline.bus.memory import REMEMBERED_TOPICS, MemoryBus
from wattline.bus.protocol import Bus, Delivery, Subscription
from wattline.model.errors import Invalid


async def read_all(subscription: Subscription) -> list[Delivery]:
    """Close, then read what is still held."""
    subscription.close()
    return [delivery async for delivery in subscription]


def test_the_bus_is_a_bus() -> None:
    bus: Bus = MemoryBus()
    bus.publish("rows", [1])


async def test_a_reader_waits_for_the_next_message() -> None:
    bus = MemoryBus()
    with bus.subscribe(["rows"], size=10) as subscription:
        first = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0)
        assert not first.done()
        bus.publish("rows", "one")
        assert await first == Delivery("rows", "one", 0)


async def test_messages_from_before_are_not_seen() -> None:
    bus = MemoryBus()
    bus.publish("rows", "early")
    subscription = bus.subscribe(["rows"], size=10)
    bus.publish("rows", "late")
    assert [delivery.message for delivery in await read_all(subscription)] == ["late"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["alarm.raised"], ["alarm.raised"]),
        (["alarm.*"], ["alarm.raised", "alarm.cleared.site"]),
        (["*"], ["alarm", "alarm.raised", "alarm.cleared.site", "alarms.x"]),
        (["alarm", "alarms.x"], ["alarm", "alarms.x"]),
        (["alarm.*", "alarm.raised", "*"], ["alarm", "alarm.raised", "alarm.cleared.site", "alarms.x"]),
        ([], []),
    ],
)
async def test_patterns(patterns: list[str], expected: list[str]) -> None:
    bus = MemoryBus()
    subscription = bus.subscribe(patterns, size=10)
    for topic in ("alarm", "alarm.raised", "alarm.cleared.site", "alarms.x"):
        bus.publish(topic, None)
    assert [delivery.topic for delivery in await read_all(subscription)] == expected


@pytest.mark.parametrize("pattern", ["", ".", "a.", ".a", "a..b", "*.a", "a*", "a.b*", "a.**"])
async def test_bad_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(Invalid):
        MemoryBus().subscribe([pattern], size=1)


@pytest.mark.parametrize("topic", ["", "a..b", "a.*", "*"])
async def test_bad_topics_are_refused(topic: str) -> None:
    with pytest.raises(Invalid):
        MemoryBus().publish(topic, None)


async def test_a_subscription_without_room_is_refused() -> None:
    with pytest.raises(Invalid):
        MemoryBus().subscribe(["a"], size=0)


async def test_the_oldest_are_dropped_counted_and_told() -> None:
    bus = MemoryBus()
    with bus.subscribe(["n"], size=2) as subscription:
        for n in range(5):
            bus.publish("n", n)
        assert await anext(subscription) == Delivery("n", 3, 3)
        assert await anext(subscription) == Delivery("n", 4, 0)
        bus.publish("n", 5)
        assert await anext(subscription) == Delivery("n", 5, 0)
        assert subscription.dropped == 3
        assert bus.dropped == 3
    assert bus.dropped == 3


async def test_a_full_subscription_that_must_not_lose_is_closed() -> None:
    bus = MemoryBus()
    subscription = bus.subscribe(["n"], size=2, overflow="close")
    for n in range(5):
        bus.publish("n", n)
    assert subscription.reason == "overflow"
    assert [delivery.message async for delivery in subscription] == [0, 1]
    assert subscription.dropped == 0
    assert bus.subscriptions == 0


async def test_closing_ends_a_waiting_reader() -> None:
    bus = MemoryBus()
    subscription = bus.subscribe(["n"], size=2)
    reader = asyncio.ensure_future(anext(subscription, None))
    await asyncio.sleep(0)
    bus.close()
    assert await reader is None
    assert subscription.reason == "shutdown"
    subscription.close("again")
    assert subscription.reason == "shutdown"


async def test_a_cancelled_wait_loses_nothing() -> None:
    bus = MemoryBus()
    with bus.subscribe(["n"], size=2) as subscription:
        reader = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0)
        bus.publish("n", 1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert (await anext(subscription)).message == 1


async def test_a_second_reader_is_an_error() -> None:
    bus = MemoryBus()
    with bus.subscribe(["n"], size=2) as subscription:
        first = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one reader"):
            await anext(subscription)
        bus.publish("n", 1)
        assert (await first).message == 1


async def test_closing_within_a_publication_is_safe() -> None:
    bus = MemoryBus()
    full = bus.subscribe(["n"], size=1, overflow="close")
    other = bus.subscribe(["n"], size=5)
    bus.publish("n", 0)
    bus.publish("n", 1)
    assert full.reason == "overflow"
    assert [delivery.message for delivery in await read_all(other)] == [0, 1]


async def test_other_threads_publish_through_the_loop() -> None:
    bus = MemoryBus()
    with bus.subscribe(["n"], size=1000) as subscription:

        def work(who: int) -> None:
            for n in range(100):
                bus.publish_threadsafe("n", (who, n))

        threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        seen: dict[int, list[int]] = {}
        for _ in range(400):
            who, n = (await asyncio.wait_for(anext(subscription), 10)).message
            seen.setdefault(who, []).append(n)
        for thread in threads:
            thread.join()
    assert all(numbers == list(range(100)) for numbers in seen.values())


def test_after_the_loop_is_gone_nobody_is_told() -> None:
    bus = MemoryBus()
    bus.publish_threadsafe("n", 0)

    async def subscribe() -> None:
        bus.subscribe(["n"], size=1)

    asyncio.run(subscribe())
    bus.publish_threadsafe("n", 1)
    assert bus.dropped == 0


async def test_what_is_remembered_of_topics_is_bounded() -> None:
    bus = MemoryBus()
    subscription = bus.subscribe(["device.*"], size=REMEMBERED_TOPICS * 2)
    for n in range(REMEMBERED_TOPICS + 10):
        bus.publish(f"device.{n}", n)
    assert len(await read_all(subscription)) == REMEMBERED_TOPICS + 10
    assert len(bus._routes) <= REMEMBERED_TOPICS
