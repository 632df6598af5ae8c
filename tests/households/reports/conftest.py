"""Reports on both state databases, with real meters, readings and a ledger of mails; each test has a tenant of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import sqlalchemy as sa

from tests.households.energy.register_rows import Reading
from tests.notify.conftest import smtp
from tests.stores import Spine, spine
from wattline.households.accounts.model import User
from wattline.households.accounts.service import Accounts
from wattline.households.energy.daily import midnight
from wattline.households.meters.model import LAYOUT, Kind
from wattline.households.meters.service import Meters
from wattline.households.reports.service import Reports
from wattline.identity.service import Identity
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock, to_micros
from wattline.notify import store as ledger
from wattline.notify.model import Alert
from wattline.notify.service import Notify
from wattline.state.database import Database

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
_numbers = itertools.count()


@dataclass(frozen=True)
class Village:
    """What reports are made of and by. `process` is another process's reports on the same stores."""

    spine: Spine
    database: Database
    clock: ManualClock
    accounts: Accounts
    meters: Meters
    notify: Notify
    reports: Reports
    tenant: str

    def process(self) -> Reports:
        """Reports as a second process has them."""
        return Reports(self.database, self.accounts, self.meters, self.spine.pipeline.series, self.notify, self.clock)

    def now(self, local: str, zone: str = "Europe/Berlin") -> int:
        """Set the clock to a local time, and give it."""
        self.clock.set(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)))
        return self.clock.micros()

    async def home(self, **wishes: Any) -> User:
        """A household with a digital meter."""
        number = next(_numbers)
        given = {"id": f"home-{number}", "name": "Weiß", "email": f"home{number}@example.org", "report_days": 7, **wishes}
        user = await self.accounts.create_user(self.tenant, given)
        mac = f"AA:BB:CC:DD:{number // 256:02X}:{number % 256:02X}"
        await self.meters.add(self.tenant, mac, Kind.DIGITAL_ELECTRICITY)
        await self.meters.assign(self.tenant, mac, user.id)
        return user

    async def measured(self, user: User, uses: dict[date, int]) -> None:
        """A reading every half hour of these local days, with which that many micro-kWh were used on each, evenly."""
        (meter,) = self.meters.of_user(self.tenant, user.id)
        stream = await self.spine.registry.register(self.tenant, user.id, meter.mac, LAYOUT)
        zone, total, readings = ZoneInfo(user.zone), 10**9, []
        for day, used in sorted(uses.items()):
            start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
            count = (end - start) // (30 * MINUTE)
            readings += [Reading(start + n * 30 * MINUTE, total + used * n // (count - 1)) for n in range(count)]
            total += used
        await self.spine.pipeline.ingest.submit([reading.row(stream) for reading in readings])

    async def mails(self) -> list[Alert]:
        """The letters of this tenant."""
        async with self.database.read() as connection:
            return [each for each in await ledger.select(connection) if each.tenant == self.tenant]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Spine]:
    """What the tests of a module share."""
    async with spine(tmp_path_factory.mktemp("reports"), ManualClock(NOON)) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def village(stores: Spine, database_url: sa.URL) -> AsyncIterator[Village]:
    """An empty tenant on 1 April 2026."""
    stores.clock.set(NOON)
    clock, database = stores.clock, Database(database_url)
    accounts = Accounts(database, stores.registry, Identity(database, clock), clock)
    meters = Meters(database, stores.registry, stores.pipeline, clock, ahead=HOUR, kept=3650 * DAY)
    await meters.load()
    notify = Notify(database, clock, transport=smtp(1))
    reports = Reports(database, accounts, meters, stores.pipeline.series, notify, clock)
    yield Village(stores, database, clock, accounts, meters, notify, reports, f"t{next(_numbers)}")
    await database.close()


def days_of_march(*uses: int | None, first: int = 1) -> dict[date, int]:
    """Local days of March 2026 from one on, with what is used on each; None is a day without data."""
    return {date(2026, 3, first + n): used for n, used in enumerate(uses) if used is not None}


def instant(text: str) -> int:
    """A UTC time in us."""
    return to_micros(datetime.fromisoformat(text))
