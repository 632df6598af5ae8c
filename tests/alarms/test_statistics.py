"""The figures of the alarm system, against alarms whose figures can be counted by hand."""

from __future__ import annotations

import pytest

from wattline.alarms.model import STATES
from wattline.alarms.query import AlarmFilter
from wattline.alarms.statistics import Statistics
from wattline.model.clock import HOUR, MINUTE, SECOND
from wattline.model.errors import Invalid, NotFound
from wattline.registry.point import Point

from .plant import ACME, Plant, high


async def pulse(plant: Plant, point: Point, times: int = 1) -> None:
    """Raised and returned to normal, so often; two seconds each."""
    for _ in range(times):
        await plant.send(point, 99)
        await plant.send(point, 0)


async def test_the_published_example(plant: Plant) -> None:
    glycol, ret = await plant.add("ML-GLYCOL-CONC", high(55, "P2")), await plant.add("CDU-01-T-RET", high(55))
    plant.clock.advance(-3600)
    await plant.alarms.take([plant.row(glycol, 60)])
    plant.clock.advance(600)
    await plant.alarms.acknowledge(ACME, glycol.id, "nick.searra")
    plant.clock.advance(2820)
    await plant.alarms.take([plant.row(ret, 60)])
    plant.clock.advance(180 - 0.000001)
    found = await plant.alarms.statistics(ACME)
    assert (found.standing, found.acked, found.shelved, found.suppressed) == (1, 1, 0, 0)
    assert found.average_response == 600.0
    assert (found.raised_last_hour, found.target_per_hour, found.compliant) == (2, 6, True)
    plant.clock.advance(0.000001)
    assert (await plant.alarms.statistics(ACME)).raised_last_hour == 1


async def test_nothing_raised_yet(plant: Plant) -> None:
    await plant.add("T", high(1))
    found = await plant.alarms.statistics(ACME)
    assert (found.average_response, found.p95_response, found.raised_24h, found.top) == (0.0, None, 0, ())
    assert (found.compliant, found.flooded, found.flood_share_24h, found.peak_10_minutes) == (True, False, 0.0, 0)
    assert found.mix_24h == {"P0": 0, "P1": 0, "P2": 0, "P3": 0}
    assert found.responses["P1"].share_met is None
    assert await plant.alarms.statistics(ACME, 99_999) == Statistics(**{**_fields(found)})


def _fields(found: Statistics) -> dict[str, object]:
    return {name: getattr(found, name) for name in Statistics.__slots__}


async def test_what_is_dealt_with_quickly_counts_as_well(plant: Plant) -> None:
    points = [await plant.add(f"T{i}", high(1, "P1" if i else "P0")) for i in range(4)]
    for seconds, point in zip((30, 10, 20, 1000), points, strict=True):
        await plant.send(point, 5)
        plant.clock.advance(seconds)
        await plant.alarms.acknowledge(ACME, point.id, "nick")
        await plant.send(point, 0)
    found = await plant.alarms.statistics(ACME)
    assert (found.standing, found.raised_last_hour, found.raised_24h) == (0, 4, 4)
    assert found.average_response == 265
    assert found.p95_response == 1000
    assert {p: (r.target_seconds, r.acked, r.met) for p, r in found.responses.items()} == {
        "P0": (30, 1, 1),
        "P1": (900, 3, 2),
        "P2": (14_400, 0, 0),
        "P3": (28_800, 0, 0),
    }
    assert found.mix_24h == {"P0": 0.25, "P1": 0.75, "P2": 0, "P3": 0}


