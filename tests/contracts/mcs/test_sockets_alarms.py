"""WS /ws/alarms: every transition as published, filters, resume, what a key may hear."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.mcs.halls import PATIENCE, Building, Hall, Listening
from tests.contracts.mcs.published import ALARM_KEYS
from wattline.alarms.model import Alarm
from wattline.alarms.query import AlarmPage
from wattline.contracts.mcs.feeds import tail
from wattline.contracts.mcs.feeds.alarms import Alarms, Wanted
from wattline.contracts.mcs.feeds.history import History
from wattline.model.errors import Unavailable
from wattline.registry.point import PointSpec

TAG = "CDU-01-T-RET"


@pytest_asyncio.fixture(loop_scope="session")
async def hall(hall: Hall) -> Hall:
    """A tenant of its own, one sensor of which has limits."""
    await hall.limit(TAG)
    return hall


async def events(feed: Listening, count: int) -> list[tuple[str, str]]:
    """The next frames, each as its event and the state of its alarm."""
    return [(frame["event"], frame["alarm"]["state"]) for frame in await feed.take(count)]


async def test_the_published_frame(hall: Hall) -> None:
    async with hall.listening("/ws/alarms") as feed:
        await hall.judged(TAG, 61.7)
        frame = await feed.next()
    assert list(frame) == ["event", "alarm", "timestamp"]
    assert list(frame["alarm"]) == [*ALARM_KEYS, "transition_count"]
    assert len(frame["alarm"]) == 25
    alarm = frame["alarm"]
    assert isinstance(alarm.pop("id"), int)
    assert frame["event"] == "alarm_raised"
    assert datetime.fromisoformat(frame["timestamp"]) == hall.clock.now()
    assert alarm == {
        "sensor_id": hall.points[TAG].id,
        "priority": "P0",
        "state": "ACTIVE",
        "site_id": "baldwinsville",
        "block_id": "block-01",
        "subsystem": "thermal-l1",
        "tag": TAG,
        "value_at_raise": 61.7,
        "threshold_value": 60.0,
        "threshold_direction": "HIGH",
        "raised_at": hall.iso(),
        "transition_count": 1,
        "last_value": 61.7,
        "last_seen": hall.iso(),
        **dict.fromkeys(["value_at_clear", "acked_at", "acked_by", "cleared_at", "shelved_at", "shelved_by"]),
        **dict.fromkeys(["shelved_until", "shelve_reason", "suppressed_by_alarm_id", "response_time_seconds"]),
    }


async def test_acknowledge_then_return(hall: Hall) -> None:
    await hall.judged(TAG, 61.7)
    async with hall.listening("/ws/alarms") as feed:
        hall.clock.advance(127.3)
        await hall.post(f"/alarms/{hall.points[TAG].id}/acknowledge", operator="nick.searra")
        acked = (await feed.next())["alarm"]
        assert (acked["state"], acked["acked_by"], acked["response_time_seconds"]) == ("ACKED", "nick.searra", 127.3)
        assert acked["transition_count"] == 2
        await hall.judged(TAG, 53.2)
        frame = await feed.next()
    assert (frame["event"], frame["alarm"]["state"], frame["alarm"]["value_at_clear"]) == ("alarm_cleared", "CLEARED", 53.2)
    assert frame["alarm"]["cleared_at"] == hall.iso()
    assert frame["alarm"]["acked_by"] == "nick.searra"


async def test_an_acknowledgement_that_ends_an_alarm_also_clears_it(hall: Hall) -> None:
    async with hall.listening("/ws/alarms") as feed:
        await hall.judged(TAG, 61.7)
        await hall.judged(TAG, 53.2)
        answer = await hall.post(f"/alarms/{hall.points[TAG].id}/acknowledge", operator="nick")
        assert answer["state"] == "CLEARED"
        found = await events(feed, 4)
    assert found == [
        ("alarm_raised", "ACTIVE"),
        ("alarm_rtn_unack", "RTN_UNACK"),
        ("alarm_acked", "CLEARED"),
        ("alarm_cleared", "CLEARED"),
    ]


async def test_shelve_and_unshelve(hall: Hall) -> None:
    await hall.judged(TAG, 61.7)
    sensor = hall.points[TAG].id
    async with hall.listening("/ws/alarms") as feed:
        await hall.post(f"/alarms/{sensor}/shelve", operator="nick", reason="calibration", duration_hours=4)
        shelved = (await feed.next())["alarm"]
        assert (shelved["state"], shelved["shelved_by"], shelved["shelve_reason"]) == ("SHELVED", "nick", "calibration")
        assert (shelved["shelved_at"], shelved["shelved_until"]) == (hall.iso(), hall.iso(4 * 3600))
        await hall.post(f"/alarms/{sensor}/unshelve", operator="nick")
        frame = await feed.next()
        assert (frame["event"], frame["alarm"]["state"]) == ("alarm_unshelved", "ACTIVE")
        assert {name: frame["alarm"][name] for name in frame["alarm"] if name.startswith("shelve")} == dict.fromkeys(
            ["shelved_at", "shelved_by", "shelved_until", "shelve_reason"]
        )


async def test_unshelving_what_is_over_clears_it(hall: Hall) -> None:
    await hall.judged(TAG, 61.7)
    sensor = hall.points[TAG].id
    await hall.post(f"/alarms/{sensor}/shelve", operator="nick", reason="calibration")
    await hall.judged(TAG, 50.0)
    async with hall.listening("/ws/alarms") as feed:
        await hall.post(f"/alarms/{sensor}/unshelve", operator="nick")
        assert await events(feed, 2) == [("alarm_unshelved", "CLEARED"), ("alarm_cleared", "CLEARED")]


async def test_a_shelf_that_expires_is_told(hall: Hall) -> None:
    await hall.judged(TAG, 61.7)
    await hall.post(f"/alarms/{hall.points[TAG].id}/shelve", operator="nick", reason="calibration", duration_hours=0.5)
    async with hall.listening("/ws/alarms") as feed:
        hall.clock.advance(1801)
        await hall.platform.alarms.tick()
        assert await events(feed, 1) == [("alarm_unshelved", "ACTIVE")]


async def test_escalation_and_de_escalation(hall: Hall) -> None:
    async with hall.listening("/ws/alarms") as feed:
        await hall.judged(TAG, 56.0)
        await hall.judged(TAG, 61.0)
        await hall.judged(TAG, 56.0)
        frames = await feed.take(3)
    assert [(each["event"], each["alarm"]["priority"]) for each in frames] == [
        ("alarm_raised", "P2"),
        ("alarm_escalated", "P0"),
        ("alarm_deescalated", "P2"),
    ]


async def test_out_of_service_and_back(hall: Hall) -> None:
    await hall.judged(TAG, 61.7)
    sensor = hall.points[TAG].id
    async with hall.listening("/ws/alarms") as feed:
        away = await hall.post(f"/alarms/{sensor}/out-of-service", operator="nick", reason="replaced")
        assert (away["in_service"], away["alarm"]["state"], away["alarm"]["out_of_service"]) == (False, "SUPPRESSED", True)
        back = await hall.post(f"/alarms/{sensor}/in-service", operator="nick")
        assert (back["in_service"], back["alarm"]["state"]) == (True, "ACTIVE")
        assert await events(feed, 2) == [("alarm_out_of_service", "SUPPRESSED"), ("alarm_in_service", "ACTIVE")]


async def test_suppression_by_a_cause_and_release(hall: Hall) -> None:
    registry = hall.platform.registry

    specs = [PointSpec(tag, "CDU-01", "thermal-l1", "%") for tag in ("CDU-01-PUMP-SPEED", "CDU-01-FLOW")]
    for point in await registry.put_points(hall.tenant, "baldwinsville", "block-01", specs):
        hall.points[point.tag] = point
        await hall.limit(point.tag, {"L": {"value": 10.0, "priority": "P1"}})
    async with hall.listening("/ws/alarms") as feed:
        await hall.judged("CDU-01-PUMP-SPEED", 0.0)
        await hall.judged("CDU-01-FLOW", 0.0)
        raised, suppressed = await feed.take(2)
        assert (suppressed["event"], suppressed["alarm"]["state"]) == ("alarm_suppressed", "SUPPRESSED")
        assert suppressed["alarm"]["suppressed_by_alarm_id"] == raised["alarm"]["id"]
        await hall.judged("CDU-01-PUMP-SPEED", 50.0)
        released = next(each for each in await feed.take(2) if each["event"] == "alarm_unsuppressed")
        assert (released["alarm"]["state"], released["alarm"]["suppressed_by_alarm_id"]) == ("ACTIVE", None)


@pytest.mark.parametrize(("least", "count"), [("P0", 1), ("P1", 1), ("P2", 2), ("P3", 2), ("p0", 2), ("nonsense", 2), ("", 2)])
async def test_min_priority_is_that_level_or_more_severe_and_what_is_none_means_all(hall: Hall, least: str, count: int) -> None:
    await hall.limit("CDU-01-T-SUP", {"H": {"value": 10.0, "priority": "P2"}})
    async with hall.listening("/ws/alarms", min_priority=least) as feed:
        await hall.judged("CDU-01-T-SUP", 11.0)
        await hall.judged(TAG, 61.0)
        frames = await feed.take(count)
    assert [each["alarm"]["priority"] for each in frames] == ["P2", "P0"][-count:]


async def test_an_alarm_that_becomes_less_severe_than_asked_for_is_told_to_its_end(hall: Hall) -> None:
    await hall.limit("CDU-01-T-SUP", {"H": {"value": 10.0, "priority": "P2"}})

    async def life() -> None:
        await hall.judged("CDU-01-T-SUP", 11.0)
        for value in (56.0, 61.0, 56.0, 50.0):
            await hall.judged(TAG, value)
        for tag in (TAG, "CDU-01-T-SUP"):
            await hall.post(f"/alarms/{hall.points[tag].id}/acknowledge", operator="ann")
        await hall.judged("CDU-01-T-SUP", 1.0)

    told = ["alarm_escalated", "alarm_deescalated", "alarm_rtn_unack", "alarm_acked", "alarm_cleared"]
    async with hall.listening("/ws/alarms", min_priority="P1", ids="true") as feed:
        await life()
        frames = await feed.take(len(told))
        assert [frame["event"] for frame in frames] == told
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(feed.socket.recv(), 0.05)
    async with hall.listening("/ws/alarms", min_priority="P1", last_event_id=frames[0]["id"]) as back:
        again = await back.take(5)
        assert [frame["event"] for frame in again] == [*told[1:], "alarm_cleared"]
        assert again[-1]["alarm"]["tag"] == "CDU-01-T-SUP"


async def test_block_slug_selects_and_equal_slugs_never_mix(hall: Hall) -> None:
    elsewhere = await hall.build("syracuse", "block-01")
    hall.points["elsewhere"] = elsewhere[TAG]
    await hall.limit("elsewhere")
    async with (
        hall.listening("/ws/alarms", block_slug="syracuse/block-01") as there,
        hall.listening("/ws/alarms", block_slug="baldwinsville/block-01") as here,
        hall.listening("/ws/alarms", block_slug="block-99") as nowhere,
        hall.listening("/ws/alarms") as every,
    ):
        await hall.judged(TAG, 61.0)
        await hall.judged("elsewhere", 62.0)
        assert (await there.next())["alarm"]["site_id"] == "syracuse"
        assert (await here.next())["alarm"]["site_id"] == "baldwinsville"
        assert [each["alarm"]["site_id"] for each in await every.take(2)] == ["baldwinsville", "syracuse"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(nowhere.socket.recv(), 0.05)


async def test_a_key_of_some_sites_hears_only_these_and_no_tenant_hears_another(hall: Hall, served: Building) -> None:
    elsewhere = await hall.build("syracuse", "block-01")
    hall.points["elsewhere"] = elsewhere[TAG]
    await hall.limit("elsewhere")
    limited = await hall.key(sites=["syracuse"])
    async with (
        Hall(served).open() as other,
        hall.listening("/ws/alarms", secret=limited) as feed,
        other.listening("/ws/alarms") as foreign,
    ):
        await hall.judged(TAG, 61.0)
        await hall.judged("elsewhere", 62.0)
        assert (await feed.next())["alarm"]["site_id"] == "syracuse"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(foreign.socket.recv(), 0.05)


async def test_a_snapshot_is_every_alarm_that_is_not_cleared(hall: Hall) -> None:
    await hall.limit("CDU-01-T-SUP", {"H": {"value": 10.0, "priority": "P2"}})
    await hall.judged("CDU-01-T-SUP", 11.0)
    await hall.judged(TAG, 61.0)
    async with hall.listening("/ws/alarms", snapshot="true") as feed:
        frames = await feed.take(2)
        assert [(each["event"], each["alarm"]["tag"]) for each in frames] == [
            ("alarm_snapshot", TAG),
            ("alarm_snapshot", "CDU-01-T-SUP"),
        ]
        assert list(frames[0]["alarm"]) == [*ALARM_KEYS, "transition_count"]
        await hall.judged(TAG, 50.0)
        assert (await feed.next())["event"] == "alarm_rtn_unack"
        await feed.socket.send(json.dumps({"type": "snapshot"}))
        assert [each["alarm"]["state"] for each in await feed.take(2)] == ["RTN_UNACK", "ACTIVE"]


async def test_a_snapshot_of_nothing_does_not_hold_up_what_a_client_missed(hall: Hall) -> None:
    await hall.judged(TAG, 61.0)
    await hall.judged(TAG, 50.0)
    await hall.post(f"/alarms/{hall.points[TAG].id}/acknowledge", operator="ann")
    async with hall.listening("/ws/alarms", snapshot="true", last_event_id=0) as feed:
        assert [event for event, _ in await events(feed, 4)] == [
            "alarm_raised",
            "alarm_rtn_unack",
            "alarm_acked",
            "alarm_cleared",
        ]


class Away:
    """The alarm service, whose store is away whenever `away` is set."""

    def __init__(self, hall: Hall) -> None:
        self._alarms = hall.platform.alarms
        self.away = False

    async def query(self, *given: Any) -> AlarmPage:
        if self.away:
            raise Unavailable("the state store is away")
        return await self._alarms.query(*given)

    async def alarm(self, tenant: str, alarm_id: int) -> Alarm:
        if self.away:
            raise Unavailable("the state store is away")
        return await self._alarms.alarm(tenant, alarm_id)


async def test_a_store_that_is_away_for_a_while_loses_no_frame(hall: Hall) -> None:
    alarms, more = Away(hall), asyncio.Event()

    async def told(client: Alarms) -> list[str]:
        alarms.away = True
        with pytest.raises(Unavailable):
            await client.take()
        alarms.away = False
        return [json.loads(message["text"])["event"] for message in await client.take()]

    async def caught_up(log: tail.Tail) -> None:
        last = await hall.platform.events.last_sequence(hall.tenant)
        async with asyncio.timeout(PATIENCE):
            while log.last < last:
                more.clear()
                await more.wait()

    tails = tail.Tails(hall.platform.events, hall.platform.bus, lambda _: None)
    async with tails.following(hall.tenant, more.set) as (log, position):
        wanted = Wanted(None, "P1", None, numbered=False)
        parts = (hall.platform.registry, History(alarms), hall.clock, more, log)
        client = Alarms(*parts, position, wanted, snapshot=True)
        await hall.judged(TAG, 61.0)
        await caught_up(log)
        assert await told(client) == ["alarm_snapshot"]
        assert len(await client.take()) == 1
        for value in (56.0, 50.0):
            await hall.judged(TAG, value)
        await caught_up(log)
        assert await told(client) == ["alarm_deescalated", "alarm_rtn_unack"]
        await hall.post(f"/alarms/{hall.points[TAG].id}/acknowledge", operator="ann")
        await caught_up(log)
        assert await told(client) == ["alarm_acked", "alarm_cleared"]


async def history(hall: Hall) -> None:
    """A life of an alarm: raised, returned, acknowledged, raised anew, shelved, unshelved, acknowledged, cleared."""
    sensor = hall.points[TAG].id
    await hall.judged(TAG, 61.0)
    await hall.judged(TAG, 50.0)
    await hall.post(f"/alarms/{sensor}/acknowledge", operator="ann")
    await hall.judged(TAG, 56.0)
    await hall.post(f"/alarms/{sensor}/shelve", operator="bob", reason="calibration", duration_hours=2)
    hall.clock.advance(60)
    await hall.post(f"/alarms/{sensor}/unshelve", operator="bob")
    await hall.post(f"/alarms/{sensor}/acknowledge", operator="cy")
    await hall.judged(TAG, 40.0)


FRAMES = 9


async def whole(feed: Listening) -> list[dict[str, Any]]:
    """All frames of `history`, and then no more."""
    frames = await feed.take(FRAMES)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(feed.socket.recv(), 0.05)
    return frames


async def test_a_client_goes_on_after_any_frame_without_gap_or_double(hall: Hall) -> None:
    async with hall.listening("/ws/alarms", ids="true") as feed:
        await history(hall)
        frames = await whole(feed)
    assert list(frames[0]) == ["event", "alarm", "timestamp", "id"]
    ids = [frame["id"] for frame in frames]
    assert ids == sorted(set(ids))
    for number in (0, 3, FRAMES - 1):
        async with hall.listening("/ws/alarms", last_event_id=ids[number]) as feed:
            await hall.judged(TAG, 61.0)
            again = await feed.take(len(ids) - number)
            assert [frame["id"] for frame in again[:-1]] == ids[number + 1 :]
            assert (again[-1]["event"], again[-1]["alarm"]["state"]) == ("alarm_raised", "ACTIVE")
            await hall.judged(TAG, 40.0)
            await hall.post(f"/alarms/{hall.points[TAG].id}/acknowledge", operator="ann")
            ids += [frame["id"] for frame in [again[-1], *await feed.take(3)]]


async def test_frames_are_the_same_when_the_changes_are_in_no_memory_any_more(hall: Hall) -> None:
    async with hall.listening("/ws/alarms", ids="true") as feed:
        await history(hall)
        frames = await whole(feed)
    fresh = tail.Tails(hall.platform.events, hall.platform.bus, lambda _: None)

    more = asyncio.Event()
    async with fresh.following(hall.tenant, more.set) as (log, _):
        wanted = Wanted(None, "P3", None, numbered=True)
        forgetful = History(hall.platform.alarms)
        client = Alarms(hall.platform.registry, forgetful, hall.clock, more, log, 0, wanted, snapshot=False)
        rebuilt = [json.loads(message["text"]) for message in await client.take()]
    unknown = {"last_value", "last_seen", "transition_count", "response_time_seconds"}
    for before, after in zip(frames, rebuilt, strict=True):
        for shown in (before, after):
            for name in unknown:
                del shown["alarm"][name]
        assert after == before


@pytest.mark.parametrize("given", ["0", "9223372036854775807"])
async def test_any_number_may_be_named(hall: Hall, given: str) -> None:
    await hall.judged(TAG, 61.0)
    async with hall.listening("/ws/alarms", last_event_id=given) as feed:
        if given == "0":
            assert (await feed.next())["event"] == "alarm_raised"
        await hall.judged(TAG, 50.0)
        assert (await feed.next())["event"] == "alarm_rtn_unack"


async def test_a_reader_that_slept_through_more_than_memory_holds_gets_everything(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "HELD", 3)
    sensor = hall.points[TAG].id
    async with hall.listening("/ws/alarms", ids="true") as feed, hall.listening("/ws/alarms", ids="true") as other:
        for _ in range(4):
            await hall.judged(TAG, 61.0)
            await hall.judged(TAG, 50.0)
            await hall.post(f"/alarms/{sensor}/acknowledge", operator="ann")
        frames = await feed.take(16)
        assert await other.take(16) == frames
    async with hall.listening("/ws/alarms", last_event_id=frames[0]["id"]) as late:
        assert [frame["id"] for frame in await late.take(15)] == [frame["id"] for frame in frames[1:]]
