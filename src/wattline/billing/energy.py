"""Energy of a block: intervals of its electrical and thermal meters, and days."""

from __future__ import annotations

import asyncio

import numpy as np

from wattline.billing import boundary
from wattline.billing.daily import Accounts, Day, daily
from wattline.billing.days import days, zone_named
from wattline.billing.intervals import Grid
from wattline.billing.measuring import STRETCH, Measuring
from wattline.billing.model import INTERVAL, DailyEnergy, EnergyReport, Role
from wattline.billing.modes import ModeHistory, recovered_share
from wattline.billing.report import coverage, exact, report
from wattline.billing.water import WaterUse, water_meters
from wattline.ingest.energy_series import EnergySeries
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Invalid
from wattline.model.place import Block
from wattline.registry.service import Registry

LONGEST = 400 * DAY
"""The longest range of one answer: a year and what a caller rounds it up by."""


class Energy:
    """Ranges are half-open in us since 1970; an interval belongs to the range that it starts in, also if it is open now.

    Raises `Unavailable` where a store is away, `Invalid` for a range over 400 days.
    """

    def __init__(self, registry: Registry, series: EnergySeries, modes: ModeHistory, clock: Clock) -> None:
        self._registry = registry
        self._measuring = Measuring(series)
        self._modes = modes
        self._clock = clock

    def _grid(self, start: int, end: int) -> Grid:
        if end - start > LONGEST:
            raise Invalid(f"a range of energy is at most {LONGEST // DAY} days long")
        return Grid.over(max(start, 0), end, self._clock.micros())

    async def electrical(self, block: Block, start: int, end: int) -> EnergyReport:
        """Electrical energy by meter and interval; counted is what crosses the facility's boundary."""
        grid = self._grid(start, end)
        account = boundary.electrical(self._registry.block_points(block.id))
        matrix = await self._measuring.measure(account.meters, block.capacity_mw * 1000, grid)
        return await asyncio.to_thread(report, block, start, end, account, matrix, np.ones(grid.size), grid)

    async def thermal(self, block: Block, start: int, end: int) -> EnergyReport:
        """Heat by meter and interval; counted is what was recovered: in EXPORT or MIXED, or while the mode is not known."""
        grid = self._grid(start, end)
        account = boundary.thermal(self._registry.block_points(block.id))
        matrix = await self._measuring.measure(account.meters, block.capacity_mw * 1000, grid)
        recovered = recovered_share(await self._modes.changes(block, grid.start, grid.end), grid)
        return await asyncio.to_thread(report, block, start, end, account, matrix, recovered, grid)

    async def water(self, block: Block, start: int, end: int) -> WaterUse | None:
        """The water that a block evaporated to reject heat; None where it has no meter of it."""
        grid = self._grid(start, end)
        meters = water_meters(self._registry.block_points(block.id))
        if not meters:
            return None
        # A register that is read wrongly is known by what no block needs: ten litres for each kWh of its capacity.
        matrix = await self._measuring.measure(meters, block.capacity_mw * 1000, grid)
        return WaterUse(exact(matrix.energy), tuple(meters), coverage(matrix, grid))

    async def daily(self, block: Block, start: int, end: int, zone: str = "UTC") -> list[DailyEnergy]:
        """Energy by local day of `zone`, for the days in which anything was measured, each clipped to the range.

        Raises `Invalid` also for an unknown zone.
        """
        named = zone_named(zone)
        grid = self._grid(start, end)
        points = self._registry.block_points(block.id)
        accounts = Accounts(
            boundary.electrical(points),
            boundary.thermal(points),
            tuple(boundary.with_roles(points, Role.IT_MAIN)),
            tuple(boundary.with_roles(points, Role.REJECT_POWER)),
        )
        meters = accounts.meters()
        if not meters:
            return []
        changes = await self._modes.changes(block, grid.start, grid.end)
        found = []
        wanted = days(grid.start, grid.end, named)
        for first in range(0, len(wanted), STRETCH // DAY):
            some = wanted[first : first + STRETCH // DAY]
            stretch = Grid.over(max(some[0][0], grid.start), min(some[-1][1], grid.end), grid.now)
            matrix = await self._measuring.measure(meters, block.capacity_mw * 1000, stretch)
            recovered = recovered_share(changes, stretch)
            for midnight, following in some:
                inside = Grid.over(max(midnight, stretch.start), min(following, stretch.end), grid.now)
                at = slice((inside.start - stretch.start) // INTERVAL, (inside.end - stretch.start) // INTERVAL)
                a, b = max(midnight, start), min(following, end, grid.now)
                day = Day(midnight, a, b, (a, b) == (midnight, following), inside, matrix.between(at), recovered[at])
                figures = daily(accounts, meters, day)
                if figures is not None:
                    found.append(figures)
        return found
