"""Many transitions in one batch: each alarm with its own row, number and event, in few statements."""

from __future__ import annotations

import sqlalchemy as sa

from wattline.alarms.query import AlarmFilter
from wattline.model.clock import ManualClock
from wattline.state.database import Database

from .plant import ACME, Plant, high, low

COUNT = 1500
"""More than one statement of either database takes in."""


async def test_each_alarm_of_a_batch_has_its_own_number(database: Database, clock: ManualClock) -> None:
    plant = await Plant(database, clock).open()
    points = await plant.points([f"T-{number}" for number in range(COUNT)])
    await plant.alarms.set_all_limits(ACME, {point.id: (high(50),) for point in points})
    statements: list[str] = []

    @sa.event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    # Neither the order of the sensors' ids nor its reverse: what comes back from the store must find its own.
    order = sorted(points, key=lambda point: point.id * 7919 % 1009)
    for value in (60, 10):
        statements.clear()
        await plant.alarms.take([plant.row(point, value, at=1 if value == 60 else 2) for point in order])
        assert len(statements) < 50
    live = [plant.alarms.live(point.id) for point in points]
    ids = [alarm.id for alarm in live if alarm is not None]
    assert len(set(ids)) == COUNT
    stored = [await plant.alarms.alarm(ACME, number) for number in ids[::100]]
    assert [alarm.sensor for alarm in stored] == [point.id for point in points[::100]]
    assert [change.alarm.sensor for change in plant.told] == [point.id for point in order] * 2
    logged, _ = await plant.log.after(ACME, 0, 2 * COUNT)
    assert [(event.event_type, event.body["alarm_id"], event.body["sensor_id"], event.sequence) for event in logged] == [
        (change.kind, change.alarm.id, change.alarm.sensor, change.sequence) for change in plant.told
    ]


async def test_a_sensor_may_have_two_alarms_in_one_batch(database: Database, clock: ManualClock) -> None:
    plant = await Plant(database, clock).open()
    pump = await plant.add("ML-PUMP-A-SPEED", low(20), subsystem="thermal-l2")
    flow = await plant.add("ML-FLOW", low(100, "P2"), subsystem="thermal-l2")
    await plant.send(pump, 0)
    await plant.alarms.acknowledge(ACME, pump.id, "ana")
    before = len(plant.told)
    await plant.alarms.take(
        [plant.row(flow, 0, 1), plant.row(flow, 200, 2), plant.row(pump, 50, 3), plant.row(flow, 0, 4)],
    )
    told = plant.told[before:]
    assert [(change.kind, change.alarm.sensor) for change in told] == [
        ("alarm_suppressed", flow.id),
        ("alarm_cleared", pump.id),
        ("alarm_unsuppressed", flow.id),
        ("alarm_cleared", flow.id),
        ("alarm_raised", flow.id),
    ]
    hidden, raised = told[0].alarm, told[-1].alarm
    assert hidden.id == told[3].alarm.id != raised.id
    page = await plant.alarms.query(ACME, AlarmFilter(states=["ACTIVE", "CLEARED"], sensor=flow.id))
    assert {alarm.id: alarm.state for alarm in page.alarms} == {hidden.id: "CLEARED", raised.id: "ACTIVE"}
    assert plant.alarms.live(flow.id) == raised


async def test_the_events_of_several_tenants_are_each_in_order(database: Database, clock: ManualClock) -> None:
    plant = await Plant(database, clock).open()
    points = [await plant.add(f"T-{number}", high(50), tenant=("north", ACME)[number % 2]) for number in range(6)]
    await plant.alarms.take([plant.row(point, 60, 1) for point in points])
    for tenant in ("north", ACME):
        own = [point.id for point in points if point.tenant == tenant]
        assert [event.body["sensor_id"] for event in await plant.events(tenant)] == own
        assert (await plant.log.verify(tenant)).sound
        told = [change for change in plant.told if change.alarm.tenant == tenant]
        assert [(change.alarm.sensor, change.sequence) for change in told] == [*zip(own, (1, 2, 3), strict=True)]
