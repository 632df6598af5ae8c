"""GET /telemetry/latest: the newest readings of a block."""

from __future__ import annotations

from tests.contracts.mcs.halls import Hall

READING = ["sensor_id", "tag", "subsystem", "unit", "value", "quality", "timestamp"]


async def test_the_published_answer(hall: Hall) -> None:
    await hall.read("P-MSB-TOTAL", 847.0, -2, quality=1)
    await hall.read("CDU-01-T-SUP", 31.0, -7)
    await hall.read("CDU-01-T-SUP", 32.2, -2.5)
    found = await hall.get("/telemetry/latest", block_slug="block-01")
    assert list(found) == ["block_slug", "sensor_count", "readings"]
    assert (found["block_slug"], found["sensor_count"]) == ("block-01", 2)
    first, second = found["readings"]
    assert list(first) == READING
    assert first == {
        "sensor_id": hall.points["CDU-01-T-SUP"].id,
        "tag": "CDU-01-T-SUP",
        "subsystem": "thermal-l1",
        "unit": "°C",
        "value": 32.2,
        "quality": 0,
        "timestamp": hall.iso(-2.5),
    }
    assert (second["tag"], second["value"], second["quality"]) == ("P-MSB-TOTAL", 847.0, 1)


async def test_readings_come_by_sensor_id_and_may_be_of_one_subsystem(hall: Hall) -> None:
    for tag in reversed(list(hall.points)):
        await hall.read(tag, 1.0)
    found = await hall.get("/telemetry/latest", block_slug="block-01")
    ids = [reading["sensor_id"] for reading in found["readings"]]
    assert ids == sorted(point.id for point in hall.points.values())
    thermal = await hall.get("/telemetry/latest", block_slug="block-01", subsystem="thermal-l1")
    assert thermal["sensor_count"] == 2
    assert {reading["subsystem"] for reading in thermal["readings"]} == {"thermal-l1"}
    none = await hall.get("/telemetry/latest", block_slug="block-01", subsystem="host-bms")
    assert none == {"block_slug": "block-01", "sensor_count": 0, "readings": []}


async def test_only_readings_of_the_last_hour_the_edge_included(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 1.0, -3600)
    await hall.read("CDU-01-T-RET", 2.0, -3600.000001)
    found = await hall.get("/telemetry/latest", block_slug="block-01")
    assert [reading["tag"] for reading in found["readings"]] == ["CDU-01-T-SUP"]


async def test_stale_readings_may_be_asked_for_and_are_marked(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 1.0, -10)
    await hall.read("CDU-01-T-RET", 2.0, -80_000)
    found = await hall.get("/telemetry/latest", block_slug="block-01", include_stale="true")
    assert {reading["tag"]: reading["stale"] for reading in found["readings"]} == {"CDU-01-T-SUP": False, "CDU-01-T-RET": True}
    assert list(found["readings"][0]) == [*READING, "stale"]


async def test_a_late_reading_does_not_become_the_latest(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 5.0, -10)
    await hall.read("CDU-01-T-SUP", 4.0, -20)
    found = await hall.get("/telemetry/latest", block_slug="block-01")
    assert [reading["value"] for reading in found["readings"]] == [5.0]


async def test_an_unknown_block_has_no_readings(hall: Hall) -> None:
    found = await hall.get("/telemetry/latest", block_slug="zz")
    assert found == {"block_slug": "zz", "sensor_count": 0, "readings": []}


async def test_a_block_may_be_named_by_block_id_too(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 5.0)
    expected = await hall.get("/telemetry/latest", block_slug="block-01")
    number = hall.points["CDU-01-T-SUP"].block.id
    for text in ("block-01", "baldwinsville/block-01", str(number)):
        assert await hall.get("/telemetry/latest", block_id=text) == expected
