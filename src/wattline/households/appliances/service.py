"""Appliances as one service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattline.households.peaks.service import Profile
from wattline.households.recognition.model import Recogniser
from wattline.model.clock import Clock
from wattline.state.database import Database


@dataclass(frozen=True, slots=True)
class Appliance:
    """Something in a household that draws power. `power_w` None is not known; `sigma_w` is the standard error of an estimate.

    `estimated`: the power follows from peaks; otherwise the household said it, and it stays. `weekly_hours` is how long it
    runs in a week.
    """

    id: int
    tenant: str
    user: str
    name: str
    category: str
    power_w: float | None
    estimated: bool
    sigma_w: float | None
    weekly_hours: float | None


class Appliances:
    """What a household has, which peaks it caused, and what follows for powers and weekly use."""

    def __init__(self, database: Database, recogniser: Recogniser, clock: Clock) -> None:
        raise NotImplementedError

    async def appliances(self, tenant: str, user: str) -> list[Appliance]:
        """The appliances of a household, by id."""
        raise NotImplementedError

    async def create(self, tenant: str, user: str, given: Mapping[str, Any]) -> Appliance:
        """`given` has name, category, estimated and, where that is false, power_w. Raises `Invalid`."""
        raise NotImplementedError

    async def change(self, tenant: str, user: str, device: int, given: Mapping[str, Any]) -> Appliance:
        """Raises `NotFound`, also for another household's; `Invalid`."""
        raise NotImplementedError

    async def remove(self, tenant: str, user: str, device: int) -> None:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def assign(self, tenant: str, user: str, peak: str, devices: Sequence[int]) -> None:
        """Say which appliances caused a peak; none is allowed. Powers and weekly hours follow at once. Raises `NotFound`."""
        raise NotImplementedError

    async def assigned(self, tenant: str, user: str, peaks: Sequence[str]) -> dict[str, list[int]]:
        """The appliances of each of these peaks of the household."""
        raise NotImplementedError

    async def suggestions(self, tenant: str, user: str, peaks: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """What each of these peaks of the household looks like: category and confidence, most likely first."""
        raise NotImplementedError

    async def suggest(self, profiles: Sequence[Profile]) -> None:
        """Keep what new or grown peaks look like, in place of what was suggested before."""
        raise NotImplementedError