async def test_rates_top_and_chatter(plant: Plant) -> None:
    busy, calm = await plant.add("BUSY", high(1, "P3")), await plant.add("CALM", high(1, "P2"))
    await pulse(plant, busy, 3)
    plant.clock.advance(3600)
    for _ in range(3):
        await pulse(plant, calm)
        plant.clock.advance(30)
    found = await plant.alarms.statistics(ACME)
    assert found.chattering == (busy.id,)
    assert [(each.sensor, each.raised, each.share) for each in found.top] == [(busy.id, 3, 0.5), (calm.id, 3, 0.5)]
    assert (found.raised_10_minutes, found.peak_10_minutes, found.raised_last_hour) == (3, 3, 3)
    plant.clock.advance(24 * 3600)
    later = await plant.alarms.statistics(ACME)
    assert (later.raised_24h, later.chattering, later.top) == (0, (), ())
    assert (later.standing, later.stale_alarms) == (2, 2)


async def test_a_flood_begins_over_ten_and_ends_under_five(plant: Plant) -> None:
    points = [await plant.add(f"T{i}", high(1), block="b1" if i < 11 else "b2") for i in range(16)]
    b1, b2 = points[0].block, points[-1].block
    await plant.alarms.take([plant.row(point, 5, at) for at, point in enumerate(points[:10])])
    await plant.alarms.tick()
    assert not (await plant.alarms.statistics(ACME)).flooded
    plant.clock.advance(300)
    await plant.alarms.take([plant.row(points[10], 5)])
    await plant.alarms.tick()
    await plant.alarms.tick()
    begun = plant.clock.micros()
    assert (await plant.words())[-2:] == ["alarm_flood_begun", "alarm_flood_begun"]
    events = [event for event in await plant.events() if event.event_type == "alarm_flood_begun"]
    assert [(event.site, event.subject, event.body["raised_10_minutes"]) for event in events] == [
        (None, None, 11),
        ("s1", "b1", 11),
    ]
    assert (await plant.alarms.statistics(ACME, b1.id)).flooded
    assert not (await plant.alarms.statistics(ACME, b2.id)).flooded
    assert (await plant.alarms.statistics(ACME, sites=["s1"])).flooded
    await plant.alarms.take([plant.row(point, 5) for point in points[11:]])
    plant.clock.advance(400)
    await plant.alarms.tick()
    again = await Plant(plant.database, plant.clock).open()
    ended = [event for event in await plant.events() if event.event_type == "alarm_flood_ended"]
    assert [(event.subject, event.body["raised_10_minutes"]) for event in ended] == [("b1", 1)]
    assert (await plant.alarms.statistics(ACME)).flooded
    plant.clock.advance(400)
    await again.alarms.tick()
    assert not (await plant.alarms.statistics(ACME)).flooded
    found = await again.alarms.statistics(ACME, b1.id)
    assert found.flood_share_24h == pytest.approx(400 / 86_400)
    whole = await again.alarms.statistics(ACME)
    assert whole.flood_share_24h == pytest.approx((plant.clock.micros() - begun) / SECOND / 86_400)
    assert all(plant.state(point) == "ACTIVE" for point in points)


async def test_figures_of_another_tenant_site_or_block_do_not_mix(plant: Plant) -> None:
    places = [("acme", "s1", "b1"), ("acme", "s1", "b2"), ("acme", "s2", "b1"), ("other", "s1", "b1")]
    points = [await plant.add("T", high(1), tenant=t, site=s, block=b) for t, s, b in places]
    for times, point in enumerate(points, 1):
        await pulse(plant, point, times)
    alarms = plant.alarms
    assert (await alarms.statistics("acme")).raised_24h == 1 + 2 + 3
    assert (await alarms.statistics("other")).raised_24h == 4
    assert (await alarms.statistics("acme", points[0].block.id)).raised_24h == 1
    assert (await alarms.statistics("acme", sites=["s2"])).raised_24h == 3
    assert (await alarms.statistics("acme", points[0].block.id, sites=["s2"])).raised_24h == 0
    assert (await alarms.statistics("acme", points[3].block.id)).raised_24h == 0
    for tenant, where, sensors in [
        ("acme", AlarmFilter(), {0, 1, 2}),
        ("acme", AlarmFilter(sites=["s1"]), {0, 1}),
        ("acme", AlarmFilter(site="s1", sites=["s2"]), set()),
        ("acme", AlarmFilter(site="s2"), {2}),
        ("acme", AlarmFilter(block_id=points[1].block.id), {1}),
        ("acme", AlarmFilter(block_id=points[3].block.id), set()),
        ("acme", AlarmFilter(sensor=points[3].id), set()),
        ("other", AlarmFilter(), {3}),
        ("nobody", AlarmFilter(), set()),
    ]:
        page = await alarms.query(tenant, where)
        assert {alarm.sensor for alarm in page.alarms} == {points[i].id for i in sensors}, where
        assert page.total == page.standing == len(sensors)
    for command in (alarms.acknowledge, alarms.unshelve, alarms.return_to_service):
        with pytest.raises(NotFound):
            await command("acme", points[3].id, "nick")
    with pytest.raises(NotFound):
        await alarms.set_limits("acme", points[3].id, [])
    foreign = alarms.live(points[3].id)
    assert foreign is not None
    with pytest.raises(NotFound):
        await alarms.alarm("acme", foreign.id or 0)
    assert await alarms.alarm("other", foreign.id or 0) == foreign


