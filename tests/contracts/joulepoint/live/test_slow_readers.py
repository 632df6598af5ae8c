"""Readers that stand still: the newest values, a count of what was left out, bounded memory, and every event."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.live.listener import listening
from tests.contracts.joulepoint.live.meters import meter, read
from wattline.contracts.joulepoint.live import client as module
from wattline.contracts.joulepoint.live import hub, occurrences
from wattline.contracts.joulepoint.live.channels import Channel, Terms
from wattline.contracts.joulepoint.live.client import LESS, MOST_BYTES, MOST_WAITING, SENT, Client, Room
from wattline.contracts.joulepoint.live.frames import data_frame, said
from wattline.contracts.joulepoint.live.hub import Hub
from wattline.contracts.joulepoint.live.lanes import MOST_HELD, Lane, Member
from wattline.contracts.joulepoint.live.sources import PowerFlow
from wattline.metering.fields import WIDTH
from wattline.model.principal import Principal
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


async def test_all_readers_together_are_bounded_and_little_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TOGETHER", 40 * LESS)
    shared, size = Room(), LESS // 8
    clients = [Client(lambda count: None, shared) for _ in range(100)]
    for n in range(20):
        for each in clients:
            each.put(data_frame("meter:1", n, n, {"much": "x" * size}))
    assert shared.bytes == sum(len(frame.payload) for each in clients for frame in each._waiting)
    # As much as was there when the room was full, and little for each of the others.
    assert shared.bytes <= 40 * LESS + len(clients) * (LESS + 2 * size)
    for each in clients[1:]:
        each.leave()
    (one, *_) = clients
    one.put(data_frame("meter:2", 1, 1, {"much": "x" * 3 * SENT}))
    for n in range(100):
        one.put(data_frame("meter:1", n, n, {"much": "x" * size}))
    while frames := one.take():
        assert len(frames) == 1 or sum(len(frame.payload) for frame in frames) <= SENT + 100
    assert shared.bytes == 0


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


async def test_who_missed_a_change_gets_everything() -> None:
    client = Client(lambda count: None)
    name = "topology:main"
    for n in range(MOST_WAITING + 1):
        client.put(data_frame(name, n, n, {"change": n}, lambda n=n: data_frame(name, n, n, {"whole": n})))
    found = taken(client)
    assert [(each.get("dropped"), each.get("data")) for each in found] == [
        (MOST_WAITING, None),
        (None, {"whole": MOST_WAITING}),
    ]
    # What comes after it, and missed nothing, is a change again.
    client.put(data_frame(name, 1, 1, {"change": 1}, lambda: data_frame(name, 1, 1, {"whole": 1})))
    assert [each["data"] for each in taken(client)] == [{"change": 1}]


async def test_a_power_flow_makes_its_changes_whole_and_forgets_what_nobody_asks_for(depot: Depot) -> None:
    number = await meter(depot)
    topology = depot.platform.topology
    await topology.nodes.create(depot.tenant, {"kind": "meter", "site_id": "main", "meter_id": number})
    source = PowerFlow("topology:main", lambda: topology.look(depot.tenant, "main"), lambda: ())
    for n in range(1, 20):
        terms = Terms(max_hz=float(n))
        source.lanes = {terms: Lane(terms)}
        make = source.present()
        assert make is not None
        assert make(terms) is not None
    assert len(source._last) == 1
    client = Client(lambda count: None)
    source.lanes[terms].members.add(Member(client, source.name))
    await read(depot, number, total_power=5.0)
    source.heard(None, None)  # type: ignore[arg-type]
    (frame,) = client.take()
    assert json.loads(frame.payload)["data"]["whole"] is False
    assert json.loads(frame.in_full().payload)["data"]["whole"] is True
    assert frame.in_full() is frame.in_full()


async def test_what_comes_while_the_past_is_told_is_bounded_and_what_is_left_out_is_told() -> None:
    client = Client(lambda count: None)
    member = Member(client, "meter:1")
    member.hold()
    for n in range(MOST_HELD + 5):
        member.put(data_frame("meter:1", n, n, {"n": n}))
    member.release(MOST_HELD + 1)
    found = taken(client)
    assert found[0] == {"ch": "meter:1", "dropped": MOST_HELD}
    assert [each["seq"] for each in found[1:]] == [MOST_HELD + 2, MOST_HELD + 3, MOST_HELD + 4]


async def test_what_the_bus_lost_is_told_to_those_who_follow_meters(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WAITING", 1)
    number = await meter(depot)
    platform = depot.platform
    meters = platform.metering.meters
    stream = meters.find_stream(meters.get(depot.tenant, number))
    assert stream is not None
    listening_hub = Hub(platform.bus, platform.registry, platform.metering, platform.topology, platform.clock, platform.metrics)
    listening_hub.start()
    caller, channel = Principal(depot.tenant, "key", frozenset(), None), Channel("meter", number)
    client = Client(lambda count: None)
    member = Member(client, channel.name)
    leave = listening_hub.follow(caller, channel, listening_hub.source(caller, channel), Terms(), member)
    for n in range(3):
        row = Row(stream.id, n, n, (float(n), *(None,) * (WIDTH - 1)), 0, None)
        platform.bus.publish("rows", [row])
    await asyncio.wait_for(client.more.wait(), 10)
    assert [(each.get("dropped"), each.get("seq")) for each in taken(client)] == [(2, None), (None, 2)]
    leave()
    for task in listening_hub._tasks:
        task.cancel()
