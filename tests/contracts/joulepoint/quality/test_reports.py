"""GET /api/energy/pq/compliance and /pq/stats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.quality.conftest import RMS, Meter, judged, meter_in

COMPLIANCE, STATS = "/api/energy/pq/compliance", "/api/energy/pq/stats"
BULK = "/api/energy/energy-data/bulk"


async def report(meter: Meter, **query: Any) -> dict[str, Any]:
    answer = await meter.depot.call("GET", COMPLIANCE, params={"meter_id": meter.id, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def fill(meter: Meter, *, hours: int, volts: float, low: float, low_share: float, thd: float) -> str:
    """Readings every 5 minutes before now, a share of them with another voltage; the ISO week of all of them."""
    begin = (meter.depot.clock.now() - timedelta(days=7)).replace(hour=1, minute=0, second=0, microsecond=0)
    monday = begin - timedelta(days=begin.weekday())
    rows = []
    count = hours * 12
    for number in range(count):
        level = low if number >= count * (1 - low_share) else volts
        moment = monday + timedelta(hours=1, minutes=5 * number)
        rows.append(
            {
                "timestamp": moment.isoformat(),
                **dict.fromkeys(("voltage_a", "voltage_b", "voltage_c"), level),
                **dict.fromkeys(("thd_v_a", "thd_v_b", "thd_v_c"), thd),
                "frequency": 50.02,
            }
        )
    await meter.told(BULK, {"readings": rows}, 200)
    await judged(meter.depot.platform)
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


async def test_a_week_within_the_limits_keeps_en50160(depot: Depot) -> None:
    meter = await meter_in(depot, interval_s=300)
    week = await fill(meter, hours=40, volts=232, low=200, low_share=0.04, thd=3.0)
    found = await report(meter, standard="en50160", week=week)
    assert found["compliant"] is True, found
    criteria = {each["name"]: each for each in found["criteria"]}
    assert set(criteria) == {
        "voltage_a", "voltage_b", "voltage_c", "imbalance", "thd", "frequency", "frequency_always",
    }  # fmt: skip
    volts = criteria["voltage_a"]
    assert (volts["within_pct"], volts["required_pct"], volts["samples"]) == (pytest.approx(96, abs=0.5), 95, 240)
    assert volts["coverage_pct"] == pytest.approx(100 * 240 / 1008, abs=0.01)
    assert criteria["thd"]["value"] == 3.0
    assert "flicker is not measured" in found["notes"]


async def test_a_week_beyond_a_limit_breaks_it_and_a_late_reading_counts(depot: Depot) -> None:
    meter = await meter_in(depot, interval_s=300)
    week = await fill(meter, hours=20, volts=232, low=200, low_share=0.06, thd=9.0)
    found = await report(meter, week=week)
    broken = {each["name"] for each in found["criteria"] if each["compliant"] is False}
    assert (found["compliant"], broken) == (False, {"voltage_a", "voltage_b", "voltage_c", "thd"})


async def test_nothing_measured_is_no_verdict(meter: Meter) -> None:
    found = await report(meter)
    assert found["compliant"] is None
    assert {each["compliant"] for each in found["criteria"]} == {None}


async def test_ieee519_is_judged_by_the_nominal_voltage(depot: Depot) -> None:
    for volts, limit, kept in ((230, "at most 8", True), (20_000, "at most 5", False)):
        meter = await meter_in(depot, nominal_voltage=volts, interval_s=300)
        week = await fill(meter, hours=4, volts=volts, low=volts, low_share=0, thd=6.0)
        found = await report(meter, standard="ieee519", week=week)
        (criterion,) = found["criteria"]
        assert (criterion["limit"], criterion["value"], found["compliant"]) == (limit, 6.0, kept)


async def test_readings_of_every_second_give_the_values_of_3_seconds(depot: Depot) -> None:
    meter = await meter_in(depot, interval_s=1)
    week = await fill(meter, hours=4, volts=230, low=230, low_share=0, thd=6.0)
    found = await report(meter, standard="ieee519", week=week)
    assert [each["name"] for each in found["criteria"]][:2] == ["thd_week_95", "thd_day_1_99"]
    assert found["criteria"][1]["limit"] == "at most 12"


async def test_days_of_23_and_25_hours_are_judged_as_one_day_each(depot: Depot) -> None:
    meter = await meter_in(depot, interval_s=1, timezone="Europe/Berlin")
    for week in ("2025-W43", "2026-W13"):
        found = await report(meter, standard="ieee519", week=week)
        assert [each["name"] for each in found["criteria"]] == ["thd_week_95", *(f"thd_day_{day}_99" for day in range(1, 8))]


@pytest.mark.parametrize("query", ["week=2026-W54", "week=26-24", "week=2026-24", "standard=iec", "week=0000-W01", "x=1"])
async def test_a_week_that_there_is_not_is_400(meter: Meter, query: str) -> None:
    answer = await meter.depot.call("GET", f"{COMPLIANCE}?meter_id={meter.id}&{query}")
    assert answer.status_code == 400, answer.text
    assert (await meter.depot.call("GET", f"{COMPLIANCE}?{query}")).status_code == 400


async def test_sarfi_counts_by_depth_a_meter(depot: Depot, stranger: Depot, meter: Meter) -> None:
    other = await meter_in(depot)
    await meter.config()
    await other.config()
    levels = [1.0]
    for level in (0.85, 0.75, 0.45, 0.05, 1.25):
        levels += [level] * 10 + [1.0] * 10
    volts = [230 * level for level in levels]
    await meter.told(RMS, {"start": meter.at(-60), "channels": {"a": volts, "b": volts, "c": volts}}, 200)
    answer = await depot.call("GET", STATS)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    mine = next(row for row in body["meters"] if row["meter_id"] == meter.id)
    assert mine["sarfi"] == {"90": 4, "80": 3, "70": 2, "50": 2, "10": 1, "110": 1, "120": 1, "140": 0}
    assert mine["siarfi"]["90"] == 3
    assert mine["events"] == {"interruption": 1, "sag": 3, "swell": 1}
    assert (body["system"]["meters"], body["system"]["sarfi"]["90"]) == (2, 2.0)
    one = (await depot.call("GET", STATS, params={"meter_id": other.id})).json()
    assert [row["sarfi"]["90"] for row in one["meters"]] == [0]
    assert (await stranger.call("GET", STATS)).json()["system"]["sarfi"]["90"] is None
    assert (await stranger.call("GET", STATS, params={"meter_id": meter.id})).status_code == 404
