"""`market_data` and `market_data_types` on both state engines: what is read, written, refused and told."""

from __future__ import annotations

import asyncio
import math
import random
import struct
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from wattline.changes.service import ChangeLog
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate import sort
from wattline.contracts.flux.evaluate.filter import keep
from wattline.contracts.flux.expression import Among, Both, Compare, Either, Expression, Is, Match, Not, Ref, Sort
from wattline.contracts.flux.relation import Edit, Need, Numbered, Relation, Scan, TableChange
from wattline.contracts.flux.relations import terms
from wattline.contracts.flux.relations.market import MarketData, MarketTypes
from wattline.contracts.flux.tables import MARKET, MARKET_TYPES
from wattline.markets.service import Markets
from wattline.model.clock import ManualClock
from wattline.model.errors import Unavailable
from wattline.state.database import Database

TIME, KIND, VALUE, ID = (Ref(name, MARKET.by_name[name].type) for name in ("time", "type", "value", "id"))
METADATA = Ref("metadata", Type.JSONB)
EVERY = frozenset(MARKET.by_name)
NEWEST = (Sort(TIME, descending=True, nulls_first=True), Sort(Ref("created_at", Type.TIMESTAMPTZ)), Sort(ID))


@dataclass
class Process:
    """What one process has of the market data."""

    database: Database
    clock: ManualClock
    told: list[TableChange] = field(default_factory=list)

    async def start(self) -> Process:
        self.log = ChangeLog(self.database, self.clock)
        await self.log.load()
        self.markets = Markets(self.database, self.log, self.clock)
        self.data = MarketData(self.markets, self.log, self.told.append)
        self.types = MarketTypes(self.markets, self.log, self.told.append)
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
    """Rows with every column; what is not given is as the defaults are."""
    filled = [
        {"id": str(uuid.UUID(int=n)), "time": 0, "type": 1, "value": None, "metadata": None, "created_at": 7} | row
        for n, row in enumerate(given)
    ]
    return pa.Table.from_pylist(filled, MARKET.schema)


async def read(scan: Scan) -> pa.Table:
    tables = [table async for table in scan.tables]
    return pa.concat_tables(tables) if tables else MARKET.schema.empty_table()


async def everything(relation: Relation, tenant: str = "north") -> pa.Table:
    return await read(relation.scan(tenant, Need(frozenset(relation.type.by_name))))


def bits(table: pa.Table) -> list[int | None]:
    return [None if value is None else struct.unpack("<I", struct.pack("<f", value))[0] for value in table["value"].to_pylist()]


async def test_the_relations_are_what_the_contract_asks_of_one(one: Process) -> None:
    assert isinstance(one.types, Numbered)
    for relation in (one.data, one.types):
        assert {"type", "turn", "scan", "find", "commit", "changes"} <= set(dir(relation))


async def test_a_float4_comes_back_bit_by_bit(one: Process) -> None:
    generator = random.Random(4)
    some = [struct.unpack("<f", struct.pack("<I", generator.getrandbits(32)))[0] for _ in range(500)]
    values = [*(np.nan if math.isnan(each) else each for each in some), -0.0, 0.0, math.inf, -math.inf, math.nan, 1e-45, None]
    given = rows(*({"value": value, "time": n} for n, value in enumerate(values)))
    await one.data.commit("north", Edit(inserted=given))
    found = await read(one.data.scan("north", Need(EVERY, order=(Sort(TIME),))))
    assert bits(found) == bits(given)
    assert (await everything(one.data, "south")).num_rows == 0
    assert bits(await one.data.find("north", MARKET.uniques[0], given.select(["id"]))) == bits(given)


async def test_a_batch_is_written_whole_or_not_at_all(one: Process) -> None:
    await one.data.commit("north", Edit(inserted=rows({"value": 1.5})))
    repeated = rows({"id": str(uuid.UUID(int=9))}, {"id": str(uuid.UUID(int=0))})
    with pytest.raises(Refusal) as refused:
        await one.data.commit("north", Edit(inserted=repeated))
    assert (refused.value.status, refused.value.code) == (409, "23505")
    assert refused.value.message == 'duplicate key value violates unique constraint "market_data_pkey"'
    assert refused.value.details == "Key (id)=(00000000-0000-0000-0000-000000000000) already exists."
    with pytest.raises(Refusal):
        await one.data.commit("north", Edit(inserted=rows({"id": str(uuid.UUID(int=3))}, {"id": str(uuid.UUID(int=3))})))
    assert (await everything(one.data)).num_rows == 1
    assert len(one.told) == 1


