"""Rows by receipt: a reader that goes on from where it was misses nothing and sees nothing twice."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stores import FOUR, Spine, spine
from wattline.ingest.receipt import Receipts
from wattline.metering.fields import LAYOUT, WIDTH
from wattline.model.clock import DAY, MINUTE, SECOND, ManualClock
from wattline.model.record import Row
from wattline.registry.stream import Stream


def reading(stream: Stream, time: int, power: float, status: str | None = None) -> Row:
    return Row(stream.id, time, 0, (power, *(None for _ in range(WIDTH - 1))), 0, status)


async def read_all(s: Spine, streams: list[Stream], position: int, most: int) -> tuple[list[Row], int]:
    """Every page from a position on, until there is no more."""
    found: list[Row] = []
    while True:
        part = await s.pipeline.received.after(streams, position, most, s.pipeline.received.horizon)
        found += part.rows
        position = part.upto
        if len(part.rows) < most:
            return found, position


async def test_each_row_is_received_after_all_before_it_though_the_clock_is_set_back(
    tmp_path: Path, clock: ManualClock, telemetry_url: str
) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "meter-1", LAYOUT)
        begin = clock.micros()
        await s.pipeline.ingest.submit([reading(stream, begin + n, n) for n in range(3)])
        clock.set(clock.now() - timedelta(hours=2))
        await s.pipeline.ingest.submit([reading(stream, begin + 3, 3)])
        await s.crash()
        await s.open()
        stream = s.registry.stream(stream.id)
        await s.pipeline.ingest.submit([reading(stream, begin + 4, 4)])
        rows, upto = await read_all(s, [stream], 0, 2)
        assert [row.values[0] for row in rows] == [0, 1, 2, 3, 4]
        assert [row.received for row in rows] == [begin + n for n in range(5)]
        assert upto == s.pipeline.received.horizon == begin + 4
        assert (await s.pipeline.received.newest(stream, begin + 1, 2))[0].values[0] == 3


def test_while_the_first_commit_is_on_its_way_the_horizon_is_now_and_not_long_ago(clock: ManualClock) -> None:
    receipts = Receipts(clock)
    for _ in range(2):
        clock.advance(timedelta(days=40).total_seconds())
        receipts.begin()
        assert receipts.given is None
        assert receipts.horizon == clock.micros() - 1
        assert receipts.next() == receipts.given == clock.micros()
        receipts.end()
        assert receipts.horizon == clock.micros()


async def test_a_reader_beside_many_writers_gets_every_row_once_and_in_order(
    tmp_path: Path, clock: ManualClock, telemetry_url: str
) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        streams = [await s.registry.register("t", "s", f"meter-{n}", LAYOUT) for n in range(4)]
        chance, begin, seen = random.Random(7), clock.micros(), list[Row]()
        position, writing = begin - 1, True

        async def move() -> None:
            while writing:
                await s.pipeline.writer.flush()
                for _ in range(chance.randint(0, 30)):
                    await asyncio.sleep(0)

        async def write(stream: Stream) -> None:
            for n in range(40):
                # Some come late, some by hundreds of days.
                late = chance.choice((0, 0, 0, 3 * MINUTE, 300 * DAY))
                rows = [
                    reading(stream, begin + n * SECOND + k - late, n, f'{{"seq":{n}}}') for k in range(chance.randint(1, 3))
                ]
                await s.pipeline.ingest.submit(rows)
                clock.advance(0.001 * chance.randint(0, 3))
                await asyncio.sleep(0)

        async def read() -> None:
            nonlocal position
            while writing:
                part = await s.pipeline.received.after(streams, position, chance.randint(1, 20), s.pipeline.received.horizon)
                assert all(position < row.received <= part.upto for row in part.rows)
                seen.extend(part.rows)
                position = part.upto
                await asyncio.sleep(0)

        others = [asyncio.create_task(read()), asyncio.create_task(move())]
        await asyncio.gather(*map(write, streams))
        writing = False
        await asyncio.gather(*others)
        rest, _ = await read_all(s, streams, position, 50)
        seen += rest
        assert [row.received for row in seen] == sorted({row.received for row in seen})
        committed = {(row.stream, row.time, row.received, row.values, row.status) for row in s.counts.published}
        assert len(committed) == len(s.counts.published)
        assert {(row.stream, row.time, row.received, row.values, row.status) for row in seen} == committed
        again, _ = await read_all(s, streams, begin - 1, 500)
        assert [row.received for row in again] == [row.received for row in seen]


async def test_a_replaced_row_is_there_once_with_what_it_is_now(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "meter-1", LAYOUT)
        begin = clock.micros()
        await s.pipeline.ingest.submit([reading(stream, begin, 1)])
        first, position = await read_all(s, [stream], begin - 1, 10)
        await s.pipeline.ingest.submit([reading(stream, begin, 2, '{"revision":2}')])
        later, _ = await read_all(s, [stream], position, 10)
        assert [(row.values[0], row.status) for row in later] == [(2, '{"revision":2}')]
        whole, _ = await read_all(s, [stream], begin - 1, 10)
        assert [row.received for row in whole] == [row.received for row in later]
        assert [row.values[0] for row in first] == [1]


async def test_a_reader_moves_nothing_to_the_store(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream, other = [await s.registry.register("t", "s", f"meter-{n}", LAYOUT) for n in range(2)]
        begin, received = clock.micros(), s.pipeline.received
        await s.pipeline.ingest.submit([reading(stream, begin + n, n) for n in range(4)])
        await s.pipeline.writer.flush()
        # Nobody who waited for the writer would get on while its turn is taken.
        async with asyncio.timeout(60), s.pipeline.writer.lane:
            for n in range(4, 8):
                await s.pipeline.ingest.submit([reading(stream, begin + n, n), reading(other, begin + n, n)])
            # One that takes the place of a stored one, and one of a row that waits itself.
            await s.pipeline.ingest.submit([reading(stream, begin + 1, 11), reading(stream, begin + 5, 15)])
            for most in (1, 3, 50):
                rows, upto = await read_all(s, [stream], begin - 1, most)
                assert [row.values[0] for row in rows] == [0, 2, 3, 4, 6, 7, 11, 15]
                assert upto == received.horizon
            told = [row.received for row in rows]
            for most in range(1, 10):
                assert [row.received for row in await received.newest(stream, begin - 1, most)] == told[-most:]
            assert [row.values[0] for row in (await received.after([stream, other], told[2], 3, told[3] + 1)).rows] == [4, 4]
            assert s.pipeline.writer.waits([stream.id])
        await s.pipeline.writer.flush()
        assert [row.received for row in (await read_all(s, [stream], begin - 1, 3))[0]] == told


@pytest.mark.parametrize("telemetry_url", ["embedded"], indirect=True)
async def test_what_is_told_does_not_depend_on_what_was_moved(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    """Rows, replaced ones among them, against a dictionary: whatever is in the store or waits."""
    chance = random.Random(23)
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        streams = [await s.registry.register("t", "s", f"meter-{n}", LAYOUT) for n in range(3)]
        begin, places = clock.micros(), dict[tuple[int, int], Row]()
        for turn in range(30):
            rows = [reading(chance.choice(streams), begin + chance.randint(0, 60), turn + k / 8) for k in range(3)]
            rows = list({(row.stream, row.time): row for row in rows}.values())
            await s.pipeline.ingest.submit(rows)
            places |= {(row.stream, row.time): row for row in rows}
            if chance.random() < 0.3:
                await s.pipeline.writer.flush()
            if chance.random() < 0.7:
                continue
            asked = chance.sample(streams, chance.randint(1, 3))
            expected = sorted(row.received for row in places.values() if row.stream in {each.id for each in asked})
            position = chance.choice([begin - 1, *expected])
            found, _ = await read_all(s, asked, position, chance.randint(1, 9))
            assert [row.received for row in found] == [each for each in expected if each > position]
            assert all(row.values[0] == places[row.stream, row.time].values[0] for row in found)


async def test_other_rows_keep_what_they_say_of_their_receipt(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        await s.pipeline.ingest.submit([Row(stream.id, clock.micros(), 17, (1.0, 2.0, 3.0, 4.0))])
        assert [row.received for row in s.counts.published] == [17]


async def test_nothing_is_past_while_a_commit_runs(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "meter-1", LAYOUT)
        before = s.pipeline.received.horizon
        clock.advance(1)
        sent = asyncio.create_task(s.pipeline.ingest.submit([reading(stream, clock.micros(), 1)]))
        # One turn of the loop takes the row in, the next begins its commit, which a thread then works on.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        during = s.pipeline.received.horizon
        await sent
        (row,) = s.counts.published
        assert before <= during < row.received <= s.pipeline.received.horizon
