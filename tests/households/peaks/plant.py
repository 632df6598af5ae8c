"""Households with real stores, whose meters are what a test says they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tests.stores import Spine, spine
from wattline.households.meters.model import LAYOUT, Kind, Meter
from wattline.households.meters.service import Meters
from wattline.households.peaks.model import Profile
from wattline.households.peaks.service import Peaks
from wattline.model.clock import ManualClock, from_micros
from wattline.model.errors import NotFound
from wattline.model.record import Row
from wattline.registry.stream import Stream


@dataclass
class Assigned:
    """The part of `Meters` that peaks ask: which meters there are, and their rows."""

    streams: dict[tuple[str, str, str], Stream] = field(default_factory=dict)
    known: list[Meter] = field(default_factory=list)

    def meter(self, tenant: str, mac: str) -> Meter:
        for meter in self.known:
            if (meter.tenant, meter.mac) == (tenant, mac):
                return meter
        raise NotFound("there is no such sensor")

    def meters(self, tenant: str | None = None) -> list[Meter]:
        return [meter for meter in self.known if tenant in (None, meter.tenant)]

    def stream(self, tenant: str, user: str, mac: str) -> Stream | None:
        return self.streams.get((tenant, user, mac))


@dataclass
class Street:
    """Homes of a tenant, and what was told of their peaks."""

    spine: Spine
    meters: Assigned = field(default_factory=Assigned)
    told: list[Profile] = field(default_factory=list)

    def peaks(self) -> Peaks:
        """The service anew, as after a restart."""
        s = self.spine
        return Peaks(s.database, cast("Meters", self.meters), s.pipeline.series, s.clock, self.suggest)

    async def suggest(self, profiles: Sequence[Profile]) -> None:
        self.told.extend(profiles)

    async def move_in(self, user: str, mac: str, kind: Kind = Kind.DIGITAL_ELECTRICITY, tenant: str = "t") -> Stream:
        stream = await self.spine.registry.register(tenant, user, mac, LAYOUT)
        self.meters.streams[tenant, user, mac] = stream
        self.meters.known.append(Meter(mac, tenant, kind, user, None, False, 0.6, None, 0, 0))
        return stream

    async def send(self, stream: Stream, times: NDArray[np.int64], totals: NDArray[np.float64]) -> None:
        rows = [
            Row(stream.id, time, time, (total, None, None, total, None))
            for time, total in zip(times.tolist(), totals.tolist(), strict=True)
        ]
        await self.spine.pipeline.ingest.submit(rows)

    def at(self, time: int) -> None:
        """Let it be that time (us)."""
        self.spine.clock.set(from_micros(time))


@asynccontextmanager
async def street(directory: Path, clock: ManualClock) -> AsyncIterator[Street]:
    async with spine(directory, clock) as made:
        yield Street(made)
