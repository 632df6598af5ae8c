"""Outages through the real log and store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import permutations

import pytest

from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.model.clock import MINUTE, SECOND, ManualClock
from wattline.model.errors import Invalid
from wattline.outages.model import ActiveOutage, OutageRecord, Status
from wattline.outages.service import Outages
from wattline.state.database import Database

TENANT = "utility"
ID = "OUT-SUB001-FDR002-1749650000"


class Grid:
    """The outages of one utility, and now."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.clock = clock
        self.published: list[Event] = []
        self.log = EventLog(database)
        self.outages = Outages(database, self.log, self.published.append)

    @property
    def now(self) -> int:
        return self.clock.micros()

    async def send(self, status: Status, minutes_ago: float, customers: int = 847, **words: object) -> None:
        time = self.now - round(minutes_ago * MINUTE)
        record = OutageRecord(ID, "FDR002", customers, status, received=self.now, time=time, region="SUB001", site="SUB001")
        await self.outages.record(TENANT, replace(record, **words))  # type: ignore[arg-type]

    async def active(self, **words: object) -> list[ActiveOutage]:
        return await self.outages.active(TENANT, self.now, **words)  # type: ignore[arg-type]


@pytest.fixture
def grid(database: Database, clock: ManualClock) -> Grid:
    return Grid(database, clock)


ACTIVE, RESTORED = Status.ACTIVE, Status.RESTORED


async def test_the_published_example(grid: Grid) -> None:
    words = {
        "mw_interrupted": 12.4,
        "cause": "STORM",
        "etr_time": "2026-06-11T16:00:00Z",
        "latitude": 45.5231,
        "longitude": -122.6765,
    }
    await grid.send(ACTIVE, 0, **words)
    (found,) = await grid.active()
    assert found.record == OutageRecord(ID, "FDR002", 847, ACTIVE, grid.now, grid.now, "SUB001", site="SUB001", **words)  # type: ignore[arg-type]
    assert (found.started, found.stale, found.etr_overdue) == (grid.now, False, False)
    (event,) = (await grid.log.query(TENANT)).events
    assert (event.kind, event.site, event.subject) == ("hop.outage", "SUB001", "FDR002")
    assert event.body["etr_time"] == "2026-06-11T16:00:00Z"
    grid.clock.advance(60)
    await grid.send(RESTORED, 0, customers=0)
    assert await grid.active() == []
    assert len(grid.published) == 2


async def test_an_outage_is_one_row_with_its_newest_update(grid: Grid) -> None:
    await grid.send(ACTIVE, 30, customers=847)
    await grid.send(ACTIVE, 10, customers=300)
    await grid.send(ACTIVE, 20, customers=500)
    (found,) = await grid.active()
    assert found.record.customers_out == 300
    assert found.started == grid.now - 30 * MINUTE


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
async def test_any_order_of_arrival_ends_the_same(grid: Grid, arrival: tuple[int, ...]) -> None:
    sends = [(ACTIVE, 30), (ACTIVE, 20), (RESTORED, 10)]
    for index in arrival:
        await grid.send(*sends[index])
    assert await grid.active() == []
    await grid.send(ACTIVE, 5, customers=9)
    (found,) = await grid.active()
    assert (found.started, found.record.customers_out) == (grid.now - 5 * MINUTE, 9)


async def test_at_the_same_instant_a_restore_wins_whichever_comes_first(grid: Grid) -> None:
    await grid.send(RESTORED, 10)
    await grid.send(ACTIVE, 10)
    assert await grid.active() == []


async def test_of_two_updates_at_the_same_instant_the_last_received_counts(grid: Grid) -> None:
    await grid.send(ACTIVE, 10, customers=1)
    await grid.send(ACTIVE, 10, customers=2)
    assert [found.record.customers_out for found in await grid.active()] == [2]


@pytest.mark.parametrize(("minutes_ago", "there"), [(119.9, True), (120, True), (120.1, False)])
async def test_the_window_is_two_hours(grid: Grid, minutes_ago: float, there: bool) -> None:
    await grid.send(ACTIVE, minutes_ago)
    assert bool(await grid.active()) is there
    assert [found.stale for found in await grid.active(include_stale=True)] == [not there]
    assert len(await grid.active(window_minutes=121)) == 1


async def test_a_long_outage_is_not_forgotten(grid: Grid) -> None:
    await grid.send(ACTIVE, 3 * 24 * 60)
    (found,) = await grid.active(include_stale=True)
    assert found.stale


