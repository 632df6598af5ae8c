"""The log of changes: with the change or not at all, in order, told once, read again in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from wattline.changes.model import Change, TooOld
from wattline.changes.service import PARTS_A_READ, ChangeLog
from wattline.changes.store import ROWS_A_PART
from wattline.model.clock import DAY, ManualClock
from wattline.state.database import Database


@dataclass
class Process:
    """A log of its own, with a listener."""

    database: Database
    clock: ManualClock
    heard: list[Change] = field(default_factory=list)

    async def start(self) -> Process:
        self.log = ChangeLog(self.database, self.clock, keep=DAY)
        await self.log.load()
        self.log.listen(self.heard.append)
        return self

    async def change(self, *rows: tuple[object, ...], tenant: str = "north", subject: str = "things") -> int:
        async with self.log.commit(tenant) as commit:
            commit.record(subject, inserted=list(rows))
        return commit.position

    async def again(self, position: int, subject: str = "things") -> list[Change]:
        return [change async for change in self.log.since("north", subject, position)]


@pytest.fixture
async def one(database: Database, clock: ManualClock) -> Process:
    return await Process(database, clock).start()


@pytest.fixture
async def two(one: Process, clock: ManualClock) -> AsyncIterator[Process]:
    database = Database(one.database.url)
    yield await Process(database, clock).start()
    await database.close()


async def test_every_kind_of_value_and_side_is_read_as_it_was_told(one: Process) -> None:
    row = ('é\n"', -(2**63), 2**63 - 1, 0.1, -0.0, float("inf"), True, None)
    async with one.log.commit("north") as commit:
        commit.record("things", inserted=[row], old=[row, (1,)], new=[(2,), row], deleted=[()])
        commit.record("others", inserted=[row])
        commit.record("nothing")
    things, others = one.heard
    assert await one.again(0) == [things]
    assert await one.again(0, "others") == [others]
    assert things.position == others.position == commit.position
    assert repr((await one.again(0))[0].inserted) == repr([row])
    assert await one.again(commit.position) == []


async def test_what_fails_is_neither_logged_nor_told(one: Process) -> None:
    async def work() -> None:
        async with one.log.commit("north") as commit:
            commit.record("things", inserted=[(1,)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    await one.log.follow()
    assert await one.again(0) == one.heard == []
    async with one.log.commit("north"):
        pass
    assert one.heard == []


async def test_what_follows_the_commit_comes_before_the_listeners(one: Process) -> None:
    seen: list[tuple[int, int]] = []

    async def work(*, fails: bool) -> None:
        async def afterwards() -> None:
            seen.append((len(one.heard), len(await one.again(0))))
            if fails:
                raise ZeroDivisionError

        async with one.log.commit("north") as commit:
            commit.record("things", inserted=[(1,)])
            commit.afterwards = afterwards

    await work(fails=False)
    with pytest.raises(ZeroDivisionError):
        await work(fails=True)
    assert seen == [(0, 1), (1, 2)]
    assert len(one.heard) == 2


async def test_a_long_commit_is_read_in_pieces_and_told_as_one(one: Process, two: Process) -> None:
    rows = [(n,) for n in range(ROWS_A_PART * PARTS_A_READ + 1)]
    first = await one.change((0,))
    await one.change(*rows)
    await one.change((1,))
    assert [len(change.inserted) for change in await one.again(first)] == [len(rows), 1]
    await two.log.follow()
    assert two.heard == await one.again(0)
    assert [list(change.inserted) for change in two.heard] == [[(0,)], rows, [(1,)]]


async def test_commits_of_two_processes_are_told_everywhere_in_one_order(one: Process, two: Process) -> None:
    await asyncio.gather(*((one, two)[n % 2].change((n,)) for n in range(30)))
    await asyncio.gather(one.log.follow(), two.log.follow(), two.log.follow())
    assert one.heard == two.heard == await one.again(0)
    assert sorted(change.inserted[0][0] for change in one.heard) == list(range(30))
    positions = [change.position for change in one.heard]
    assert positions == sorted(set(positions))


async def test_a_process_that_was_cancelled_after_its_commit_is_told_of_it_later(one: Process) -> None:
    reached, go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with one.log.commit("north") as commit:
            commit.record("things", inserted=[(1,)])

            async def afterwards() -> None:
                reached.set()
                await go.wait()

            commit.afterwards = afterwards

    task = asyncio.create_task(work())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await one.log.follow()
    await one.change((2,))
    assert [change.inserted[0] for change in one.heard] == [(1,), (2,)]


async def test_what_is_forgotten_is_not_passed_over_in_silence(one: Process, two: Process, clock: ManualClock) -> None:
    first, second = await one.change((1,)), await one.change((2,))
    clock.advance(2 * 86_400)
    third = await one.change((3,))
    await one.log.prune()
    await two.log.prune()
    with pytest.raises(TooOld):
        await one.again(first)
    assert [change.position for change in await one.again(second)] == [third]
    await two.log.follow()
    assert [change.position for change in two.heard] == [third]


async def test_a_process_hears_nothing_of_before_it_began(one: Process, clock: ManualClock) -> None:
    await one.change((1,))
    later = await Process(one.database, clock).start()
    await later.log.follow()
    await later.change((2,))
    assert [change.inserted for change in later.heard] == [[(2,)]]
