"""What is selected: names, paths, casts, and answers of functions and writes."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.contracts.flux.read.world import NOW, World, shown, uuid
from wattline.contracts.flux.catalog import Column, RelationType, Type
from wattline.contracts.flux.read.answer import View
from wattline.contracts.flux.syntax import query
from wattline.contracts.flux.syntax.ast import Window
from wattline.contracts.flux.tables import BESS, MARKET, MARKET_TYPES, REGISTRY

SUMS = RelationType("sums", (Column("n", Type.INT4), Column("label", Type.TEXT)), writable=False)
SUMS_ROWS = pa.table({"n": pa.array([3, 1, 2], pa.int32()), "label": ["c", "a", None]})


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("name,id", {"name": "device-1", "id": uuid(1)}),
        ("called:name,device_id", {"called": "device-1", "device_id": uuid(1)}),
        ("metadata->max_power", {"max_power": 100}),
        ("metadata->>max_power", {"max_power": "100"}),
        ("power:metadata->max_power", {"power": 100}),
        ("metadata->tags->0", {"tags": "a"}),
        ("metadata->tags->>-1,metadata->nothing", {"tags": "b", "nothing": None}),
        ("metadata->max_power::text,active", {"max_power": "100", "active": None}),
        ("created_at::text", {"created_at": "1970-01-01 00:00:00.000001+00"}),
    ],
)
async def test_columns_are_named_found_and_cast(select: str, expected: dict[str, object]) -> None:
    rows = await World().get(REGISTRY.name, f"select={select}&limit=1")
    assert rows == [expected]
    assert list(rows[0]) == list(expected)


async def test_all_columns_come_in_the_relations_order_without_aliases() -> None:
    rows = await World().get(REGISTRY.name, "select=*,again:name&limit=1")
    assert list(rows[0]) == [*(column.name for column in REGISTRY.columns), "again"]


async def test_unknown_columns_and_casts_are_refused_without_a_row() -> None:
    world = World()
    assert (await world.refused(BESS.name, "select=nope&limit=0")).code == "42703"
    assert (await world.refused(BESS.name, "select=soe::nosuch&limit=0")).code == "42704"
    assert (await world.refused(BESS.name, "power=gt.0")).message == "column mg_bess_readings.power does not exist"


async def test_filters_see_into_documents() -> None:
    world = World()
    assert await world.get(REGISTRY.name, "select=name&metadata->max_power=gt.60") == [{"name": "device-1"}]
    assert await world.get(REGISTRY.name, "select=name&metadata->>max_power=gt.60") == []
    assert await world.get(REGISTRY.name, 'select=name&metadata=cs.{"tags":["b"]}') == [{"name": "device-1"}]
    names = await world.get(REGISTRY.name, "select=name&order=metadata->max_power.desc.nullslast")
    assert [row["name"] for row in names] == ["device-1", "device-2", "device-3"]


async def test_rows_of_a_function_keep_their_order_and_take_every_modifier() -> None:
    reader, view = World().reader, View("one", NOW)
    assert shown(await reader.of(view, SUMS, SUMS_ROWS, query.parse(""))) == [
        {"n": 3, "label": "c"},
        {"n": 1, "label": "a"},
        {"n": 2, "label": None},
    ]
    page = await reader.of(view, SUMS, SUMS_ROWS, query.parse("select=n&n=gt.1&order=n"), window=Window(limit=1), count=True)
    assert (shown(page), page.total, page.partial) == ([{"n": 2}], 2, True)
    head = await reader.of(view, SUMS, SUMS_ROWS, query.parse("limit=2"), count=True, head=True)
    assert (head.returned, head.total) == (2, 3)
    summed = await reader.of(view, SUMS, SUMS_ROWS, query.parse("select=n.sum()"))
    assert shown(summed) == [{"sum": 6}]


async def test_written_rows_are_represented_in_the_order_they_came_in() -> None:
    world = World()
    written = world.members[MARKET.name].rows["one"].take([4, 0, 2])
    view = View("one", NOW)
    asked = query.parse("select=value,market_data_types(name)&value=gt.100&limit=1")
    rows = await world.reader.represent(view, MARKET, written, asked)
    assert shown(rows) == [
        {"value": 7.5, "market_data_types": {"name": "price"}},
        {"value": 10, "market_data_types": {"name": "niv"}},
        {"value": 1, "market_data_types": None},
    ]
    sorted_rows = await world.reader.represent(view, MARKET, written, query.parse("select=value&order=value"))
    assert shown(sorted_rows) == [{"value": 1}, {"value": 7.5}, {"value": 10}]


async def test_a_row_without_a_key_has_no_related_rows() -> None:
    world = World()
    types = world.members[MARKET_TYPES.name].rows["one"].slice(0, 2)
    types = types.set_column(0, "id", pa.array([1, None], pa.int32()))
    rows = await world.reader.represent(View("one", NOW), MARKET_TYPES, types, query.parse(f"select=name,{MARKET.name}(type)"))
    assert [len(row[MARKET.name]) for row in shown(rows)] == [3, 0]


async def test_an_embed_alone_leaves_objects_without_keys() -> None:
    rows = await World().rows(MARKET.name, f"select={MARKET_TYPES.name}()&limit=2")
    assert (rows.returned, rows.table.num_rows, rows.outputs) == (2, 2, ())
