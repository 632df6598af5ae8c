"""The demo's homes in a server's books: users, tariffs, meters with their scripts, and an experiment."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from wattline.households.service import Households
from wattline.model.errors import NotFound
from wattline.simulate.homes.definition import BASE_PRICE, GUEST, HOMES, WORKING_PRICE, Home

EXPERIMENT = "demo"
"""The experiment that every simulated home takes part in."""


async def seed(households: Households, tenant: str, today: date) -> None:
    """Make what is not there; what somebody changed stays changed."""
    for home in (*HOMES, GUEST):
        await _person(households, tenant, home)
        await _meter(households, tenant, home)
    known = {experiment.id for experiment in await households.accounts.experiments(tenant)}
    if EXPERIMENT in known:
        return
    await households.accounts.create_experiment(tenant, "Demo: who knows what they use, uses less", EXPERIMENT)
    for home in HOMES:
        taking_part = {"status": "installation", "installed": today}
        await households.accounts.put_participant(tenant, EXPERIMENT, home.user, taking_part)


async def _person(households: Households, tenant: str, home: Home) -> None:
    try:
        await households.accounts.user(tenant, home.user)
    except NotFound:
        # No address: what the demo finds is looked up, not mailed.
        told = {"id": home.user, "name": home.name, "zone": home.zone, "language": home.language, "goal_kwh": Decimal(12)}
        await households.accounts.create_user(tenant, told)
        await households.accounts.set_tariff(tenant, home.user, date(2026, 1, 1), BASE_PRICE, WORKING_PRICE)


async def _meter(households: Households, tenant: str, home: Home) -> None:
    try:
        known = households.meters.meter(tenant, home.mac)
    except NotFound:
        known = await households.meters.add(tenant, home.mac, home.kind, script=home.script)
    if known.user is None:
        await households.meters.assign(tenant, home.mac, home.user)
