"""What the channels of the WebSocket tell, to whom, and from where."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.live.listener import listening
from tests.contracts.joulepoint.live.meters import log, meter, read
from wattline.contracts.joulepoint.live import conversation
from wattline.model.principal import JOULEPOINT


async def test_a_reading_comes_as_a_frame_with_the_fields_asked_for(depot: Depot, url: str) -> None:
    number = await meter(depot)
    channel = f"meter:{number}"
    async with listening(url, depot.keys["all"]) as all_of, listening(url, depot.keys["all"]) as some:
        ack = await all_of.subscribe(channel, id="mine")
        assert (ack["id"], ack["accepted"], ack["rejected"]) == (
            "mine",
            [{"channel": channel, "fields": None, "max_hz": None}],
            [],
        )
        await some.subscribe(channel, fields=["voltage_a", "total_power"])
        await read(depot, number, total_power=3600.0, frequency=50.0)
        whole, part = await all_of.frame(), await some.frame()
        assert whole["data"] == {"total_power": 3600.0, "frequency": 50.0}
        assert part["data"] == {"total_power": 3600.0}
        assert (
            (whole["ch"], whole["seq"], whole["t"])
            == (part["ch"], part["seq"], part["t"])
            == (channel, whole["seq"], whole["t"])
        )
        depot.clock.advance(1)
        # A row without any of the fields is no news.
        await read(depot, number, frequency=50.1)
        assert (await all_of.frame())["data"] == {"frequency": 50.1}
        depot.clock.advance(1)
        await read(depot, number, total_power=2.0)
        assert (await some.frame())["data"] == {"total_power": 2.0}
        assert (await all_of.frame())["seq"] > whole["seq"]


async def test_the_present_value_comes_first_unless_it_is_not_wanted(depot: Depot, url: str) -> None:
    number = await meter(depot)
    await read(depot, number, total_power=7.0)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe(f"meter:{number}", snapshot=False)
        assert await listener.quiet()
        await listener.say(op="subscribe", channels=[f"meter:{number}"])
        assert (await listener.frame())["data"] == {"total_power": 7.0}


async def test_what_was_missed_comes_again_once_and_in_order(depot: Depot, url: str) -> None:
    number = await meter(depot)
    channel = f"meter:{number}"
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe(channel)
        await read(depot, number, 0, total_power=0.0)
        last = (await listener.frame())["seq"]
    for n in range(1, 4):
        depot.clock.advance(1)
        await read(depot, number, 0, total_power=float(n))
    # A late one is told by when it came.
    await read(depot, number, -1000, total_power=4.0)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.say(op="subscribe", channels=[channel], resume={channel: last})
        ack = await listener.told("ack")
        assert ack["accepted"][0]["resumed"] == {"complete": True, "rows": 4}
        found = await listener.frames(4)
        assert [frame["data"]["total_power"] for frame in found] == [1.0, 2.0, 3.0, 4.0]
        assert [frame["seq"] for frame in found] == sorted({frame["seq"] for frame in found})
        depot.clock.advance(1)
        await read(depot, number, 0, total_power=5.0)
        assert (await listener.frame())["data"] == {"total_power": 5.0}


async def test_who_missed_too_much_is_told(depot: Depot, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "REPLAYED", 2)
    number = await meter(depot)
    for n in range(4):
        depot.clock.advance(1)
        await read(depot, number, total_power=float(n))
    async with listening(url, depot.keys["all"]) as listener:
        ack = await listener.subscribe(f"meter:{number}", resume={f"meter:{number}": 0})
        assert ack["accepted"][0]["resumed"] == {"complete": False, "rows": 2}


async def test_groups_accounts_and_virtual_meters_tell_sums_and_what_they_lack(depot: Depot, url: str) -> None:
    one, two = await meter(depot), await meter(depot)
    formula = [{"meter_id": one, "sign": 1}, {"meter_id": two, "sign": -1}]
    virtual = await meter(depot, kind="virtual", formula=formula)
    metering = depot.platform.metering
    group = (await metering.groups.create(depot.tenant, {"name": "g", "meter_ids": [one, two]})).id
    body = {"name": "a", "currency": "EUR", "meters": [{"meter_id": one}]}
    account = (await metering.accounts.create(depot.tenant, body)).id
    await read(depot, one, total_power=100.0, power_a=30.0)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe(f"group:{group}", fields=["total_power"], max_hz=50)
        await listener.subscribe(f"account:{account}", f"meter:{virtual}", snapshot=False, max_hz=50)
        depot.clock.advance(1)
        await read(depot, two, total_power=40.0)
        data: dict[str, Any] = {}
        while data.get(f"group:{group}", {}).get("coverage_pct") != 100.0 or f"meter:{virtual}" not in data:
            frame = await listener.frame()
            data[frame["ch"]] = frame["data"]
        assert data[f"group:{group}"] == {"total_power": 140.0, "meters": 2, "coverage_pct": 100.0}
        assert data[f"meter:{virtual}"]["total_power"] == 60.0
        # Of what no meter has nothing is told, and a meter that fell silent is not taken for zero.
        assert data[f"meter:{virtual}"]["power_b"] is None
        depot.clock.advance(4000)
        await read(depot, two, total_power=50.0)
        while (frame := await listener.frame(f"group:{group}"))["data"]["total_power"] != 50.0:
            pass
        assert frame["data"]["coverage_pct"] == 50.0


async def test_events_come_live_and_from_a_cursor_on_each_once(depot: Depot, url: str) -> None:
    number = await meter(depot)
    async with listening(url, depot.keys["all"]) as listener:
        (accepted,) = (await listener.subscribe("events:*"))["accepted"]
        await read(depot, number, total_power=1.0)
        await log(depot, "pq.event", number, phase="start")
        first, second = await listener.frames(2)
        assert [first["data"]["type"], second["data"]["type"]] == ["data.ingested", "pq.event"]
        assert first["seq"] == first["data"]["cursor"]
    for n in range(1, 300):
        await read(depot, number, n, total_power=float(n + 2))
    await log(depot, "protection.event", number)
    depot.clock.advance(1)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe("events:*", resume={"events:*": accepted["seq"]})
        found = [await listener.frame() for _ in range(302)]
        assert len({frame["data"]["id"] for frame in found}) == 302
        assert await listener.quiet()
        await log(depot, "pq.event", number, phase="end")
        assert (await listener.frame())["data"]["data"]["phase"] == "end"
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe("events:pq.event", resume={"events:pq.event": first["seq"]})
        assert [frame["data"]["data"]["phase"] for frame in await listener.frames(2)] == ["start", "end"]


async def test_what_is_foreign_is_not_told_apart_from_what_is_not_there(depot: Depot, stranger: Depot, url: str) -> None:
    mine, theirs = await meter(depot), await meter(stranger)
    elsewhere = await meter(depot, site="elsewhere")
    limited = await depot.key(*JOULEPOINT, sites=["main"])
    names = [f"meter:{mine}", f"meter:{theirs}", "meter:999999999", f"meter:{elsewhere}", "group:1", "topology:nowhere"]
    async with listening(url, limited) as listener:
        ack = await listener.subscribe(*names, "events:nonsense", "meter:x", "nonsense")
        assert [each["channel"] for each in ack["accepted"]] == [f"meter:{mine}"]
        unknown = [each for each in ack["rejected"] if each["code"] == "unknown_channel"]
        assert [each["channel"] for each in unknown] == [*names[1:], "events:nonsense"]
        assert len({each["detail"] for each in unknown}) == 1
        assert [each["code"] for each in ack["rejected"]][-2:] == ["bad_channel"] * 2
        await listener.subscribe("events:*")
        await read(stranger, theirs)
        await read(depot, elsewhere)
        await read(depot, mine, total_power=3.0)
        found = await listener.frames(2)
        assert {frame["ch"] for frame in found} == {f"meter:{mine}", "events:*"}
        assert await listener.quiet()


async def test_each_kind_of_channel_asks_for_its_scope(depot: Depot, url: str) -> None:
    number = await meter(depot)
    async with listening(url, await depot.key("pq:read")) as listener:
        ack = await listener.subscribe(f"meter:{number}", "topology:main", "events:data.ingested", "events:pq.event")
        assert [each["channel"] for each in ack["accepted"]] == ["events:pq.event"]
        assert {each["code"] for each in ack["rejected"]} == {"insufficient_scope"}


async def test_nothing_more_comes_after_unsubscribing(depot: Depot, url: str) -> None:
    number = await meter(depot)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe(f"meter:{number}", "events:*")
        await listener.say(op="unsubscribe", channels=[f"meter:{number}", "events:*", "meter:1"], id=3)
        assert (await listener.told("ack"))["unsubscribed"] == [f"meter:{number}", "events:*"]
        await read(depot, number)
        assert await listener.quiet()


async def test_max_hz_sends_the_newest_value_when_its_time_has_come(depot: Depot, url: str) -> None:
    number = await meter(depot)
    async with listening(url, depot.keys["all"]) as listener:
        await listener.subscribe(f"meter:{number}", max_hz=5)
        for n in range(20):
            await read(depot, number, n, total_power=float(n))
        found = [(await listener.frame())["data"]["total_power"]]
        while found[-1] != 19.0:
            found.append((await listener.frame())["data"]["total_power"])
        assert len(found) < 20
        assert found == sorted(found)


async def test_the_power_flow_of_a_site_comes_whole_and_then_what_changed(depot: Depot, url: str) -> None:
    number = await meter(depot)
    topology = depot.platform.topology
    node = (await topology.nodes.create(depot.tenant, {"kind": "meter", "site_id": "main", "meter_id": number})).id
    async with listening(url, depot.keys["all"]) as listener:
        ack = await listener.subscribe("topology:main", max_hz=50)
        assert ack["accepted"], ack
        await read(depot, number, total_power=1234.0)
        while True:
            frame = await listener.frame()
            powers = {each["id"]: each["live"]["power_w"] for each in frame["data"]["nodes"]}
            if powers.get(node) == 1234.0:
                break
