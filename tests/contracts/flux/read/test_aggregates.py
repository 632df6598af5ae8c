"""Aggregates, against PostgreSQL's values and types."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.flux.memory import MemoryRelation, relations
from tests.contracts.flux.read.world import World, shown
from tests.postgres import PostgresServer
from wattline.contracts.flux.catalog import Column, RelationType, Type
from wattline.contracts.flux.read.answer import Limits, View
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.syntax import query
from wattline.contracts.flux.tables import BESS, MARKET, MARKET_TYPES
from wattline.contracts.flux.values import encode

NAN = float("nan")
KIND = RelationType(
    "numbers",
    (
        Column("k", Type.TEXT), Column("r", Type.FLOAT4), Column("d", Type.FLOAT8), Column("s", Type.INT2),
        Column("i", Type.INT4), Column("b", Type.INT8), Column("x", Type.TEXT),
    ),
)  # fmt: skip
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["p", "q", None]),
        st.sampled_from([None, 1.5, -2.0, NAN, 0.25]),
        st.sampled_from([None, 0.5, 1e10, NAN]),
        st.sampled_from([None, 1, -7, 32767]),
        st.sampled_from([None, 1, 2, 2**31 - 1]),
        st.sampled_from([None, 1, 123456789012, 2**63 - 1]),
        st.sampled_from([None, "a", "B", "é"]),
    ),
    max_size=20,
)
TOTALS = [f"{column.name}.{function}()" for column in KIND.columns[1:6] for function in ("sum", "avg", "min", "max", "count")]
TOTALS += ["x.min()", "x.max()", "x.count()"]


@pytest.fixture(scope="module")
def numbers(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """An empty table of the same columns."""
    url = postgres.create("flux_aggregates")
    with psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database, autocommit=True) as connection:
        columns = ", ".join(f"{column.name} {column.type.sql}" for column in KIND.columns)
        connection.execute(f"CREATE TABLE numbers ({columns})".encode())
        yield connection


@given(ROWS, st.integers(1, 8), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_groups_are_summed_as_postgresql_sums_them(
    numbers: psycopg.Connection, rows: list[tuple[object, ...]], slice_rows: int, grouped: bool
) -> None:
    relation = MemoryRelation(KIND, slice_rows=slice_rows)
    names = [column.name for column in KIND.columns]
    relation.put("one", *(dict(zip(names, row, strict=True)) for row in rows))
    labelled = [f"c{place}:{total}" for place, total in enumerate(TOTALS)]
    text = f"select={','.join([*(['k'] if grouped else []), 'count()', *labelled])}{'&order=k' if grouped else ''}"
    reader = Reader(relations(relation), Limits(aggregates=True))
    answer = asyncio.run(reader.read(View("one", 0), KIND.name, query.parse(text)))
    mine = [row.as_py() for row in encode.json_rows(answer.table, answer.outputs)]
    numbers.execute("TRUNCATE numbers")
    for row in rows:
        numbers.execute("INSERT INTO numbers VALUES (%s, %s, %s, %s, %s, %s, %s)", row)
    columns = ", ".join(f"{total.partition('.')[2][:-2]}({total[0]}) AS c{place}" for place, total in enumerate(TOTALS))
    key, tail = ("k, ", "GROUP BY k ORDER BY k") if grouped else ("", "")
    statement = f"SELECT row_to_json(t)::text FROM (SELECT {key}count(*) AS count, {columns} FROM numbers {tail}) t"
    theirs = [row[0] for row in numbers.execute(statement.encode())]
    assert mine == theirs


async def test_aggregates_have_to_be_allowed() -> None:
    refusal = await World(limits=Limits()).refused(MARKET.name, "select=count()")
    assert (refusal.status, refusal.code, refusal.message) == (400, "PGRST123", "Use of aggregate functions is not allowed")
    refusal = await World(limits=Limits()).refused(MARKET_TYPES.name, f"select=name,{MARKET.name}(value.sum())")
    assert refusal.code == "PGRST123"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("select=id.max()", 404, "42883"),
        ("select=metadata.min()", 404, "42883"),
        ("select=time.avg()", 404, "42883"),
        ("select=type,value.sum()&order=value", 400, "42803"),
        (f"select=value.sum(),{MARKET_TYPES.name}(name)", 400, "PGRST127"),
        (f"select=value,...{MARKET_TYPES.name}(id.sum())", 400, "PGRST127"),
    ],
)
async def test_what_has_no_sum_is_refused(text: str, status: int, code: str) -> None:
    refusal = await World().refused(MARKET.name, text)
    assert (refusal.status, refusal.code) == (status, code)


async def test_groups_are_paged_ordered_filtered_and_counted() -> None:
    world = World()
    rows = await world.rows(MARKET.name, "select=type,n:count()&value=not.is.null&order=type.desc&limit=2&offset=1", count=True)
    assert (shown(rows), rows.total) == ([{"type": 2, "n": 2}, {"type": 1, "n": 2}], 3)


async def test_casts_apply_to_what_goes_in_and_to_what_comes_out() -> None:
    rows = await World().get(MARKET.name, "select=value::int.sum(),mean:value.avg()::int,day:time::date,type.count()&type=eq.2")
    assert rows == [{"sum": 14, "mean": 6, "day": "1970-01-01", "count": 2}]


async def test_embedded_rows_are_summed_for_each_row() -> None:
    world = World()
    rows = await world.get(MARKET_TYPES.name, f"select=name,{MARKET.name}(value.sum(),count())")
    assert [row[MARKET.name] for row in rows] == [
        [{"sum": 40, "count": 3}],
        [{"sum": 13, "count": 2}],
        [{"sum": None, "count": 0}],
    ]
    rows = await world.get(
        MARKET_TYPES.name, f"select={MARKET.name}(value,count())&{MARKET.name}.order=value.desc&{MARKET.name}.limit=1"
    )
    assert [row[MARKET.name] for row in rows] == [[{"value": None, "count": 1}], [{"value": 7.5, "count": 1}], []]


async def test_an_inner_embed_filters_what_is_summed() -> None:
    text = f"select=value.sum(),{MARKET_TYPES.name}!inner()&{MARKET_TYPES.name}.name=eq.price"
    assert await World().get(MARKET.name, text) == [{"sum": 13}]


async def test_a_sum_beyond_its_type_is_refused() -> None:
    world = World()
    world.put(MARKET.name, *({"id": str(at), "time": at, "type": 9, "value": 3e38, "created_at": 0} for at in range(2)))
    refusal = await world.refused(MARKET.name, "select=value.sum()&type=eq.9")
    assert (refusal.status, refusal.code) == (400, "22003")
    assert await world.get(MARKET.name, "select=value.avg()&type=eq.9") == [{"avg": pytest.approx(3e38)}]


async def test_numbers_of_one_value_are_one_group() -> None:
    world = World()
    world.put(BESS.name, *({"time": at, "device_id": "x", "id": "x", "created_at": 0, "target_power": value} for at, value in
                           enumerate([0.0, -0.0, NAN, -NAN])))  # fmt: skip
    rows = await world.get(
        BESS.name, "select=target_power,count()&device_id=not.is.null&target_power=not.is.null&order=target_power"
    )
    assert json.dumps(rows) == '[{"target_power": 0, "count": 2}, {"target_power": "NaN", "count": 2}]'
