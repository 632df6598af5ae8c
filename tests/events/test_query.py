"""Looking back: order, pages, filters, what a key may see; and following."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattline.events.model import Event
from wattline.events.paging import Filter, from_cursor, to_cursor
from wattline.events.service import FOLLOW_BLOCK, EventLog
from wattline.events.store import events
from wattline.model.errors import Invalid
from wattline.state.database import Database

Write = Callable[..., Awaitable[Event | None]]


async def pages(log: EventLog, tenant: str, limit: int) -> list[list[Event]]:
    """Every page of a tenant's log."""
    found, cursor = [], None
    while True:
        page = await log.query(tenant, limit=limit, before=cursor)
        found.append([*page.events])
        cursor = page.next
        if cursor is None:
            return found


async def sequences(log: EventLog, tenant: str = "acme", **conditions: object) -> list[int]:
    page = await log.query(tenant, **conditions)  # type: ignore[arg-type]
    return [event.sequence for event in page.events]


async def test_newest_first_by_time_then_by_sequence(write: Write, log: EventLog) -> None:
    for time in (30, 10, 20, 20, 20, 5):
        await write(time=time)
    assert await sequences(log) == [1, 5, 4, 3, 2, 6]


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (1000, [7])])
async def test_pages_hold_each_event_once(write: Write, log: EventLog, limit: int, sizes: list[int]) -> None:
    for time in (30, 10, 20, 20, 20, 5, 30):
        await write(time=time)
        await write(time=time, tenant="north")
    found = await pages(log, "acme", limit)
    assert [len(page) for page in found] == sizes
    assert [event.sequence for page in found for event in page] == [7, 1, 5, 4, 3, 2, 6]


async def test_an_empty_log_has_one_empty_page(log: EventLog) -> None:
    assert await pages(log, "nobody", 10) == [[]]


async def test_events_that_arrive_between_two_pages_do_not_shift_them(write: Write, log: EventLog) -> None:
    for time in (10, 20, 30, 40):
        await write(time=time)
    first = await log.query("acme", limit=2)
    await write(time=50)
    await write(time=35)
    second = await log.query("acme", limit=2, before=first.next)
    assert [event.time for event in (*first.events, *second.events)] == [40, 30, 20, 10]


async def test_each_filter(write: Write, log: EventLog) -> None:
    await write(time=1, kind="hop.grid_event", site="SUB001", device="D1", subject="FDR1", event_type="FEEDER_TRIP")
    await write(time=2, kind="hop.grid_event", site="SUB002", device="D2", subject="FDR1", severity="ALARM")
    await write(time=3, kind="hop.outage", site=None, device="D1", severity="INFO")
    await write(time=4, kind="alert.sent", site="SUB001")
    assert await sequences(log, kinds=["hop.grid_event"]) == [2, 1]
    assert await sequences(log, kinds=["hop.outage", "alert.sent"]) == [4, 3]
    assert await sequences(log, kinds=[]) == []
    assert await sequences(log, start=2, end=4) == [3, 2]
    assert await sequences(log, device="D1") == [3, 1]
    assert await sequences(log, subject="FDR1") == [2, 1]
    assert await sequences(log, event_type="FEEDER_TRIP") == [1]
    assert await sequences(log, severity="ALARM") == [2]
    assert await sequences(log, severity="INFO", device="D2") == []
    assert await sequences(log, tenant="north") == []
    assert await sequences(log, sites=None) == [4, 3, 2, 1]
    assert await sequences(log, sites=None, siteless=False) == [4, 2, 1]
    assert await sequences(log, sites={"SUB001"}) == [4, 1]
    assert await sequences(log, sites=["SUB001"], siteless=True) == [4, 3, 1]
    assert await sequences(log, sites=[]) == []
    assert await sequences(log, sites=["' OR 1=1 --"]) == []


