"""Alarms that a device annunciates by itself."""

from __future__ import annotations

import pytest

from wattline.alarms.model import Direction, Priority
from wattline.alarms.report import Action, Report
from wattline.model.clock import SECOND
from wattline.model.errors import NotFound
from wattline.registry.point import Point

from .plant import ACME, Plant, high


async def said(
    plant: Plant,
    point: Point,
    action: Action,
    at: float,
    priority: Priority = "P1",
    identity: str | None = None,
    direction: Direction | None = "HIGH",
) -> None:
    time = plant.clock.micros() + round(at * SECOND)
    await plant.alarms.report(ACME, point.id, Report(action, time, priority, 7.5, 7.0, direction, identity))


async def test_a_device_raises_escalates_and_clears(plant: Plant) -> None:
    point = await plant.add("LEAK")
    await said(plant, point, "RAISED", 1, "P2")
    alarm = plant.alarms.live(point.id)
    assert alarm is not None
    assert (alarm.state, alarm.limit, alarm.priority, alarm.value_at_raise) == ("ACTIVE", "EDGE", "P2", 7.5)
    assert (alarm.threshold_value, alarm.threshold_direction) == (7.0, "HIGH")
    assert alarm.raised == plant.clock.micros() + SECOND
    await said(plant, point, "ESCALATED", 2, "P0")
    # Adapters clear under another priority than they raised.
    await said(plant, point, "CLEARED", 3, "P3")
    assert plant.kinds == ["alarm_raised", "alarm_escalated", "alarm_rtn_unack"] == await plant.words()
    await plant.alarms.acknowledge(ACME, point.id, "nick")
    assert plant.alarms.live(point.id) is None


async def test_what_is_delivered_again_or_late_changes_nothing(plant: Plant) -> None:
    point = await plant.add("LEAK")
    await said(plant, point, "RAISED", 1, identity="a")
    await said(plant, point, "RAISED", 1, identity="a")
    await said(plant, point, "CLEARED", 2, identity="b")
    for plant_now in (plant, await Plant(plant.database, plant.clock).open()):
        await said(plant_now, point, "RAISED", 1, identity="a")
        await said(plant_now, point, "ESCALATED", 1.5, "P0", identity="c")
    # The same instant, another report: its identity tells that it was delivered before.
    await said(plant, point, "CLEARED", 2, identity="b")
    assert await plant.words() == ["alarm_raised", "alarm_rtn_unack"]


async def test_a_report_that_changes_no_alarm_is_remembered(plant: Plant) -> None:
    point = await plant.add("T", high(5, "P1"))
    await plant.send(point, 9)
    await said(plant, point, "RAISED", 1, "P3")
    assert plant.kinds == ["alarm_raised"]
    again = await Plant(plant.database, plant.clock).open()
    here = again.registry.any_point(point.id)
    await again.send(here, 0)
    # The limit is not violated any more, and the device still annunciates.
    alarm = again.alarms.live(point.id)
    assert alarm is not None
    assert (alarm.in_force, alarm.limit, alarm.priority) == (True, "EDGE", "P3")
    await said(again, here, "CLEARED", 2)
    assert again.state(here) == "RTN_UNACK"


async def test_of_device_and_limits_the_more_severe_counts(plant: Plant) -> None:
    point = await plant.add("T", high(5, "P2"))
    await plant.send(point, 9)
    await said(plant, point, "RAISED", 1, "P0")
    await said(plant, point, "CLEARED", 2)
    assert plant.kinds == ["alarm_raised", "alarm_escalated", "alarm_deescalated"]
    alarm = plant.alarms.live(point.id)
    assert alarm is not None
    assert (alarm.priority, alarm.limit, alarm.state) == ("P2", "H", "ACTIVE")


async def test_removing_all_limits_leaves_what_the_device_says(plant: Plant) -> None:
    point = await plant.add("T", high(5))
    await plant.send(point, 9)
    await said(plant, point, "RAISED", 1)
    await plant.alarms.set_limits(ACME, point.id, [])
    assert plant.state(point) == "ACTIVE"
    await said(plant, point, "CLEARED", 2)
    assert plant.state(point) == "RTN_UNACK"


async def test_a_report_about_a_foreign_sensor_is_about_none(plant: Plant) -> None:
    point = await plant.add("T", tenant="other")
    with pytest.raises(NotFound):
        await said(plant, point, "RAISED", 1)
    assert plant.alarms.live(point.id) is None
