"""Readers that stand still: the newest values, a count of what was left out, bounded memory, and every event."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.live.listener import listening
from tests.contracts.joulepoint.live.meters import meter, read
from wattline.contracts.joulepoint.live import occurrences
from wattline.contracts.joulepoint.live.client import MOST_BYTES, MOST_WAITING, Client
from wattline.contracts.joulepoint.live.frames import data_frame, said
from wattline.metering.fields import WIDTH
from wattline.model.record import Row


def taken(client: Client) -> list[dict[str, Any]]:
    """Everything that waits."""
    found = []
    while frames := client.take():
        found += [json.loads(frame.payload) for frame in frames]
    return found


async def test_a_slow_reader_gets_the_newest_of_each_channel_and_how_many_it_missed() -> None:
    lost: list[int] = []
    client = Client(lost.append)
    sent = 0
    for n in range(3 * MOST_WAITING):
        for channel in ("meter:1", "meter:2"):
            client.put(data_frame(channel, n, n, {"n": n}))
            sent += 1
    client.say(said({"op": "pong"}))
    found = taken(client)
    assert found[0] == {"op": "pong"}
    frames = [each for each in found if "data" in each]
    dropped = {each["ch"]: each["dropped"] for each in found if "dropped" in each}
    assert len(frames) <= MOST_WAITING
    assert len(frames) + sum(dropped.values()) == sent
    assert sum(lost) == sum(dropped.values())
    for channel in ("meter:1", "meter:2"):
        mine = [each for each in found if each.get("ch") == channel]
        # It is told before the first frame after what was left out, and the newest is there.
        assert "dropped" in mine[0]
        assert mine[-1]["seq"] == 3 * MOST_WAITING - 1
        assert [each["seq"] for each in mine[1:]] == sorted(each["seq"] for each in mine[1:])


async def test_large_frames_are_bounded_in_bytes() -> None:
    client = Client(lambda count: None)
    large = "x" * (MOST_BYTES // 4)
    for n in range(40):
        client.put(data_frame("topology:main", n, n, {"large": large}))
        assert sum(len(frame.payload) for frame in client._waiting) <= MOST_BYTES + len(large) + 100


async def test_a_reader_that_stands_still_holds_nobody_up_and_is_told_when_it_reads_on(depot: Depot, url: str) -> None:
    number = await meter(depot)
    channel = f"meter:{number}"
    extra = {f"v{n}_{'x' * 400}": float(n) for n in range(30)}
    async with (
        listening(url, depot.keys["all"]) as slow,
        listening(url, depot.keys["all"]) as quick,
    ):
        await slow.subscribe(channel, snapshot=False)
        await quick.subscribe(channel, snapshot=False)
        slow.socket.transport.pause_reading()
        last = 3 * MOST_WAITING
        stream = depot.platform.metering.meters.find_stream(depot.platform.metering.meters.get(depot.tenant, number))
        assert stream is not None
        status = json.dumps({"extra": extra})
        begin = depot.clock.micros()
        for first in range(0, last, 64):
            rows = [
                Row(stream.id, begin + n, 0, (float(n), *(None,) * (WIDTH - 1)), 0, status) for n in range(first, first + 64)
            ]
            await depot.platform.ingest.submit(rows)
            await asyncio.sleep(0)
        while (await quick.frame())["data"]["total_power"] != last - 1:
            pass
        slow.socket.transport.resume_reading()
        dropped, seen = 0, 0
        while True:
            found = await slow.any()
            dropped += found.get("dropped", 0)
            if "data" in found:
                seen += 1
                if found["data"]["total_power"] == last - 1:
                    break
        assert dropped > 0
        assert seen + dropped == last


async def test_what_is_not_acknowledged_comes_again(depot: Depot, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occurrences, "REDELIVERY_SECONDS", 0.3)
    number = await meter(depot)
    async with listening(url, depot.keys["all"]) as listener:
        (accepted,) = (await listener.subscribe("events:data.ingested", ack=True))["accepted"]
        assert accepted["ack"] is True
        for n in range(3):
            await read(depot, number, n, total_power=float(n))
        first = await listener.frames(3)
        await listener.say(op="ack", cursor=first[0]["seq"])
        again = await listener.frames(2)
        assert [frame["data"]["id"] for frame in again] == [frame["data"]["id"] for frame in first[1:]]
        await listener.say(op="ack", cursor=again[-1]["seq"])
        assert await listener.quiet(0.8)
        # An acknowledgement of what was not sent yet changes nothing.
        await read(depot, number, 10, total_power=10.0)
        await listener.frame()
