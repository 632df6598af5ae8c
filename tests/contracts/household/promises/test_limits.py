"""Which readings are taken, in the numbers of the contract: limits, times, duplicates, and what is no reading."""

from __future__ import annotations

import math

import pytest

from tests.contracts.household.promises.conftest import Town
from tests.contracts.household.promises.reader import Reader, used
from wattline.model.clock import SECOND

HIGH = "Value too high"
NOT_POSITIVE = "Value is equal to or less than zero"
OTHER = "Duplicate timestamp with another value"


async def reader_at(town: Town, local: str) -> tuple[Reader, int]:
    """The reader of a new home, with a token, and a time an hour ago (us)."""
    now = town.set(local)
    reader = Reader(await town.home())
    await reader.ask()
    return reader, now - 3600 * SECOND


async def test_limits_at_fifteen_seconds_and_after_a_gap(town: Town) -> None:
    reader, begin = await reader_at(town, "2026-05-04 09:00")

    async def say(second: int, value: float) -> tuple[int, str]:
        return await reader.say(value, begin + second * SECOND)

    assert await say(0, 100.0) == (200, "")
    assert await say(15, 100.1501) == (400, HIGH)
    assert await say(15, 100.15) == (200, "")
    assert await say(615, 106.16) == (400, HIGH)
    assert await say(615, 106.15) == (200, "")
    assert await say(630, 9000.0) == (400, HIGH)
    assert await say(645, 106.2) == (200, "")
    assert [row["Meter reading (consumed)"] for row in await reader.exported()] == ["100", "100.15", "106.15", "106.2"]
    refused = (await reader.home.call("GET", f"/sensors/{reader.home.mac}")).json()["refusals"]
    assert [each["value"] for each in refused] == [9000.0, 106.16, 100.1501]


async def test_power_and_feed_in_beyond_their_limits_are_not_stored_as_they_are(town: Town) -> None:
    reader, begin = await reader_at(town, "2026-05-04 11:00")
    sent = [(100.0, 345.6, 12.0), (100.1, 40_001.0, 14.01), (100.2, -20_001.0, 14.0), (100.3, 40_000.0, 14.5)]
    for minute, (value, power, out) in enumerate(sent):
        told = await reader.say(value, begin + 60 * minute * SECOND, value_current=power, value_out=out)
        assert told == (200, "")
    rows = await reader.exported()
    assert [row["Power in watts"] for row in rows] == ["345.6", "345.6", "345.6", "40000"]
    assert [row["Meter reading (fed in)"] for row in rows] == ["12", "12", "14", "14.5"]


async def test_every_unit_of_time_lands_on_the_same_instant(town: Town) -> None:
    reader, begin = await reader_at(town, "2026-05-04 13:00")
    second = begin // SECOND
    for unit in (1, 10**3, 10**6, 10**9):
        assert await reader.say(500.0, timestamp=second * unit) == (200, "")
        assert await reader.say(500.1, timestamp=second * unit) == (400, OTHER)
    (row,) = await reader.exported()
    assert row["Timestamp"] == "2026-05-04T10:00:00.000Z"


async def test_what_comes_out_of_order_or_again_keeps_the_days_total(town: Town) -> None:
    reader, begin = await reader_at(town, "2026-05-04 15:00")
    readings = [(begin + step * 15 * SECOND, round(700 + step * step / 1000, 3)) for step in range(12)]
    jumbled = [readings[0], readings[11], *readings[10:5:-1], *readings[1:6], *readings]
    for time, value in jumbled:
        assert await reader.say(value, time) == (200, "")
    rows = await reader.exported(start="2026-05-04", end="2026-05-04")
    assert [float(row["Meter reading (consumed)"]) for row in rows] == [value for _, value in readings]
    assert float(used(rows)) == pytest.approx(0.121, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "Value is not a finite number"),
        (math.inf, "Value is not a finite number"),
        (-math.inf, "Value is not a finite number"),
        (0.0, NOT_POSITIVE),
        (-0.0, NOT_POSITIVE),
        (-1.0, NOT_POSITIVE),
    ],
)
async def test_what_is_no_reading_is_400_in_the_message_too(town: Town, value: float, text: str) -> None:
    reader, _ = await reader_at(town, "2026-05-04 17:00")
    assert await reader.say(value) == (400, text)
    assert await reader.say(1.0) == (200, "")
    assert len(await reader.exported()) == 1


async def test_a_swapped_meter_recovers_and_the_day_stays_right(town: Town) -> None:
    begin = town.set("2026-05-05 08:00")
    home = await town.home(report_days=1)
    reader = Reader(home)
    town.wait(begin + 3600 * SECOND)
    before = [(begin + step * 60 * SECOND, round(45_000 + step / 50, 2)) for step in range(21)]
    await reader.tell(before)
    swapped = begin + 1800 * SECOND
    told = [await reader.say(round(3 + step / 100, 2), swapped + step * 15 * SECOND) for step in range(20)]
    assert told[:2] == [(400, "Value too low")] * 2
    assert told[2:] == [(200, "")] * 18
    rows = await reader.exported()
    assert [row["Meter reading (consumed)"] for row in rows][20:22] == ["45000.4", "3.02"]
    # What was used until the meter went, and what the new one has shown since it was first read.
    assert float(used(rows)) == pytest.approx(0.4 + 0.19, abs=1e-9)

    town.set("2026-05-06 07:00")
    answer = await home.client.post("/process_reports", json={"user_id": home.user, "secret": home.keys["cron"]})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]
    assert report["total_kwh"] == report["daily"][0]["kwh"] == float(used(rows))
