"""`mg_device_registry`: rows name devices; devices and their readings stay whatever becomes of the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from wattline.changes.service import ChangeLog
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.expression import Among, Compare, Ref, Sort
from wattline.contracts.flux.relation import Edit, Need, TableChange
from wattline.contracts.flux.relations.registry import DeviceRegistry
from wattline.contracts.flux.tables import REGISTRY
from wattline.model.clock import ManualClock
from wattline.model.place import Layout, Quantity
from wattline.registry.listing import Shown
from wattline.registry.listings import Listings
from wattline.registry.service import Registry
from wattline.state.database import Database

POWER = Layout("power", (Quantity("kw", "kW"),))
ID = Ref("id", Type.UUID)
A, B = (f"00000000-0000-4000-8000-00000000000{n}" for n in "ab")
EVERY = frozenset(REGISTRY.by_name)


@dataclass
class Process:
    """What one process has of the registry."""

    database: Database
    clock: ManualClock
    told: list[TableChange] = field(default_factory=list)

    async def start(self) -> Process:
        self.log = ChangeLog(self.database, self.clock)
        await self.log.load()
        self.registry = Registry(self.database, 4, self.clock)
        await self.registry.load()
        self.listings = Listings(self.registry, self.log, self.clock)
        self.relation = DeviceRegistry(self.listings, self.log, self.told.append)
        return self


@pytest.fixture
async def one(database: Database, clock: ManualClock) -> Process:
    return await Process(database, clock).start()


@pytest.fixture
async def two(one: Process, clock: ManualClock) -> AsyncIterator[Process]:
    """Another process on the same database, with connections of its own."""
    database = Database(one.database.url)
    yield await Process(database, clock).start()
    await database.close()


def rows(*given: dict[str, object]) -> pa.Table:
    usual = {
        "created_at": 5,
        "name": "WLCE-BESS-01",
        "type": "bess",
        "site": "WLCE",
        "metadata": '{"max_power": 100}',
        "active": True,
    }
    return pa.Table.from_pylist([usual | row for row in given], REGISTRY.schema)


async def read(process: Process, need: Need | None = None, tenant: str = "north") -> pa.Table:
    return pa.concat_tables([t async for t in process.relation.scan(tenant, need or Need(EVERY)).tables])


async def test_rows_are_read_as_they_were_written(one: Process, two: Process) -> None:
    given = rows({"id": A}, {"id": B, "site": "HMCE", "metadata": None, "active": None, "created_at": 4})
    await one.relation.commit("north", Edit(inserted=given))
    expected = given.take([1, 0])
    assert (await read(one)).equals(expected)
    assert (await read(one, tenant="south")).num_rows == 0
    await two.registry.refresh()
    assert (await read(two)).equals(expected)
    assert one.relation.scan("north", Need(EVERY, order=(Sort(Ref("created_at", Type.TIMESTAMPTZ)), Sort(ID)))).ordered
    assert not one.relation.scan("north", Need(EVERY, order=(Sort(ID),))).ordered
    for where in (Compare(ID, "eq", A), Among(ID, "eq", (A, None, "unknown"))):
        assert (await read(one, Need(EVERY, where))).equals(given.slice(0, 1))
    assert (await one.relation.find("north", REGISTRY.uniques[0], pa.table({"id": [A, "no"]}))).equals(given.slice(0, 1))


async def test_a_row_that_goes_leaves_the_device_with_its_readings(one: Process) -> None:
    [stream] = await one.listings.streams("north", [A], POWER)
    assert (await read(one)).num_rows == 0
    given = rows({"id": A})
    await one.relation.commit("north", Edit(inserted=given))
    assert stream.device.site.key == "WLCE"
    moved = rows({"id": A, "site": "HMCE"})
    await one.relation.commit("north", Edit(old=given, new=moved))
    assert stream.device.site.key == "HMCE"
    await one.relation.commit("north", Edit(deleted=moved))
    assert (await read(one)).num_rows == 0
    assert one.listings.stream("north", A, "power") is stream
    assert [
        tuple(side.num_rows if side is not None else 0 for side in (c.edit.inserted, c.edit.old, c.edit.new, c.edit.deleted))
        for c in one.told
    ] == [(1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 0, 1)]
    assert [change async for change in one.relation.changes("north", 0)] == one.told


async def test_an_id_is_listed_once_also_by_two_processes(one: Process, two: Process) -> None:
    written = await asyncio.gather(
        *(
            process.relation.commit("north", Edit(inserted=rows({"id": A}, {"id": other})))
            for process, other in ((one, B), (two, B))
        ),
        return_exceptions=True,
    )
    [refused] = [each for each in written if isinstance(each, Refusal)]
    assert (refused.status, refused.code) == (409, "23505")
    assert refused.message == 'duplicate key value violates unique constraint "mg_device_registry_pkey"'
    assert refused.details == f"Key (id)=({A}) already exists."
    # A key that another process has given is found by who looks for it.
    for process in (one, two):
        assert (await process.relation.find("north", REGISTRY.uniques[0], pa.table({"id": [A, B]}))).num_rows == 2


async def test_too_many_devices_are_refused_whole(one: Process) -> None:
    with pytest.raises(Refusal) as refused:
        await one.relation.commit("north", Edit(inserted=rows(*({"id": f"{A[:-1]}{n}"} for n in range(5)))))
    assert (refused.value.status, refused.value.code) == (400, "P0001")
    assert (await read(one)).num_rows == 0


async def test_a_device_of_another_contract_stays_where_that_has_it(one: Process) -> None:
    feeder = await one.registry.register("north", "SUB", "F1", POWER)
    shown = [Shown("mg_meter_readings", "power", {"power_total_active": ("kw", 1.0)})]
    listed = await one.listings.expose("north", feeder.device, shown, name="Feeder 1", kind="meter")
    before = await read(one)
    assert before.select(["id", "name", "site"]).to_pylist() == [{"id": listed.uuid, "name": "Feeder 1", "site": "SUB"}]
    [exposure] = one.relation.exposures("north", "mg_meter_readings")
    assert (exposure.stream, exposure.columns) == (feeder, {"power_total_active": (0, 1.0)})
    assert one.relation.exposures("north", "mg_bess_readings") == []
    for column, value in (("site", "ELSEWHERE"), ("id", A)):
        place = REGISTRY.schema.get_field_index(column)
        with pytest.raises(Refusal) as refused:
            await one.relation.commit("north", Edit(old=before, new=before.set_column(place, column, pa.array([value]))))
        assert (refused.value.status, refused.value.code) == (400, "P0001")
    renamed = before.set_column(2, "name", pa.array(["F"]))
    await one.relation.commit("north", Edit(old=before, new=renamed))
    assert (await read(one)).equals(renamed)
    assert feeder.device.attributes == {}
