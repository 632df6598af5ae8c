"""GET /stream: what a live client sees, and what it is told when it missed something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.hop.conftest import START, opened
from tests.contracts.hop.listener import PATIENCE, listening
from tests.contracts.hop.utility import REQUIRED, Utility
from wattline.bus.memory import MemoryBus
from wattline.contracts.hop import stream
from wattline.contracts.hop.feed import Feed
from wattline.contracts.hop.frames import Frame
from wattline.metrics import Metrics
from wattline.model.clock import SECOND, ManualClock
from wattline.notify.ledger import AlertQuery

SCORE: dict[str, Any] = {
    "substation_id": "SUB001",
    "model_version": "robust-2",
    "anomaly_score": 0.2341,
    "is_anomaly": False,
    "z_score": 0.585,
    "baseline_mean": 60.001,
    "baseline_std": 0.0082,
    "latest_value": 60.002,
}


async def test_everything_that_happens_is_seen_in_order(hop: Utility) -> None:
    async with listening(hop.app, hop.secret) as listener:
        assert listener.status == 200
        assert listener.headers["content-type"].startswith("text/event-stream")
        assert listener.headers["cache-control"] == "no-store"
        await hop.telemetry(-1)
        await hop.send("/ingest/scores", {**SCORE, "timestamp": hop.iso(-1)})
        await hop.event(-1)
        await hop.outage(-1)
        seen = await listener.take(4)
    assert [each.kind for each in seen] == ["telemetry", "score", "event", "outage"]
    assert [each.id for each in seen] == sorted({each.id for each in seen})
    reading, score, event, outage = (each.data for each in seen)
    assert reading == {
        "substation_id": "SUB001",
        "feeder_id": "FDR002",
        "device_id": "SUB001-FDR002",
        "voltage_kv": 229.8,
        "current_a": 1187.4,
        "power_mw": 274.2,
        "frequency_hz": 60.002,
        "status_code": "NORMAL",
        "time": hop.shown(-1),
    }
    assert [score] == await hop.get("/query/ml/latest")
    assert [event] == await hop.get("/query/events")
    assert (outage["outage_id"], outage["status"], outage["customers_out"]) == ("OUT-SUB001-FDR002-1749650000", "ACTIVE", 847)
    assert outage["substation_id"] == "SUB001"


async def test_a_batch_is_seen_reading_by_reading(hop: Utility) -> None:
    async with listening(hop.app, hop.secret) as listener:
        records = [{**REQUIRED, "timestamp": hop.iso(-i), "voltage_kv": i} for i in range(1, 501)]
        await hop.send("/ingest/telemetry/batch", {"records": records})
        seen = await listener.take(500)
    assert [each.data["voltage_kv"] for each in seen] == list(range(1, 501))
    assert len({each.id for each in seen}) == 500


async def test_what_is_refused_or_repeated_is_not_seen(hop: Utility) -> None:
    await hop.event(-5)
    async with listening(hop.app, hop.secret) as listener:
        await hop.post("/ingest/telemetry", {})
        await hop.event(-5)
        await hop.telemetry(voltage_kv=7)
        (seen,) = await listener.take(1)
    assert (seen.kind, seen.data["voltage_kv"]) == ("telemetry", 7)


async def test_types_and_substations_may_be_chosen(hop: Utility) -> None:
    async with (
        listening(hop.app, hop.secret, ("types", "event"), ("types", "outage")) as operations,
        listening(hop.app, hop.secret, ("substation_id", "B")) as of_b,
    ):
        for name in ("A", "B"):
            await hop.telemetry(substation_id=name, device_id=f"{name}-1")
            await hop.event(device_id=f"{name}-1")
        await hop.outage(region="C")
        assert [each.kind for each in await operations.take(3)] == ["event", "event", "outage"]
        seen = await of_b.take(2)
    assert [(each.kind, each.data["substation_id"]) for each in seen] == [("telemetry", "B"), ("event", "B")]


async def test_an_unknown_type_is_422(hop: Utility) -> None:
    answer = await hop.client.get("/stream", params={"types": "weather"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "types", 0])


async def test_nobody_sees_another_utility_or_another_s_substations(hop: Utility, other: Utility) -> None:
    _, secret = await hop.platform.identity.create(hop.tenant, "limited", {"query:read"}, {"A"})
    async with (
        listening(hop.app, secret) as limited,
        listening(hop.app, secret, ("substation_id", "A"), ("substation_id", "B")) as curious,
        listening(hop.app, other.secret) as foreign,
    ):
        await hop.telemetry(substation_id="B", device_id="B-1")
        await hop.event(device_id="B-1")
        await hop.event(device_id="unknown")
        await hop.telemetry(substation_id="A", voltage_kv=1)
        await other.telemetry(substation_id="A", voltage_kv=2)
        for listener, voltage in ((limited, 1), (curious, 1), (foreign, 2)):
            (seen,) = await listener.take(1)
            assert (seen.data["substation_id"], seen.data["voltage_kv"]) == ("A", voltage)


@pytest.mark.parametrize("by_header", [True, False])
async def test_a_client_that_comes_back_goes_on_where_it_was(hop: Utility, by_header: bool) -> None:
    async with listening(hop.app, hop.secret) as listener:
        records = [{**REQUIRED, "timestamp": hop.iso(i), "voltage_kv": i} for i in range(4)]
        await hop.send("/ingest/telemetry/batch", {"records": records})
        seen = await listener.take(2)
    await hop.telemetry(4, voltage_kv=4)
    last = str(seen[-1].id)
    options: dict[str, Any] = {"headers": {"Last-Event-ID": last}} if by_header else {}
    query = [] if by_header else [("last_event_id", last)]
    async with listening(hop.app, hop.secret, *query, **options) as listener:
        await hop.telemetry(5, voltage_kv=5)
        seen = await listener.take(4)
    assert [each.data["voltage_kv"] for each in seen] == [2, 3, 4, 5]


async def test_a_client_that_saw_nothing_yet_can_come_back_too(hop: Utility) -> None:
    async with listening(hop.app, hop.secret) as listener:
        assert "id: " in (await listener.block() or "")
        await hop.telemetry(voltage_kv=0)
        await listener.take(1)
    async with listening(hop.app, hop.secret) as listener:
        block = await listener.block() or ""
        assert block.startswith("retry: ")
        last = block.split("id: ")[1]
    await hop.telemetry(1, voltage_kv=1)
    async with listening(hop.app, hop.secret, headers={"Last-Event-ID": last}) as listener:
        (seen,) = await listener.take(1)
    assert seen.data["voltage_kv"] == 1


@pytest.mark.parametrize("last", [1, 2**62])
async def test_a_client_from_before_a_restart_is_told_of_the_gap(hop: Utility, last: int) -> None:
    async with listening(hop.app, hop.secret, headers={"Last-Event-ID": str(last)}) as listener:
        await hop.telemetry(voltage_kv=1)
        gap = await listener.next()
        assert gap is not None
        assert (gap.kind, gap.data["last_event_id"]) == ("gap", last)
        while (seen := await listener.next()) is not None:
            if seen.data.get("voltage_kv") == 1:
                break
        assert seen is not None


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 20, "١"])
async def test_a_last_event_id_that_is_none_is_422(hop: Utility, last: str) -> None:
    answer = await hop.client.get("/stream", params={"last_event_id": last})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "last_event_id"])


async def test_a_comment_comes_when_nothing_else_does(hop: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.01)
    async with listening(hop.app, hop.secret) as listener:
        assert (await listener.block() or "").startswith("retry: ")
        assert await listener.block() == ": still here"


async def test_a_stream_ends_when_its_key_does(hop: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.01)
    record, secret = await hop.platform.identity.create(hop.tenant, "brief", {"query:read"})
    async with listening(hop.app, secret) as listener:
        await hop.platform.identity.revoke(record.id)
        while await listener.block() is not None:
            pass


async def test_a_key_has_64_streams_at_most_and_gets_them_back(hop: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_PER_KEY", 1)
    subscribers = hop.platform.metrics.stream_subscribers
    async with listening(hop.app, hop.secret) as first:
        await first.block()
        assert subscribers.source() == 1
        async with listening(hop.app, hop.secret) as second:
            assert second.status == 429
            assert second.headers["retry-after"] == "5"
    assert subscribers.source() == 0
    async with listening(hop.app, hop.secret) as again:
        assert again.status == 200


async def test_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with (
        opened(tmp_path, clock) as (platform, app),
        Utility(platform, app, clock, "alone") as hop,
        listening(app, hop.secret) as listener,
    ):
        await hop.telemetry()
        await listener.take(1)
        platform.begin_stop()
        assert await listener.next() is None
        assert listener.task is not None
        await asyncio.wait_for(listener.task, PATIENCE)


async def test_an_alert_is_seen(hop: Utility) -> None:
    await hop.telemetry()
    await hop.event()
    page = await hop.platform.notify.alerts(AlertQuery(hop.tenant))
    async with listening(hop.app, hop.secret, ("types", "alert")) as listener:
        hop.platform.bus.publish("alert", page.alerts[0])
        (seen,) = await listener.take(1)
    assert (seen.kind, [seen.data]) == ("alert", await hop.get("/query/alerts"))


class Numbered:
    """A framer of plain numbers."""

    def frames(self, message: Any, first: int) -> list[Frame]:
        values = message if isinstance(message, list) else [message]
        return [Frame(first + i, "telemetry", "t", "s", value) for i, value in enumerate(values)]


class Ring:
    """A feed on a bus of its own."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock(START)
        self.bus = MemoryBus()
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        framer: Any = Numbered()
        self.feed = Feed(self.bus, framer, self.clock, self.metrics, self.stopping, **options)
        self.feed.start()

    async def publish(self, *messages: Any) -> None:
        """Publish and see that the ring has it all."""
        for message in messages:
            self.bus.publish("rows", message)
        goal = self.feed.end + len(messages)
        more = asyncio.Event()
        leave = self.feed.follow(more.set)
        while self.feed.end < goal:
            more.clear()
            await asyncio.wait_for(more.wait(), PATIENCE)
        leave()

    def held(self, since: int | None) -> tuple[list[int], bool]:
        """The numbers from a position on, and whether nothing is missing before them."""
        position, complete_after = self.feed.position(since)
        whole = complete_after is None
        numbers = []
        for at in range(position, self.feed.end):
            frames = self.feed.batch(at)
            assert frames is not None
            numbers += [frame.id for frame in frames]
        return numbers, whole