async def test_the_literal_reading_forgets_restores(grid: Grid) -> None:
    await grid.send(ACTIVE, 30, customers=5)
    await grid.send(ACTIVE, 20, customers=4)
    await grid.send(RESTORED, 5)
    assert [found.record.customers_out for found in await grid.active(literal=True)] == [4]
    assert await grid.active() == []


async def test_a_passed_estimate_is_flagged(grid: Grid) -> None:
    await grid.send(ACTIVE, 30, etr_time="soon", etr=grid.now - SECOND)
    (found,) = await grid.active()
    assert found.etr_overdue


async def test_an_identical_record_is_written_once(grid: Grid) -> None:
    record = OutageRecord(ID, "FDR002", 1, ACTIVE, received=grid.now, time=grid.now)
    await asyncio.gather(*(grid.outages.record(TENANT, record) for _ in range(4)))
    assert len((await grid.log.query(TENANT)).events) == len(grid.published) == 1


async def test_updates_at_once_are_all_kept(grid: Grid) -> None:
    await asyncio.gather(*(grid.send(ACTIVE, minutes, customers=minutes) for minutes in range(1, 9)))
    (found,) = await grid.active()
    assert (found.record.customers_out, found.started) == (1, grid.now - 8 * MINUTE)


async def test_records_without_a_time_never_collapse(grid: Grid) -> None:
    for _ in range(2):
        await grid.send(ACTIVE, 0, time=None)
    assert len((await grid.log.query(TENANT)).events) == 2
    assert (await grid.active())[0].record.happened == grid.now


async def test_only_allowed_substations_are_seen_even_if_an_update_leaves_the_region_out(grid: Grid) -> None:
    await grid.send(ACTIVE, 30)
    await grid.send(ACTIVE, 20, site=None, region=None)
    await grid.send(ACTIVE, 20, outage_id="OUT-2", site="SUB002")
    await grid.send(ACTIVE, 20, outage_id="OUT-3", site=None)
    assert {found.record.outage_id for found in await grid.active(sites={"SUB001"})} == {ID}
    assert {found.record.outage_id for found in await grid.active(sites=set())} == set()
    assert len(await grid.active()) == 3


async def test_utilities_never_see_each_other(grid: Grid) -> None:
    await grid.send(ACTIVE, 10)
    record = OutageRecord(ID, "FDR002", 0, RESTORED, received=grid.now, time=grid.now)
    await grid.outages.record("another", record)
    assert len(await grid.active()) == 1
    assert await grid.outages.active("another", grid.now, include_stale=True) == []


async def test_reliability_of_a_day(grid: Grid) -> None:
    await grid.send(ACTIVE, 100)
    await grid.send(RESTORED, 27, customers=0)
    await grid.send(ACTIVE, 3000, outage_id="OUT-2", customers=1)
    await grid.send(RESTORED, 2900, outage_id="OUT-2", customers=0)
    day = await grid.outages.reliability(TENANT, grid.now - 1440 * MINUTE, grid.now, 10_000)
    assert (day.cmi, day.ci, day.interruptions) == (61_831, 847, 1)
    assert day.saidi == pytest.approx(6.1831)
    elsewhere = await grid.outages.reliability(TENANT, grid.now - 1440 * MINUTE, grid.now, 10_000, sites={"SUB002"})
    assert elsewhere.cmi == 0
    week = await grid.outages.reliability(TENANT, grid.now - 7 * 1440 * MINUTE, grid.now, 10_000)
    assert week.cmi == 61_831 + 100


@pytest.mark.parametrize(
    "words",
    [
        {"customers": -1},
        {"customers": 2**63},
        {"mw_interrupted": -0.1},
        {"mw_interrupted": float("nan")},
        {"mw_interrupted": float("inf")},
        {"outage_id": ""},
        {"feeder_id": ""},
        {"outage_id": "x" * 129},
        {"region": "x" * 257},
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_written(grid: Grid, words: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        await grid.send(ACTIVE, 0, **words)  # type: ignore[arg-type]
    assert (await grid.log.query(TENANT)).events == ()


@pytest.mark.parametrize("window", [0, 10_081])
async def test_a_window_out_of_range_is_refused(grid: Grid, window: int) -> None:
    with pytest.raises(Invalid):
        await grid.active(window_minutes=window)
