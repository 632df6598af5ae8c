"""Intervals on the real path of a reading, against a computation from the rows that the relation of readings shows."""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.stores import FOUR, Spine, spine
from wattline.changes.service import ChangeLog
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.expression import Among, Both, Compare, Ref, Sort
from wattline.contracts.flux.relation import Edit, Need
from wattline.contracts.flux.relations import intervals, rollups
from wattline.contracts.flux.relations.devices import Devices
from wattline.contracts.flux.relations.intervals import IntervalRows
from wattline.contracts.flux.relations.readings import Readings
from wattline.contracts.flux.relations.rollups import Rollup
from wattline.contracts.flux.rpc import meters
from wattline.contracts.flux.rpc.meters import TYPES, WIDTHS, MeterIntervals
from wattline.contracts.flux.tables import BESS, BESS_ROLLUPS, COUNTERS, METER, METER_ROLLUPS, MINIMA, POWERS
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.model.place import Layout, Quantity
from wattline.model.record import Row as StreamRow
from wattline.registry.listing import Shown
from wattline.registry.listings import Listings

TENANT = "default"
START = 1_704_067_200_000_000
NOW = datetime(2024, 1, 3, tzinfo=UTC)
Row = dict[str, Any]
A, B = sorted(str(uuid.UUID(int=n * 7919 + 3)) for n in (1, 2))


class Place:
    """Meters and batteries on a spine."""

    def __init__(self, store: Spine, log: ChangeLog) -> None:
        self.store = store
        self.listings = listings = Listings(store.registry, log, store.clock)
        self.meters = Devices(store.registry, listings, METER)
        self.batteries = Devices(store.registry, listings, BESS)
        self.tables = {
            kind.name: Readings(kind, devices, store.pipeline, store.clock, lambda change: None)
            for kind, devices in ((METER, self.meters), (BESS, self.batteries))
        }
        self.rows = IntervalRows(self.meters, store.pipeline.intervals)

    async def put(self, lines: Sequence[Row], kind: Any = METER, *, side: str = "inserted") -> None:
        """Write rows; `lines` name what they have."""
        table = pa.Table.from_pylist(
            [{"id": str(uuid.uuid4()), "created_at": self.store.clock.micros()} | line for line in lines], kind.schema
        )
        await self.tables[kind.name].commit(TENANT, Edit(**{side: table}))

    async def shown(self, kind: Any = METER) -> list[Row]:
        """Every row, as a read shows it."""
        scan = self.tables[kind.name].scan(TENANT, Need(frozenset(column.name for column in kind.columns)))
        return [row async for part in scan.tables for row in part.to_pylist()]

    async def call(
        self, name: str, start: int, end: int, only: frozenset[object] | None = None, columns: Sequence[str] | None = None
    ) -> list[Row]:
        """What a function returns."""
        call = MeterIntervals(self.rows, name, TENANT, start, end, only)
        names = frozenset(column.name for column in TYPES[name].columns if columns is None or column.name in columns)
        return [row async for part in call.scan(Need(names)).tables for row in part.to_pylist()]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with spine(tmp_path, ManualClock(NOW)) as store:
        log = ChangeLog(store.database, store.clock)
        await log.load()
        yield Place(store, log)


def expected(rows: Sequence[Row], start: int, end: int, width: int) -> list[Row]:
    """What a function returns, read from its definition; rows are those of the whole table."""
    found: list[Row] = []
    for device in sorted({row["device_id"] for row in rows}):
        groups: dict[int, list[Row]] = {}
        for row in sorted((row for row in rows if row["device_id"] == device), key=lambda row: row["time"]):
            bucket = row["time"] // width * width
            if start <= bucket <= end:
                groups.setdefault(bucket, []).append(row)
        order = sorted(groups)
        for at, bucket in enumerate(order):
            line: Row = {"time_b": bucket, "device_id": device}
            for name in POWERS:
                values = [row[name] for row in groups[bucket] if row[name] is not None]
                line[f"{name}_avg"] = sum(values) / len(values) if values else None
            for name in MINIMA:
                values = [row[name] for row in groups[bucket] if row[name] is not None]
                numbers = [value for value in values if not math.isnan(value)]
                line[f"{name}_min"] = min(numbers) if numbers else values[0] if values else None
            for name in COUNTERS:
                before = groups[order[at - 1]] if at else []
                after = groups[order[at + 1]] if at + 1 < len(order) else []
                line[f"{name}_delta"] = _delta(*([(row["time"], row[name]) for row in part if row[name] is not None]
                                                 for part in (before, groups[bucket], after)), bucket, width)  # fmt: skip
            found.append(line)
    return found


