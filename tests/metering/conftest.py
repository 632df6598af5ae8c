"""Metering on real state: resources, registry and keys, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from wattline.metering.service import Metering
from wattline.model.clock import ManualClock
from wattline.registry.service import Registry
from wattline.resources.service import Resources
from wattline.state.database import Database


@dataclass
class House:
    """One process's view of a state database."""

    database: Database
    clock: ManualClock
    zone: str = "UTC"
    most_streams: int = 1000
    registry: Registry = field(init=False)
    resources: Resources = field(init=False)
    metering: Metering = field(init=False)

    def __post_init__(self) -> None:
        self.registry = Registry(self.database, self.most_streams, self.clock)
        self.resources = Resources(self.database, self.clock)
        self.metering = Metering(
            self.resources, self.registry, self.database, self.clock, lambda tenant: 60 if tenant == "west" else 50, self.zone
        )

    async def load(self) -> House:
        await self.registry.load()
        await self.resources.load()
        await self.metering.load()
        return self

    async def refresh(self) -> None:
        """What happens every second."""
        await self.registry.refresh()
        await self.resources.refresh()
        await self.metering.refresh()

    async def meter(self, tenant: str = "default", **body: Any) -> int:
        """The id of a new meter."""
        return (await self.metering.meters.create(tenant, {"name": "a meter", **body})).id

    async def group(self, tenant: str = "default", **body: Any) -> int:
        """The id of a new group."""
        return (await self.metering.groups.create(tenant, {"name": "a group", **body})).id

    async def account(self, tenant: str = "default", **body: Any) -> int:
        """The id of a new account."""
        return (await self.metering.accounts.create(tenant, {"name": "an account", "currency": "EUR", **body})).id


@pytest.fixture
async def house(database: Database, clock: ManualClock) -> House:
    """Metering without a single meter."""
    return await House(database, clock).load()


@pytest.fixture
async def other(house: House) -> AsyncIterator[House]:
    """Another process on the same database."""
    database = Database(house.database.url)
    yield await House(database, house.clock).load()
    await database.close()
