"""A tenant with two households, what belongs to each of them, and what belongs to nobody any more."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import sqlalchemy as sa
from starlette.types import ASGIApp

from tests.contracts.household.home import Home, move_in, new_mac
from wattline.households import tables
from wattline.households.meters.model import LAYOUT, Kind
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.record import Row
from wattline.platform import Platform

START = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)
_numbers = itertools.count()


@dataclass(frozen=True)
class Things:
    """The ids of what a household has."""

    peak: str
    device: int
    report: str
    experiment: str


@dataclass
class Town:
    """`home` is who is attacked, `neighbour` another household of the tenant, `stranger` one of another tenant."""

    platform: Platform
    app: ASGIApp
    clock: ManualClock
    home: Home
    neighbour: Home
    stranger: Home
    gone: str
    removed: str
    things: dict[str, Things]

    @property
    def homes(self) -> Sequence[Home]:
        """All three."""
        return self.home, self.neighbour, self.stranger

    async def furnish(self, home: Home) -> None:
        """Give a household four days of readings, a peak, a device, a report, an experiment and prices."""
        number, now = next(_numbers), self.clock.micros()
        await use(home, now)
        households = home.households
        peak = f"peak-{number}"
        async with self.platform.database.transaction() as connection:
            values = {"start": now - HOUR, "end": now - HOUR + 5 * MINUTE, "power_w": 2e3, "base_w": 2e2, "energy_kwh": 0.16}
            who = {"tenant": home.tenant, "user": home.user, "mac": home.mac}
            await connection.execute(sa.insert(tables.peaks).values(id=peak, created=now, updated=now, **who, **values))
        device = await households.appliances.create(home.tenant, home.user, {"name": "Kettle", "category": "kettle"})
        await households.appliances.assign(home.tenant, home.user, peak, [device.id])
        report = await households.reports.process(home.tenant, home.user)
        experiment = await households.accounts.create_experiment(home.tenant, "Study")
        await households.accounts.put_participant(home.tenant, experiment.id, home.user, {})
        prices = (date(2026, 1, 1), Decimal(10), Decimal("0.3"))
        await households.accounts.set_tariff(home.tenant, home.user, *prices)
        self.things[home.user] = Things(peak, device.id, report.id, experiment.id)


async def use(home: Home, now: int, days: int = 4) -> None:
    """Readings of a whole number of days until a time, one an hour, of 200 W."""
    stream = await home.platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    hours = range(days * DAY // HOUR)
    first = now - days * DAY
    rows = [Row(stream.id, first + at * HOUR, now, (1000 + at * 0.2, None, 200.0, 1000 + at * 0.2, None), 0) for at in hours]
    await home.platform.pipeline.ingest.submit(rows)


@asynccontextmanager
async def founded(platform: Platform, app: ASGIApp, clock: ManualClock) -> AsyncIterator[Town]:
    """A town whose households have everything."""
    home = await move_in(platform, app)
    neighbour = await move_in(platform, app, tenant=home.tenant)
    stranger = await move_in(platform, app)
    households = platform.households
    gone = await households.accounts.create_user(home.tenant, {"name": "Gone"})
    await households.accounts.delete_user(home.tenant, gone.id)
    removed = new_mac()
    await households.meters.add(home.tenant, removed, Kind.DIGITAL_ELECTRICITY)
    await households.meters.remove(home.tenant, removed)
    town = Town(platform, app, clock, home, neighbour, stranger, gone.id, removed, {})
    try:
        for each in town.homes:
            await town.furnish(each)
        clock.advance(30 * MINUTE // SECOND)
        yield town
    finally:
        for each in town.homes:
            await each.client.aclose()
