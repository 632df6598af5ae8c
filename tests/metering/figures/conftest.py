"""Meters with readings on real stores, and their figures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.stores import RETENTION, Spine, spine
from wattline.ingest.edge_series import Edges, EdgeSeries
from wattline.metering.energy.service import Energy
from wattline.metering.energy.shelf import Shelf
from wattline.metering.fields import COLUMN, WIDTH
from wattline.metering.figures.service import Figures
from wattline.metering.figures.subject import Subject
from wattline.metering.service import Metering
from wattline.model.clock import DAY, ManualClock, to_micros
from wattline.model.principal import Principal
from wattline.model.record import Row
from wattline.resources.service import Resources

CALLER = Principal("default", "key", frozenset({"energy:read"}))


def at(text: str) -> int:
    """A moment in us."""
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC) if len(text) <= 19 else datetime.fromisoformat(text))


@dataclass
class Works:
    """A platform's parts that figures need."""

    spine: Spine
    metering: Metering
    figures: Figures
    days: list[tuple[int, int]]
    """The ranges of days that were read, counted from 1970."""

    @property
    def clock(self) -> ManualClock:
        return self.spine.clock

    async def meter(self, **body: Any) -> int:
        """The id of a new meter."""
        made = await self.metering.meters.create("default", {"name": "a meter", "interval_s": 900, **body})
        return made.id

    async def group(self, *meters: int, **body: Any) -> int:
        """The id of a new group."""
        made = await self.metering.groups.create("default", {"name": "a group", "meter_ids": list(meters), **body})
        return made.id

    async def send(self, meter_id: int, readings: Mapping[int, Mapping[str, float]]) -> None:
        """Take in readings of a meter, by time (us)."""
        stream = await self.metering.stream(self.metering.meters.get("default", meter_id))
        rows = []
        for time, fields in readings.items():
            values: list[float | None] = [None] * WIDTH
            for name, value in fields.items():
                values[COLUMN[name]] = value
            rows.append(Row(stream.id, time, self.clock.micros(), tuple(values)))
        await self.spine.pipeline.ingest.submit(rows)

    async def register(
        self, meter_id: int, start: int, every: int, shown: Sequence[float], field: str = "total_energy"
    ) -> None:
        """Take in a register at regular times."""
        await self.send(meter_id, {start + i * every: {field: value} for i, value in enumerate(shown)})

    def subject(self, caller: Principal = CALLER, **named: int) -> Subject:
        """The subject that a caller names."""
        return self.figures.subjects.find(caller, **named)


class Reads(EdgeSeries):
    """Says which ranges of days were read."""

    ranges: list[tuple[int, int]]

    async def edges(self, sensors: Sequence[int], start: int, end: int, *, lone: bool = False) -> Edges:
        self.ranges.append((start // DAY, end // DAY))
        return await super().edges(sensors, start, end, lone=lone)


async def works_on(stores: Spine, shelf: Shelf | None = None) -> Works:
    """The parts on these stores."""
    resources = Resources(stores.database, stores.clock)
    metering = Metering(resources, stores.registry, stores.database, stores.clock, lambda _: 50)
    await resources.load()
    await metering.load()
    path = stores.pipeline
    series = Reads(path.writer, path.rollup, path.engine, stores.clock, RETENTION)
    series.ranges = []
    energy = Energy(series, stores.registry.stream, stores.clock, shelf)
    path.listeners.append(energy.heard)
    return Works(stores, metering, Figures(metering, energy, path.series, stores.clock), series.ranges)


@pytest.fixture
async def works(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Works]:
    """Without a single meter, on 2026-06-11."""
    async with spine(tmp_path, clock) as stores:
        yield await works_on(stores)
