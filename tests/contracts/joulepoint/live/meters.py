"""Meters of a test's tenant, and readings and events of theirs."""

from __future__ import annotations

from typing import Any

from tests.contracts.joulepoint.depot import Depot
from wattline.metering.fields import COLUMN, WIDTH
from wattline.metering.readings.model import Reading, Sender
from wattline.model.clock import from_micros
from wattline.model.record import Row


async def meter(depot: Depot, **body: Any) -> int:
    """The id of a new meter."""
    return (await depot.platform.metering.meters.create(depot.tenant, {"name": "a meter", **body})).id


async def read(depot: Depot, number: int, seconds: float = 0.0, **fields: float) -> None:
    """A reading of a meter, taken so many seconds from now, is stored."""
    values: list[float | None] = [None] * WIDTH
    for name, value in (fields or {"total_power": 1.0}).items():
        values[COLUMN[name]] = value
    time = from_micros(depot.clock.micros() + round(seconds * 1e6))
    (outcome,) = await depot.platform.readings.take(Sender(depot.tenant), [Reading(tuple(values), time, number)])
    assert not isinstance(outcome, list), outcome


async def read_many(depot: Depot, number: int, count: int) -> None:
    """So many readings of a meter, a microsecond apart, are stored; their powers are 0, 1, 2 ..."""
    meters = depot.platform.metering.meters
    stream = meters.find_stream(meters.get(depot.tenant, number))
    assert stream is not None
    begin, rest = depot.clock.micros() - count, (None,) * (WIDTH - 1)
    rows = [Row(stream.id, begin + n, 0, (float(n), *rest), 0, None) for n in range(count)]
    await depot.platform.ingest.submit(rows)


async def log(depot: Depot, kind: str, number: int | None = None, site: str | None = "main", **body: Any) -> None:
    """An event comes into the chain."""
    platform, now = depot.platform, depot.clock.micros()
    async with platform.database.transaction() as connection:
        await platform.events.append(
            connection,
            tenant=depot.tenant,
            kind=kind,
            time=now,
            received=now,
            site=site,
            device=None if number is None else f"meter-{number}",
            body={**body, **({} if number is None else {"meter_id": number})},
        )
