"""A follower sees every committed row in order: live, after a crash, after falling behind; its faults stop nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from wattline.ingest.pipeline import Options, Pipeline
from wattline.model.clock import SECOND, ManualClock
from wattline.model.errors import QueueFull, Unavailable
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import migrate

from ..stores import FOUR, RETENTION, Counts, fresh_telemetry_url


class Seen:
    """A follower that keeps what it took and what was settled."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.settled: list[int] = []
        self.refuse: list[Exception] = []
        self.may_settle = True
        self.refusals = 0
        self.changed = asyncio.Event()

    async def take(self, rows: list[Row]) -> None:
        if self.refuse:
            self.changed.set()
            self.refusals += 1
            raise self.refuse.pop(0)
        self.taken += [row.time for row in rows]
        self.changed.set()

    async def settle(self) -> None:
        if not self.may_settle:
            raise Unavailable("not now")
        self.settled = list(self.taken)
        self.changed.set()

    async def refused(self, count: int) -> None:
        async with asyncio.timeout(20):
            while self.refusals < count:
                self.changed.clear()
                await self.changed.wait()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.taken) < count:
                self.changed.clear()
                await self.changed.wait()


class House:
    """A pipeline with one follower, on a directory."""

    def __init__(self, directory: Path, clock: ManualClock, seen: Seen, most_bytes: int = 1 << 30) -> None:
        self.directory, self.clock, self.seen, self.most_bytes = directory, clock, seen, most_bytes
        self.url = fresh_telemetry_url()

    async def open(self) -> None:
        self.database = Database(f"sqlite+aiosqlite:///{self.directory}/state.db")
        await migrate(self.database)
        self.registry = Registry(self.database)
        await self.registry.load()
        options = Options(self.directory / "journal.db", self.url, self.most_bytes, RETENTION)
        self.pipeline = Pipeline(options, self.registry, self.clock, Counts(), lambda rows: None)
        self.pipeline.follow("seen", self.seen.take, self.seen.settle)
        await self.pipeline.start()
        self.stream = await self.registry.register("north", "S", "D", FOUR)

    async def write(self, *times: int) -> None:
        for time in times:
            row = Row(self.stream.id, time * SECOND, self.clock.micros(), (1.0, 2.0, 3.0, 50.0))
            await self.pipeline.ingest.submit([row])

    async def close(self) -> None:
        await self.pipeline.stop()
        await self.database.close()

    async def crash(self) -> None:
        await self.pipeline.abandon()
        await self.database.close()


def seconds(seen: Seen) -> list[int]:
    return [time // SECOND for time in seen.taken]


async def test_it_sees_every_row_in_order_and_what_was_not_settled_again_after_a_crash(
    tmp_path: Path, clock: ManualClock
) -> None:
    seen = Seen()
    seen.may_settle = False
    house = House(tmp_path, clock, seen)
    await house.open()
    await house.write(1, 2, 3)
    await seen.until(3)
    await house.pipeline.writer.flush()
    await house.crash()
    assert seconds(seen) == [1, 2, 3]

    again = house.seen = Seen()
    await house.open()
    await house.write(4)
    await again.until(4)
    await house.close()
    assert seconds(again) == [1, 2, 3, 4], "the journal kept them although the store had them"
    assert len(again.settled) == 4, "a clean stop settles"

    last = house.seen = Seen()
    await house.open()
    await house.write(5)
    await last.until(1)
    await house.close()
    assert seconds(last) == [5], "what was settled does not come again"


async def test_what_the_store_holds_is_not_moved_again_while_a_follower_needs_it(tmp_path: Path, clock: ManualClock) -> None:
    seen = Seen()
    seen.may_settle = False
    house = House(tmp_path, clock, seen)
    await house.open()
    await house.write(1, 2)
    await house.pipeline.writer.flush()
    await house.crash()
    house.seen = Seen()
    await house.open()
    assert house.pipeline.ingest.backlog_rows == 0
    await house.close()


async def test_it_falls_behind_into_the_file_and_catches_up(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattline.ingest.tail.MOST_ROWS", 5)
    seen = Seen()
    seen.refuse = [Unavailable("away")]
    house = House(tmp_path, clock, seen)
    await house.open()
    await house.write(*range(1, 61))
    await seen.until(60)
    await house.close()
    assert seconds(seen) == list(range(1, 61))


async def test_rows_that_it_can_never_take_are_passed_over(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattline.ingest.follower.RETRY_SECONDS", (0.0,))
    seen = Seen()
    seen.refuse = [ValueError("a fault of its own")] * 5
    house = House(tmp_path, clock, seen)
    await house.open()
    await house.write(1)
    await seen.refused(5)
    await house.write(2)
    await seen.until(1)
    await house.close()
    assert seconds(seen) == [2]


async def test_the_journal_is_full_when_a_follower_stays_behind_for_too_long(tmp_path: Path, clock: ManualClock) -> None:
    seen = Seen()
    seen.may_settle = False
    house = House(tmp_path, clock, seen, most_bytes=300)
    await house.open()
    with pytest.raises(QueueFull):
        await house.write(*range(1, 100))
    with contextlib.suppress(Unavailable):
        await house.close()
