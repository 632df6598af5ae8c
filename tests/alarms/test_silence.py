"""Sensors that fall silent: told once, never taken for normal."""

from __future__ import annotations

from wattline.model.clock import SECOND

from .plant import ACME, Plant, high


async def test_silence_is_told_and_clears_nothing(plant: Plant) -> None:
    point = await plant.add("T", high(1))
    await plant.send(point, 5)
    last = plant.clock.micros()
    plant.clock.advance(30)
    await plant.alarms.tick()
    assert plant.alarms.is_stale(point.id) is None
    plant.clock.advance(1)
    for _ in range(3):
        await plant.alarms.tick()
        plant.clock.advance(1)
    assert plant.alarms.is_stale(point.id) == last
    assert plant.state(point) == "ACTIVE"
    assert await plant.words() == ["alarm_raised", "sensor_stale"]
    stale = (await plant.events())[-1]
    assert (stale.kind, stale.site, stale.subject) == ("alarm", "s1", "b1")
    assert stale.body == {
        "sensor_id": point.id,
        "tag": "T",
        "subsystem": "thermal-l1",
        "last_reading": last,
        "patience": 30 * SECOND,
    }
    assert (await plant.alarms.statistics(ACME)).stale_sensors == (point.id,)
    await plant.send(point, 5)
    await plant.alarms.tick()
    await plant.alarms.tick()
    assert plant.alarms.is_stale(point.id) is None
    assert await plant.words() == ["alarm_raised", "sensor_stale", "sensor_fresh"]
    plant.clock.advance(40)
    await plant.alarms.tick()
    assert (await plant.words())[-1] == "sensor_stale"


async def test_the_poll_sets_the_patience(plant: Plant) -> None:
    point = await plant.add("T", high(1))
    point.sensor.poll_ms = 20_000
    await plant.send(point, 0)
    plant.clock.advance(60)
    assert plant.alarms.is_stale(point.id) is None
    plant.clock.advance(1)
    assert plant.alarms.is_stale(point.id) is not None


async def test_what_never_reported_or_is_not_watched_is_not_told(plant: Plant) -> None:
    never, unlimited, unpolled = await plant.add("N", high(1)), await plant.add("U"), await plant.add("V")
    unpolled.sensor.poll_ms = None
    for point in (unlimited, unpolled):
        await plant.send(point, 0)
    plant.clock.advance(3600)
    await plant.alarms.tick()
    assert await plant.words() == []
    assert plant.alarms.is_stale(never.id) is None
    assert plant.alarms.is_stale(unlimited.id) is not None
    assert plant.alarms.is_stale(unpolled.id) is None


async def test_after_a_start_everyone_gets_time_to_be_heard(plant: Plant) -> None:
    quiet, heard = await plant.add("Q", high(1)), await plant.add("H", high(1))
    for point in (quiet, heard):
        await plant.send(point, 0)
    plant.clock.advance(600)
    again = await Plant(plant.database, plant.clock).open()
    for point in (quiet, heard):
        again.registry.any_point(point.id).stream.latest = point.stream.latest
    await again.alarms.tick()
    assert again.alarms.is_stale(quiet.id) is not None
    plant.clock.advance(20)
    await again.send(again.registry.any_point(heard.id), 0)
    plant.clock.advance(20)
    await again.alarms.tick()
    assert await plant.words() == ["sensor_stale"]
    assert (await plant.events())[0].body["sensor_id"] == quiet.id


async def test_a_restart_does_not_tell_it_again(plant: Plant) -> None:
    point = await plant.add("T", high(1))
    await plant.send(point, 0)
    plant.clock.advance(60)
    await plant.alarms.tick()
    again = await Plant(plant.database, plant.clock).open()
    for _ in range(3):
        plant.clock.advance(60)
        await again.alarms.tick()
    assert await plant.words() == ["sensor_stale"]
    await again.send(again.registry.any_point(point.id), 0)
    await again.alarms.tick()
    assert await plant.words() == ["sensor_stale", "sensor_fresh"]


async def test_a_bad_reading_is_heard(plant: Plant) -> None:
    point = await plant.add("T", high(1))
    await plant.send(point, 5)
    plant.clock.advance(29)
    await plant.send(point, 0, quality=2)
    plant.clock.advance(29)
    await plant.alarms.tick()
    assert await plant.words() == ["alarm_raised"]
