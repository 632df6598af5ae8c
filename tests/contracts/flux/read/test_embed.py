"""Embedded relations, against a plain reading of what each option means."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.flux.memory import MemoryRelation, relations
from tests.contracts.flux.read.world import World, shown, uuid
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.expression import Among, Ref
from wattline.contracts.flux.read.answer import Limits, View
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.syntax import query
from wattline.contracts.flux.tables import BESS, MARKET, MARKET_TYPES, REGISTRY

M, T, R, B = MARKET.name, MARKET_TYPES.name, REGISTRY.name, BESS.name


@pytest.mark.parametrize("embed", [T, "type", "market_data_type_fkey", f"{T}!type", f"{T}!market_data_type_fkey", f"{T}!id"])
async def test_the_one_side_is_an_object_or_null_however_it_is_named(embed: str) -> None:
    rows = await World().get(M, f"select=value,of:{embed}(name)&limit=3")
    assert rows == [
        {"value": 10, "of": {"name": "niv"}},
        {"value": 5.5, "of": {"name": "price"}},
        {"value": 1, "of": None},
    ]


@pytest.mark.parametrize(("name", "text", "expected"), [
    (T, f"select=name,{M}(value)", [("niv", [10, None, 30]), ("price", [5.5, 7.5]), ("idle", [])]),
    (T, f"select=name,{M}(value)&{M}.order=value.desc.nullslast&{M}.limit=1", [("niv", [30]), ("price", [7.5]), ("idle", [])]),
    (T, f"select=name,{M}(value)&{M}.offset=1", [("niv", [None, 30]), ("price", [7.5]), ("idle", [])]),
    (T, f"select=name,{M}(value)&{M}.value=gt.6", [("niv", [10, 30]), ("price", [7.5]), ("idle", [])]),
    (T, f"select=name,{M}!inner(value)&{M}.value=gt.6", [("niv", [10, 30]), ("price", [7.5])]),
    (T, f"select=name,{M}!inner(value)&{M}.or=(value.is.null,value.eq.5.5)", [("niv", [None]), ("price", [5.5])]),
    (T, f"select=name,{M}!inner(value)&{M}.offset=2", [("niv", [30])]),
    (T, f"select=name,{M}!inner(value)&{M}.limit=0", []),
    (T, f"select=name,{M}!left(value)&{M}=is.null", [("idle", [])]),
    (T, f"select=name,{M}(value)&{M}=not.is.null", [("niv", [10, None, 30]), ("price", [5.5, 7.5])]),
    (T, f"select=name,{M}(value)&or=({M}.is.null,name.eq.price)", [("price", [5.5, 7.5]), ("idle", [])]),
    (T, f"select=name,{M}(value)&{M}.limit=0", [("niv", []), ("price", []), ("idle", [])]),
])  # fmt: skip
@pytest.mark.parametrize("ordered", [True, False])
async def test_the_many_side_is_an_array(name: str, text: str, expected: list[Any], ordered: bool) -> None:
    rows = await World(ordered=ordered).get(name, text)
    assert [(row["name"], [one["value"] for one in row[M]]) for row in rows] == expected


@pytest.mark.parametrize(("text", "expected"), [
    (f"select=value,{T}!inner(name)&{T}.name=eq.niv", [10, None, 30]),
    (f"select=value,{T}!inner(name)", [10, 5.5, None, 7.5, 30]),
    (f"select=value,{T}(name)&{T}=is.null", [1]),
    (f"select=value,{T}()&{T}=not.is.null&{T}.unit=is.null", [5.5, 7.5]),
    (f"select=value,{T}!inner()&limit=2&offset=1", [5.5, None]),
    (f"select=value,{T}(name)&order={T}(name).desc.nullslast,value", [5.5, 7.5, 10, 30, None, 1]),
    (f"select=value,t:{T}(name)&order=t(unit).nullsfirst,time.desc&t.name=neq.idle", [7.5, 1, 5.5, 30, None, 10]),
    (f"select=value,{T}()&order={T}(name),time&{T}.name=eq.price", [5.5, 7.5, 10, 1, None, 30]),
])  # fmt: skip
async def test_rows_are_filtered_and_ordered_by_their_one_related_row(text: str, expected: list[Any]) -> None:
    assert [row["value"] for row in await World().get(M, text)] == expected


async def test_an_empty_embed_shows_nothing() -> None:
    assert await World().get(M, f"select=value,{T}()&limit=1") == [{"value": 10}]


async def test_a_spread_puts_columns_among_those_of_the_row() -> None:
    world = World()
    rows = await world.get(M, f"select=value,...{T}(kind:name,unit),id&limit=3")
    assert [list(row.items())[:3] for row in rows] == [
        [("value", 10), ("kind", "niv"), ("unit", "MW")],
        [("value", 5.5), ("kind", "price"), ("unit", None)],
        [("value", 1), ("kind", None), ("unit", None)],
    ]
    rows = await world.get(T, f"select=name,...{M}(value,at:time::date)&{M}.order=value.nullsfirst")
    assert [(row["name"], row["value"], len(row["at"])) for row in rows] == [
        ("niv", [None, 10, 30], 3),
        ("price", [5.5, 7.5], 2),
        ("idle", [], 0),
    ]


async def test_embeds_nest() -> None:
    text = f"select=name,{M}(value,{T}(name,{M}(value)))&{M}.limit=1&{M}.{T}.{M}.order=value&{M}.{T}.{M}.limit=2&id=eq.1"
    assert await World().get(T, text) == [
        {"name": "niv", M: [{"value": 10, T: {"name": "niv", M: [{"value": 10}, {"value": 30}]}}]}
    ]


async def test_an_inner_embed_within_an_embed_filters_that_embed() -> None:
    text = f"select=name,{B}(soe,{R}!inner(name))&{B}.{R}.name=eq.device-2"
    rows = await World().get(R, text)
    assert [len(row[B]) for row in rows] == [0, 3, 0]


async def test_the_newest_reading_of_each_device_needs_one_scan() -> None:
    world = World(ordered=True, slice_rows=1)
    rows = await world.get(R, f"select=name,{B}(soe)&{B}.order=time.desc&{B}.limit=1&id=in.({uuid(1)},{uuid(2)})")
    assert rows == [{"name": "device-1", B: [{"soe": 9}]}, {"name": "device-2", B: [{"soe": 7}]}]
    readings = world.members[B]
    assert len(readings.needs) == 1
    # Devices 9, 1 and then 2: what is older was not read.
    assert readings.read == 2


async def test_an_inner_embed_narrows_the_read_to_the_related_keys() -> None:
    world = World()
    rows = await world.get(B, f"select=soe,{R}!inner(name)&{R}.name=eq.device-2")
    assert [row["soe"] for row in rows] == [1, 4, 7]
    assert world.members[B].needs[0].where == Among(Ref("device_id", Type.UUID), "eq", (uuid(2),))


async def test_columns_of_a_relation_that_may_not_be_seen_are_null() -> None:
    world = World()
    world.visible = lambda name: name != T
    assert await world.get(M, f"select=value,{T}(name)&limit=1") == [{"value": 10, T: None}]
    assert await world.get(M, f"select=value,{T}!inner(name)") == []


async def test_embedded_rows_are_bounded() -> None:
    world = World(limits=Limits(answer_rows=4))
    refusal = await world.refused(T, f"select=name,{M}(value)")
    assert (refusal.status, refusal.code) == (413, "PT413")
    assert len(await world.get(T, f"select=name,{M}(value)&{M}.limit=1")) == 3


MARKETS = st.lists(st.tuples(st.integers(1, 5), st.one_of(st.none(), st.integers(0, 4).map(float))), max_size=15)
OPTIONS = st.fixed_dictionaries(
    {
        "limit": st.one_of(st.none(), st.integers(0, 3)),
        "offset": st.one_of(st.none(), st.integers(0, 2)),
        "order": st.sampled_from(["", "value", "value.desc", "time.desc"]),
        "least": st.one_of(st.none(), st.integers(0, 4)),
        "join": st.sampled_from(["", "!inner"]),
        "slice_rows": st.integers(1, 7),
        "ordered": st.booleans(),
    }
)


@given(st.sets(st.integers(1, 4)), MARKETS, OPTIONS)
@settings(max_examples=150, deadline=None)
def test_many_rows_are_embedded_as_row_by_row(
    kinds: set[int], markets: list[tuple[int, float | None]], asked: dict[str, Any]
) -> None:
    types = MemoryRelation(MARKET_TYPES, slice_rows=2)
    data = MemoryRelation(MARKET, slice_rows=asked["slice_rows"], ordered=asked["ordered"])
    types.put("one", *({"id": kind, "name": f"type-{kind}"} for kind in sorted(kinds)))
    rows = [
        {"id": uuid(at), "time": at, "type": kind, "value": value, "created_at": 0} for at, (kind, value) in enumerate(markets)
    ]
    data.put("one", *rows)
    text = f"select=id,{M}{asked['join']}(time,value)"
    for option in ("limit", "offset", "order"):
        if asked[option] not in (None, ""):
            text += f"&{M}.{option}={asked[option]}"
    if asked["least"] is not None:
        text += f"&{M}.value=gte.{asked['least']}"
        rows = [row for row in rows if row["value"] is not None and row["value"] >= asked["least"]]  # type: ignore[operator]
    if asked["order"].startswith("value"):
        sign = -1 if "desc" in asked["order"] else 1
        rows.sort(key=lambda row: (sign * (row["value"] is None), sign * (row["value"] or 0)))  # type: ignore[operator]
    elif asked["order"]:
        rows.sort(key=lambda row: -row["time"])  # type: ignore[operator]
    end = None if asked["limit"] is None else (asked["offset"] or 0) + asked["limit"]
    expected = []
    for kind in sorted(kinds):
        mine = [row["value"] for row in rows if row["type"] == kind][asked["offset"] or 0 : end]
        if mine or not asked["join"]:
            expected.append((kind, mine))
    reader = Reader(relations(types, data), Limits())
    answer = shown(asyncio.run(reader.read(View("one", 0), T, query.parse(text))))
    assert [(row["id"], [one["value"] for one in row[M]]) for row in answer] == expected