async def test_rows_are_changed_and_removed_where_they_are_as_they_were_seen(one: Process, two: Process) -> None:
    given = rows({"value": math.nan, "metadata": '{"a": 1}'}, {"value": 2.5}, {"value": 3.5})
    await one.data.commit("north", Edit(inserted=given))
    new = given.slice(0, 1).set_column(3, "value", pa.array([4.5], pa.float32()))
    edit = Edit(old=given.slice(0, 1), new=new, deleted=given.slice(1, 1))
    await one.data.commit("north", edit)
    left = await everything(one.data)
    assert left["value"].to_pylist() == [4.5, 3.5]
    assert left["metadata"].to_pylist() == ['{"a": 1}', None]
    with pytest.raises(Unavailable):
        await two.data.commit("north", edit)
    assert (await everything(one.data)).equals(left)


async def test_equal_keys_of_two_processes_at_once(one: Process, two: Process) -> None:
    written = await asyncio.gather(
        *(process.data.commit("north", Edit(inserted=rows({"value": n}))) for n, process in enumerate((one, two))),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in written) == ["NoneType", "Refusal"]
    assert (await everything(one.data)).num_rows == 1
    named = [pa.Table.from_pylist([{"id": 10 + n, "name": "same"}], MARKET_TYPES.schema) for n in range(2)]
    written = await asyncio.gather(
        *(process.types.commit("north", Edit(inserted=table)) for process, table in zip((one, two), named, strict=True)),
        return_exceptions=True,
    )
    [refused] = [each for each in written if isinstance(each, Refusal)]
    assert refused.message == 'duplicate key value violates unique constraint "market_data_types_name_key"'
    assert refused.details == "Key (name)=(same) already exists."
    assert (await everything(two.types)).num_rows == 5


def plain(generator: random.Random) -> Expression:
    """A comparison of any kind, some of which no store can make."""
    number = generator.choice([-1.0, -0.0, 0.0, 0.5, 1.0, math.nan, math.inf])
    ref, value = generator.choice(
        [(TIME, generator.randrange(6)), (KIND, generator.randrange(4)), (VALUE, number), (ID, str(uuid.UUID(int=5)))]
    )
    match generator.randrange(6):
        case 0:
            return Is(generator.choice([ref, METADATA]), generator.choice(["null", "not_null"]))
        case 1:
            values = tuple(generator.choice([value, None, value]) for _ in range(generator.randrange(3)))
            return Among(ref, generator.choice(["eq", "neq"]), values, generator.choice([False, False, True]))
        case 2:
            return Compare(METADATA, "eq", '{"a": 1}')
        case _:
            return Compare(ref, generator.choice(["eq", "neq", "gt", "gte", "lt", "lte", "isdistinct"]), value)


def tree(generator: random.Random, depth: int = 3) -> Expression:
    kind = generator.randrange(5) if depth else 0
    if kind < 2:
        return plain(generator)
    if kind == 2:
        return Not(tree(generator, depth - 1))
    parts = tuple(tree(generator, depth - 1) for _ in range(generator.randrange(4)))
    return Both(parts) if kind == 3 else Either(parts)


async def test_what_the_store_leaves_out_is_never_wanted(one: Process) -> None:
    generator = random.Random(11)
    numbers = [None, -1.0, -0.0, 0.0, 0.5, 1.0, math.nan, math.inf, -math.inf]
    given = rows(
        *(
            {
                "time": generator.randrange(6),
                "type": generator.randrange(4),
                "value": generator.choice(numbers),
                "metadata": generator.choice([None, '{"a": 1}']),
                "created_at": generator.randrange(3),
            }
            for _ in range(80)
        )
    )
    await one.data.commit("north", Edit(inserted=given))
    exact = 0
    for _ in range(250):
        where = tree(generator)
        order = generator.choice([(), NEWEST, (Sort(VALUE, generator.random() < 0.5, generator.random() < 0.5), Sort(ID))])
        most = generator.choice([None, 5])
        scan = one.data.scan("north", Need(EVERY, where, order, most))
        expected = keep(given, where)
        if order:
            expected = expected.take(sort.positions(expected, order))
        read_rows = await read(scan)
        found = keep(read_rows, where)
        if terms.terms(where).exact:
            exact += 1
            assert found.num_rows == read_rows.num_rows, where
            expected = expected.slice(0, most)
        if not order:
            found, expected = (table.sort_by("id") for table in (found, expected))
            if most and terms.terms(where).exact:
                continue
        assert found["id"].to_pylist() == expected["id"].to_pylist(), where
        assert scan.ordered
    assert exact > 100


async def test_a_filter_too_long_for_a_store_is_evaluated_all_the_same(one: Process) -> None:
    await one.data.commit("north", Edit(inserted=rows({"value": 1.0}, {"value": 2.0})))
    either = Either(tuple(Compare(VALUE, "eq", float(n)) for n in range(2, 5000)))
    many = Among(VALUE, "eq", tuple(float(n) for n in range(2, 9000)))
    for where in (either, many, Not(either), Both((either, many))):
        found = keep(await read(one.data.scan("north", Need(EVERY, where))), where)
        assert found["value"].to_pylist() == ([1.0] if isinstance(where, Not) else [2.0])


