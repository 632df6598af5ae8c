"""Meters on a real spine: database, registry, journal and embedded ClickHouse; readings by seconds since the start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.stores import Spine, spine
from wattline.households.meters.model import Kind, Measurement, Meter, Refused
from wattline.households.meters.service import Meters
from wattline.model.clock import DAY, MINUTE, SECOND, ManualClock
from wattline.registry.stream import Stream

TENANT, USER, MAC = "homes", "u1", "AA:BB:CC:DD:EE:01"
COLUMNS = ("value", "value_out", "value_current", "total", "total_out")


class Home:
    """One household and its meter. `send` tells the reason where a reading is refused, None where it is taken."""

    def __init__(self, store: Spine, meters: Meters, start: int) -> None:
        self.store = store
        self.meters = meters
        self.start = start
        self.mac = MAC
        self.user = USER

    @property
    def meter(self) -> Meter:
        return self.meters.meter(TENANT, self.mac)

    @property
    def stream(self) -> Stream:
        found = self.meters.stream(TENANT, self.user, self.mac)
        assert found is not None
        return found

    async def send(self, seconds: float | None, value: float, **more: Any) -> str | None:
        time = None if seconds is None else self.start + round(seconds * SECOND)
        analog = self.meter.kind is Kind.ANALOG_ELECTRICITY
        try:
            await self.meters.take(self.meter, Measurement(value, analog, time=time, **more))
        except Refused as refused:
            return str(refused)
        return None

    async def rows(self) -> list[dict[str, float]]:
        """The rows that are not BAD, by seconds."""
        raw = await self.store.pipeline.series.usable([self.stream], 0, 2**52, COLUMNS)
        found: dict[int, dict[str, float]] = {}
        names = dict(zip(self.stream.sensor_ids, COLUMNS, strict=True))
        for sensor, time, value, quality in zip(raw.sensor, raw.time, raw.value, raw.quality, strict=True):
            row = found.setdefault(int(time), {"at": (int(time) - self.start) / SECOND})
            row[names[int(sensor)]] = float(value)
            row[f"{names[int(sensor)]}_quality"] = int(quality)
        return [found[time] for time in sorted(found)]

    async def totals(self) -> list[float]:
        return [row["total"] for row in await self.rows()]

    async def used(self) -> float:
        """What the household used from its first row to its last one."""
        totals = await self.totals()
        assert all(np.diff(totals) >= -1e-9), totals
        return totals[-1] - totals[0]

    async def next_home(self, user: str) -> None:
        """A meter of its own in another household, for a history that begins anew."""
        kind = self.meter.kind
        self.mac, self.user = f"{self.mac[:-5]}{int(user[1:]) // 100:02d}:{int(user[1:]) % 100:02d}", user
        await self.meters.add(TENANT, self.mac, kind)
        await self.meters.assign(TENANT, self.mac, user)

    async def restart(self, *, crash: bool = False) -> None:
        """The process ends, and another one takes over."""
        await (self.store.crash() if crash else self.store.close())
        await self.store.open()
        self.meters = await meters_of(self.store)


async def meters_of(store: Spine, **more: Any) -> Meters:
    options = {"ahead": 5 * MINUTE, "kept": 90 * DAY, **more}
    meters = Meters(store.database, store.registry, store.pipeline, store.clock, **options)
    await meters.load()
    return meters


@asynccontextmanager
async def home(
    directory: Path,
    clock: ManualClock,
    kind: Kind = Kind.DIGITAL_ELECTRICITY,
    initial: float | None = None,
    **options: Any,
) -> AsyncIterator[Home]:
    """A household with a meter; readings start a day before the clock's now."""
    async with spine(directory, clock, **options) as store:
        meters = await meters_of(store)
        made = Home(store, meters, clock.micros() - DAY)
        await meters.add(TENANT, MAC, kind)
        await meters.assign(TENANT, MAC, USER, initial)
        yield made
