"""Who comes back to several channels at once gets all that each has to tell, whatever the others have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.live.listener import PATIENCE, listening
from tests.contracts.joulepoint.live.meters import log, meter, read, read_many
from tests.contracts.joulepoint.live.test_server_sent import Event, Stream, streaming
from wattline.contracts.joulepoint.live import client
from wattline.contracts.joulepoint.live.frames import Frame, data_frame, said
from wattline.contracts.joulepoint.live.occurrences import Tails
from wattline.contracts.joulepoint.live.server_sent import Ids
from wattline.metering.occurrences.model import Position
from wattline.metering.occurrences.service import Occurrences
from wattline.model.clock import MINUTE
from wattline.model.errors import Unavailable

MISSED = 150
"""Of each meter."""
EVERY = [float(n) for n in range(MISSED)]


async def several(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Channels of meters that each told more than may wait for a reader, one after the other."""
    monkeypatch.setattr(client, "MOST_WAITING", 100)
    monkeypatch.setattr(client, "AT_ONCE", 50)
    numbers = [await meter(depot) for _ in range(3)]
    for number in numbers:
        await read_many(depot, number, MISSED)
    return [f"meter:{number}" for number in numbers]


def powers(found: list[dict[str, Any]]) -> dict[str, list[float]]:
    """By channel, what was told of `read_many`."""
    told: dict[str, list[float]] = {}
    for frame in found:
        told.setdefault(frame["ch"], []).append(frame["data"]["total_power"])
    return told


async def test_rows_of_several_meters_do_not_push_each_other_out(
    depot: Depot, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = await several(depot, monkeypatch)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.say(op="subscribe", channels=names, resume=dict.fromkeys(names, depot.clock.micros() - MINUTE))
        found: list[dict[str, Any]] = []
        answer: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE):
            while not answer or len(found) < 3 * MISSED:
                message = await listener.any()
                assert "dropped" not in message
                if message.get("op") == "ack":
                    answer = message
                elif "ch" in message:
                    found.append(message)
        assert [each["resumed"] for each in answer["accepted"]] == [{"complete": True, "rows": MISSED}] * 3
        assert powers(found) == dict.fromkeys(names, EVERY)


async def events(stream: Stream, count: int) -> list[Event]:
    return [await stream.next() for _ in range(count)]


async def test_a_break_while_meters_tell_what_was_missed_loses_none_of_it(
    depot: Depot, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = await several(depot, monkeypatch)
    start = f"0.{Position(0, 0).text()}"
    async with streaming(url, depot.keys["all"], start, channels=",".join(names)) as stream:
        some = await events(stream, 2 * MISSED + 30)
    # The first meters have told what came after much of the last.
    async with streaming(url, depot.keys["all"], some[-1].id, channels=",".join(names)) as stream:
        rest = await events(stream, 3 * MISSED)
        await stream.next("status")
        depot.clock.advance(1)
        await read(depot, int(names[0].partition(":")[2]), total_power=-1.0)
        last = await stream.next()
    told = powers([event.data for event in (*some, *rest)])
    assert {name: sorted(set(values)) for name, values in told.items()} == dict.fromkeys(names, EVERY)
    # From there on nothing comes twice.
    async with streaming(url, depot.keys["all"], last.id, channels=",".join(names)) as stream:
        depot.clock.advance(1)
        await read(depot, int(names[0].partition(":")[2]), total_power=-2.0)
        assert (await stream.next()).data["data"]["total_power"] == -2.0


class Place:
    def __init__(self, position: Position) -> None:
        self.position = position


def test_an_id_is_no_further_than_the_last_of_the_channels_of_events() -> None:
    ids = Ids(5, Position(5, 5), catching_up=True)
    ahead, behind = Position(900, 90), Position(100, 10)
    frames = [
        data_frame("events:pq.event", ahead.text(), 0, {}),
        data_frame("events:data.ingested", behind.text(), 0, {}),
        data_frame("meter:1", 77, 0, {}),
    ]
    places: Any = [Place(ahead), Place(behind)]

    def told(some: list[Frame], followings: Any) -> list[str]:
        text = ids.events(some, followings).decode()
        return [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]

    old, new = Position(5, 5).text(), behind.text()
    assert told(frames, places) == [f"5.{old}", f"5.{old}", f"5.{new}"]
    assert told([said({"op": "ack"})], places) == [f"77.{new}"]
    # One alone is exact at every event.
    assert told([data_frame("events:*", ahead.text(), 0, {}), frames[2]], places[:1]) == [f"77.{ahead.text()}"] * 2


async def test_leaving_one_type_of_events_leaves_the_others(depot: Depot, url: str) -> None:
    number = await meter(depot)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe("events:pq.event", "events:data.ingested")
        await listener.say(op="unsubscribe", channels=["events:pq.event"])
        await listener.told("ack")
        await read(depot, number, total_power=1.0)
        await log(depot, "pq.event", number, phase="start")
        assert (await listener.frame())["ch"] == "events:data.ingested"
        assert await listener.quiet()


async def test_a_place_that_is_none_leaves_the_channel_as_it_was(depot: Depot, url: str) -> None:
    number = await meter(depot)
    names = [f"meter:{number}", "events:data.ingested"]
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe(*names)
        answer = await listener.subscribe(*names, resume=dict.fromkeys(names, "x"))
        assert [each["code"] for each in answer["rejected"]] == ["bad_resume"] * 2
        await read(depot, number)
        assert {frame["ch"] for frame in await listener.frames(2)} == {*names}


async def test_who_cannot_be_told_now_is_not_kept(depot: Depot, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[dict[Any, Any]] = []
    join, newest, calls = Tails.join, Occurrences.newest, []

    async def joined(self: Tails, tenant: str, more: asyncio.Event) -> Any:
        tail = await join(self, tenant, more)
        held.append(self._tails)
        return tail

    async def away(self: Occurrences, tenant: str) -> Position:
        calls.append(tenant)
        if len(calls) == 2:
            raise Unavailable("the store is away")
        return await newest(self, tenant)

    monkeypatch.setattr(Tails, "join", joined)
    monkeypatch.setattr(Occurrences, "newest", away)
    async with listening(url, depot.keys["all"]) as listener:
        answer = await listener.subscribe("events:*")
        assert [each["code"] for each in answer["rejected"]] == ["unavailable"]
        assert depot.tenant not in held[0]
        assert (await listener.subscribe("events:*"))["rejected"] == []
        assert depot.tenant in held[0]
