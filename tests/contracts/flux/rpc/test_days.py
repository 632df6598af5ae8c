"""Finished days that are kept in memory never hide what was committed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from tests.contracts.flux.rpc.test_intervals import START, TENANT, A, B, Place, Row, expected, same, single
from tests.stores import FOUR, Spine, spine
from wattline.changes.service import ChangeLog
from wattline.contracts.flux.relation import Edit
from wattline.contracts.flux.relations.blocks import Block, Plan
from wattline.contracts.flux.rpc.meters import WIDTHS
from wattline.contracts.flux.tables import METER
from wattline.ingest.finished import MOST_BYTES, Finished
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.record import Row as StreamRow
from wattline.registry.listing import Shown

NOW = datetime(2024, 1, 5, 13, tzinfo=UTC)
DAYS = 5
RANGES = (
    (START, START + DAYS * DAY),
    (START + 7 * HOUR, START + 3 * DAY + 5 * HOUR),
    (START + DAY + HOUR, START + DAY + 2 * HOUR),
)
FEW = ["time_b", "device_id", "frequency_avg"]


async def opened(store: Spine) -> Place:
    log = ChangeLog(store.database, store.clock)
    await log.load()
    return Place(store, log)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with spine(tmp_path, ManualClock(NOW)) as store:
        yield await opened(store)


def kept(place: Place) -> Finished:
    return place.store.pipeline.intervals.finished


def line(random: Random, device: str, time: int) -> Row:
    return {
        "device_id": device,
        "time": time,
        "power_total_active": single(random.gauss(100, 20)),
        "energy_imported_active": single((time - START) / HOUR + random.random()),
        "energy_exported_reactive": single(random.choice([0, 1, 5])) if random.random() < 0.5 else None,
        "frequency": single(50 + random.random()),
    }


def some(random: Random, count: int, days: int = DAYS - 1) -> list[Row]:
    """Rows of two devices."""
    return [
        line(random, device, START + at * SECOND)
        for device in (A, B)
        for at in sorted(random.sample(range(0, days * DAY // SECOND), count))
    ]


async def checked(place: Place) -> None:
    """Every function, twice: what the first keeps, the second takes."""
    rows = await place.shown()
    for name, width in WIDTHS.items():
        for start, end in RANGES:
            wanted = expected(rows, start, end, width)
            for columns in (None, FEW, None):
                found = await place.call(name, start, end, columns=columns)
                same(found, wanted if columns is None else [{key: row[key] for key in columns} for row in wanted])


@pytest.mark.parametrize("seed", range(4))
async def test_answers_are_those_of_the_rows_after_any_edit(tmp_path: Path, seed: int) -> None:
    """Rows that come late, are changed and taken back, a new device, tiers that advance, retention, and a restart."""
    random = Random(seed)
    async with spine(tmp_path, ManualClock(NOW)) as store:
        place = await opened(store)
        await place.put(some(random, 60))
        await store.pipeline.rollup.advance()
        await checked(place)
        held = len(kept(place))
        assert held
        for step in range(10):
            rows = await place.shown()
            table = place.tables[METER.name]
            match random.randrange(6):
                case 0:
                    device = random.choice([A, B])
                    times = {row["time"] for row in rows if row["device_id"] == device}
                    time = START + random.randrange(4 * DAY // SECOND) * SECOND
                    if time not in times:
                        await place.put([line(random, device, time)])
                case 1:
                    await place.put(random.sample(rows, 2), side="deleted")
                case 2:
                    (old,) = random.sample(rows, 1)
                    new = {**old, "power_total_active": float(step), "energy_imported_active": None}
                    old_table, new_table = (pa.Table.from_pylist([row], METER.schema) for row in (old, new))
                    await table.commit(TENANT, Edit(old=old_table, new=new_table))
                case 3:
                    store.clock.advance(random.choice([HOUR, DAY]) // SECOND)
                    await store.pipeline.rollup.advance()
                case 4:
                    await store.pipeline.rollup.settle()
                case 5:
                    await store.close() if random.random() < 0.5 else await store.crash()
                    await store.open()
                    place = await opened(store)
            await checked(place)
        assert len(kept(place))


class Reads:
    """Counts what is read of the store, and may do something meanwhile."""

    def __init__(self, place: Place) -> None:
        self.plans: list[Plan] = []
        self.meanwhile: Any = None
        self._days = place.rows._days
        self._read = self._days._read
        self._days._read = self.read

    async def read(self, plan: Plan) -> Block:
        self.plans.append(plan)
        found = await self._read(plan)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
        return found

    def ranges(self) -> list[tuple[int, int, int]]:
        """How many devices were read, and from when to when in hours, since the last call."""
        found = [(len(plan.uuids), (plan.start - START) // HOUR, (plan.end - START) // HOUR) for plan in self.plans]
        self.plans.clear()
        return found


async def asked(place: Place, start: int = START, end: int = START + 5 * DAY - HOUR) -> list[Row]:
    return await place.call("get_meter_readings_30m", start, end)


async def test_only_what_is_missing_is_read(place: Place) -> None:
    await place.put(some(Random(1), 60))
    await place.store.pipeline.rollup.advance()
    reads = Reads(place)
    await asked(place)
    assert reads.ranges() == [(2, 0, 119)]
    assert len(kept(place)) == 8
    await asked(place)
    assert reads.ranges() == [(2, 96, 119)]
    await asked(place, START + HOUR, START + 3 * DAY + HOUR)
    assert reads.ranges() == []
    await place.put([line(Random(2), B, START + DAY + 5)])
    await asked(place)
    assert reads.ranges() == [(1, 24, 48), (2, 96, 119)]
    await asked(place)
    assert reads.ranges() == [(2, 96, 119)]


async def test_many_gaps_are_read_as_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.put(some(Random(1), 60))
    await place.store.pipeline.rollup.advance()
    await asked(place)
    monkeypatch.setattr("wattline.contracts.flux.relations.days.MOST_RANGES", 1)
    await place.put([line(Random(2), B, START + DAY + 5)])
    reads = Reads(place)
    same(await asked(place), expected(await place.shown(), START, START + 5 * DAY - HOUR, 30 * MINUTE))
    assert reads.ranges() == [(2, 24, 119)]


async def test_a_row_that_comes_while_its_day_is_read_is_in_the_next_answer(place: Place) -> None:
    await place.put(some(Random(3), 40))
    await place.store.pipeline.rollup.advance()
    reads = Reads(place)

    async def put() -> None:
        await place.put([line(Random(4), A, START + DAY + 5)])

    reads.meanwhile = put
    before = expected(await place.shown(), START, START + 5 * DAY - HOUR, 30 * MINUTE)
    same(await asked(place), before)
    assert len(kept(place)) == 7
    after = expected(await place.shown(), START, START + 5 * DAY - HOUR, 30 * MINUTE)
    assert after != before
    same(await asked(place), after)


async def test_a_row_need_not_be_late_to_be_of_a_finished_day(place: Place) -> None:
    """A device that was silent for days sends rows that are newer than its others, and older than midnight."""
    await place.put([line(Random(5), A, START + HOUR)])
    await place.store.pipeline.rollup.advance()
    assert len(await asked(place)) == 1
    assert len(kept(place)) == 4
    for day in (1, 2, 3):
        await place.put([line(Random(6), A, START + day * DAY)])
        assert len(await asked(place)) == 1 + day


async def test_days_past_retention_are_forgotten(place: Place) -> None:
    await place.put(some(Random(7), 40))
    await place.store.pipeline.rollup.advance()
    await asked(place)
    assert len(kept(place)) == 8
    place.store.clock.advance(88 * DAY // SECOND)
    reads = Reads(place)
    await asked(place)
    assert len(kept(place)) < 8
    assert kept(place).nbytes == sum(array.nbytes for arrays in kept(place)._days.values() for array in arrays)
    assert reads.ranges()


async def test_devices_of_other_contracts_are_not_kept(place: Place) -> None:
    feeder = await place.store.registry.register(TENANT, "somewhere", "feeder-1", FOUR)
    shown = [Shown(METER.name, FOUR.name, {"power_total_active": ("power_mw", 1000.0)})]
    await place.listings.expose(TENANT, feeder.device, shown, name="feeder", kind="meter", uuid=B)
    rows = [StreamRow(feeder.id, at, at, (1.0, 2.0, at % 7, 50.0)) for at in range(START, START + 4 * DAY, 7 * HOUR)]
    await place.store.pipeline.ingest.submit(rows)
    await place.put([row for row in some(Random(8), 40) if row["device_id"] == A])
    await place.store.pipeline.rollup.advance()
    await checked(place)
    assert {stream for stream, *_ in kept(place)._days} == {place.meters.own(TENANT)[A].id}
    await checked(place)


async def test_memory_is_bounded(place: Place) -> None:
    await place.put(some(Random(9), 60))
    await place.store.pipeline.rollup.advance()
    await asked(place)
    finished = kept(place)
    assert 0 < finished.nbytes < MOST_BYTES
    finished._most_bytes = bound = finished.nbytes // 2
    await checked(place)
    assert 0 < finished.nbytes <= bound
