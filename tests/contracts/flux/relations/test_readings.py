"""Rows of the two tables of readings, on the real path of a reading."""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from tests.stores import FOUR, Spine, spine
from wattline.changes.service import ChangeLog
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.expression import Among, Both, Compare, Ref, Sort
from wattline.contracts.flux.relation import Edit, Need, TableChange
from wattline.contracts.flux.relations.devices import Devices
from wattline.contracts.flux.relations.foreign import Foreign
from wattline.contracts.flux.relations.readings import Readings
from wattline.contracts.flux.tables import METER
from wattline.model.clock import HOUR, MINUTE, ManualClock
from wattline.model.place import Layout, Quantity
from wattline.model.record import Row
from wattline.model.record import shown as visible
from wattline.registry.listing import Shown
from wattline.registry.listings import Listings

TENANT = "default"
NAMES = [column.name for column in METER.columns]
UNIQUE = METER.uniques[0]
TIME, DEVICE = Ref("time", Type.TIMESTAMPTZ), Ref("device_id", Type.UUID)
START = 1_704_067_200_000_000
Key = tuple[str, int]
Line = dict[str, Any]


def line(device: str, time: int, **measures: float | None) -> Line:
    """A whole row."""
    return {
        **dict.fromkeys(NAMES),
        "time": time,
        "device_id": device,
        "id": str(uuid.uuid4()),
        "created_at": time + 5,
        **measures,
    }


def table(lines: list[Line]) -> pa.Table:
    return pa.Table.from_pylist(lines, METER.schema)


class Place:
    """The relation on a spine, and what it told."""

    def __init__(self, store: Spine) -> None:
        self.store = store
        self.told: list[TableChange] = []
        self.listings = Listings(store.registry, ChangeLog(store.database, store.clock), store.clock)
        devices = Devices(store.registry, self.listings, METER)
        self.meters = Readings(METER, devices, store.pipeline, store.clock, self.told.append)

    async def rows(self, need: Need | None = None) -> list[Line]:
        scan = self.meters.scan(TENANT, need or Need(frozenset(NAMES)))
        return [row async for part in scan.tables for row in part.to_pylist()]


@pytest.fixture
async def place(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Place]:
    async with spine(tmp_path, clock) as store:
        yield Place(store)


A, B = sorted(str(uuid.UUID(int=n * 7919 + 3)) for n in (1, 2))


async def test_a_row_comes_back_as_it_was_sent(place: Place) -> None:
    sent = [
        line(A, START, power_total_active=125.5, frequency=math.inf),
        line(A, START + MINUTE),
        line(B, START, frequency=-0.0),
    ]
    await place.meters.commit(TENANT, Edit(inserted=table(sent)))
    found = await place.rows()
    assert found == [table(sent).to_pylist()[at] for at in (0, 2, 1)]
    assert [(each.relation, each.edit.inserted.num_rows) for each in place.told if each.edit.inserted] == [
        ("mg_meter_readings", 3)
    ]


async def test_the_store_gives_the_same_rows_after_a_restart(place: Place) -> None:
    sent = [line(A, START + n * MINUTE, power_total_active=float(n)) for n in range(700)]
    await place.meters.commit(TENANT, Edit(inserted=table(sent)))
    downwards = Need(frozenset(NAMES), Compare(DEVICE, "eq", A), (Sort(TIME, True),), 100)
    before = await place.rows(downwards)
    await place.store.close()
    await place.store.open()
    again = Place(place.store)
    assert await again.rows(downwards) == before == sent[::-1]
    assert await again.rows() == sent


async def test_a_poll_of_the_newest_rows_sees_what_was_committed_a_moment_ago(place: Place) -> None:
    newest = Need(frozenset({"time", "frequency"}), Compare(DEVICE, "eq", A), (Sort(TIME, True),), 1)
    for n in range(600):
        await place.meters.commit(TENANT, Edit(inserted=table([line(A, START + n, frequency=50.0 + n)])))
        first = await anext(aiter(place.meters.scan(TENANT, newest).tables))
        assert first.slice(0, 1).to_pylist() == [{"time": START + n, "frequency": 50.0 + n}]


