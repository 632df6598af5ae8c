"""A block with meters on a real spine, and the accounts over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stores import RETENTION, Spine, spine
from wattline.billing.energy import Energy
from wattline.billing.model import EnergyReport
from wattline.billing.modes import ModeHistory
from wattline.events.service import EventLog
from wattline.ingest.energy_series import EnergySeries
from wattline.model.clock import SECOND, ManualClock
from wattline.model.place import Block
from wattline.model.record import Row
from wattline.registry.point import Point, PointSpec


@dataclass
class Plant:
    """A block of site `s`, `b` until another one is begun."""

    spine: Spine
    block: Block
    energy: Energy
    events: EventLog

    async def meters(self, *specs: PointSpec) -> list[Point]:
        return await self.spine.registry.put_points("t", "s", self.block.slug, specs)

    async def begin(self) -> None:
        """Go on with a new block, so that a store serves many cases."""
        number = len(self.spine.registry.blocks("t"))
        self.block = await self.spine.registry.put_block("t", "s", f"b{number}", capacity_mw=self.block.capacity_mw)

    async def send(self, point: Point, samples: Iterable[tuple[int, float] | tuple[int, float, int]]) -> None:
        """Readings of a point: time in us, value, quality (GOOD)."""
        now = self.spine.clock.micros()
        rows = [Row(point.stream.id, s[0], now, (float(s[1]),), s[2] if len(s) > 2 else 0) for s in samples]  # type: ignore[misc]
        await self.spine.pipeline.ingest.submit(rows)

    async def mode(self, time: int, mode: str) -> None:
        """Log that the block went into a thermal mode."""
        async with self.spine.database.transaction() as connection:
            await self.events.append(
                connection,
                tenant="t",
                kind="mode",
                event_type="mode_change",
                time=time,
                received=time,
                site="s",
                subject=self.block.slug,
                body={"to": mode},
            )


def spec(tag: str, unit: str = "kW", role: str | None = None, **more: object) -> PointSpec:
    """A point of the electrical subsystem on equipment of its own."""
    fields: dict[str, object] = {"equipment": f"E-{tag}", "subsystem": "electrical", **more}
    return PointSpec(tag=tag, unit=unit, role=role, **fields)  # type: ignore[arg-type]


def steady(start: int, seconds: int, value: float, step: int = 5) -> list[tuple[int, float]]:
    """The same value every `step` seconds."""
    return [(start + s * SECOND, value) for s in range(0, seconds, step)]


def by_cell(report: EnergyReport) -> dict[tuple[str, int], float]:
    """The energy of each tag and bucket."""
    tags = [meter.tag for meter in report.meters]
    rows = report.rows
    return {
        (tags[meter], bucket): energy
        for meter, bucket, energy in zip(rows.meter.tolist(), rows.bucket.tolist(), rows.energy.tolist(), strict=True)
    }


def energy_of(made: Spine) -> Energy:
    """The accounts over a spine."""
    pipeline = made.pipeline
    series = EnergySeries(pipeline.writer, pipeline.rollup, pipeline.engine, made.clock, RETENTION)
    return Energy(made.registry, series, ModeHistory(EventLog(made.database)), made.clock)


@asynccontextmanager
async def plant(directory: Path, clock: ManualClock, capacity_mw: float = 1.0) -> AsyncIterator[Plant]:
    """An open plant with no meters yet."""
    async with spine(directory, clock) as made:
        block = await made.registry.put_block("t", "s", "b", capacity_mw=capacity_mw)
        yield Plant(made, block, energy_of(made), EventLog(made.database))
