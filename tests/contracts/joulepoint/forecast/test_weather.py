"""POST /api/energy/analytics/forecast: the same question with the weather in its body."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import numpy as np
import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.forecast.conftest import PATH, fill, filled, meter, shop, told
from wattline.contracts.joulepoint.query import spell
from wattline.model.clock import DAY, HOUR, to_micros

DAYS = 70


async def post(depot: Depot, **body: Any) -> httpx.Response:
    return await depot.call("POST", PATH, json=body)


def weather(start: int, end: int, degrees: dict[int, float]) -> list[dict[str, Any]]:
    """The temperature over [start, end], one for each day (UTC): at its first and last hour."""
    hours = [hour for hour in range(start, end + 1, HOUR) if hour in (start, end) or hour // HOUR % 24 in (0, 23)]
    return [{"t": spell(hour), "value": degrees[hour // DAY]} for hour in hours]


async def test_weather_tells_what_the_load_alone_does_not(depot: Depot) -> None:
    now = depot.clock.micros() // HOUR * HOUR
    rng = np.random.default_rng(3)
    # Each day has a temperature of its own, which nothing before it tells.
    degrees = {(now // DAY) + day: float(rng.uniform(18, 36)) for day in range(-DAYS - 1, 3)}

    def cooled(local: datetime) -> float:
        return shop(local) + 400 * (degrees[to_micros(local) // DAY] - 18)

    number = await meter(depot)
    await fill(depot, number, cooled, now - DAYS * DAY, now)
    column = weather(now - DAYS * DAY, now + 25 * HOUR, degrees)
    without = await told(depot, meter_id=number, model="auto")
    answer = await post(depot, meter_id=number, weather={"temperature": column})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["model"], found["training"]["weather"]) == ("auto", ["temperature"])
    wanted = [cooled(datetime.fromisoformat(point["t"])) / 1000 for point in found["points"]]

    def off(answered: dict[str, Any]) -> float:
        pairs = zip(answered["points"], wanted, strict=True)
        return sum(abs(point["value"] - value) for point, value in pairs) / len(wanted)

    assert off(found) < 0.5 * off(without)
    assert found["backtest"]["mae_kw"] < 0.5 * without["backtest"]["mae_kw"]


async def test_without_weather_it_answers_as_get_does(depot: Depot) -> None:
    number = await filled(depot)
    answer = await post(depot, meter_id=number, horizon_h=3, step="15m", quantiles=[0.9, 0.25], lower=2, target="demand")
    assert answer.status_code == 200, answer.text
    assert answer.json() == await told(depot, meter_id=number, horizon_h=3, step="15m", quantiles="0.25,0.9", lower=2)


async def test_history_begins_where_the_weather_does(depot: Depot) -> None:
    number = await filled(depot, days=20)
    now = depot.clock.micros() // HOUR * HOUR
    flat = dict.fromkeys(range(now // DAY - 30, now // DAY + 3), 20.0)
    short = weather(now - 10 * DAY, now + 25 * HOUR, flat)
    answer = await post(depot, meter_id=number, weather={"temperature": short})
    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_history")
    assert answer.json()["errors"][0]["pointer"] == "/weather"
    assert "there are 10" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"meter_id": "5"}, {("/meter_id", "type")}),
        ({}, {("", "exactly_one")}),
        ({"meter_id": 1, "group_id": 2}, {("", "exactly_one")}),
        ({"meter_id": 1, "horizon_h": 1.5, "step": "1d"}, {("/horizon_h", "type"), ("/step", "bad_choice")}),
        ({"meter_id": 1, "quantiles": [0.5, 0.5, 1]}, {("/quantiles/1", "out_of_range"), ("/quantiles/2", "out_of_range")}),
        ({"meter_id": 1, "quantiles": []}, {("/quantiles", "required")}),
        ({"meter_id": 1, "lower": 10**400}, {("/lower", "out_of_range")}),
        ({"meter_id": 1, "lower": 2, "upper": 1}, {("/lower", "out_of_range")}),
        ({"meter_id": 1, "tz": "Mars"}, {("/tz", "unknown_zone")}),
        ({"meter_id": 1, "colour": "red"}, {("/colour", "unknown")}),
        ({"meter_id": 1, "weather": {"mood": []}}, {("/weather/mood", "unknown")}),
        ({"meter_id": 1, "weather": {"temperature": [1]}}, {("/weather/temperature/0", "type")}),
        (
            {
                "meter_id": 1,
                "model": "naive",
                "weather": {
                    "temperature": [
                        {"t": "2026-06-01T00:00:00Z", "value": 1},
                        {"t": "2026-06-01T00:00:00Z", "value": 1},
                        {"t": "2026-06-02", "value": 1},
                        {"t": "2026-06-02T00:00:00Z", "value": True},
                        {"t": "2026-06-02T00:00:00Z", "value": 10**400},
                    ]
                },
            },
            {
                ("/model", "bad_choice"),
                ("/weather/temperature/1/t", "not_ascending"),
                ("/weather/temperature/2/t", "bad_timestamp"),
                ("/weather/temperature/3/value", "out_of_range"),
                ("/weather/temperature/4/value", "out_of_range"),
            },
        ),
    ],
)
async def test_every_fault_of_a_body_is_named(depot: Depot, body: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    answer = await post(depot, **body)
    assert answer.status_code == 422, answer.text
    assert {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]} == faults


@pytest.mark.parametrize(
    ("hours", "code"),
    [
        ([-24, 0], "too_short"),
        ([-24, 0, 48], "gap"),
        ([30], "too_few"),
    ],
)
async def test_weather_reaches_over_the_horizon(depot: Depot, hours: list[int], code: str) -> None:
    number = await filled(depot, days=3)
    now = depot.clock.micros() // HOUR * HOUR
    column = [{"t": spell(now + hour * HOUR), "value": 20} for hour in hours]
    answer = await post(depot, meter_id=number, weather={"temperature": column})
    assert answer.status_code == 422, answer.text
    [fault] = answer.json()["errors"]
    assert fault["pointer"].startswith("/weather/temperature")
    assert fault["code"] == code


async def test_another_tenants_meter_is_not_there(depot: Depot, stranger: Depot) -> None:
    number = await meter(depot)
    assert (await post(stranger, meter_id=number)).status_code == 404


async def test_what_is_no_json_object_is_refused(depot: Depot) -> None:
    for content, status in ((b"{", 400), (b"[]", 422), (b'{"meter_id": NaN}', 400)):
        answer = await depot.call("POST", PATH, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == status
    answer = await depot.call("POST", PATH, content=b"a=1", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
