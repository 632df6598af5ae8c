"""Energy of a block: intervals of its electrical and thermal meters, and days."""

from __future__ import annotations

from wattline.billing.model import DailyEnergy, EnergyReport
from wattline.billing.modes import ModeHistory
from wattline.ingest.energy_series import EnergySeries
from wattline.model.clock import Clock
from wattline.model.place import Block
from wattline.registry.service import Registry


class Energy:
    """Ranges are half-open in us since 1970; an interval belongs to the range that it starts in.

    Raises `Unavailable` where a store is away.
    """

    def __init__(self, registry: Registry, series: EnergySeries, modes: ModeHistory, clock: Clock) -> None:
        self._registry = registry
        self._series = series
        self._modes = modes
        self._clock = clock

    async def electrical(self, block: Block, start: int, end: int) -> EnergyReport:
        """Electrical energy by meter and interval."""
        raise NotImplementedError

    async def thermal(self, block: Block, start: int, end: int) -> EnergyReport:
        """Recovered heat by meter and interval."""
        raise NotImplementedError

    async def daily(self, block: Block, start: int, end: int, zone: str = "UTC") -> list[DailyEnergy]:
        """Energy by local day of `zone`, for the days in which anything was measured. Raises `Invalid` for an unknown zone."""
        raise NotImplementedError
