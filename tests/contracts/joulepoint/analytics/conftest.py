"""The analytics routes, and meters with readings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import analytics_kpi, analytics_live, analytics_matrix
from wattline.contracts.joulepoint.gate import Gate
from wattline.metering.fields import COLUMN, WIDTH
from wattline.model.record import Row
from wattline.platform import Platform

ANALYTICS = "/api/energy/analytics"


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    return [each.build(platform.figures, platform.clock, gate) for each in (analytics_live, analytics_kpi, analytics_matrix)]


async def meter(depot: Depot, **body: Any) -> int:
    """The id of a new meter."""
    made = await depot.platform.metering.meters.create(depot.tenant, {"name": "a meter", "interval_s": 900, **body})
    return made.id


async def group(depot: Depot, *meters: int) -> int:
    """The id of a new group."""
    made = await depot.platform.metering.groups.create(depot.tenant, {"name": "a group", "meter_ids": list(meters)})
    return made.id


async def send(depot: Depot, meter_id: int, readings: Mapping[int, Mapping[str, float]]) -> None:
    """Take in readings of a meter, by time (us)."""
    metering = depot.platform.metering
    stream = await metering.stream(metering.meters.get(depot.tenant, meter_id))
    rows = []
    for time, fields in readings.items():
        values: list[float | None] = [None] * WIDTH
        for name, value in fields.items():
            values[COLUMN[name]] = value
        rows.append(Row(stream.id, time, depot.clock.micros(), tuple(values)))
    await depot.platform.ingest.submit(rows)