Points = list[tuple[int, float]]


def _delta(before: Points, mine: Points, after: Points, start: int, width: int) -> float | None:
    if not mine:
        return None
    resets = sum(a for (_, a), (_, b) in pairwise(mine) if b < a)
    begin, end = mine[0][1], mine[-1][1]
    if before and mine[0][0] > start:
        begin = _between(before[-1], mine[0], start)
    if after:
        end = _between(mine[-1], after[0], start + width)
        resets += mine[-1][1] if end < mine[-1][1] else 0
    return end + resets - begin


def _between(a: tuple[int, float], b: tuple[int, float], at: int) -> float:
    value = 0.0 if a[1] > b[1] else a[1]
    return value + (b[1] - value) * (at - a[0]) / (b[0] - a[0])


def same(found: Sequence[Row], wanted: Sequence[Row]) -> None:
    """Equal but for the last digits."""
    assert [(row["device_id"], row["time_b"]) for row in found] == [(row["device_id"], row["time_b"]) for row in wanted]
    for one, other in zip(found, wanted, strict=True):
        for name, value in other.items():
            close = value if value is None or isinstance(value, str) else pytest.approx(value, rel=1e-9, abs=1e-6, nan_ok=True)
            assert one[name] == close, (one["time_b"], name)


def single(value: float) -> float:
    return float(np.float32(value))