async def test_a_pattern_or_a_path_is_left_to_the_evaluator(one: Process) -> None:
    assert not terms.terms(Match(Ref("id", Type.UUID), "like", ("a%",))).exact
    assert terms.order((Sort(METADATA),)) is None
    assert not one.data.scan("north", Need(EVERY, order=(Sort(METADATA),))).ordered


async def test_a_long_range_comes_in_slices_of_one_moment(one: Process) -> None:
    given = pa.table(
        [
            pa.array([str(uuid.UUID(int=n)) for n in range(20_000)]),
            pa.array(range(20_000), pa.int64()),
            pa.array([1] * 20_000, pa.int32()),
            pa.array(range(20_000), pa.float32()),
            pa.nulls(20_000, pa.string()),
            pa.array([7] * 20_000, pa.int64()),
        ],
        schema=MARKET.schema,
    )
    await one.data.commit("north", Edit(inserted=given))
    tables = one.data.scan("north", Need(frozenset({"value"}), order=(Sort(TIME, descending=True),))).tables
    first = await anext(tables)
    assert first.num_rows < 20_000
    assert first.column_names == ["value"]
    await one.data.commit("north", Edit(deleted=given.slice(0, 1)))
    rest = [table async for table in tables]
    assert sum(table.num_rows for table in [first, *rest]) == 20_000
    abandoned = one.data.scan("north", Need(EVERY)).tables
    await anext(abandoned)
    await abandoned.aclose()  # type: ignore[attr-defined]
    assert (await everything(one.data)).num_rows == 19_999


def batch(*given: tuple[int | None, int | None, float | None]) -> pa.Table:
    schema = pa.schema([("time", pa.int64()), ("type", pa.int32()), ("value", pa.float32())])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in given], schema)


async def told(process: Process) -> list[tuple[int, int, float | None]]:
    table = await everything(process.data)
    return list(zip(table["time"].to_pylist(), table["type"].to_pylist(), table["value"].to_pylist(), strict=True))


async def test_a_batch_adds_what_differs_from_the_newest(one: Process, clock: ManualClock) -> None:
    await one.data.insert_batch("north", batch((1, 1, 50.0), (1, 2, 50.0), (1, 1, 50.0)), 0)
    assert await told(one) == [(1, 1, 50.0), (1, 2, 50.0)]
    clock.advance(1)
    await one.data.insert_batch("north", batch((1, 1, 50.0000001), (1, 1, None), (1, 1, 51.0), (1, 1, 50.0)), 0)
    assert await told(one) == [(1, 1, 50.0), (1, 2, 50.0), (1, 1, 51.0), (1, 1, 50.0)]
    # Created at the same moment, the one that came last is the newest.
    await one.data.insert_batch("north", batch((1, 1, 50.0), (2, 1, None), (2, 1, None), (2, 1, 3.0), (2, 1, None)), 0)
    assert (await told(one))[4:] == [(2, 1, None), (2, 1, None), (2, 1, 3.0)]
    await one.data.insert_batch("north", batch((3, 1, math.inf), (3, 1, math.inf), (4, 1, 1e-7), (4, 1, 9e-7)), 0)
    assert (await told(one))[7:] == [(3, 1, math.inf), (3, 1, math.inf), (4, 1, np.float32(1e-7))]
    await one.data.insert_batch("north", batch(), 0)
    assert [change.edit.inserted.num_rows for change in one.told if change.edit.inserted is not None] == [2, 2, 3, 3]


async def test_a_batch_with_a_gap_in_its_key_is_refused_whole(one: Process) -> None:
    with pytest.raises(Refusal) as refused:
        await one.data.insert_batch("north", batch((1, 1, 50.0), (None, 1, 1.5), (1, None, 1.0)), 0)
    assert (refused.value.status, refused.value.code) == (400, "23502")
    assert refused.value.message == 'null value in column "time" of relation "market_data" violates not-null constraint'
    assert refused.value.details is not None
    assert refused.value.details.endswith("null, 1, 1.5, null, 1970-01-01 00:00:00+00).")
    with pytest.raises(Refusal, match='column "type"'):
        await one.data.insert_batch("north", batch((1, None, 1.0)), 0)
    assert await told(one) == []


async def test_every_tenant_begins_with_the_four_types(one: Process, two: Process) -> None:
    first, second = await asyncio.gather(everything(one.types), everything(two.types))
    assert first.equals(second)
    assert first["id"].to_pylist() == [1, 2, 3, 4]
    assert first["name"].to_pylist() == ["niv_estimate", "wholesale_price", "imbalance_price", "axle_dispatch"]
    assert first["unit"].to_pylist() == ["MW", "£/MWh", "£/MWh", "kW"]
    await one.types.commit("north", Edit(deleted=first.slice(0, 1)))
    assert (await everything((await Process(one.database, one.clock).start()).types)).num_rows == 3
    assert (await everything(two.types, "south")).num_rows == 4


