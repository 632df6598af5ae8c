"""Samples, operators and the clock acting on alarms: what is stored, logged and told of it."""

from __future__ import annotations

import pytest

from wattline.alarms.model import STATES, Alarm
from wattline.alarms.query import AlarmFilter
from wattline.model.clock import HOUR, SECOND
from wattline.model.errors import Invalid, NotFound

from .plant import ACME, Plant, high, low

SHIFT = 8 * HOUR


async def stored(plant: Plant) -> list[Alarm]:
    page = await plant.alarms.query(ACME, AlarmFilter(states=STATES))
    return sorted(page.alarms, key=lambda alarm: alarm.id or 0)


async def test_the_life_of_an_alarm_is_stored_logged_and_told(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55, deadband=1))
    await plant.send(point, 50)
    raised = await plant.send(point, 56)
    assert raised is not None
    assert (raised.state, raised.priority, raised.value_at_raise, raised.threshold_value) == ("ACTIVE", "P1", 56, 55)
    assert raised.raised == plant.clock.micros()
    plant.clock.advance(60)
    acked = await plant.alarms.acknowledge(ACME, point.id, " nick ")
    assert (acked.state, acked.acked_by, acked.response_time) == ("ACKED", "nick", 60 * SECOND)
    assert await plant.send(point, 54.5) == acked
    assert await plant.send(point, 53) is None
    assert plant.kinds == ["alarm_raised", "alarm_acked", "alarm_cleared"]
    ended = plant.told[-1].alarm
    assert (ended.state, ended.value_at_clear, ended.cleared) == ("CLEARED", 53, plant.clock.micros())
    assert await stored(plant) == [ended]
    events = await plant.events()
    assert [event.event_type for event in events] == plant.kinds
    assert [event.sequence for event in events] == [change.sequence for change in plant.told]
    assert all((event.kind, event.site, event.subject) == ("alarm", "s1", "b1") for event in events)
    body = {"alarm_id": raised.id, "sensor_id": point.id, "tag": "T-RET", "subsystem": "thermal-l1"}
    said = {"priority": "P1", "state": "ACTIVE", "value": 56, "limit": "H", "threshold": 55, "direction": "HIGH"}
    assert events[0].body == body | said
    assert events[1].body == body | said | {"state": "ACKED", "operator": "nick"}


async def test_acknowledging_what_has_returned_ends_it_and_says_so(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    await plant.send(point, 56)
    returned = await plant.send(point, 50)
    assert returned is not None
    assert returned.state == "RTN_UNACK"
    cleared = await plant.alarms.acknowledge(ACME, point.id, "nick")
    assert cleared.state == "CLEARED"
    assert plant.kinds == ["alarm_raised", "alarm_rtn_unack", "alarm_acked", "alarm_cleared"]
    assert [change.alarm.state for change in plant.told[2:]] == ["CLEARED", "CLEARED"]
    with pytest.raises(NotFound, match=f"^No active alarm for sensor {point.id}$"):
        await plant.alarms.acknowledge(ACME, point.id, "nick")


async def test_two_limits_are_one_alarm_that_does_not_flap(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55, "P2"), high(60, "P0", "HH"), low(10, name="L"))
    for _ in range(6):
        await plant.send(point, 56)
    assert len(await stored(plant)) == 1
    await plant.send(point, 75)
    assert plant.kinds == ["alarm_raised", "alarm_escalated"]
    alarm = plant.alarms.live(point.id)
    assert alarm is not None
    assert (alarm.priority, alarm.limit, alarm.threshold_value) == ("P0", "HH", 60)


async def test_a_jump_over_all_limits_has_the_most_severe_priority(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55, "P2"), high(60, "P0", "HH"))
    alarm = await plant.send(point, 75)
    assert alarm is not None
    assert alarm.priority == "P0"