async def test_numbers_grow_and_are_found_again() -> None:
    ring = Ring()
    await ring.publish([1, 2, 3], 4, [5])
    numbers, whole = ring.held(ring.feed.floor)
    assert whole
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 5
    assert ring.held(numbers[2]) == (numbers[3:], True)
    assert ring.held(numbers[-1]) == ([], True)
    ring.clock.advance(-3600)
    await ring.publish(6)
    assert ring.held(numbers[-1])[0][0] > numbers[-1]
    ring.feed.close()


async def test_a_position_inside_a_batch_begins_with_that_batch_and_only_what_follows_is_new() -> None:
    ring = Ring()
    await ring.publish([1, 2, 3])
    first = ring.held(ring.feed.floor)[0][0]
    numbers, whole = ring.held(first)
    assert (numbers[-2:], whole) == ([first + 1, first + 2], True)
    ring.feed.close()


async def test_the_ring_forgets_by_age_and_by_number_and_knows_it() -> None:
    ring = Ring(held_for=60 * SECOND, most_frames=4)
    await ring.publish([1, 2], [3, 4])
    first = ring.held(ring.feed.floor)[0][0]
    assert ring.held(first)[1]
    await ring.publish([5])
    numbers, whole = ring.held(first)
    assert (len(numbers), whole) == (3, False)
    ring.clock.advance(61)
    await ring.publish([6])
    assert len(ring.held(numbers[-1])[0]) == 1
    assert ring.feed.batch(0) is None
    ring.feed.close()