async def test_ids_of_types_are_given_out_once_and_pass_over_those_taken(one: Process, two: Process) -> None:
    taken = pa.Table.from_pylist([{"id": 6, "name": "six"}], MARKET_TYPES.schema)
    await one.types.commit("north", Edit(inserted=taken))
    given = await asyncio.gather(one.types.next_values("north", 2), two.types.next_values("north", 2))
    assert sorted(given[0] + given[1]) == [5, 7, 8, 9]  # type: ignore[operator]
    last = pa.Table.from_pylist([{"id": 2**31 - 1, "name": "last"}], MARKET_TYPES.schema)
    await one.types.commit("north", Edit(inserted=last))
    async with one.database.transaction() as connection:
        await connection.exec_driver_sql(f"UPDATE market_sequences SET next = {2**31 - 2}")
    assert await one.types.next_values("north", 1) == [2**31 - 2]
    with pytest.raises(Refusal) as refused:
        await one.types.next_values("north", 1)
    assert (refused.value.status, refused.value.code) == (400, "2200H")


async def test_types_may_exchange_their_names(one: Process) -> None:
    types = await everything(one.types)
    old = types.slice(0, 2)
    new = old.set_column(1, "name", pa.array(["wholesale_price", "niv_estimate"]))
    await one.types.commit("north", Edit(old=old, new=new))
    assert (await everything(one.types))["name"].to_pylist()[:2] == ["wholesale_price", "niv_estimate"]
    found = await one.types.find("north", MARKET_TYPES.uniques[1], pa.table({"name": ["niv_estimate", "none"]}))
    assert found["id"].to_pylist() == [2]


async def test_every_process_tells_every_commit_once_in_order(one: Process, two: Process) -> None:
    for n in range(12):
        process = (one, two)[n // 3 % 2]
        await process.data.commit("north", Edit(inserted=rows({"id": str(uuid.UUID(int=n)), "value": float(n)})))
    await asyncio.gather(one.log.follow(), two.log.follow(), one.log.follow())
    for process in (one, two):
        assert [change.edit.inserted["value"].to_pylist() for change in process.told] == [[float(n)] for n in range(12)]  # type: ignore[union-attr]
        positions = [change.position for change in process.told]
        assert positions == sorted(set(positions))


async def test_changes_can_be_read_again_until_they_are_forgotten(one: Process, clock: ManualClock) -> None:
    given = rows({"value": math.nan}, {"value": -0.0})
    await one.data.commit("north", Edit(inserted=given))
    await one.types.next_values("north", 1)
    await one.data.commit("south", Edit(inserted=given))
    new = given.set_column(2, "type", pa.array([2, 2], pa.int32()))
    await one.data.commit("north", Edit(old=given, new=new))
    await one.data.commit("north", Edit(deleted=new))
    again = [change async for change in (await Process(one.database, clock).start()).data.changes("north", 0)]
    live = [change for change in one.told if change.tenant == "north"]
    assert [(change.position, change.relation) for change in again] == [(change.position, change.relation) for change in live]
    first, second, third = (change.edit for change in again)
    assert first.inserted is not None
    assert bits(first.inserted) == bits(given)
    assert second.old is not None
    assert second.new is not None
    assert (second.old["type"].to_pylist(), second.new["type"].to_pylist()) == ([1, 1], [2, 2])
    assert third.deleted is not None
    assert third.deleted["id"].to_pylist() == given["id"].to_pylist()
    assert [change.position async for change in one.data.changes("north", again[1].position)] == [again[2].position]
    assert [change async for change in one.types.changes("north", 0)] == []
    clock.advance(8 * 86_400)
    await one.data.commit("north", Edit(inserted=given))
    await one.log.prune()
    with pytest.raises(Refusal) as refused:
        [change async for change in one.data.changes("north", again[1].position)]
    assert refused.value.status == 410
    assert len([change async for change in one.data.changes("north", again[2].position)]) == 1


async def test_positions_grow_though_the_clock_does_not(one: Process, clock: ManualClock) -> None:
    for n in range(3):
        await one.data.commit("north", Edit(inserted=rows({"id": str(uuid.UUID(int=n))})))
    clock.advance(-3600)
    again = await Process(one.database, clock).start()
    await again.data.commit("north", Edit(inserted=rows({"id": str(uuid.UUID(int=3))})))
    positions = [change.position async for change in again.data.changes("north", 0)]
    assert positions == sorted(set(positions))
    assert len(positions) == 4
