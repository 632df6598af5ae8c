"""The route of forecasts, and meters with weeks of readings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import analytics_forecast
from wattline.contracts.joulepoint.gate import Gate
from wattline.metering.fields import COLUMN, WIDTH
from wattline.model.clock import DAY, MINUTE, from_micros
from wattline.model.record import Row
from wattline.platform import Platform

PATH = "/api/energy/analytics/forecast"
QUARTER = 15 * MINUTE
BERLIN = ZoneInfo("Europe/Berlin")
Load = Callable[[datetime], float]
"""The power (W) at a local time."""


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    return [analytics_forecast.build(platform.forecasting, platform.figures, platform.clock, gate)]


def shop(local: datetime) -> float:
    """Open on weekdays from 8 to 18."""
    return 9000.0 if local.weekday() < 5 and 8 <= local.hour < 18 else 1500.0


async def meter(depot: Depot, **body: Any) -> int:
    """The id of a new meter in Berlin."""
    usual = {"name": "a meter", "interval_s": 900, "timezone": BERLIN.key}
    made = await depot.platform.metering.meters.create(depot.tenant, {**usual, **body})
    return made.id


async def fill(depot: Depot, meter_id: int, load: Load, start: int, end: int) -> None:
    """Take in the power of every quarter hour in [start, end): a reading at its begin and one just before its end."""
    metering = depot.platform.metering
    stream = await metering.stream(metering.meters.get(depot.tenant, meter_id))
    rows = []
    for quarter in range(start, end, QUARTER):
        value = load(from_micros(quarter).astimezone(BERLIN))
        for time in (quarter, quarter + QUARTER - 1_000_000):
            values: list[float | None] = [None] * WIDTH
            values[COLUMN["total_power"]] = value
            rows.append(Row(stream.id, time, depot.clock.micros(), tuple(values)))
    for at in range(0, len(rows), 2000):
        await depot.platform.ingest.submit(rows[at : at + 2000])


async def filled(depot: Depot, days: int = 21, load: Load = shop, **body: Any) -> int:
    """A meter with so many days of readings up to now."""
    number = await meter(depot, **body)
    now = depot.clock.micros() // QUARTER * QUARTER
    await fill(depot, number, load, now - days * DAY, now)
    return number


async def ask(depot: Depot, key: str | None = "all", **parameters: Any) -> httpx.Response:
    """A request by GET."""
    return await depot.call("GET", PATH, key=key, params=parameters)


async def told(depot: Depot, **parameters: Any) -> dict[str, Any]:
    """The answer to it, which is 200."""
    response = await ask(depot, **parameters)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found