async def test_keys_are_found_among_old_rows_and_in_the_journal(place: Place) -> None:
    old, new = line(A, START, frequency=50.0), line(B, START + 9)
    await place.meters.commit(TENANT, Edit(inserted=table([old])))
    await place.store.drained()
    await place.meters.commit(TENANT, Edit(inserted=table([new])))
    keys = pa.table({"device_id": [A, B, B, A], "time": [START, START + 9, START, START + 9]})
    found = await place.meters.find(TENANT, UNIQUE, keys)
    assert sorted(found.to_pylist(), key=lambda row: row["time"]) == [old, new]
    assert (await place.meters.find("another", UNIQUE, keys)).num_rows == 0


async def test_what_was_taken_back_is_gone_for_everybody(place: Place) -> None:
    one, two = line(A, START, frequency=50.0, power_total_active=1.0), line(A, START + MINUTE, frequency=51.0)
    await place.meters.commit(TENANT, Edit(inserted=table([one, two])))
    await place.meters.commit(TENANT, Edit(deleted=table([two])))
    stream = place.store.registry.streams(TENANT, METER.name)[0]
    assert stream.latest is not None
    assert (stream.latest.time, stream.latest.values[0]) == (START, 50.0)
    bare = one | {"frequency": None}
    await place.meters.commit(TENANT, Edit(old=table([one]), new=table([bare])))
    assert await place.rows() == [bare]
    frequency = place.store.registry.any_point(stream.sensor_id("frequency"))
    for _ in range(2):
        assert len(await place.store.pipeline.series.summaries([frequency], START, START + HOUR, MINUTE)) == 0
        await place.store.pipeline.rollup.advance()
        await place.store.pipeline.rollup.settle()
    assert [row for row in place.store.counts.published if row.mark is None or visible(row) is None] == []


async def test_rows_narrowed_by_device_and_time(place: Place) -> None:
    sent = [line(device, START + n * HOUR) for n in range(48) for device in (A, B)]
    await place.meters.commit(TENANT, Edit(inserted=table(sent)))
    where = Both(
        (
            Among(DEVICE, "eq", (B, str(uuid.UUID(int=5)))),
            Compare(TIME, "gt", START + HOUR),
            Compare(TIME, "lte", START + 3 * HOUR),
        )
    )
    assert [(row["device_id"], row["time"]) for row in await place.rows(Need(frozenset(NAMES), where))] == [
        (B, START + 2 * HOUR),
        (B, START + 3 * HOUR),
    ]


async def test_a_device_of_another_contract_is_shown_with_the_same_id_at_every_look(place: Place) -> None:
    foreign = await place.store.registry.register(TENANT, "somewhere", "feeder-1", FOUR)
    await place.store.pipeline.ingest.submit([Row(foreign.id, START, START + 1, (11.0, 90.0, 2.0, 50.0))])
    shown = Shown(METER.name, foreign.layout.name, {"power_total_active": ("power_mw", 1000.0)})
    await place.listings.expose(TENANT, foreign.device, [shown], name="feeder", kind="meter", uuid=A)
    first = await place.rows()
    assert [(row["device_id"], row["power_total_active"], row["frequency"]) for row in first] == [(A, 2000.0, None)]
    assert uuid.UUID(first[0]["id"]).version == 8
    assert await place.rows() == first


async def test_the_points_of_a_meter_of_another_contract_make_one_row_an_instant(place: Place) -> None:
    layouts = [Layout(f"mcs.{name}", (Quantity(name, "kW"),)) for name in ("p", "f")]
    streams = [await place.store.registry.register(TENANT, "hall", "MSB", layout) for layout in layouts]
    for stream, value in zip(streams, (700.0, 50.0), strict=True):
        await place.store.pipeline.ingest.submit([Row(stream.id, START + n, START + n, (value + n,)) for n in range(3)])
    await place.store.pipeline.ingest.submit([Row(streams[0].id, START + 9, START + 9, (1.0,))])
    shown = [
        Shown(METER.name, "mcs.p", {"power_total_active": ("p", 1.0)}),
        Shown(METER.name, "mcs.f", {"frequency": ("f", 1.0)}),
    ]
    await place.listings.expose(TENANT, streams[0].device, shown, name="MSB", kind="meter", uuid=A)
    rows = await place.rows()
    assert [(row["time"] - START, row["power_total_active"], row["frequency"]) for row in rows] == [
        *((n, 700.0 + n, 50.0 + n) for n in range(3)),
        (9, 1.0, None),
    ]
    newest = Need(frozenset({"time"}), Compare(DEVICE, "eq", A), (Sort(TIME, True),), 2)
    assert [row["time"] - START for row in await place.rows(newest)] == [9, 2, 1, 0]


