"""The intake of readings on a real pipeline, with meters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from tests.stores import Spine, spine
from wattline.metering.fields import COLUMN, NAMES, WIDTH
from wattline.metering.meters import Meters
from wattline.metering.readings.model import Outcome, Reading, Sender
from wattline.metering.readings.service import Readings
from wattline.metering.service import Metering
from wattline.model.clock import MINUTE, ManualClock, from_micros
from wattline.model.record import Row
from wattline.registry.stream import Stream
from wattline.resources.service import Resources

TENANT = "default"
SENDER = Sender(TENANT)


def reading(meter: int | None = None, time: int | None = None, **fields: Any) -> Reading:
    """A reading: values by name, and what else `Reading` has."""
    values: list[float | None] = [None] * WIDTH
    for name in [name for name in fields if name in COLUMN]:
        values[COLUMN[name]] = fields.pop(name)
    return Reading(tuple(values), None if time is None else from_micros(time), meter, **fields)


@dataclass
class Yard:
    """Meters and their intake. `restart` begins anew, with a clean stop or as after a crash."""

    spine: Spine
    readings: Readings = field(init=False)
    meters: Meters = field(init=False)

    async def open(self) -> Yard:
        resources = Resources(self.spine.database, self.spine.clock)
        metering = Metering(resources, self.spine.registry, self.spine.database, self.spine.clock, lambda _: 50)
        await resources.load()
        self.meters = metering.meters
        self.readings = Readings(self.meters, self.spine.pipeline, self.spine.clock, ahead=5 * MINUTE)
        return self

    async def restart(self, *, crash: bool = False) -> None:
        await (self.spine.crash() if crash else self.spine.close())
        await self.spine.open()
        await self.open()

    @property
    def now(self) -> int:
        return self.spine.clock.micros()

    async def meter(self, **body: Any) -> int:
        """The id of a new meter."""
        return (await self.meters.create(TENANT, {"name": "a meter", **body})).id

    def stream(self, number: int) -> Stream:
        found = self.meters.find_stream(self.meters.get(TENANT, number))
        assert found is not None
        return found

    async def take(self, *readings: Reading, atomic: bool = False) -> list[Any]:
        """What became of readings: status and revision, or the codes of the faults."""
        taken = await self.readings.take(SENDER, readings, atomic=atomic)
        return [(r.status, r.revision) if isinstance(r, Outcome) else [fault.code for fault in r] for r in taken]

    async def stored(self, number: int) -> dict[int, dict[str, float]]:
        """What the store holds of a meter: fields by time."""
        stream = self.stream(number)
        names = list(NAMES)
        rows = await self.spine.pipeline.series.rows([stream], 0, 2**52, names)
        found: dict[int, dict[str, float]] = {}
        for at, time in enumerate(rows.time.tolist()):
            line = {name: float(rows.columns[name][at]) for name in names}
            found[time] = {name: value for name, value in line.items() if not isnan(value)}
        return found

    async def statuses(self, number: int) -> dict[int, str]:
        """The status of every record of a meter, by time."""
        await self.spine.pipeline.writer.flush()
        return await self.spine.pipeline.reader.statuses(self.stream(number).id, 0, 2**52)

    def published(self) -> Sequence[Row]:
        """Every row that was told of since the start."""
        return self.spine.counts.published


@pytest.fixture
async def yard(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Yard]:
    """An intake without a meter."""
    async with spine(tmp_path, clock) as made:
        yield await Yard(made).open()
