"""Looking back by number: totals, offsets, types, the closed end; and reading on from a sequence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from wattline.events.model import Event
from wattline.events.paging import Filter
from wattline.events.service import EventLog
from wattline.model.errors import Invalid

Write = Callable[..., Awaitable[Event | None]]


async def sequences(log: EventLog, where: Filter, offset: int = 0, limit: int = 100) -> tuple[int, list[int]]:
    """The total, and what is on the page."""
    found = await log.counted("acme", where, offset=offset, limit=limit)
    return found.total, [event.sequence for event in found.events]


async def test_a_page_counts_all_that_match_and_no_other_tenants(write: Write, log: EventLog) -> None:
    for time in (30, 10, 20, 20):
        await write(time=time)
    await write(tenant="north", time=15)
    assert await sequences(log, Filter()) == (4, [1, 4, 3, 2])
    assert await sequences(log, Filter(), offset=1, limit=2) == (4, [4, 3])
    assert await sequences(log, Filter(), offset=4) == (4, [])
    assert await sequences(log, Filter(), offset=2**63 - 1) == (4, [])
    assert await sequences(log, Filter(start=20)) == (3, [1, 4, 3])


async def test_until_is_within_and_end_is_not(write: Write, log: EventLog) -> None:
    for time in (10, 20, 30):
        await write(time=time)
    assert await sequences(log, Filter(start=10, until=20)) == (2, [2, 1])
    assert await sequences(log, Filter(start=10, end=20)) == (1, [1])
    assert await sequences(log, Filter(start=20, until=20)) == (1, [2])


async def test_a_type_is_the_event_type_or_else_the_kind(write: Write, log: EventLog) -> None:
    await write(kind="alarm", event_type="alarm_raised", time=1)
    await write(kind="mode_change", time=2)
    await write(kind="alarm", event_type="alarm_acked", time=3)
    assert await sequences(log, Filter(types=["alarm_raised", "mode_change"])) == (2, [2, 1])
    assert await sequences(log, Filter(types=["alarm"])) == (0, [])
    assert await sequences(log, Filter(types=[])) == (0, [])
    page = await log.counted("acme", Filter())
    assert [event.type for event in page.events] == ["alarm_acked", "mode_change", "alarm_raised"]


@pytest.mark.parametrize("text", ["\x00", "\ud800", "", "x" * 513])
async def test_a_type_that_no_log_can_hold_matches_nothing(write: Write, log: EventLog, text: str) -> None:
    await write(kind="mode_change", time=1)
    assert await sequences(log, Filter(types=[text])) == (0, [])
    assert await sequences(log, Filter(types=[text, "mode_change"])) == (1, [1])


async def test_subjects_can_be_left_out(write: Write, log: EventLog) -> None:
    for subject in ("block-01", "block-02", None):
        await write(subject=subject, time=1)
    assert await sequences(log, Filter(other_subjects=["block-02"])) == (2, [3, 1])


@pytest.mark.parametrize(("offset", "limit"), [(-1, 10), (2**63, 10), (0, 0), (0, 1001)])
async def test_an_impossible_page_is_refused(log: EventLog, offset: int, limit: int) -> None:
    with pytest.raises(Invalid):
        await log.counted("acme", Filter(), offset=offset, limit=limit)


async def test_reading_on_says_up_to_where_it_is_whole(write: Write, log: EventLog) -> None:
    for number in range(5):
        await write(kind="odd" if number % 2 else "even", time=number)

    async def read(sequence: int, limit: int, where: Filter) -> tuple[list[int], int]:
        found, upto = await log.after("acme", sequence, limit, where)
        return [event.sequence for event in found], upto

    assert await read(0, 10, Filter()) == ([1, 2, 3, 4, 5], 5)
    assert await read(1, 2, Filter()) == ([2, 3], 3)
    assert await read(0, 10, Filter(kinds=["odd"])) == ([2, 4], 5)
    assert await read(9, 10, Filter()) == ([], 9)
