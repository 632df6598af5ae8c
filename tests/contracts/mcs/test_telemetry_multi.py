"""GET /telemetry/multi: histories side by side."""

from __future__ import annotations

import pytest

from tests.contracts.mcs.halls import Hall
from wattline.model.clock import SECOND

POINT = ["bucket", "val_avg", "val_min", "val_max", "val_last", "sample_count", "quality_ratio"]


async def test_the_published_answer(hall: Hall, other: Hall) -> None:
    hall.clock.advance(60 - hall.clock.micros() / SECOND % 60)
    one, two = hall.points["CDU-01-T-SUP"].id, hall.points["P-MSB-TOTAL"].id
    foreign = other.points["P-MSB-TOTAL"].id
    await hall.read("CDU-01-T-SUP", 32.0, -60)
    await hall.read("P-MSB-TOTAL", 847.0, -30, quality=1)
    await other.read("P-MSB-TOTAL", 1.0, -30)
    ids = f"{two},{one},999999,{one},{foreign},{2**70}"
    found = await hall.get("/telemetry/multi", sensor_ids=ids, start=hall.iso(-60), end=hall.iso(), agg="1min")
    assert list(found) == ["tier", "start", "end", "sensors"]
    assert (found["tier"], found["start"], found["end"]) == ("agg_1min", hall.iso(-60), hall.iso())
    assert list(found["sensors"]) == [str(two), str(one), "999999", str(foreign), str(2**70)]
    assert [len(points) for points in found["sensors"].values()] == [1, 1, 0, 0, 0]
    assert list(found["sensors"][str(one)][0]) == POINT
    assert found["sensors"][str(two)][0]["quality_ratio"] == 0.0
    assert found["sensors"][str(one)][0]["bucket"] == hall.iso(-60)


@pytest.mark.parametrize("agg", ["raw", "1min", "5min", "1hour", "1day"])
async def test_many_sensors_are_answered_as_each_alone(hall: Hall, agg: str) -> None:
    for n in range(60):
        for tag in hall.points:
            await hall.read(tag, float(n), -3600 + 60 * n, quality=n % 3)
    await hall.platform.pipeline.rollup.advance()
    ids = [point.id for point in hall.points.values()]
    text = ",".join(map(str, ids))
    found = await hall.get("/telemetry/multi", sensor_ids=text, start=hall.iso(-36 * 3600), end=hall.iso(), agg=agg)
    for sensor in ids:
        alone = await hall.get("/telemetry", sensor_id=sensor, start=hall.iso(-36 * 3600), end=hall.iso(), agg=agg)
        assert found["sensors"][str(sensor)] == alone["data"]
        assert alone["point_count"] > 0


async def test_what_is_too_much_to_hold_is_streamed(hall: Hall) -> None:
    ids = [hall.points[tag].id for tag in ("CDU-01-T-SUP", "P-MSB-TOTAL")]
    for tag in ("CDU-01-T-SUP", "P-MSB-TOTAL"):
        await hall.platform.ingest.submit([hall.row(hall.points[tag], float(n), -500 + n / 50) for n in range(25_000)])
    text = f"{ids[0]},77777777,{ids[1]}"
    found = await hall.get("/telemetry/multi", sensor_ids=text, start=hall.iso(-1000), end=hall.iso())
    assert {sensor: len(points) for sensor, points in found["sensors"].items()} == {
        str(ids[0]): 25_000,
        "77777777": 0,
        str(ids[1]): 25_000,
    }
    assert [point["val_last"] for point in found["sensors"][str(ids[1])]] == [float(n) for n in range(25_000)]


@pytest.mark.parametrize("text", ["", "1,", ",1", "1,,2", "a", "1,b", "1.5", "1;2", "٣", "1_0", "0x1"])
async def test_ids_are_integers_between_commas(hall: Hall, text: str) -> None:
    answer = await hall.http.get("/telemetry/multi", params={"sensor_ids": text, "start": hall.iso(-60)})
    assert (answer.status_code, answer.json()) == (400, {"detail": "sensor_ids must be comma-separated integers"})


async def test_there_may_be_50_sensors(hall: Hall) -> None:
    for count, status in ((50, 200), (51, 400)):
        text = ",".join(str(900_000 + n) for n in range(count))
        answer = await hall.http.get("/telemetry/multi", params={"sensor_ids": text, "start": hall.iso(-60)})
        assert answer.status_code == status
    assert answer.json() == {"detail": "Maximum 50 sensors per multi-query"}
