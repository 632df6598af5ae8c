"""GET live_trail, kpi and matrix: what they are asked, what they answer, who may ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contracts.joulepoint.analytics.conftest import ANALYTICS, group, meter, send
from tests.contracts.joulepoint.depot import Depot
from wattline.billing.tariffs.keeper import Tariffs
from wattline.model.clock import HOUR, MINUTE, SECOND, from_micros, to_micros

DAY = {"from": "2026-06-08T00:00:00Z", "to": "2026-06-09T00:00:00Z"}


def start() -> int:
    return to_micros(datetime(2026, 6, 8, tzinfo=UTC))


async def get(depot: Depot, path: str, status: int = 200, **params: Any) -> Any:
    answer = await depot.call("GET", f"{ANALYTICS}/{path}", params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


async def quarters(depot: Depot, **body: Any) -> int:
    """A meter with a day of readings: 0.5 kWh in each quarter of an hour."""
    number = await meter(depot, **body)
    await send(depot, number, {start() + i * 15 * MINUTE: {"total_energy": 100 + i / 2} for i in range(97)})
    return number


async def test_kpi_as_published(depot: Depot) -> None:
    number = await quarters(depot, timezone="Europe/Berlin")
    told = await get(depot, "kpi", meter_id=number, **DAY)
    assert list(told) == [
        "meter_id",
        "tz",
        "period",
        "import_kwh",
        "export_kwh",
        "net_kwh",
        "peak_kw",
        "peak_at",
        "demand_interval_min",
        "avg_kw",
        "min_kw",
        "load_factor",
        "base_kw",
        "pf_avg",
        "self_consumption_pct",
        "self_sufficiency_pct",
        "cost",
        "co2_kg",
        "data",
        "previous",
        "change_pct",
    ]
    assert told["meter_id"] == number
    assert told["period"] == {"from": "2026-06-08T02:00:00+02:00", "to": "2026-06-09T02:00:00+02:00"}
    assert (told["import_kwh"], told["peak_kw"], told["load_factor"], told["demand_interval_min"]) == (48.0, 2.0, 1.0, 15)
    assert told["data"] == {
        "expected": 96,
        "received": 96,
        "completeness_pct": 100.0,
        "coverage_pct": 100.0,
        "estimated_kwh": 0.0,
        "implausible_kwh": 0.0,
        "silent_meters": [],
    }
    assert (told["cost"], told["previous"], told["change_pct"]) == (None, None, None)


async def test_demand_of_any_quarter_of_an_hour(depot: Depot) -> None:
    one, other = await meter(depot, interval_s=300), await meter(depot, interval_s=900)
    fives = {start() + i * 5 * MINUTE: {"total_energy": 10.0 + min(max(i - 4, 0), 3)} for i in range(289)}
    await send(depot, one, fives)
    await send(depot, other, {start() + i * 15 * MINUTE: {"total_energy": 100 + i / 2} for i in range(97)})
    both = await group(depot, one, other)
    block = await get(depot, "kpi", group_id=both, demand="block", **DAY)
    assert block == await get(depot, "kpi", group_id=both, **DAY)
    assert "demand" not in block
    assert (block["peak_kw"], block["peak_at"]) == (10.0, "2026-06-08T00:15:00+00:00")
    told = await get(depot, "kpi", group_id=both, demand="sliding", compare="previous", **DAY)
    assert (told["peak_kw"], told["peak_at"]) == (14.0, "2026-06-08T00:20:00+00:00")
    assert (told["demand"], told["demand_interval_min"], told["demand_resolution_s"]) == ("sliding", 15, 900)
    assert {name for name in told if told[name] != block.get(name)} - {"demand", "demand_resolution_s"} == {
        "peak_kw",
        "peak_at",
        "load_factor",
        "previous",
        "change_pct",
    }
    assert told["previous"]["demand"] == "sliding"
    refused = await get(depot, "kpi", 400, group_id=both, demand="rolling", **DAY)
    assert refused["errors"][0]["parameter"] == "demand"


async def test_kpi_compared(depot: Depot) -> None:
    number = await quarters(depot)
    later = {"from": "2026-06-08T12:00:00Z", "to": "2026-06-08T18:00:00Z"}
    told = await get(depot, "kpi", meter_id=number, compare="previous", **later)
    assert told["previous"]["period"] == {"from": "2026-06-08T06:00:00+00:00", "to": "2026-06-08T12:00:00+00:00"}
    assert told["previous"]["import_kwh"] == 12.0
    assert told["change_pct"]["import_kwh"] == 0.0
    before = await get(depot, "kpi", meter_id=number, compare="previous", **DAY)
    assert before["previous"]["import_kwh"] is None
    assert before["change_pct"]["import_kwh"] is None


async def test_matrix_adds_up_to_kpi(depot: Depot) -> None:
    both = await group(depot, await quarters(depot), await quarters(depot))
    told = await get(depot, "matrix", group_id=both, tz="America/New_York", cols="halfhour", **DAY)
    assert (told["unit"], told["tz"], len(told["rows"]), len(told["cols"])) == ("kWh", "America/New_York", 2, 48)
    assert told["values"][0][:40] == [None] * 40
    assert told["values"][0][40] == 2.0
    kpi = await get(depot, "kpi", group_id=both, **DAY)
    cells = [cell for row in told["values"] for cell in row if cell is not None]
    assert sum(cells) == pytest.approx(kpi["import_kwh"], abs=1e-6)
    assert (told["total"], told["min"], told["max"], told["dst"]) == (96.0, 2.0, 2.0, [])


async def test_costs_by_the_tariff_of_the_account(depot: Depot) -> None:
    number = await quarters(depot)
    assert (await get(depot, "matrix", meter_id=number, value="cost", **DAY))["unit"] is None
    energy = {"periods": [[{"rate": "0.30", "max": None}], [{"rate": "0.10", "max": None}]]}
    calendar = [[1] * 6 + [0] * 18] * 12
    tariff = {
        "name": "two",
        "currency": "EUR",
        "timezone": "UTC",
        "energy": {**energy, "weekday": calendar, "weekend": calendar},
    }
    metering = depot.platform.metering
    made = await Tariffs(depot.platform.resources, metering.references, depot.clock).create(depot.tenant, tariff)
    account = {"name": "depot", "currency": "EUR", "tariffs": [{"tariff_id": made.id}], "meters": [{"meter_id": number}]}
    payer = await metering.accounts.create(depot.tenant, account)
    for named in ({"account_id": payer.id}, {"meter_id": number}, {"group_id": await group(depot, number)}):
        assert (await get(depot, "kpi", **named, **DAY))["cost"] == {"amount": "12.00", "currency": "EUR"}
    alone = await quarters(depot)
    assert (await get(depot, "kpi", meter_id=alone, **DAY))["cost"] is None
    assert (await get(depot, "kpi", group_id=await group(depot, number, alone), **DAY))["cost"] is None
    cells = await get(depot, "matrix", account_id=payer.id, value="cost", **DAY)
    assert (cells["unit"], cells["total"]) == ("EUR", pytest.approx(12.0))
    assert (cells["values"][0][5], cells["values"][0][6]) == (pytest.approx(0.2), pytest.approx(0.6))


async def test_a_meter_costs_by_the_account_that_has_it_at_the_time(depot: Depot) -> None:
    number = await quarters(depot)
    metering = depot.platform.metering
    tariffs = Tariffs(depot.platform.resources, metering.references, depot.clock)
    noon = "2026-06-08T12:00:00Z"
    for price, span in (("0.50", {"to": noon}), ("0.10", {"from": noon, "to": "2026-06-08T18:00:00Z"})):
        flat = {"name": price, "currency": "EUR", "timezone": "UTC", "energy": {"periods": [[{"rate": price, "max": None}]]}}
        made = await tariffs.create(depot.tenant, flat)
        account = {"name": price, "currency": "EUR", "tariffs": [{"tariff_id": made.id}]}
        await metering.accounts.create(depot.tenant, account | {"meters": [{"meter_id": number, **span}]})
    halves = {"from": "2026-06-08T06:00:00Z", "to": "2026-06-08T18:00:00Z"}
    told = await get(depot, "kpi", meter_id=number, **halves)
    assert told["cost"] == {"amount": "7.20", "currency": "EUR"}
    assert (await get(depot, "matrix", meter_id=number, value="cost", **halves))["total"] == pytest.approx(7.2)
    # Nobody pays for the evening, so that its price is not known.
    assert (await get(depot, "kpi", meter_id=number, **DAY))["cost"] is None


@pytest.mark.parametrize("path", ["live_trail", "kpi", "matrix"])
async def test_exactly_one_subject(depot: Depot, path: str) -> None:
    number = await meter(depot)
    for params in ({}, {"meter_id": number, "group_id": number}, {"meter_id": number, "account_id": number}):
        told = await get(depot, path, 400, **params)
        assert told["code"] == "bad_parameter"
        assert {each["parameter"] for each in told["errors"]} == {"meter_id", "group_id", "account_id"}


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("kpi", {"colour": "red"}),
        ("kpi", {"from": "yesterday"}),
        ("kpi", {"from": "2026-06-08T00:00:00"}),
        ("kpi", {"from": "2026-06-09T00:00:00Z", "to": "2026-06-08T00:00:00Z"}),
        ("kpi", {"from": "1969-06-09T00:00:00Z"}),
        ("kpi", {"tz": "Mars/Olympus"}),
        ("kpi", {"tz": "../../etc/passwd"}),
        ("kpi", {"compare": "never"}),
        ("kpi", {"compare": "year_ago", "from": "1970-02-01T00:00:00Z", "to": "1970-03-01T00:00:00Z"}),
        ("kpi", {"from": "1970-01-01T00:00:00Z", "to": "9999-01-01T00:00:00Z"}),
        ("matrix", {"value": "all"}),
        ("matrix", {"rows": "month"}),
        ("matrix", {"cols": "minute"}),
        ("live_trail", {"minutes": "0"}),
        ("live_trail", {"minutes": "181"}),
        ("live_trail", {"fields": "total_power,nothing"}),
        ("live_trail", {"max_points": "x"}),
    ],
)
async def test_what_is_not_to_be_asked_is_400(depot: Depot, path: str, params: dict[str, str]) -> None:
    told = await get(depot, path, 400, meter_id=await meter(depot), **params)
    assert told["errors"][0]["parameter"] in (*params, "from")


@pytest.mark.parametrize("path", ["live_trail", "kpi", "matrix"])
async def test_who_may_ask(depot: Depot, stranger: Depot, path: str) -> None:
    number = await meter(depot, site="yard")
    both = await group(depot, number, await meter(depot))
    url = f"{ANALYTICS}/{path}"
    assert (await depot.call("GET", url, key=None, params={"meter_id": number})).status_code == 401
    weak = await depot.key("energy:write", "admin")
    assert (await depot.call("GET", url, key=weak, params={"meter_id": number})).status_code == 403
    narrow = await depot.key("energy:read", sites=["main"])
    assert (await depot.call("GET", url, key=narrow, params={"meter_id": number})).status_code == 404
    assert (await depot.call("GET", url, key=narrow, params={"group_id": both})).status_code == 404
    for named in ({"meter_id": number}, {"group_id": both}, {"account_id": number}):
        assert (await stranger.call("GET", url, params=named)).status_code == 404
    assert (await depot.call("GET", url + "/", params={"meter_id": number})).status_code == 200


async def test_the_live_trail_of_a_meter(depot: Depot) -> None:
    number = await meter(depot, interval_s=10)
    now = depot.clock.micros()
    told = await get(depot, "live_trail", meter_id=number)
    assert (told["points"], told["stale"], told["latest"], told["age_s"]) == ([], True, None, None)
    first = now - 10 * MINUTE
    await send(depot, number, {first + i * 10 * SECOND: {"total_power": 1000.0 + i, "voltage_a": 230.0} for i in range(60)})
    told = await get(depot, "live_trail", meter_id=number)
    assert (told["stale"], told["age_s"], told["interval_s"], told["coverage_pct"]) == (False, 10.0, 10, 100.0)
    assert told["latest"]["total_power"] == 1059.0
    assert len(told["points"]) == 60
    assert told["points"][0] == {"t": from_micros(first).isoformat(), "total_power": 1000.0, "voltage_a": 230.0}
    some = await get(depot, "live_trail", meter_id=number, fields="total_power", minutes=1)
    assert [point["total_power"] for point in some["points"]] == [1054.0, 1055.0, 1056.0, 1057.0, 1058.0, 1059.0]
    depot.clock.advance(60)
    assert (await get(depot, "live_trail", meter_id=number))["stale"] is True


async def test_a_thinned_trail_keeps_the_extremes(depot: Depot) -> None:
    number = await meter(depot, interval_s=1)
    now = depot.clock.micros()
    power = {now - 899 * SECOND + i * SECOND: {"total_power": float(i % 7), "voltage_a": 230.0} for i in range(900)}
    power[now - 300 * SECOND] = {"total_power": 99999.0, "voltage_a": 12.0}
    await send(depot, number, power)
    told = await get(depot, "live_trail", meter_id=number, max_points=50)
    assert len(told["points"]) <= 50
    times = [point["t"] for point in told["points"]]
    assert times == sorted(set(times))
    assert max(point["total_power"] for point in told["points"]) == 99999.0
    assert min(point["voltage_a"] for point in told["points"]) == 12.0
    await get(depot, "live_trail", 400, meter_id=number, max_points=5)


async def test_the_live_trail_of_a_group_adds_up_and_says_who_is_silent(depot: Depot) -> None:
    one, two, dead = await meter(depot, interval_s=60), await meter(depot, interval_s=60), await meter(depot, interval_s=60)
    now = depot.clock.micros()
    await send(depot, one, {now - i * MINUTE: {"total_power": 1000.0} for i in range(5, -1, -1)})
    await send(depot, two, {now - i * MINUTE - 10 * SECOND: {"total_power": 500.0} for i in range(5, -1, -1)})
    told = await get(depot, "live_trail", group_id=await group(depot, one, two, dead), minutes=5)
    assert told["silent_meters"] == [dead]
    assert told["coverage_pct"] == pytest.approx(66.667)
    assert told["latest"]["total_power"] == 1500.0
    assert {point["total_power"] for point in told["points"]} == {1500.0}
    await get(depot, "live_trail", 400, group_id=await group(depot, one, two), fields="voltage_a")


async def test_a_period_is_the_last_day_unless_it_is_given(depot: Depot) -> None:
    number = await meter(depot)
    now = depot.clock.micros()
    await send(depot, number, {now - HOUR: {"total_energy": 5.0}, now: {"total_energy": 7.0}})
    told = await get(depot, "kpi", meter_id=number)
    assert told["import_kwh"] == pytest.approx(2.0)
    assert told["data"]["expected"] == 96