async def test_a_ring_that_the_bus_overtook_says_so() -> None:
    ring = Ring()
    await ring.publish([1])
    before = ring.feed.last
    for number in range(5_000):
        ring.bus.publish("rows", [number])
    more = asyncio.Event()
    ring.feed.follow(more.set)
    await asyncio.wait_for(more.wait(), PATIENCE)
    _, whole = ring.held(before)
    assert not whole
    assert ring.metrics.stream_dropped.values[()] == 5_000 - 4_096
    ring.feed.close()


async def test_a_client_that_the_ring_overtook_is_told_and_goes_on_with_what_is_new() -> None:
    ring = Ring(most_frames=2)
    await ring.publish([0])

    async def allowed() -> AsyncIterator[bool]:
        while True:
            yield True

    wanted = stream.Wanted("t", None, None, None)
    follower = stream.Follower(ring.feed, wanted, ring.feed.last, heartbeat=PATIENCE)
    pieces = follower.pieces(allowed())
    assert b"retry" in await anext(pieces)
    await ring.publish([1], [2], [3], [4])
    assert b"event: gap" in (gap := await anext(pieces))
    assert b'"complete_after":%d' % ring.feed.last in gap
    await ring.publish([5])
    assert b"data: 5" in await anext(pieces)
    ring.feed.close()
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)