def lines(random: Random, count: int, span: int) -> list[Row]:
    """Rows of two devices at random instants of a span, with counters that climb, fall and pause."""
    found = []
    for device in (A, B):
        counter = 0.0
        for time in sorted(random.sample(range(0, span // SECOND), count)):
            counter = 0.0 if random.random() < 0.05 else counter + random.random() * 3
            line: Row = {"device_id": device, "time": START + time * SECOND}
            if random.random() < 0.9:
                line["power_total_active"] = single(random.gauss(100, 20))
                line["energy_imported_active"] = single(counter)
            if random.random() < 0.5:
                line["energy_imported_reactive"] = single(random.choice([0, 1, 5]))
                line["frequency"] = random.choice([50.0, math.nan, math.inf])
            found.append(line)
    return found


RANGES = ((START, START + DAY), (START + 7 * MINUTE, START + 6 * HOUR), (START + HOUR, START + HOUR), (START - DAY, START))


@pytest.mark.parametrize("seed", range(3))
async def test_random_rows_are_as_by_definition(place: Place, seed: int) -> None:
    """Fresh rows, rows in tiers, late rows, changed ones and ones that were taken back."""
    random = Random(seed)
    some = lines(random, 60, 12 * HOUR)
    random.shuffle(some)
    await place.put(some[:70])
    await compare(place)
    await place.store.pipeline.rollup.advance()
    await compare(place)
    await place.put(some[70:])
    await compare(place)
    rows = await place.shown()
    chosen = random.sample(rows, 20)
    await place.put(chosen[:10], side="deleted")
    await compare(place)
    changed = [{**row, "power_total_active": 7.0, "energy_imported_active": None} for row in chosen[10:]]
    kind = place.tables[METER.name]
    await kind.commit(
        TENANT, Edit(old=pa.Table.from_pylist(chosen[10:], METER.schema), new=pa.Table.from_pylist(changed, METER.schema))
    )
    await compare(place)


async def compare(place: Place) -> None:
    rows = await place.shown()
    for name, width in WIDTHS.items():
        for start, end in RANGES:
            same(await place.call(name, start, end), expected(rows, start, end, width))


async def test_any_columns_alone_are_the_same(place: Place) -> None:
    await place.put(lines(Random(5), 40, 6 * HOUR))
    await place.store.pipeline.rollup.advance()
    whole = await place.call("get_meter_readings_5m", START, START + DAY)
    for columns in (
        ["time_b"],
        ["device_id", "energy_imported_active_delta"],
        ["frequency_avg"],
        ["energy_imported_active_min"],
    ):
        part = await place.call("get_meter_readings_5m", START, START + DAY, columns=columns)
        assert repr(part) == repr([{name: row[name] for name in row if name in columns} for row in whole])


async def test_devices_are_chosen_and_do_not_touch_each_other(place: Place) -> None:
    await place.put(lines(Random(6), 40, 6 * HOUR))
    whole = await place.call("get_meter_readings_5m", START, START + DAY)
    for device in (A, B):
        mine = await place.call("get_meter_readings_5m", START, START + DAY, frozenset({device, str(uuid.uuid4())}))
        assert repr(mine) == repr([row for row in whole if row["device_id"] == device])
    assert await place.call("get_meter_readings_5m", START, START + DAY, frozenset()) == []


async def test_devices_of_other_contracts(place: Place) -> None:
    """Their values are multiplied and rounded as rows show them, and several streams of one device are one device."""
    random = Random(11)
    feeder = await place.store.registry.register(TENANT, "somewhere", "feeder-1", FOUR)
    layouts = [Layout(f"mcs.{name}", (Quantity(name, "kW"),)) for name in ("p", "e")]
    points = [await place.store.registry.register(TENANT, "hall", "MSB", layout) for layout in layouts]
    shown = [Shown(METER.name, FOUR.name, {"power_total_active": ("power_mw", 1000.0), "frequency": ("frequency_hz", 1.0)})]
    await place.listings.expose(TENANT, feeder.device, shown, name="feeder", kind="meter", uuid=A)
    shown = [
        Shown(METER.name, "mcs.p", {"power_total_active": ("p", -0.1)}),
        Shown(METER.name, "mcs.e", {"energy_imported_active": ("e", 0.1)}),
    ]
    await place.listings.expose(TENANT, points[0].device, shown, name="MSB", kind="meter", uuid=B)
    rows = []
    for second in range(0, 4 * 3600, 37):
        at = START + second * SECOND
        values = (11.0, 90.0, random.random(), 50.0 + random.random() / 100)
        rows.append(StreamRow(feeder.id, at, at, values, random.choice([0, 0, 1, 2])))
        rows.append(StreamRow(points[0].id, at, at, (random.random(),)))
        rows.append(StreamRow(points[1].id, at + second % 2, at, (second % 1000 / 7,)))
    await place.store.pipeline.ingest.submit(rows)
    await compare(place)
    await place.store.pipeline.rollup.advance()
    await compare(place)
    before = await place.call("get_meter_readings_5m", START, START + DAY, columns=["time_b", "power_total_active_avg"])
    place.store.clock.advance(100 * DAY / SECOND)
    await place.store.pipeline.rollup.retain()
    after = await place.call("get_meter_readings_5m", START, START + DAY, columns=["time_b", "power_total_active_avg"])
    assert [row["time_b"] for row in after] == [row["time_b"] for row in before]
    for row, other in zip(after, before, strict=True):
        assert row["power_total_active_avg"] == pytest.approx(other["power_total_active_avg"], rel=1e-6)


async def test_a_row_that_holds_nothing_makes_an_interval(place: Place) -> None:
    await place.put([{"device_id": A, "time": START + MINUTE}])
    (row,) = await place.call("get_meter_readings_5m", START, START + HOUR)
    assert row == {
        **dict.fromkeys(column.name for column in TYPES["get_meter_readings_5m"].columns),
        "time_b": START,
        "device_id": A,
    }
    await place.store.pipeline.rollup.advance()
    assert len(await place.call("get_meter_readings_5m", START, START + HOUR)) == 1


async def test_pieces_of_time_and_devices_fit_together(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.put(lines(Random(7), 20, 4 * HOUR))
    await place.store.pipeline.rollup.advance()
    whole = [await place.call(name, START, START + 2 * DAY) for name in WIDTHS]
    for room in (3, 20):
        for module in (intervals, meters, rollups):
            monkeypatch.setattr(module, "ROOM", room)
        monkeypatch.setattr(intervals, "MOST_READINGS", 3 * room)
        parts = [await place.call(name, START, START + 2 * DAY) for name in WIDTHS]
        assert [repr(part) for part in parts] == [repr(part) for part in whole]


async def test_all_time_holds_what_was_just_written(place: Place) -> None:
    await place.put([{"device_id": A, "time": START}])
    assert len(await place.call("get_meter_readings_5m", -(2**63), 2**63 - 1)) == 1


async def test_all_time_is_read_within_what_there_is(place: Place) -> None:
    await place.put(lines(Random(8), 20, 6 * HOUR))
    await place.store.pipeline.rollup.advance()
    ever = await place.call("get_meter_readings_5m", -(2**63), 2**63 - 1)
    assert repr(ever) == repr(await place.call("get_meter_readings_5m", START, START + DAY))
    assert await place.call("get_meter_readings_5m", START + DAY, START) == []


async def test_readings_that_are_gone_are_known_by_their_tiers(place: Place) -> None:
    """The averages, minima and advances of a reading a minute stay what they were when the readings themselves are dropped."""
    random = Random(9)
    some = [
        {
            "device_id": A,
            "time": START + minute * MINUTE,
            "power_total_active": single(random.gauss(5, 1)),
            "energy_imported_active": single(minute % 40),
        }
        for minute in range(180)
    ]
    await place.put(some)
    await place.store.pipeline.rollup.advance()
    before = await place.call("get_meter_readings_5m", START, START + DAY)
    assert len(before) == 36
    place.store.clock.advance(100 * DAY / SECOND)
    await place.store.pipeline.rollup.retain()
    assert await place.shown() == []
    same(await place.call("get_meter_readings_5m", START, START + DAY), before)
    keys = await place.call("get_meter_readings_5m", START, START + DAY, columns=["time_b"])
    assert [row["time_b"] for row in keys] == [row["time_b"] for row in before]


async def test_rollups_show_the_same(place: Place) -> None:
    await place.put(lines(Random(10), 40, 6 * HOUR))
    await place.store.pipeline.rollup.advance()
    for kind, name in zip(METER_ROLLUPS, WIDTHS, strict=True):
        rollup = Rollup(kind, place.rows)
        columns = [column.name for column in kind.columns]
        wanted = [{each: row[each] for each in columns} for row in await place.call(name, START, START + DAY)]
        for downwards in (False, True):
            order = (Sort(Ref("time_b", Type.TIMESTAMPTZ), descending=downwards), Sort(Ref("device_id", Type.UUID)))
            found = await of(rollup, Need(frozenset(columns), order=order, most=3))
            key = sorted(wanted, key=lambda row: row["device_id"])
            assert repr(found) == repr(sorted(key, key=lambda row: row["time_b"], reverse=downwards))
        mine = Both((
            Compare(Ref("device_id", Type.UUID), "eq", A),
            Compare(Ref("time_b", Type.TIMESTAMPTZ), "gte", START + HOUR),
            Compare(Ref("time_b", Type.TIMESTAMPTZ), "lt", START + 2 * HOUR),
        ))  # fmt: skip
        found = await of(rollup, Need(frozenset(columns), mine))
        part = [row for row in wanted if row["device_id"] == A and START + HOUR <= row["time_b"] < START + 2 * HOUR]
        assert repr(found) == repr(part)


async def test_batteries_have_rollups(place: Place) -> None:
    await place.put(
        [
            {"device_id": A, "time": START + at * MINUTE, "soe": float(at), "target_power": -25.0 if at else None}
            for at in range(7)
        ],
        BESS,
    )
    rows = IntervalRows(place.batteries, place.store.pipeline.intervals)
    for kind, wanted in zip(BESS_ROLLUPS, ([(0, 2.0, -25.0), (5, 5.5, -25.0)], [(0, 3.0, -25.0)]), strict=True):
        found = await of(Rollup(kind, rows), Need(frozenset(column.name for column in kind.columns)))
        assert [((row["time_b"] - START) // MINUTE, row["soe_avg"], row["target_power_avg"]) for row in found] == wanted
    only = Among(Ref("device_id", Type.UUID), "eq", (B,))
    assert await of(Rollup(BESS_ROLLUPS[0], rows), Need(frozenset({"time_b"}), only)) == []


async def of(rollup: Rollup, need: Need) -> list[Row]:
    """The rows of a scan."""
    found: list[Row] = []
    async for part in rollup.scan(TENANT, need).tables:
        found += part.to_pylist()
    names = [column.name for column in rollup.type.columns]
    return [{name: row[name] for name in names if name in row} for row in found]
