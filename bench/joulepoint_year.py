"""A depot with a year of readings, as the journal and the background would have left them.

`python -m bench.joulepoint_year DIRECTORY METERS DAYS ROWS` fills a data directory that no server uses: meters of 15 minutes in
one group, and one with so many rows of three fields. It prints the ids and a key.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.metering.fields import COLUMN
from wattline.model.clock import DAY, MINUTE, SECOND
from wattline.platform import Platform
from wattline.registry.stream import Stream
from wattline.settings import Settings
from wattline.telemetry.tiers import TIERS
from wattline.telemetry.writer import Readings

QUARTER = 15 * MINUTE
CADENCE = 5 * SECOND
MONTH = 30 * DAY
SCOPES = ("energy:read", "export:read")


@dataclass(slots=True)
class Store:
    """Series of sensors, written a month at a time: a block of every day is a file of its own, and is to be a large one."""

    platform: Platform
    series: list[tuple[int, NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=list)

    def add(self, stream: Stream, times: NDArray[np.int64], **columns: NDArray[np.float64]) -> None:
        """Rows of a stream: columns by field."""
        self.series += [(stream.sensor_ids[COLUMN[name]], times, values) for name, values in columns.items()]

    async def write(self) -> None:
        """Write everything: readings and tiers."""
        store, clock = self.platform.pipeline.store, self.platform.clock
        oldest = min(int(times[0]) for _, times, _ in self.series) // DAY * DAY
        newest = max(int(times[-1]) for _, times, _ in self.series) + 1
        for start in range(oldest, newest, MONTH):
            parts = [(sensor, times, values, _within(times, start)) for sensor, times, values in self.series]
            sensors = np.concatenate([np.full(part.stop - part.start, sensor, np.uint32) for sensor, _, _, part in parts])
            none = np.zeros(len(sensors), np.uint8)
            moments = np.concatenate([times[part] for _, times, _, part in parts])
            shown = np.concatenate([values[part] for _, _, values, part in parts])
            await store.insert_readings(Readings(sensors, moments, shown, none, none.astype(np.uint16)))
        for tier in TIERS:
            edges = [*range(oldest, newest, MONTH), newest // tier.width * tier.width]
            for start, end in itertools.pairwise(edges):
                await store.recompute(tier, start // tier.width * tier.width, end, clock.micros())
        for table in ("readings", *(tier.table for tier in TIERS)):
            await self.platform.pipeline.engine.command(f"OPTIMIZE TABLE {table} FINAL")


def _within(times: NDArray[np.int64], start: int) -> slice:
    low, high = np.searchsorted(times, [start, start + MONTH])
    return slice(int(low), int(high))


async def fill(data: Path, meters: int, days: int, rows: int) -> dict[str, Any]:
    """The depot, up to the last quarter of an hour."""
    async with Platform.open(Settings(data=data)) as platform:
        tenant = platform.settings.default_tenant
        body = {"interval_s": 900, "timezone": "Europe/Berlin", "rated_current": 63.0, "kind": "submeter"}
        numbers = [(await platform.metering.meters.create(tenant, {"name": f"Bus {n}", **body})).id for n in range(meters)]
        group = (await platform.metering.groups.create(tenant, {"name": "All", "meter_ids": numbers})).id
        dense = (await platform.metering.meters.create(tenant, {"name": "Main", "interval_s": 5})).id
        _, key = await platform.identity.create(tenant, "bench", SCOPES)
        choice = np.random.default_rng(5)
        newest = platform.clock.micros() // QUARTER * QUARTER
        await platform.pipeline.rollup.advance()
        store = Store(platform)
        times = newest - QUARTER * np.arange(days * 96, -1, -1, dtype=np.int64)
        for number in numbers:
            stream = await platform.metering.stream(platform.metering.meters.get(tenant, number))
            watts = np.round(choice.gamma(2.0, 3000.0, len(times)), 1)
            store.add(stream, times, total_power=watts, total_energy=np.round(1500 + np.cumsum(watts) / 4000, 3))
        if rows:
            stream = await platform.metering.stream(platform.metering.meters.get(tenant, dense))
            often = newest - CADENCE * np.arange(rows - 1, -1, -1, dtype=np.int64)
            watts = np.round(choice.gamma(2.0, 3000.0, rows), 1)
            shown = np.round(1500 + np.cumsum(watts) * (CADENCE / SECOND) / 3.6e6, 4)
            store.add(stream, often, total_power=watts, total_energy=shown, voltage_a=np.round(choice.normal(230, 1, rows), 2))
        await store.write()
        return {"group": group, "dense": dense, "meters": numbers, "key": key, "newest": newest, "first": int(times[0])}


def main() -> None:
    """Fill, and print what was made."""
    data, *sizes = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(fill(Path(data), *(int(size) for size in sizes)))) + "\n")


if __name__ == "__main__":
    main()
