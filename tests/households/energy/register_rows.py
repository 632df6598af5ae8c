"""Rows of meters for tests: made at random, written through ingest, and told in plain Python what follows from them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.stores import Spine, spine
from wattline.households.meters.model import LAYOUT
from wattline.model.clock import ManualClock
from wattline.model.record import Quality, Row
from wattline.registry.stream import Stream


@dataclass(frozen=True)
class Reading:
    """What a meter sent: exact registers in micro-kWh."""

    time: int
    total: int
    total_out: int | None = None
    power: float | None = None
    quality: int = Quality.GOOD

    def row(self, stream: Stream) -> Row:
        out = None if self.total_out is None else self.total_out / 1e6
        values = (self.total / 1e6, out, self.power, self.total / 1e6, out)
        return Row(stream.id, self.time, self.time, values, self.quality)


@dataclass
class Desk:
    """A spine on which each call of `meter` makes a stream that no other test knows."""

    spine: Spine
    names: itertools.count[int]

    async def meter(self, readings: Sequence[Reading], site: str | None = None) -> Stream:
        number = next(self.names)
        mac = f"AA:BB:CC:00:{number // 256:02X}:{number % 256:02X}"
        stream = await self.spine.registry.register("t", site or f"home{number}", mac, LAYOUT)
        await self.send(stream, readings)
        return stream

    async def send(self, stream: Stream, readings: Sequence[Reading]) -> None:
        if readings:
            await self.spine.pipeline.ingest.submit([reading.row(stream) for reading in readings])


@asynccontextmanager
async def desk(directory: Path) -> AsyncIterator[Desk]:
    """An empty store with everything in front of it, on 11 June 2026."""
    async with spine(directory, ManualClock(datetime(2026, 6, 11, 14, 32, tzinfo=UTC))) as made:
        yield Desk(made, itertools.count())


def random_readings(random: Random, start: int, end: int, *, feeds_in: bool, cadence: int = 600) -> list[Reading]:
    """Readings at uneven times in [start, end), with pauses of up to two days, BAD ones, and missing columns."""
    found: list[Reading] = []
    time, total, out = start + random.randrange(1, cadence * 1_000_000), random.randrange(0, 10**11), random.randrange(10**10)
    while time < end:
        total += random.choice((0, 1, 1250, random.randrange(500_000)))
        out += random.choice((0, random.randrange(100_000)))
        sent_out = out if feeds_in and random.random() < 0.8 else None
        power = None if random.random() < 0.2 else random.randrange(-9000, 40_000) / 10
        bad = random.random() < 0.05
        # What a BAD reading shows is nonsense.
        shown = random.randrange(10**12) if bad else total
        found.append(Reading(time, shown, sent_out, power, Quality.BAD if bad else random.choice((0, 0, 1))))
        pause = random.randrange(48 * 3600) if random.random() < 0.01 else random.randrange(1, 2 * cadence)
        time += pause * 1_000_000 + random.choice((0, 1, 250_000))
    return found


def used(readings: Sequence[Reading], start: int, end: int) -> list[tuple[Reading, int]]:
    """The readings in [start, end) that count, each with the micro-kWh since the one before, 0 for the first one ever."""
    good = [reading for reading in readings if reading.quality != Quality.BAD]
    before = [good[0], *good[:-1]] if good else []
    return [(b, b.total - a.total) for a, b in zip(before, good, strict=True) if start <= b.time < end]


def fed_in(readings: Sequence[Reading], start: int, end: int) -> list[tuple[Reading, int]]:
    """The same of what was fed in, for the readings that tell it."""
    good = [reading for reading in readings if reading.quality != Quality.BAD and reading.total_out is not None]
    before = [good[0], *good[:-1]] if good else []
    return [(b, b.total_out - a.total_out) for a, b in zip(before, good, strict=True) if start <= b.time < end]  # type: ignore[operator]
