"""Pages: order, windows, counts, and what is refused or left unread."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.flux.memory import MemoryRelation, relations
from tests.contracts.flux.read.world import World, shown, uuid
from wattline.contracts.flux.read.answer import Limits, View
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.syntax import query
from wattline.contracts.flux.syntax.ast import Window
from wattline.contracts.flux.tables import BESS

NAN = float("nan")
LISTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from([None, 1.0, 2.0, NAN, -3.5])),
    max_size=25,
    unique_by=lambda row: row[:2],
)
TERMS = {
    "": [("time", False), ("device_id", False)],
    "soe.desc,time": [("soe", True), ("time", False), ("device_id", False)],
    "soe": [("soe", False), ("time", False), ("device_id", False)],
    "time.desc": [("time", True), ("device_id", False)],
    "device_id.desc,time.desc": [("device_id", True), ("time", True)],
}


def place(row: dict[str, Any], name: str, descending: bool) -> tuple[int, Any]:
    """Where a value sorts: nulls behind all, NaN before them, the other way round where it descends."""
    value = row[name]
    if isinstance(value, str):
        value = int(value[-12:])
    ranked = (2, 0) if value is None else (1, 0) if math.isnan(value) else (0, value)
    return tuple(-part for part in ranked) if descending else ranked  # type: ignore[return-value]


@given(
    LISTS,
    st.sampled_from(list(TERMS)),
    st.one_of(st.none(), st.integers(0, 8)),
    st.integers(0, 6),
    st.booleans(),
    st.booleans(),
    st.integers(1, 9),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_a_page_is_what_sorting_all_rows_gives(
    given_rows: list[tuple[int, int, float | None]],
    order: str,
    limit: int | None,
    offset: int,
    ordered: bool,
    count: bool,
    slice_rows: int,
    filtered: bool,
) -> None:
    relation = MemoryRelation(BESS, ordered=ordered, slice_rows=slice_rows)
    rows = [
        {"time": time, "device_id": uuid(device), "id": uuid(0), "created_at": 0, "soe": soe}
        for time, device, soe in given_rows
    ]
    relation.put("one", *rows)
    reader = Reader(relations(relation), Limits())
    text = f"select=time,device_id,soe&order={order}&offset={offset}" if order else f"select=time,device_id,soe&offset={offset}"
    if limit is not None:
        text += f"&limit={limit}"
    if filtered:
        text += "&soe=gt.0"
        rows = [row for row in rows if row["soe"] is not None and not row["soe"] <= 0]  # type: ignore[operator]
    for name, descending in reversed(TERMS[order]):
        rows.sort(key=lambda row, name=name, descending=descending: place(row, name, descending))  # type: ignore[misc]
    expected = rows[offset:] if limit is None else rows[offset : offset + limit]
    total = len(rows)
    if count and offset > total:
        return
    answer = asyncio.run(reader.read(View("one", 0), BESS.name, query.parse(text), count=count))
    assert [repr(row) for row in answer.table.to_pylist()] == [
        repr({name: row[name] for name in ("time", "device_id", "soe")}) for row in expected
    ]
    assert (answer.returned, answer.offset, answer.total) == (len(expected), offset, total if count else None)
    head = asyncio.run(reader.read(View("one", 0), BESS.name, query.parse(text), count=count, head=True))
    assert (head.returned, head.offset, head.total, head.table.num_rows) == (len(expected), offset, answer.total, 0)


async def test_an_ordered_relation_is_not_read_to_its_end() -> None:
    world = World(ordered=True, slice_rows=2)
    rows = await world.get(BESS.name, "select=soe&order=time.desc&offset=1&limit=2")
    assert rows == [{"soe": 8}, {"soe": 7}]
    relation = world.members[BESS.name]
    assert relation.needs[0].most == 3
    assert relation.read <= 4


async def test_only_what_is_looked_at_is_asked_for() -> None:
    world = World()
    await world.get(BESS.name, "select=s:soe&target_power=is.null&order=id")
    assert world.members[BESS.name].needs[0].columns == {"soe", "target_power", "id", "time", "device_id"}


async def test_an_order_by_a_whole_key_needs_no_more() -> None:
    world = World()
    await world.get(BESS.name, "select=soe&order=device_id,time.desc")
    assert [term.ref.column for term in world.members[BESS.name].needs[0].order] == ["device_id", "time"]


async def test_rows_of_another_tenant_are_not_there() -> None:
    world = World()
    world.members[BESS.name].put("two", {"time": 0, "device_id": uuid(5), "id": uuid(5), "created_at": 0})
    assert len(await world.get(BESS.name)) == 10
    assert await world.get(BESS.name, f"device_id=eq.{uuid(5)}") == []


async def test_a_page_behind_the_last_row() -> None:
    world = World()
    refusal = await world.refused(BESS.name, "offset=11", count=True)
    assert (refusal.status, refusal.code) == (416, "PGRST103")
    assert refusal.details == "An offset of 11 was requested, but there are only 10 rows."
    assert refusal.headers["Content-Range"] == "*/10"
    rows = await world.rows(BESS.name, "offset=10", count=True)
    assert (rows.returned, rows.total, rows.partial) == (0, 10, True)
    assert shown(await world.rows(BESS.name, "offset=11")) == []


async def test_a_page_of_no_row_is_counted_without_reading_columns() -> None:
    world = World()
    rows = await world.rows(BESS.name, "limit=0", count=True)
    assert (shown(rows), rows.total) == ([], 10)
    assert [output.name for output in rows.outputs] == [column.name for column in BESS.columns]


async def test_the_range_header_and_the_query_are_intersected() -> None:
    world = World()
    rows = await world.rows(BESS.name, "select=soe&limit=6&offset=2", window=Window(limit=4, offset=5))
    assert ([row["soe"] for row in shown(rows)], rows.offset) == ([5, 6, 7], 5)
    refusal = await world.refused(BESS.name, "limit=2", window=Window(limit=4, offset=5))
    assert (refusal.status, refusal.code) == (416, "PGRST103")
    refusal = await world.refused(BESS.name, "limit=-1")
    assert (refusal.status, refusal.details) == (416, "Limit should be greater than or equal to zero.")


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("", True),
        ("limit=10", True),
        ("limit=6", True),
        ("limit=5", False),
        ("soe=lt.5", False),
        ("soe=lte.5", True),
        ("offset=5", False),
    ],
)
async def test_an_answer_of_too_many_rows_is_refused_and_never_cut(ordered: bool, text: str, refused: bool) -> None:
    world = World(ordered=ordered, limits=Limits(answer_rows=5))
    if refused:
        refusal = await world.refused(BESS.name, text)
        assert (refusal.status, refusal.code) == (413, "PT413")
        assert refusal.hint is not None
    else:
        assert len(await world.get(BESS.name, text)) == 5


async def test_a_read_ends_where_it_is_known_to_be_too_large() -> None:
    world = World(slice_rows=2, limits=Limits(answer_rows=3))
    await world.refused(BESS.name, "order=soe")
    assert world.members[BESS.name].read == 4


async def test_the_configured_greatest_limit_caps_every_page() -> None:
    world = World(limits=Limits(answer_rows=5, max_rows=4))
    rows = await world.rows(BESS.name, "", count=True)
    assert (rows.returned, rows.total, rows.partial) == (4, 10, True)
    assert len(await world.get(BESS.name, "limit=3")) == 3
    assert len(await world.get(BESS.name, "limit=9&offset=8")) == 2


async def test_rows_that_have_to_be_held_are_bounded() -> None:
    many = 200_000
    relation = MemoryRelation(BESS, slice_rows=50_000)
    relation.put(
        "one", *({"time": n, "device_id": uuid(1), "id": uuid(1), "created_at": 0, "soe": -float(n)} for n in range(many))
    )
    reader = Reader(relations(relation), Limits(answer_rows=100, held_rows=1000))
    page = await reader.read(View("one", 0), BESS.name, query.parse("select=time&order=soe&limit=3"), count=True)
    assert (page.table["time"].to_pylist(), page.total) == ([many - 1, many - 2, many - 3], many)
    with pytest.raises(Exception, match="rows to put in order"):
        await reader.read(View("one", 0), BESS.name, query.parse("select=time&order=soe&limit=3&offset=150000"))


async def test_a_relation_that_may_not_be_seen_has_no_rows() -> None:
    world = World()
    world.visible = lambda name: name != BESS.name
    assert await world.get(BESS.name) == []


async def test_a_time_that_moves_is_not_remembered() -> None:
    world = World()
    parsed = query.parse("select=soe&time=lt.now")
    seen = [await world.reader.read(View("one", now), BESS.name, parsed) for now in (2_000_000, 4_000_000)]
    assert [rows.returned for rows in seen] == [2, 4]
