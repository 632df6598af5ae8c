"""GET /billing/kwh, /billing/kwht, /billing/energy-daily and /billing/coverage."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from tests.contracts.mcs.halls import Hall
from wattline.contracts.mcs import billing_rows, csv_text
from wattline.contracts.mcs.billing_rows import rounded
from wattline.registry.point import PointSpec

ROW = "bucket sensor_id sensor_tag equipment_tag block_slug site_slug {} unit sample_count quality_good_ratio"
ADDED = ["coverage", "estimated", "authoritative"]
DAY = ["day", "block_slug", "site_slug", "electrical_kwh", "thermal_kwht_recovered", "thermal_kwht_rejected"]
DAY += ["heat_recovery_ratio", "pue_estimate"]
MSB, PDU, HEAT, REGISTER = "P-MSB-TOTAL", "PDU-R01-KW", "MET-T1-kWt", "=MET-01-kWh"


async def meters(hall: Hall) -> None:
    """A heat meter, and an electrical register whose tag looks like a formula."""
    specs = [
        PointSpec(HEAT, "MET-T1", "thermal-hx", "kW", role="heat_power"),
        PointSpec(REGISTER, "MET-01", "electrical", "kWh", kind="counter", role="counter"),
    ]
    for point in await hall.platform.registry.put_points(hall.tenant, "baldwinsville", "block-01", specs):
        hall.points[point.tag] = point


async def hour(hall: Hall, tag: str, value: float, step: float = 0.0) -> None:
    """A reading a minute over the past hour, each `step` above the one before."""
    rows = [hall.row(hall.points[tag], value + minute * step, seconds=-3600 + 60 * minute) for minute in range(61)]
    await hall.platform.ingest.submit(rows)


def past_hour(hall: Hall) -> dict[str, Any]:
    """The parameters of a question about it."""
    return {"block_slug": "block-01", "start": hall.iso(-3600), "end": hall.iso()}


async def test_electrical_energy_as_published(hall: Hall) -> None:
    await hour(hall, MSB, 847.0)
    found = await hall.get("/billing/kwh", **past_hour(hall))
    assert list(found)[:5] == ["block_slug", "start", "end", "total_kwh", "row_count"]
    assert (found["block_slug"], found["start"], found["end"]) == ("block-01", hall.iso(-3600), hall.iso())
    assert (found["total_kwh"], found["row_count"]) == (847.0, len(found["data"]))
    full = [row for row in found["data"] if row["bucket"] >= hall.iso(-3600)][1]
    assert list(full) == ROW.format("kwh_value").split() + ADDED
    assert full["kwh_value"] == pytest.approx(847 * 5 / 60)
    assert round(full["kwh_value"], 5) == 70.58333
    assert (full["sensor_id"], full["sensor_tag"], full["equipment_tag"]) == (hall.points[MSB].id, MSB, "MSB-01")
    assert (full["block_slug"], full["site_slug"], full["unit"]) == ("block-01", "baldwinsville", "kW")
    assert (full["sample_count"], full["quality_good_ratio"], full["authoritative"]) == (5, 1.0, True)


async def test_meters_behind_the_main_meter_have_rows_and_do_not_count_twice(hall: Hall) -> None:
    await hour(hall, MSB, 849.0)
    await hour(hall, PDU, 42.0)
    found = await hall.get("/billing/kwh", **past_hour(hall))
    assert found["total_kwh"] == 849.0
    assert found["boundary"] == "facility_main"
    assert {row["sensor_tag"]: row["authoritative"] for row in found["data"]} == {MSB: True, PDU: False}
    order = [(row["bucket"], row["sensor_tag"]) for row in found["data"]]
    assert order == sorted(order)


async def test_a_register_gives_what_went_through_it_and_not_its_reading(hall: Hall) -> None:
    await meters(hall)
    await hour(hall, REGISTER, 1000.0, step=1.5)
    found = await hall.get("/billing/kwh", **past_hour(hall))
    values = [row["kwh_value"] for row in found["data"] if row["sensor_tag"] == REGISTER and row["coverage"] == 1.0]
    assert len(values) > 5
    assert values == pytest.approx([7.5] * len(values))


async def test_heat_as_published(hall: Hall) -> None:
    await meters(hall)
    await hour(hall, HEAT, 600.0)
    found = await hall.get("/billing/kwht", **past_hour(hall))
    assert list(found)[:5] == ["block_slug", "start", "end", "total_kwht", "row_count"]
    assert found["total_kwht"] == 600.0
    assert list(found["data"][0]) == ROW.format("kwht_value").split() + ADDED
    assert {row["sensor_tag"] for row in found["data"]} == {HEAT}


async def test_days_as_published(hall: Hall) -> None:
    await meters(hall)
    await hour(hall, MSB, 800.0)
    await hour(hall, PDU, 640.0)
    await hour(hall, HEAT, 600.0)
    found = await hall.get("/billing/energy-daily", **past_hour(hall))
    (day,) = found
    assert list(day)[:8] == DAY
    assert day["day"] == hall.iso()[:10] + "T00:00:00Z"
    assert (day["electrical_kwh"], day["thermal_kwht_recovered"], day["thermal_kwht_rejected"]) == (800.0, 600.0, 0.0)
    assert (day["heat_recovery_ratio"], day["pue_estimate"]) == (pytest.approx(0.75), pytest.approx(1.25))
    assert "partial_day" in day["flags"]


async def test_days_of_another_zone(hall: Hall) -> None:
    await hour(hall, MSB, 800.0)
    (day,) = await hall.get("/billing/energy-daily", **past_hour(hall), tz="America/New_York")
    assert day["day"][10:] in ("T04:00:00Z", "T05:00:00Z")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "\x00", "x" * 65])
async def test_a_zone_that_there_is_not(hall: Hall, zone: str) -> None:
    answer = await hall.http.get("/billing/energy-daily", params={**past_hour(hall), "tz": zone})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "tz"]


async def test_an_unknown_block_has_no_energy(hall: Hall) -> None:
    asked = past_hour(hall) | {"block_slug": "zz"}
    for path, total in (("/billing/kwh", "total_kwh"), ("/billing/kwht", "total_kwht")):
        found = await hall.get(path, **asked)
        assert (found["block_slug"], found[total], found["row_count"], found["data"]) == ("zz", 0.0, 0, [])
    assert await hall.get("/billing/energy-daily", **asked) == []
    assert (await hall.get("/billing/coverage", **asked))["electrical"] is None


@pytest.mark.parametrize("path", ["/billing/kwh", "/billing/kwht", "/billing/energy-daily", "/billing/coverage"])
async def test_what_every_one_refuses(hall: Hall, path: str) -> None:
    asked = past_hour(hall)
    for change, status, detail in (
        ({"end": asked["start"]}, 400, "end must be after start"),
        ({"start": hall.iso(-367 * 86_400)}, 400, "Time range cannot exceed 1 year"),
    ):
        answer = await hall.http.get(path, params=asked | change)
        assert (answer.status_code, answer.json()) == (status, {"detail": detail})
    for missing in ("block_slug", "start"):
        answer = await hall.http.get(path, params={name: asked[name] for name in asked if name != missing})
        assert answer.status_code == 422
        (fault,) = answer.json()["detail"]
        assert (fault["type"], fault["loc"]) == ("missing", ["query", missing])
    await hall.build("syracuse", "block-01")
    assert (await hall.http.get(path, params=asked)).status_code == 409
    assert (await hall.http.get(path, params=asked | {"block_slug": "syracuse/block-01"})).status_code == 200


async def test_a_year_exactly_passes_and_naive_times_are_utc(hall: Hall) -> None:
    asked = past_hour(hall) | {"start": hall.iso(-366 * 86_400).removesuffix("Z"), "end": hall.iso().removesuffix("Z")}
    assert (await hall.get("/billing/kwh", **asked))["start"] == hall.iso(-366 * 86_400)


async def test_equal_slugs_and_other_tenants_never_mix(hall: Hall, other: Hall) -> None:
    await hour(hall, MSB, 100.0)
    assert (await other.get("/billing/kwh", **past_hour(hall)))["row_count"] == 0
    async with hall.client(await hall.key(sites=["elsewhere"])) as limited:
        assert (await limited.get("/billing/kwh", params=past_hour(hall))).json()["row_count"] == 0


async def test_rows_as_csv(hall: Hall) -> None:
    await meters(hall)
    await hour(hall, MSB, 847.0)
    await hour(hall, REGISTER, 1000.0, step=1.5)
    shown = await hall.get("/billing/kwh", **past_hour(hall))
    answer = await hall.http.get("/billing/kwh", params=past_hour(hall), headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [list(row) for row in rows[:1]] == [list(shown["data"][0])]
    assert [float(row["kwh_value"]) for row in rows] == [row["kwh_value"] for row in shown["data"]]
    assert {row["sensor_tag"] for row in rows} == {MSB, f"'{REGISTER}"}
    assert {row["authoritative"] for row in rows} <= {"true", "false"}
    daily = await hall.http.get("/billing/energy-daily", params=past_hour(hall), headers={"Accept": "text/csv"})
    (day,) = csv.DictReader(io.StringIO(daily.text))
    assert float(day["electrical_kwh"]) == 847.0


async def test_long_reports_come_in_pieces_and_are_the_same(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    await hour(hall, MSB, 847.0)
    await hour(hall, PDU, 42.0)
    at_once = await hall.http.get("/billing/kwh", params=past_hour(hall))
    monkeypatch.setattr(billing_rows, "PIECE", 3)
    monkeypatch.setattr("wattline.contracts.mcs.billing.PIECE", 3)
    in_pieces = await hall.http.get("/billing/kwh", params=past_hour(hall))
    assert "content-length" in at_once.headers
    assert "content-length" not in in_pieces.headers
    assert in_pieces.text == at_once.text


async def test_what_a_total_rests_on(hall: Hall) -> None:
    await hour(hall, MSB, 847.0)
    found = (await hall.get("/billing/coverage", **past_hour(hall)))["electrical"]
    assert (found["total"], found["boundary"], found["coverage"]) == (847.0, "facility_main", pytest.approx(1.0))
    assert {meter["sensor_tag"]: (meter["role"], meter["authoritative"]) for meter in found["meters"]} == {
        MSB: ("facility_main", True),
        PDU: ("it_main", False),
    }


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0.0005", 0.001), ("0.0004", 0.0), ("2.6745", 2.675), ("1234567.8915", 1234567.892), ("-0.0005", -0.001)],
)
def test_totals_are_rounded_from_decimals(amount: str, shown: float) -> None:
    assert rounded(Decimal(amount)) == shown


@pytest.mark.parametrize("value", [1e26, 3.4e38, 1e300, -1e308])
async def test_what_a_broken_meter_sends_is_an_anomaly_and_no_energy(hall: Hall, value: float) -> None:
    await meters(hall)
    for tag in (MSB, PDU, HEAT, REGISTER):
        await hour(hall, tag, value)
    asked = past_hour(hall)
    for path, total in (("/billing/kwh", "total_kwh"), ("/billing/kwht", "total_kwht")):
        found = await hall.get(path, **asked)
        assert (found[total], found["coverage"], found["anomalies"] >= 12) == (0.0, 0.0, True)
    (day,) = await hall.get("/billing/energy-daily", **asked)
    assert (day["electrical_kwh"], day["pue_estimate"], day["coverage"]) == (0.0, None, 0.0)
    assert (await hall.get("/billing/coverage", **asked))["electrical"]["total"] == 0.0
    assert (await hall.get("/billing/sustainability", **asked, grid_factor=1))["pue"] is None


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_becomes_a_formula(text: str) -> None:
    (cells,) = csv.reader(io.StringIO(csv_text.lines([[text, -1.5, None, True, 'a"b,c']]).decode(), newline=""))
    assert cells == [f"'{text}", "-1.5", "", "true", 'a"b,c']
