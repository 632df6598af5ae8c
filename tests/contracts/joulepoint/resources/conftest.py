"""The routers of these tests, and what they make first."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import accounts, gateway_keys, groups, meter_keys, meters
from wattline.contracts.joulepoint.gate import Gate
from wattline.platform import Platform

METERS, GROUPS, ACCOUNTS, GATEWAYS = meters.PATH, groups.PATH, accounts.PATH, gateway_keys.PATH


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    kept = [each.build(platform.metering, platform.resources, gate) for each in (meters, groups, accounts)]
    return [*kept, meter_keys.build(platform.metering, gate), gateway_keys.build(platform.metering, gate)]


async def made(depot: Depot, path: str, **body: Any) -> int:
    """The id of something new."""
    if path == ACCOUNTS:
        body = {"currency": "EUR", **body}
    answer = await depot.call("POST", path, json={"name": "new", **body})
    assert answer.status_code == 201, answer.text
    found: int = answer.json()["id"]
    return found
