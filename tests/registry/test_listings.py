"""Devices under UUIDs: rows come and go, devices and their streams stay, in every process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from wattline.changes.model import Change
from wattline.changes.service import ChangeLog
from wattline.model.clock import ManualClock
from wattline.model.errors import Invalid, NotFound, Unavailable
from wattline.model.place import Layout, Quantity
from wattline.model.record import UNKNOWN
from wattline.registry.listing import AlreadyListed, ListingRow, Shown
from wattline.registry.listings import LISTINGS, Listings
from wattline.registry.service import Registry
from wattline.state.database import Database

PAIR = Layout("pair", (Quantity("a", "kW"), Quantity("n", "1", "counter")))
OTHER = Layout("other", (Quantity("v", "V"),))
A, B, C = (f"00000000-0000-4000-8000-00000000000{n}" for n in "abc")


@dataclass
class Process:
    """What one process has of the registry."""

    database: Database
    clock: ManualClock
    most: int = 2000
    heard: list[Change] = field(default_factory=list)

    async def start(self) -> Process:
        self.log = ChangeLog(self.database, self.clock)
        await self.log.load()
        self.log.listen(self.heard.append)
        self.registry = Registry(self.database, self.most, self.clock)
        await self.registry.load()
        self.listings = Listings(self.registry, self.log, self.clock)
        return self


@pytest.fixture
async def one(database: Database, clock: ManualClock) -> Process:
    return await Process(database, clock).start()


@pytest.fixture
async def two(one: Process, clock: ManualClock) -> Process:
    """Another process on the same database, with connections of its own."""
    database = Database(one.database.url)
    yield await Process(database, clock).start()  # type: ignore[misc]
    await database.close()


def row(uuid: str, site: str = "WLCE", **words: object) -> ListingRow:
    return ListingRow(uuid, 5, "BESS-01", "bess", site, '{"max_power": 100}', True)._replace(**words)  # type: ignore[arg-type]


async def test_a_row_makes_a_device_that_every_contract_knows(one: Process) -> None:
    await one.listings.write("north", inserted=[row(A), row(B, metadata=None, active=None)])
    assert one.listings.rows("north") == [row(A), row(B, metadata=None, active=None)]
    assert one.listings.rows("south") == []
    block = one.registry.block("north", "WLCE", "WLCE")
    assert block is not None
    first, second = one.registry.block_devices(block.id)
    assert (first.key, first.site.key) == (A, "WLCE")
    assert first.attributes == {"tag": "BESS-01", "type": "bess", "metadata": '{"max_power": 100}'}
    assert second.attributes == {"tag": "BESS-01", "type": "bess"}
    [again] = [each for each in (await Process(one.database, one.clock).start()).listings.rows("north") if each.uuid == A]
    assert again == row(A)


async def test_readings_of_an_unknown_device_come_first_and_a_row_moves_it(one: Process) -> None:
    [stream] = await one.listings.streams("north", [A], PAIR)
    assert stream.device.site.key == "unassigned"
    assert one.listings.rows("north") == []
    assert one.heard == []
    await one.listings.write("north", inserted=[row(A)])
    assert one.listings.stream("north", A, "pair") is stream
    assert one.registry.find("north", "WLCE", A, "pair") is stream
    assert one.registry.find("north", "unassigned", A, "pair") is None
    assert (await one.listings.streams("north", [A, A], PAIR)) == [stream, stream]
    left, come = one.registry.block("north", "unassigned", "unassigned"), one.registry.block("north", "WLCE", "WLCE")
    assert left is not None
    assert come is not None
    assert one.registry.block_points(left.id) == []
    assert one.registry.block_devices(left.id) == []
    assert [point.id for point in one.registry.block_points(come.id)] == list(stream.sensor_ids)
    assert one.registry.tagged(come.id, f"{A}-a") == one.registry.any_point(stream.sensor_ids[0])
    assert one.registry.tagged(left.id, f"{A}-a") is None
    again = await Process(one.database, one.clock).start()
    held = again.listings.stream("north", A, "pair")
    assert held is not None
    assert (held.id, held.sensor_ids, held.device.site.key) == (stream.id, stream.sensor_ids, "WLCE")


async def test_a_deleted_row_leaves_the_device_and_its_readings(one: Process) -> None:
    await one.listings.write("north", inserted=[row(A)])
    [stream] = await one.listings.streams("north", [A], PAIR)
    await one.listings.write("north", deleted=[row(A)])
    assert one.listings.rows("north") == []
    assert one.listings.stream("north", A, "pair") is stream
    await one.listings.write("north", inserted=[row(A, site="HMCE", created=9)])
    assert one.listings.rows("north") == [row(A, site="HMCE", created=9)]
    assert stream.device.site.key == "HMCE"


async def test_what_a_row_no_longer_says_is_forgotten(one: Process, two: Process) -> None:
    await one.listings.write("north", inserted=[row(A)])
    await two.registry.refresh()
    await one.listings.write("north", old=[row(A)], new=[row(A, metadata=None, name="other")])
    await two.registry.refresh()
    for process in (one, two):
        listing = process.registry.listing("north", A)
        assert listing is not None
        assert listing.device.attributes == {"tag": "other", "type": "bess"}


async def test_a_row_under_another_uuid_names_another_device(one: Process) -> None:
    await one.listings.write("north", inserted=[row(A)])
    [stream] = await one.listings.streams("north", [A], PAIR)
    await one.listings.write("north", old=[row(A)], new=[row(B, name="new")])
    assert one.listings.rows("north") == [row(B, name="new")]
    assert one.listings.stream("north", A, "pair") is stream
    assert one.listings.stream("north", B, "pair") is None


async def test_nothing_is_written_where_something_is_wrong(one: Process) -> None:
    await one.listings.write("north", inserted=[row(A)])
    heard = len(one.heard)
    with pytest.raises(AlreadyListed, match=A):
        await one.listings.write("north", inserted=[row(B), row(A)])
    with pytest.raises(AlreadyListed, match=C):
        await one.listings.write("north", inserted=[row(C), row(C)])
    with pytest.raises(Unavailable):
        await one.listings.write("north", inserted=[row(B)], deleted=[row(A, name="never")])
    with pytest.raises(Unavailable):
        await one.listings.write("north", old=[row(C)], new=[row(C)])
    assert one.listings.rows("north") == [row(A)]
    assert (await Process(one.database, one.clock).start()).listings.rows("north") == [row(A)]
    assert len(one.heard) == heard


async def test_two_processes_list_a_device_once(one: Process, two: Process) -> None:
    written = await asyncio.gather(
        *(process.listings.write("north", inserted=[row(A, site=site)]) for process, site in ((one, "S1"), (two, "S2"))),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in written) == ["AlreadyListed", "NoneType"]
    await one.registry.refresh()
    await two.registry.refresh()
    assert one.listings.rows("north") == two.listings.rows("north")
    assert len(one.listings.rows("north")) == 1


async def test_two_processes_give_an_unknown_device_the_same_stream(one: Process, two: Process) -> None:
    [first], [second] = await asyncio.gather(one.listings.streams("north", [A], PAIR), two.listings.streams("north", [A], PAIR))
    assert (first.id, first.sensor_ids) == (second.id, second.sensor_ids)
    # Whoever came second cannot know whether the other has taken rows in.
    assert UNKNOWN in (first.admitted, second.admitted)
    await one.listings.write("north", inserted=[row(A)])
    [other] = await two.listings.streams("north", [A], OTHER)
    assert other.device.site.key == "WLCE"
    await one.registry.refresh()
    assert one.listings.stream("north", A, "other") is not None


async def test_a_change_of_another_process_is_neither_lost_nor_overwritten(one: Process, two: Process) -> None:
    await one.listings.write("north", inserted=[row(A)])
    await two.registry.refresh()
    await one.listings.write("north", old=[row(A)], new=[row(A, site="HMCE")])
    with pytest.raises(Unavailable):
        await two.listings.write("north", old=[row(A)], new=[row(A, name="mine")])
    await two.registry.refresh()
    assert two.listings.rows("north") == [row(A, site="HMCE")]
    await two.log.follow()
    assert [(change.subject, change.inserted, change.old, change.new) for change in two.heard] == [
        (LISTINGS, [row(A)], (), ()),
        (LISTINGS, (), [row(A)], [row(A, site="HMCE")]),
    ]
    assert [change.position for change in two.heard] == [change.position for change in one.heard]


async def test_a_tenant_cannot_fill_the_store_with_devices_or_sites(one: Process, clock: ManualClock) -> None:
    small = await Process(one.database, clock, most=2).start()
    with pytest.raises(Invalid):
        await small.listings.write("north", inserted=[row(A), row(B), row(C)])
    with pytest.raises(Invalid):
        await small.listings.streams("north", [A, B, C], PAIR)
    await small.listings.write("north", inserted=[row(A, site="S1"), row(B, site="S2")])
    with pytest.raises(Invalid):
        await small.listings.write("north", old=[row(A, site="S1")], new=[row(A, site="S3")])
    assert [site.key for site in small.registry.sites("north")] == ["S1", "S2"]


async def test_a_device_of_another_contract_is_shown_under_a_uuid_of_its_own(one: Process, two: Process) -> None:
    feeder = await one.registry.register("north", "SUB", "F1", PAIR, {"feeder_id": "F1"})
    shown = [Shown("mg_meter_readings", "pair", {"power_total_active": ("a", 1000.0), "frequency": ("none", 1.0)})]
    listed = await one.listings.expose("north", feeder.device, shown, name="Feeder 1", kind="meter")
    assert one.listings.rows("north") == [listed]
    assert (listed.site, listed.name, listed.type, listed.active) == ("SUB", "Feeder 1", "meter", True)
    [exposure] = one.listings.exposures("north")
    assert (exposure.stream, exposure.uuid, exposure.relation) == (feeder, listed.uuid, "mg_meter_readings")
    assert exposure.columns == {"power_total_active": (0, 1000.0)}
    assert one.listings.exposures("south") == []
    assert feeder.device.attributes == {"feeder_id": "F1"}
    with pytest.raises(Invalid):
        await one.listings.streams("north", [A, listed.uuid], OTHER)
    assert one.listings.stream("north", A, "other") is None
    await two.registry.refresh()
    assert [each.columns for each in two.listings.exposures("north")] == [exposure.columns]
    renamed = await two.listings.expose("north", feeder.device, shown, name="Feeder one", kind="meter")
    assert renamed == listed._replace(name="Feeder one")
    with pytest.raises(NotFound):
        await one.listings.expose("south", feeder.device, shown, name="x", kind="meter")
    await one.registry.refresh()
    for wrong in (renamed._replace(site="S2"), renamed._replace(uuid=A)):
        with pytest.raises(Invalid):
            await one.listings.write("north", old=[renamed], new=[wrong])
    await one.listings.hide("north", listed.uuid)
    assert one.listings.rows("north") == []
    assert one.listings.exposures("north") == []
    with pytest.raises(NotFound):
        await one.listings.hide("north", listed.uuid)
    back = await one.listings.expose("north", feeder.device, shown, name="F", kind="meter")
    assert back.uuid == listed.uuid


async def test_many_rows_are_one_commit(one: Process) -> None:
    rows = [row(f"00000000-0000-4000-8000-{n:012x}", site=f"S{n % 3}", created=n) for n in range(1500)]
    await one.listings.write("north", inserted=rows[:10])
    await one.listings.write("north", old=rows[:10], new=rows[:10], inserted=rows[10:])
    assert one.listings.rows("north") == rows
    streams = await one.listings.streams("north", [each.uuid for each in rows], PAIR)
    assert [stream.device.key for stream in streams] == [each.uuid for each in rows]
    assert len(one.heard) == 2
    assert [change async for change in one.log.since("north", LISTINGS, one.heard[0].position)] == [
        Change("north", LISTINGS, one.heard[1].position, rows[10:], rows[:10], rows[:10])
    ]
