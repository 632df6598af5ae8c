"""All of a transition or nothing of it: the alarm, the event, the memory and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms.model import STATES
from wattline.alarms.query import AlarmFilter
from wattline.alarms.service import Alarms
from wattline.alarms.tables import alarms, conditions, limits, raises
from wattline.events.model import Entry, Event
from wattline.events.service import EventLog
from wattline.model.clock import HOUR, SECOND, ManualClock
from wattline.model.errors import StorageFull, Unavailable
from wattline.registry.point import Point
from wattline.state.database import Database

from .plant import ACME, Plant, high, low


class FailingLog(EventLog):
    """A log that fails, after so many events, with this error."""

    failure: Exception | None = None
    after = 0

    async def append_all(self, connection: AsyncConnection, entries: Sequence[Entry]) -> list[Event | None]:
        if self.failure is not None:
            if len(entries) > self.after:
                await super().append_all(connection, entries[: self.after])
                raise self.failure
            self.after -= len(entries)
        return await super().append_all(connection, entries)


class FailingPlant(Plant):
    """A plant whose log can be made to fail."""

    async def open(self) -> FailingPlant:
        await super().open()
        self.failing = FailingLog(self.database)
        self.alarms = Alarms(self.database, self.failing, self.registry, self.clock, self._publish)
        await self.alarms.load()
        return self


async def everything(database: Database) -> list[object]:
    async with database.read() as connection:
        tables = (alarms, conditions, limits, raises)
        return [list(await connection.execute(sa.select(table).order_by(*table.primary_key))) for table in tables]


async def pair(plant: Plant) -> tuple[Point, Point]:
    pump = await plant.add("ML-PUMP-A-SPEED", low(20, on_delay=1), subsystem="thermal-l2")
    return pump, await plant.add("ML-FLOW", low(100, "P2"), subsystem="thermal-l2")


@pytest.mark.parametrize("failure", [Unavailable("away"), StorageFull("full"), RuntimeError("a fault")])
@pytest.mark.parametrize("after", [0, 1])
async def test_a_batch_whose_event_fails_changes_nothing(
    database: Database, clock: ManualClock, failure: Exception, after: int
) -> None:
    plant = await FailingPlant(database, clock).open()
    pump, flow = await pair(plant)
    await plant.send(pump, 0)
    before = await everything(database), plant.alarms.live(pump.id), plant.alarms.live(flow.id)
    rows = [plant.row(flow, 0, 1), plant.row(pump, 0, 1.5), plant.row(flow, 200, 2)]
    plant.failing.failure, plant.failing.after = failure, after
    wanted = Unavailable if isinstance(failure, StorageFull) else type(failure)
    for _ in range(2):
        plant.failing.after = after
        with pytest.raises(wanted):
            await plant.alarms.take(rows)
        assert (await everything(database), plant.alarms.live(pump.id), plant.alarms.live(flow.id)) == before
        assert plant.told == []
    plant.failing.failure = None
    await plant.alarms.take(rows)
    assert plant.kinds == ["alarm_raised", "alarm_raised", "alarm_suppressed"] == await plant.words()
    assert (plant.state(pump), plant.state(flow)) == ("ACTIVE", "SUPPRESSED")
    again = await Plant(database, clock).open()
    assert again.alarms.live(flow.id) == plant.alarms.live(flow.id)


async def test_a_command_whose_event_fails_changes_nothing(database: Database, clock: ManualClock) -> None:
    plant = await FailingPlant(database, clock).open()
    point = await plant.add("T", high(55))
    await plant.send(point, 60)
    before = await everything(database), plant.alarms.live(point.id)
    plant.failing.failure = Unavailable("away")
    commands = [
        lambda: plant.alarms.acknowledge(ACME, point.id, "nick"),
        lambda: plant.alarms.shelve(ACME, point.id, "nick", "known", HOUR),
        lambda: plant.alarms.take_out_of_service(ACME, point.id, "nick", "replaced"),
        lambda: plant.alarms.set_limits(ACME, point.id, [high(70)]),
    ]
    for command in commands:
        with pytest.raises(Unavailable):
            await command()
        assert (await everything(database), plant.alarms.live(point.id)) == before
    assert plant.alarms.limits(point.id) == (high(55),)
    assert plant.alarms.out_of_service(point.id) is None
    clock.advance(100)
    with pytest.raises(Unavailable):
        await plant.alarms.tick()
    assert await everything(database) == before[0]
    plant.failing.failure = None
    await plant.alarms.tick()
    assert await plant.words() == ["alarm_raised", "sensor_stale"]


async def test_limits_of_many_sensors_are_set_all_or_none(database: Database, clock: ManualClock) -> None:
    plant = await FailingPlant(database, clock).open()
    points = [await plant.add(f"T{i}") for i in range(3)]
    for point in points:
        await plant.send(point, 60)
    plant.failing.failure, plant.failing.after = Unavailable("away"), 2
    wanted = {point.id: [high(55)] for point in points}
    with pytest.raises(Unavailable):
        await plant.alarms.set_all_limits(ACME, wanted)
    assert all(plant.alarms.limits(point.id) == () for point in points)
    assert plant.told == []
    plant.failing.failure = None
    await plant.alarms.set_all_limits(ACME, wanted)
    assert plant.kinds == ["alarm_raised"] * 3
    for point in points:
        await plant.send(point, 50)
    assert plant.kinds[3:] == ["alarm_rtn_unack"] * 3


async def test_a_caller_that_goes_away_does_not_leave_half(plant: Plant) -> None:
    point = await plant.add("T", high(55))
    await plant.send(point, 60)
    for turns in range(40):
        asking = asyncio.create_task(plant.alarms.shelve(ACME, point.id, "nick", "known", HOUR))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        # Whoever asks next waits for the turn of the one before.
        await plant.alarms.tick()
        if plant.state(point) == "SHELVED":
            await plant.alarms.unshelve(ACME, point.id, "nick")
        assert await plant.words() == plant.kinds
    assert "alarm_shelved" in plant.kinds
    page = await plant.alarms.query(ACME, AlarmFilter(states=STATES))
    assert page.alarms == [plant.alarms.live(point.id)]


async def test_what_is_told_is_committed(database: Database, clock: ManualClock) -> None:
    plant = await Plant(database, clock).open()
    point = await plant.add("T", high(55))
    seen: list[object] = []
    plain = plant._publish

    def publish(topic: str, message: object) -> None:
        plain(topic, message)
        seen.append((plant.alarms.live(point.id), database._turn.locked()))

    alarms = Alarms(database, plant.log, plant.registry, clock, publish)
    await alarms.load()
    plant.alarms = alarms
    alarm = await plant.send(point, 60)
    assert seen == [(alarm, False)]
    assert plant.told[0].time == clock.micros()
    assert alarm is not None
    assert plant.told[0].alarm.raised == alarm.raised == clock.micros() // SECOND * SECOND
