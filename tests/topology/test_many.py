"""Many documents in one transaction, on both engines."""

from __future__ import annotations

import pytest

from wattline.model.clock import ManualClock
from wattline.model.errors import Conflict
from wattline.resources.service import Resources
from wattline.state.database import Database


async def test_many_are_in_order_with_their_own_versions(database: Database, clock: ManualClock) -> None:
    resources = Resources(database, clock)
    await resources.load()
    bodies = [{"number": n, "external_id": None if n % 2 else f"x{n}"} for n in range(2500)]
    async with resources.writing() as writer:
        first = await writer.insert("t", "node", {"number": -1, "external_id": "first"})
        made = await writer.insert_all("t", "node", bodies)
        assert await writer.insert_all("t", "node", []) == []
    assert [each.body["number"] for each in made] == list(range(2500))
    assert [each.id for each in made] == sorted({each.id for each in made})
    assert resources.all("t", "node") == [first, *made]
    assert await resources.at("t", "node", clock.micros()) == [first, *made]
    for several in ([{"external_id": "x0"}], [{"external_id": "y"}, {"external_id": "y"}]):
        with pytest.raises(Conflict):
            async with resources.writing() as writer:
                await writer.insert_all("t", "node", several)
    again = Resources(database, clock)
    await again.load()
    assert again.all("t", "node") == [first, *made]