async def test_what_a_device_of_another_contract_sends_is_told_as_it_is_read(place: Place) -> None:
    feeder = await place.store.registry.register(TENANT, "somewhere", "feeder-1", FOUR)
    place.store.pipeline.listeners.append(Foreign(place.listings, (METER,), place.told.append).heard)
    await place.store.pipeline.ingest.submit([Row(feeder.id, START, START, (11.0, 90.0, 2.0, 50.0))])
    assert place.told == []
    shown = Shown(METER.name, feeder.layout.name, {"power_total_active": ("power_mw", 1000.0)})
    await place.listings.expose(TENANT, feeder.device, [shown], name="feeder", kind="meter", uuid=A)
    await place.store.pipeline.ingest.submit([Row(feeder.id, START + 1, START + 5, (11.0, 90.0, None, 50.0))])
    await place.store.pipeline.ingest.submit([Row(feeder.id, START + 2, START + 6, (11.0, 90.0, 3.0, 50.0), 2)])
    told = [row for change in place.told for row in (change.edit.inserted or pa.table({})).to_pylist()]
    assert told == (await place.rows())[1:]
    assert [change.position for change in place.told] == [START + 5, START + 6]
    await place.listings.hide(TENANT, A)
    await place.store.pipeline.ingest.submit([Row(feeder.id, START + 3, START + 7, (11.0, 90.0, 3.0, 50.0))])
    assert len(place.told) == 2


async def test_a_client_resumes_where_it_stopped(place: Place) -> None:
    one, two, three = (line(A, START + n * MINUTE, frequency=float(n)) for n in range(3))
    await place.meters.commit(TENANT, Edit(inserted=table([one, two])))
    since = place.told[-1].position
    place.store.clock.advance(1)
    changed = two | {"frequency": 7.0, "created_at": START}
    await place.meters.commit(TENANT, Edit(old=table([two]), new=table([changed])))
    await place.meters.commit(TENANT, Edit(inserted=table([three | {"created_at": START - 1}]), deleted=table([one])))
    found = [change async for change in place.meters.changes(TENANT, since)]
    assert [change.position for change in found] == [change.position for change in place.told[1:]]
    assert found[0].edit.new is not None
    assert found[0].edit.new.to_pylist() == [changed]
    last = found[1].edit
    assert last.inserted is not None
    assert last.deleted is not None
    assert [row["time"] for row in last.inserted.to_pylist()] == [three["time"]]
    assert [row["id"] for row in last.deleted.to_pylist()] == [one["id"]]


@pytest.mark.parametrize("seed", range(6))
async def test_any_edits_leave_what_a_dictionary_would_hold(place: Place, seed: int) -> None:
    random = Random(seed)
    held: dict[Key, Line] = {}
    for _ in range(25):
        edit: dict[str, pa.Table] = {}
        known = random.sample(sorted(held), min(len(held), random.randrange(6)))
        gone, changed = known[: len(known) // 2], known[len(known) // 2 :]
        if gone:
            edit["deleted"] = table([held.pop(key) for key in gone])
        if changed:
            old = [held.pop(key) for key in changed]
            new = [row | {"frequency": random.choice([None, 50.0, math.nan]), "id": str(uuid.uuid4())} for row in old]
            edit |= {"old": table(old), "new": table(new)}
            held |= {(row["device_id"], row["time"]): row for row in new}
        fresh = {}
        for _ in range(random.randrange(8)):
            key = (random.choice((A, B)), START + random.randrange(200) * MINUTE)
            if key not in held:
                fresh[key] = line(*key, frequency=random.choice([None, 49.5]), power_total_active=random.random() // 0.1)
        if fresh:
            edit["inserted"] = table(list(fresh.values()))
            held |= fresh
        await place.meters.commit(TENANT, Edit(**edit))
        if random.random() < 0.2:
            await place.store.drained()
        for first, order in ((A, (Sort(TIME, True),)), (B, (Sort(TIME),))):
            found = await place.rows(Need(frozenset(NAMES), Compare(DEVICE, "eq", first), order))
            wanted = sorted((row for key, row in held.items() if key[0] == first), key=lambda row: row["time"])
            assert str(found) == str(table(wanted if not order[0].descending else wanted[::-1]).to_pylist())