async def test_violated_again_before_anyone_saw_it_is_the_same_alarm(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    for value in (56, 50, 57):
        await plant.send(point, value)
    assert plant.kinds == ["alarm_raised", "alarm_rtn_unack", "alarm_raised"]
    (alarm,) = await stored(plant)
    assert alarm == plant.alarms.live(point.id)
    assert (await plant.alarms.statistics(ACME)).raised_last_hour == 2


async def test_two_occurrences_within_a_batch(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    await plant.send(point, 56)
    await plant.alarms.acknowledge(ACME, point.id, "nick")
    values = (50, 56, 50, 57)
    await plant.alarms.take([plant.row(point, value, at) for at, value in enumerate(values, 1)])
    first, second = await stored(plant)
    assert (first.state, second.state) == ("CLEARED", "ACTIVE")
    assert second == plant.alarms.live(point.id)
    assert plant.kinds[2:] == ["alarm_cleared", "alarm_raised", "alarm_rtn_unack", "alarm_raised"]


async def test_rows_that_come_again_change_nothing(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    rows = [plant.row(point, value, at) for at, value in enumerate((50, 56, 50, 56, 50), 1)]
    await plant.alarms.take(rows)
    told = list(plant.told)
    await plant.alarms.take(rows)
    await plant.alarms.take(rows[1:3])
    assert plant.told == told
    assert len(await plant.events()) == len(told) == 4


async def test_bad_samples_say_nothing(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    assert await plant.send(point, 99, quality=2) is None
    await plant.send(point, 56)
    alarm = await plant.send(point, 0, quality=2)
    assert alarm is not None
    assert alarm.state == "ACTIVE"


async def test_a_shelf_hides_and_its_end_evaluates_anew(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    await plant.send(point, 56)
    shelved = await plant.alarms.shelve(ACME, point.id, "nick", "calibration", SHIFT)
    assert (shelved.state, shelved.shelved_by, shelved.shelve_reason) == ("SHELVED", "nick", "calibration")
    assert shelved.shelved_until == plant.clock.micros() + SHIFT
    assert plant.told[-1].details == {"operator": "nick", "reason": "calibration", "duration_hours": 8}
    plant.clock.advance(SHIFT / SECOND - 1)
    await plant.alarms.take([plant.row(point, 57)])
    await plant.alarms.tick()
    assert plant.state(point) == "SHELVED"
    plant.clock.advance(1)
    await plant.alarms.tick()
    alarm = plant.alarms.live(point.id)
    assert alarm is not None
    assert (alarm.state, alarm.shelved_until, alarm.shelved_by, alarm.shelve_reason) == ("ACTIVE", None, None, None)
    assert plant.kinds == ["alarm_raised", "alarm_shelved", "alarm_unshelved"]
    assert plant.told[-1].details == {"reason": "timer_expired"}


async def test_unshelving_what_is_over_clears_it(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    await plant.send(point, 56)
    await plant.alarms.shelve(ACME, point.id, "nick", "calibration", SHIFT)
    await plant.send(point, 50)
    assert plant.state(point) == "SHELVED"
    cleared = await plant.alarms.unshelve(ACME, point.id, "nick")
    assert cleared.state == "CLEARED"
    assert plant.kinds == ["alarm_raised", "alarm_shelved", "alarm_unshelved", "alarm_cleared"]
    with pytest.raises(NotFound):
        await plant.alarms.unshelve(ACME, point.id, "nick")


UNSAYABLE = [
    ("", "calibration", 8, "operator"),
    ("  ", "calibration", 8, "operator"),
    ("n" * 129, "calibration", 8, "operator"),
    ("ni\nck", "calibration", 8, "operator"),
    ("nick", "ab", 8, "reason"),
    ("nick", "r" * 501, 8, "reason"),
    ("nick", "a\x00bc", 8, "reason"),
    ("nick", "calibration", 0.49, "duration"),
    ("nick", "calibration", 24.01, "duration"),
]


async def test_what_an_operator_must_not_say(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55))
    before = await plant.send(point, 56)
    for operator, reason, hours, field in UNSAYABLE:
        with pytest.raises(Invalid) as caught:
            await plant.alarms.shelve(ACME, point.id, operator, reason, round(hours * HOUR))
        assert caught.value.field == field
        assert plant.alarms.live(point.id) == before
    assert plant.kinds == ["alarm_raised"]


async def test_out_of_service_hides_what_is_and_what_comes(plant: Plant) -> None:
    standing, calm = await plant.add("A", high(55)), await plant.add("B", high(55))
    await plant.send(standing, 56)
    for point in (standing, calm):
        await plant.alarms.take_out_of_service(ACME, point.id, "nick", "pump replaced")
        await plant.alarms.take_out_of_service(ACME, point.id, "nick", "pump replaced")
    alarm = await plant.send(calm, 56)
    assert alarm is not None
    assert (alarm.state, plant.state(standing)) == ("SUPPRESSED", "SUPPRESSED")
    out = plant.alarms.out_of_service(calm.id)
    assert out is not None
    assert (out.by, out.reason) == ("nick", "pump replaced")
    figures = await plant.alarms.statistics(ACME)
    assert (figures.out_of_service, figures.suppressed, figures.raised_last_hour) == (2, 2, 1)
    await plant.send(standing, 50)
    back = await plant.alarms.return_to_service(ACME, standing.id, "nick")
    assert back is not None
    assert back.state == "CLEARED"
    await plant.alarms.return_to_service(ACME, calm.id, "nick")
    assert plant.state(calm) == "ACTIVE"
    assert (await plant.alarms.statistics(ACME)).raised_last_hour == 2
    words = await plant.words()
    assert words == [
        "alarm_raised",
        "alarm_out_of_service",
        "alarm_out_of_service",
        "alarm_suppressed",
        "alarm_in_service",
        "alarm_cleared",
        "alarm_in_service",
    ]


async def test_other_limits_hold_at_once(plant: Plant) -> None:
    point = await plant.add("T-RET")
    await plant.send(point, 56)
    await plant.alarms.set_limits(ACME, point.id, [high(55)])
    alarm = plant.alarms.live(point.id)
    assert alarm is not None
    assert (alarm.state, alarm.value_at_raise) == ("ACTIVE", 56)
    await plant.alarms.set_limits(ACME, point.id, [high(60)])
    assert plant.state(point) == "RTN_UNACK"
    await plant.alarms.set_limits(ACME, point.id, [])
    assert plant.alarms.live(point.id) is None
    assert plant.alarms.limits(point.id) == ()
    await plant.send(point, 99)
    assert plant.kinds == ["alarm_raised", "alarm_rtn_unack", "alarm_cleared"]
    with pytest.raises(Invalid):
        await plant.alarms.set_limits(ACME, point.id, [high(55), high(60)])


async def test_limits_and_alarms_outlive_the_process(plant: Plant) -> None:
    point = await plant.add("T-RET", high(55, deadband=1, on_delay=2), low(10, "P3", off_delay=1.5))
    for value in (56, 56, 56):
        await plant.send(point, value)
    alarm, limits = plant.alarms.live(point.id), plant.alarms.limits(point.id)
    again = await Plant(plant.database, plant.clock).open()
    assert (again.alarms.live(point.id), again.alarms.limits(point.id)) == (alarm, limits)
    acked = await again.alarms.acknowledge(ACME, point.id, "nick")
    assert acked.state == "ACKED"
