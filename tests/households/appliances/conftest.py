"""Households, meters' peaks and the service of appliances, on a real database."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import sqlalchemy as sa

from wattline.households.appliances.service import Appliances
from wattline.households.peaks.model import Peak, Profile
from wattline.households.recognition.model import Recogniser
from wattline.households.tables import peaks, users
from wattline.model.clock import MINUTE, SECOND, ManualClock
from wattline.state.database import Database

MAC = "AA:BB:CC:DD:EE:01"


@dataclass
class Homes:
    """Makes households and peaks."""

    database: Database
    clock: ManualClock
    appliances: Appliances
    made: int = field(default=0)

    async def home(self, user: str, tenant: str = "town", deleted: int | None = None) -> str:
        """A household."""
        row = {
            "tenant": tenant,
            "id": user,
            "name": user,
            "zone": "Europe/Berlin",
            "language": "de",
            "active": True,
            "anomaly_mails": True,
            "report_mails": True,
            "report_days": 3,
            "report_hour": 6,
            "created": 1,
            "deleted": deleted,
        }
        async with self.database.transaction() as connection:
            await connection.execute(sa.insert(users).values(**row))
        return user

    async def peak(
        self, user: str, power_w: float, *, start: int | None = None, minutes: float = 10, tenant: str = "town"
    ) -> Peak:
        """A peak of a household, each an hour after the one before."""
        self.made += 1
        start = self.clock.micros() + self.made * 60 * MINUTE if start is None else start
        end = start + round(minutes * MINUTE)
        energy = power_w / 1000 * minutes / 60
        peak = Peak(tenant, f"peak{self.made}", user, MAC, start, end, power_w, 200.0, energy)
        values = {name: getattr(peak, name) for name in Peak.__slots__}
        async with self.database.transaction() as connection:
            await connection.execute(sa.insert(peaks).values(**values, created=1, updated=1))
        return peak

    async def r_squared(self, user: str, tenant: str = "town") -> float | None:
        """What is kept of the household's estimate."""
        asked = sa.select(users.c.r_squared).where(users.c.tenant == tenant, users.c.id == user)
        async with self.database.read() as connection:
            found: float | None = (await connection.execute(asked)).scalar_one()
        return found

    async def rows(self, table: sa.Table) -> int:
        """How many rows a table has."""
        async with self.database.read() as connection:
            return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


@pytest.fixture
def homes(database: Database, clock: ManualClock) -> Homes:
    """With the model that is shipped."""
    return Homes(database, clock, Appliances(database, Recogniser(), clock))


def profile(peak: Peak, seconds: int = 15) -> Profile:
    """A peak of constant power, with its samples."""
    times = np.arange(peak.start, peak.end, seconds * SECOND, dtype=np.int64)
    return peak, times, np.full(len(times), peak.power_w)
