"""A meter that another process removed and registered anew: no token of its former owner holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattline.households.meters.model import Kind
from wattline.model.clock import ManualClock
from wattline.model.errors import Unauthenticated
from wattline.state.database import Database

from .desk import MAC, TENANT, desk


async def test_tokens_end_with_the_registration_in_every_process(
    database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    async with desk(database, tmp_path, clock, "one") as one, desk(database, tmp_path, clock, "two") as two:
        await one.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
        await one.assign(TENANT, MAC, "u1")
        token = (await one.issue(MAC)).token
        await two.refresh()
        assert (await two.authenticate(token)).tenant == TENANT

        clock.advance(1)
        await one.remove(TENANT, MAC)
        await one.add("elsewhere", MAC, Kind.DIGITAL_ELECTRICITY)
        await one.assign("elsewhere", MAC, "u2")
        await two.refresh()
        for process in (one, two):
            with pytest.raises(Unauthenticated):
                await process.authenticate(token)
