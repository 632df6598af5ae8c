"""Two processes on one database: none writes over what the other decided, and each learns of it."""

from __future__ import annotations

import asyncio

from wattline.alarms.model import STATES
from wattline.alarms.query import AlarmFilter
from wattline.model.clock import HOUR, ManualClock
from wattline.model.errors import NotFound
from wattline.model.record import Row
from wattline.registry.point import Point
from wattline.state.database import Database

from .plant import ACME, Plant, high


async def two(database: Database, clock: ManualClock) -> tuple[Plant, Plant, Point]:
    one = await Plant(database, clock, shared=True).open()
    point = await one.add("T", high(55, deadband=1))
    other = await Plant(Database(database.url), clock, shared=True).open()
    return one, other, point


def rows(plant: Plant, point: Point, *values: float) -> list[Row]:
    return [Row(point.stream.id, plant.clock.micros() + at, 0, (value,)) for at, value in enumerate(values, 1)]


async def test_the_same_samples_make_one_alarm(database: Database, clock: ManualClock) -> None:
    one, other, point = await two(database, clock)
    samples = rows(one, point, 50, 60)
    await asyncio.gather(one.alarms.take(samples), other.alarms.take(samples))
    assert await one.words() == ["alarm_raised"]
    assert one.alarms.live(point.id) == other.alarms.live(point.id)
    assert len(one.told) + len(other.told) == 1
    await other.database.close()


async def test_one_of_two_operators_is_first(database: Database, clock: ManualClock) -> None:
    one, other, point = await two(database, clock)
    await one.alarms.take(rows(one, point, 60))
    await other.alarms.tick()
    assert other.state(point) == "ACTIVE"
    asked = [plant.alarms.acknowledge(ACME, point.id, name) for plant, name in ((one, "nick"), (other, "ada"))]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Alarm", "NotFound"]
    assert await one.words() == ["alarm_raised", "alarm_acked"]
    assert one.alarms.live(point.id) == other.alarms.live(point.id)
    await other.database.close()


async def test_who_did_not_hear_of_it_yet_decides_on_what_is_stored(database: Database, clock: ManualClock) -> None:
    one, other, point = await two(database, clock)
    await one.alarms.take(rows(one, point, 60))
    # The other has no alarm in memory: what it would raise stands already, and what comes later returns it to normal.
    await other.alarms.take(rows(one, point, 60, 61, 50))
    assert (one.state(point), other.state(point)) == ("ACTIVE", "RTN_UNACK")
    cleared = await one.alarms.acknowledge(ACME, point.id, "nick")
    assert cleared.state == "CLEARED"
    assert await one.words() == ["alarm_raised", "alarm_rtn_unack", "alarm_acked", "alarm_cleared"]
    page = await one.alarms.query(ACME, AlarmFilter(states=STATES))
    assert len(page.alarms) == 1
    await other.database.close()


async def test_limits_are_learnt(database: Database, clock: ManualClock) -> None:
    one, other, point = await two(database, clock)
    await one.alarms.set_limits(ACME, point.id, [high(70)])
    clock.advance(1)
    await other.alarms.tick()
    assert other.alarms.limits(point.id) == (high(70),)
    await other.alarms.take(rows(one, point, 60))
    assert other.state(point) is None
    await one.alarms.take_out_of_service(ACME, point.id, "nick", "replaced")
    await other.alarms.tick()
    assert other.alarms.out_of_service(point.id) == one.alarms.out_of_service(point.id) is not None
    await other.database.close()


async def test_points_of_another_process_are_watched_once_they_are_known(database: Database, clock: ManualClock) -> None:
    one, other, _ = await two(database, clock)
    late = await one.add("LATE", high(55))
    await other.alarms.tick()
    await other.registry.refresh()
    clock.advance(60)
    await other.alarms.tick()
    assert other.alarms.limits(late.id) == (high(55),)
    await other.alarms.take(rows(one, late, 60))
    assert other.state(late) == "ACTIVE"
    await other.database.close()


async def test_many_commands_at_once_leave_one_story(database: Database, clock: ManualClock) -> None:
    one, other, point = await two(database, clock)
    await one.alarms.take(rows(one, point, 60))

    async def toggle(plant: Plant, name: str) -> None:
        for _ in range(5):
            for command in (
                plant.alarms.shelve(ACME, point.id, name, "known", HOUR),
                plant.alarms.unshelve(ACME, point.id, name),
                plant.alarms.acknowledge(ACME, point.id, name),
            ):
                try:
                    await command
                except NotFound:
                    continue

    await asyncio.gather(toggle(one, "nick"), toggle(other, "ada"))
    await one.alarms.tick()
    await other.alarms.tick()
    assert one.alarms.live(point.id) == other.alarms.live(point.id)
    changes = sorted([*one.told, *other.told], key=lambda change: change.sequence)
    assert [change.sequence for change in changes] == list(range(1, len(changes) + 1))
    assert [change.alarm.transitions for change in changes] == list(range(1, len(changes) + 1))
    assert changes[-1].alarm == one.alarms.live(point.id)
    await other.database.close()


async def test_what_the_other_decided_without_an_alarm_holds_at_once(database: Database, clock: ManualClock) -> None:
    one, other, point = await two(database, clock)
    await one.alarms.set_limits(ACME, point.id, [high(70)])
    await other.alarms.take(rows(one, point, 60))
    assert other.state(point) is None
    assert other.alarms.limits(point.id) == (high(70),)
    await one.alarms.take_out_of_service(ACME, point.id, "nick", "replaced")
    await other.alarms.take(rows(one, point, 60, 80))
    assert other.state(point) == "SUPPRESSED"
    assert other.alarms.out_of_service(point.id) == one.alarms.out_of_service(point.id)
    assert await one.words() == ["alarm_out_of_service", "alarm_suppressed"]
    await other.database.close()


async def test_settling_writes_over_nothing_that_was_decided(database: Database, clock: ManualClock) -> None:
    one, other, point = await two(database, clock)
    await one.alarms.set_limits(ACME, point.id, [high(55, on_delay=5)])
    await other.alarms.tick()
    await one.alarms.take_out_of_service(ACME, point.id, "nick", "replaced")
    await other.alarms.take(rows(one, point, 60))
    await other.alarms.settle()
    again = await Plant(database, clock).open()
    assert again.alarms.out_of_service(point.id) == one.alarms.out_of_service(point.id) is not None
    await other.database.close()
