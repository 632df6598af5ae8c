"""Writes that meet."""

from __future__ import annotations

import asyncio

import pyarrow as pa
import pytest

from tests.contracts.flux.write.asking import Base, Counting
from tests.contracts.flux.write.test_inserting import at
from wattline.contracts.flux.catalog import Unique
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.relation import Edit
from wattline.contracts.flux.tables import BESS


class Slow(Counting):
    """Others run while it looks and while it commits. `gate` holds up commits until it is set."""

    def __init__(self) -> None:
        super().__init__(BESS)
        self.gate = asyncio.Event()
        self.began = asyncio.Event()
        self.gate.set()

    async def find(self, tenant: str, unique: Unique, keys: pa.Table) -> pa.Table:
        """After the others had their time."""
        await asyncio.sleep(0)
        return await super().find(tenant, unique, keys)

    async def commit(self, tenant: str, edit: Edit) -> None:
        """When the gate is open."""
        self.began.set()
        await self.gate.wait()
        await super().commit(tenant, edit)


@pytest.fixture
def slow(base: Base) -> Slow:
    """In the place of the readings."""
    relation = Slow()
    base.members[BESS.name] = base.relations.by_name[BESS.name] = relation
    return relation


async def test_one_of_two_equal_inserts_is_refused(base: Base, slow: Slow) -> None:
    answers = await asyncio.gather(
        *(base("POST", "mg_bess_readings", [at(second), at(9)]) for second in range(5)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert [refusal.code for refusal in refused] == ["23505"] * 4
    assert len(base.rows("mg_bess_readings")) == 2


async def test_who_is_cancelled_in_a_commit_holds_the_turn_until_it_is_done(base: Base, slow: Slow) -> None:
    slow.gate.clear()
    first = asyncio.create_task(base("POST", "mg_bess_readings", at(1)))
    await slow.began.wait()
    second = asyncio.create_task(base("POST", "mg_bess_readings", at(1)))
    first.cancel()
    await asyncio.sleep(0)
    assert slow.turn.locked()
    assert not first.done()
    slow.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(Refusal, match="duplicate key"):
        await second
    assert len(base.rows("mg_bess_readings")) == 1