async def test_pages_are_sorted_and_count_the_whole(plant: Plant) -> None:
    priorities = ("P3", "P0", "P2", "P1", "P0")
    points = [await plant.add(f"T{i}", high(1, priority)) for i, priority in enumerate(priorities)]
    begin = plant.clock.micros()
    for point in points:
        await plant.send(point, 5)
    await plant.alarms.acknowledge(ACME, points[3].id, "nick")
    await plant.alarms.shelve(ACME, points[2].id, "nick", "known", 2 * HOUR)
    page = await plant.alarms.query(ACME, AlarmFilter())
    assert [alarm.sensor for alarm in page.alarms] == [points[i].id for i in (4, 1, 3, 2, 0)]
    assert (page.total, page.standing) == (5, 3)
    second = await plant.alarms.query(ACME, AlarmFilter(), offset=1, limit=2)
    assert second.alarms == page.alarms[1:3]
    assert (second.total, second.standing) == (5, 3)
    await plant.alarms.acknowledge(ACME, points[0].id, "nick")
    await plant.send(points[0], 0)
    assert (await plant.alarms.query(ACME, AlarmFilter())).total == 4
    ended = await plant.alarms.query(ACME, AlarmFilter(states=["CLEARED"]))
    assert [alarm.sensor for alarm in ended.alarms] == [points[0].id]
    assert (await plant.alarms.query(ACME, AlarmFilter(states=[]))).total == 0
    assert (await plant.alarms.query(ACME, AlarmFilter(states=["SHELVED", "ACKED"]))).total == 2
    assert (await plant.alarms.query(ACME, AlarmFilter(priorities=["P0", "P3"]))).total == 2
    window = AlarmFilter(states=STATES, start=begin + 2 * SECOND, end=begin + 4 * SECOND)
    assert {alarm.sensor for alarm in (await plant.alarms.query(ACME, window)).alarms} == {points[1].id, points[2].id}
    for offset, limit in ((-1, 10), (2**63, 10), (0, -1), (0, 1001)):
        with pytest.raises(Invalid):
            await plant.alarms.query(ACME, AlarmFilter(), offset, limit)


async def test_the_shelf_and_the_minute_are_exact(plant: Plant) -> None:
    point = await plant.add("T", high(1))
    for at in (0, 30, 59.999999):
        await plant.alarms.take([plant.row(point, 5, at), plant.row(point, 0, at + 0.0000005 + 0.000001)])
    plant.clock.advance(61)
    assert (await plant.alarms.statistics(ACME)).chattering == (point.id,)
    other = await plant.add("U", high(1))
    for at in (0, 30, 60):
        await plant.alarms.take([plant.row(other, 5, at), plant.row(other, 0, at + 0.000001)])
    plant.clock.advance(MINUTE / SECOND + 1)
    assert (await plant.alarms.statistics(ACME)).chattering == (point.id,)
