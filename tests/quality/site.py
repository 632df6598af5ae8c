"""Power quality on real stores: a registry, meters, the log, on a database that can be closed and opened again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wattline.events.service import EventLog
from wattline.metering.fields import COLUMN, WIDTH
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.model.clock import SECOND, Clock
from wattline.model.record import Row
from wattline.quality.ledger import Told
from wattline.quality.row import QualityEvent
from wattline.quality.service import PowerQuality
from wattline.quality.store import Which
from wattline.registry.service import Registry
from wattline.resources.service import Resources
from wattline.state.database import Database

TENANT = "depot"


@dataclass
class Site:
    """A process that has opened the database; what it published is in `told`."""

    database: Database
    registry: Registry
    metering: Metering
    quality: PowerQuality
    told: list[object] = field(default_factory=list)

    async def meter(self, *, watched: bool = True, thresholds: dict[str, Any] | None = None, **body: Any) -> Meter:
        """A new meter, with a config unless it is not to be watched."""
        made = await self.metering.meters.create(TENANT, {"name": "Main", "nominal_frequency": 50, **body})
        if watched:
            await self.quality.configs.put(TENANT, {"meter_id": made.id, **(thresholds or {})})
        return self.metering.meters.get(TENANT, made.id)

    def row(self, meter: Meter, seconds: float, status: str | None = None, **values: float) -> Row:
        """A row of its stream at so many seconds of the epoch of the test."""
        stream = self.metering.meters.find_stream(meter)
        assert stream is not None
        found: list[float | None] = [None] * WIDTH
        for name, value in values.items():
            found[COLUMN[name]] = value
        return Row(stream.id, round(seconds * SECOND), round(seconds * SECOND), tuple(found), 0, status)

    def volts(self, meter: Meter, seconds: float, level: float) -> Row:
        """A row of three equal voltages in per unit of 230 V."""
        return self.row(meter, seconds, **dict.fromkeys(("voltage_a", "voltage_b", "voltage_c"), 230 * level))

    async def events(self, meter: Meter) -> list[QualityEvent]:
        """The events of a meter, oldest first."""
        return (await self.quality.query(Which(TENANT, {meter.id}), limit=500)).rows[::-1]

    @property
    def phases(self) -> list[tuple[str, int]]:
        """What was told of events of power quality: the phase and the id."""
        return [(each.phase, each.event.id) for each in self.told if isinstance(each, Told)]


async def opened(database: Database, clock: Clock) -> Site:
    """A process on a migrated database."""
    registry = Registry(database)
    await registry.load()
    resources = Resources(database, clock)
    metering = Metering(resources, registry, database, clock, lambda _tenant: 50)
    told: list[object] = []
    quality = PowerQuality(
        resources, metering, registry, database, EventLog(database), clock, lambda _topic, message: told.append(message)
    )
    await resources.load()
    await metering.load()
    await quality.load()
    return Site(database, registry, metering, quality, told)
