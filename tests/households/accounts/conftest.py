"""Accounts on both engines, with what they stand on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from wattline.households.accounts.service import Accounts
from wattline.identity.service import Identity
from wattline.model.clock import ManualClock
from wattline.registry.service import Registry
from wattline.state.database import Database


@dataclass(frozen=True)
class Town:
    """Accounts and the parts that they speak to."""

    accounts: Accounts
    registry: Registry
    identity: Identity
    database: Database
    clock: ManualClock


@pytest.fixture
async def town(database: Database, clock: ManualClock) -> Town:
    """A state database without households."""
    registry, identity = Registry(database, clock=clock), Identity(database, clock)
    await registry.load()
    return Town(Accounts(database, registry, identity, clock), registry, identity, database, clock)
