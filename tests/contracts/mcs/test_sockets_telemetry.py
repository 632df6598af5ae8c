"""WS /ws/telemetry: the published frames, filters, blocks that never mix, slow readers."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from tests.contracts.mcs.halls import Building, Hall
from wattline.contracts.mcs.feeds.readings import MOST_WAITING, Hub, Readings
from wattline.contracts.mcs.feeds.spelling import spell
from wattline.metrics import Metrics
from wattline.model.record import Row

KEYS = ["sensor_id", "tag", "subsystem", "value", "quality", "timestamp"]


async def test_the_published_frame(hall: Hall) -> None:
    async with hall.listening("/ws/telemetry/block-01") as feed:
        await hall.read("CDU-01-T-SUP", 32.2, seconds=0.123)
        frame = await feed.next()
    assert list(frame) == KEYS
    shown = frame.pop("timestamp")
    assert datetime.fromisoformat(shown) == hall.clock.now() + timedelta(seconds=0.123)
    assert frame == {
        "sensor_id": hall.points["CDU-01-T-SUP"].id,
        "tag": "CDU-01-T-SUP",
        "subsystem": "thermal-l1",
        "value": 32.2,
        "quality": 0,
    }


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_771_675_200_123_000, "2026-02-21T12:00:00.123Z"),
        (1_771_675_200_123_456, "2026-02-21T12:00:00.123456Z"),
        (1_771_675_200_100_000, "2026-02-21T12:00:00.100Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_how_a_time_is_written(micros: int, text: str) -> None:
    assert spell(micros) == text


async def test_nothing_comes_before_something_happens_and_frames_keep_their_order(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 1.0)
    async with hall.listening("/ws/telemetry/block-01") as feed:
        for number in range(50):
            await hall.read("CDU-01-T-RET", float(number), seconds=number)
        assert [frame["value"] for frame in await feed.take(50)] == [float(number) for number in range(50)]


async def test_subsystem_is_one_exact_value(hall: Hall) -> None:
    async with (
        hall.listening("/ws/telemetry/block-01", subsystem="electrical") as electrical,
        hall.listening("/ws/telemetry/block-01", subsystem="thermal-l") as none,
        hall.listening("/ws/telemetry/block-01") as every,
    ):
        await hall.read("CDU-01-T-SUP", 1.0)
        await hall.read("P-MSB-TOTAL", 847.0, quality=1)
        frame = await electrical.next()
        assert (frame["tag"], frame["quality"]) == ("P-MSB-TOTAL", 1)
        assert [each["tag"] for each in await every.take(2)] == ["CDU-01-T-SUP", "P-MSB-TOTAL"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(none.socket.recv(), 0.05)


async def test_two_blocks_of_one_slug_never_mix(hall: Hall) -> None:
    elsewhere = await hall.build("syracuse", "block-01")
    async with (
        hall.listening("/ws/telemetry/baldwinsville/block-01") as here,
        hall.listening("/ws/telemetry/syracuse%2Fblock-01") as there,
    ):
        await hall.platform.ingest.submit([hall.row(elsewhere["CDU-01-T-SUP"], 2.0)])
        await hall.read("CDU-01-T-SUP", 1.0)
        assert (await here.next())["sensor_id"] == hall.points["CDU-01-T-SUP"].id
        assert (await there.next())["sensor_id"] == elsewhere["CDU-01-T-SUP"].id
        for feed in (here, there):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(feed.socket.recv(), 0.05)


async def test_two_tenants_of_one_slug_never_mix(hall: Hall, served: Building) -> None:
    async with Hall(served).open() as other, hall.listening("/ws/telemetry/block-01") as feed:
        await other.read("CDU-01-T-SUP", 2.0)
        await hall.read("CDU-01-T-SUP", 1.0)
        assert (await feed.next())["value"] == 1.0


async def test_an_unknown_block_is_accepted_and_silent_until_it_is_registered(hall: Hall) -> None:
    async with hall.listening("/ws/telemetry/block-77") as feed:
        await hall.read("CDU-01-T-SUP", 1.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(feed.socket.recv(), 0.05)
        points = await hall.build(block="block-77")
        await hall.platform.ingest.submit([hall.row(points["CDU-01-T-SUP"], 3.0)])
        assert (await feed.next())["value"] == 3.0


async def test_what_a_device_sends_late_is_not_shown_as_live_unless_asked_for(hall: Hall) -> None:
    async with (
        hall.listening("/ws/telemetry/block-01") as live,
        hall.listening("/ws/telemetry/block-01", late="true") as every,
    ):
        for value, seconds in ((1.0, 0), (2.0, -3000), (3.0, 1)):
            await hall.read("CDU-01-T-SUP", value, seconds)
        assert [frame["value"] for frame in await live.take(2)] == [1.0, 3.0]
        assert [frame["value"] for frame in await every.take(3)] == [1.0, 2.0, 3.0]


async def test_a_snapshot_is_the_newest_reading_of_each_sensor(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 1.0)
    await hall.read("CDU-01-T-SUP", 2.0, seconds=1)
    await hall.read("P-MSB-TOTAL", 847.0)
    async with hall.listening("/ws/telemetry/block-01", snapshot="true") as feed:
        first = await feed.take(2)
        assert [(frame["tag"], frame["value"]) for frame in first] == [("CDU-01-T-SUP", 2.0), ("P-MSB-TOTAL", 847.0)]
        assert list(first[0]) == KEYS
        await hall.read("CDU-01-T-RET", 5.0)
        assert (await feed.next())["value"] == 5.0
        await feed.socket.send(json.dumps({"type": "snapshot"}))
        assert [frame["value"] for frame in await feed.take(3)] == [2.0, 5.0, 847.0]


async def test_a_snapshot_obeys_the_filter(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 1.0)
    await hall.read("P-MSB-TOTAL", 847.0)
    async with hall.listening("/ws/telemetry/block-01", snapshot="true", subsystem="electrical") as feed:
        assert (await feed.next())["tag"] == "P-MSB-TOTAL"
        await hall.read("P-MSB-TOTAL", 848.0, seconds=1)
        assert (await feed.next())["value"] == 848.0


@pytest.mark.parametrize("said", ["", "no json", "[]", '{"type":"subscribe"}', "1e999", "[" * 4000, '{"type":null}'])
async def test_what_else_a_client_says_is_passed_over(hall: Hall, said: str) -> None:
    async with hall.listening("/ws/telemetry/block-01") as feed:
        await feed.socket.send(said)
        await feed.socket.send(said.encode())
        await hall.read("CDU-01-T-SUP", 1.0)
        assert (await feed.next())["value"] == 1.0


async def test_a_heartbeat_comes_only_where_it_was_asked_for(hall: Hall) -> None:
    async with (
        hall.listening("/ws/telemetry/block-01", heartbeat=1) as beating,
        hall.listening("/ws/telemetry/block-01") as quiet,
    ):
        frame = await beating.next()
        assert frame["type"] == "heartbeat"
        assert datetime.fromisoformat(frame["timestamp"]) == hall.clock.now()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(quiet.socket.recv(), 0.05)


async def test_a_stream_of_several_sensors_gives_a_frame_for_each_that_was_sent(hall: Hall) -> None:
    body = {"substation_id": "SUB001", "voltage_kv": 115.0, "current_a": 10.0, "power_mw": 2.0, "frequency_hz": 60.0}
    answer = await hall.http.post(f"{hall.url}/api/ingest/telemetry", json={**body, "timestamp": hall.iso()})
    assert answer.status_code == 200, answer.text
    async with hall.listening("/ws/telemetry/SUB001") as feed:
        await hall.http.post(f"{hall.url}/api/ingest/telemetry", json={**body, "timestamp": hall.iso(1)})
        frames = await feed.take(4)
    assert [frame["value"] for frame in frames] == [115.0, 10.0, 2.0, 60.0]
    assert {frame["subsystem"] for frame in frames} == {"electrical"}


def waiting_client(hall: Hall, **terms: object) -> tuple[Hub, Readings, Metrics]:
    """A client that does not read, on a hub of its own."""
    metrics = Metrics()
    hub = Hub(hall.platform.bus, hall.platform.registry, metrics)
    block = hall.points["CDU-01-T-SUP"].block
    client = Readings(hub, lambda: block, None, late=False, snapshot=False)
    return hub, client, metrics


async def test_a_slow_reader_gets_the_newest_of_each_sensor_and_the_rest_is_counted(hall: Hall) -> None:
    hub, client, metrics = waiting_client(hall)
    leave = hub.join(client)
    count = MOST_WAITING + 10
    rows: list[Row] = []
    for number in range(count):
        tag = "P-MSB-TOTAL" if number == 5 else "CDU-01-T-SUP" if number % 2 else "CDU-01-T-RET"
        rows.append(hall.row(hall.points[tag], float(number), seconds=number / 100))
    for start in range(0, count, 1000):
        await hall.platform.ingest.submit(rows[start : start + 1000])
    async with asyncio.timeout(10):
        while not client.conflated:
            await client.more.wait()
            client.more.clear()
    messages = await client.take()
    leave()
    kept = [json.loads(message["text"])["value"] for message in messages]
    assert 5.0 in kept
    assert kept[-2:] == [float(count - 2), float(count - 1)]
    assert kept == sorted(kept)
    assert client.conflated == count - len(kept) == metrics.stream_dropped.values[()]


async def test_a_client_that_went_away_is_forgotten(hall: Hall) -> None:
    before = hall.platform.bus.subscriptions
    async with hall.listening("/ws/telemetry/block-01") as feed:
        await hall.read("CDU-01-T-SUP", 1.0)
        await feed.next()
        subscribed = hall.platform.bus.subscriptions
    hub, client, _ = waiting_client(hall)
    leave = hub.join(client)
    leave()
    await hall.read("CDU-01-T-SUP", 2.0, seconds=1)
    assert await client.take() == []
    assert subscribed <= before + 1


async def test_a_client_that_found_its_block_for_a_snapshot_and_went_is_forgotten(hall: Hall) -> None:
    hub = Hub(hall.platform.bus, hall.platform.registry, Metrics())
    blocks = iter([None, hall.points["CDU-01-T-SUP"].block])
    client = Readings(hub, lambda: next(blocks), None, late=False, snapshot=True)
    leave = hub.join(client)
    assert await client.take() == []
    assert client.block is not None
    leave()
    # The hub has had its turn when a client that is there has its reading.
    other = Readings(hub, lambda: client.block, None, late=False, snapshot=False)
    there = hub.join(other)
    other.more.clear()
    await hall.read("CDU-01-T-SUP", 4.0, seconds=3)
    await asyncio.wait_for(other.more.wait(), 10)
    there()
    assert await client.take() == []