@pytest.mark.parametrize("conditions", [{"limit": 0}, {"limit": 1001}, {"kinds": "hop.outage"}, {"sites": "SUB001"}])
async def test_an_impossible_question_is_refused(log: EventLog, conditions: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        await log.query("acme", **conditions)  # type: ignore[arg-type]
    assert caught.value.field in conditions


@given(st.integers(0, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_a_cursor_reads_back(time: int, sequence: int) -> None:
    assert from_cursor(to_cursor(time, sequence)) == (time, sequence)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


FORGED = ["1", "1.0", "0.0", "1.-1", "-1.1", f"1.{2**63}", f"{2**63}.1", "1.1.1", "1_0.1", " 1.1", "01.1", "nan.1", "٣.1"]


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "é", "\ud800", "=" * 8, *(encoded(text) for text in FORGED)])
async def test_a_text_that_is_no_cursor_is_refused(log: EventLog, cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        await log.query("acme", before=cursor)
    assert caught.value.field == "before"


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_invalid(cursor: str) -> None:
    try:
        place = from_cursor(cursor)
    except Invalid:
        return
    assert to_cursor(*place) == cursor


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_pages_agree_with_sorting_in_memory(database: Database, log: EventLog, data: st.DataObject) -> None:
    tenant = f"t{await total(database)}"
    times = data.draw(st.lists(st.integers(0, 8), max_size=30))
    sites = st.sampled_from([None, "A", "B", "C"])
    written = []
    async with database.transaction() as connection:
        for time in times:
            event = await log.append(
                connection, tenant=tenant, kind="a", time=time, received=0, site=data.draw(sites), severity=data.draw(sites)
            )
            written.append(event)
    allowed = data.draw(st.none() | st.frozensets(st.sampled_from("ABC")))
    siteless = data.draw(st.none() | st.booleans())
    severity = data.draw(sites)
    start, end = data.draw(st.none() | st.integers(0, 8)), data.draw(st.none() | st.integers(0, 8))
    expected = [
        event
        for event in sorted((event for event in written if event), key=lambda event: (-event.time, -event.sequence))
        if (severity is None or event.severity == severity)
        and (start is None or event.time >= start)
        and (end is None or event.time < end)
        and (
            (allowed is None or event.site in allowed)
            if event.site is not None
            else (allowed is None if siteless is None else siteless)
        )
    ]
    limit = data.draw(st.integers(1, 12))
    found: list[Event] = []
    cursor = None
    while True:
        page = await log.query(
            tenant,
            start=start,
            end=end,
            sites=allowed,
            siteless=siteless,
            severity=severity,
            limit=limit,
            before=cursor,
        )
        found += page.events
        cursor = page.next
        if cursor is None:
            break
        assert len(page.events) == limit
    assert found == expected


async def total(database: Database) -> int:
    """A number that is new for each example of a property that shares one database."""
    async with database.read() as connection:
        return int((await connection.execute(sa.text("SELECT count(*) FROM event_chains"))).scalar_one())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_page_is_read_in_the_order_of_an_index(database: Database) -> None:
    page = sa.select(events).where(events.c.tenant == "acme", sa.tuple_(events.c.time, events.c.sequence) < (5, 5))
    page = page.order_by(events.c.time.desc(), events.c.sequence.desc()).limit(5)
    text = str(page.compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True}))
    async with database.read() as connection:
        plan = [row.detail for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert len(plan) == 1
    assert plan[0].startswith("SEARCH events USING INDEX ix_events_tenant_time (tenant=? AND ")


class TestFollow:
    async def test_it_gives_what_was_and_what_comes_in_order_without_a_gap(self, write: Write, log: EventLog) -> None:
        woken = asyncio.Event()
        caught_up = asyncio.Event()

        async def pause() -> None:
            caught_up.set()
            await woken.wait()
            woken.clear()

        seen: list[int] = []

        async def read() -> None:
            async for event in log.follow("acme", 1, pause):
                seen.append(event.sequence)

        for _ in range(3):
            await write()
        async with asyncio.timeout(20):
            task = asyncio.create_task(read())
            for _ in range(3):
                await caught_up.wait()
                caught_up.clear()
                await write()
                await write(tenant="north")
                woken.set()
            await caught_up.wait()
            task.cancel()
        assert seen == [2, 3, 4, 5, 6]

    async def test_it_reads_long_logs_block_by_block_and_filters(self, database: Database, log: EventLog) -> None:
        count = 2 * FOLLOW_BLOCK + 7
        async with database.transaction() as connection:
            for number in range(count):
                kind = "odd" if number % 2 else "even"
                await log.append(connection, tenant="acme", kind=kind, time=number, received=0)

        class CaughtUpError(Exception):
            pass

        async def pause() -> None:
            raise CaughtUpError

        async def read(where: Filter) -> list[int]:
            seen: list[int] = []
            with suppress(CaughtUpError):
                async for event in log.follow("acme", 0, pause, where):
                    seen.append(event.sequence)
            return seen

        assert await read(Filter()) == [*range(1, count + 1)]
        assert await read(Filter(kinds=["odd"])) == [*range(2, count + 1, 2)]
        assert await read(Filter(kinds=["none"])) == []
