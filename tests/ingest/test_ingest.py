"""Ingest as its callers see it: durable answers, order, limits, and a store that goes away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from tests.stores import FOUR, spine
from wattline.ingest.journal import Journal
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, from_micros
from wattline.model.errors import NotFound, QueueFull, Unavailable
from wattline.model.record import Row
from wattline.telemetry.writer import Readings


def four(stream: int, time: int, hertz: float = 60.0, **more: object) -> Row:
    return Row(stream, time, time, (230.0, 100.0, 10.0, hertz), **more)  # type: ignore[arg-type]


async def test_an_answer_means_that_the_row_is_in_the_file(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock, telemetry_url="http://127.0.0.1:9/away") as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        await s.pipeline.ingest.submit([four(stream.id, clock.micros())])
        other = Journal(tmp_path / "journal.db")
        assert [row.time for block in other.read(0, 10) for row in block.rows] == [clock.micros()]
        other.close()
        assert stream.latest is not None
        assert stream.latest.time == clock.micros()


async def test_rows_are_published_once_in_the_order_of_commit(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await asyncio.gather(*(s.pipeline.ingest.submit([four(stream.id, now + n)]) for n in range(50)))
        assert [row.time for row in s.counts.published] == [now + n for n in range(50)]
        assert not any(row.late for row in s.counts.published)


async def test_latest_does_not_go_back_for_late_rows(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await s.pipeline.ingest.submit([four(stream.id, now, 60.1)])
        await s.pipeline.ingest.submit([four(stream.id, now - MINUTE, 59.9)])
        assert stream.latest is not None
        assert stream.latest.values[3] == 60.1
        await s.close()
        await s.open()
        again = s.registry.find("t", "s", "d", FOUR.name)
        assert again is not None
        assert again.latest is not None
        assert (again.latest.time, again.latest.values) == (now, (230.0, 100.0, 10.0, 60.1))


async def test_a_repeated_row_is_kept_once_and_a_changed_one_keeps_both_for_audit(
    tmp_path: Path, clock: ManualClock, telemetry_url: str
) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        for hertz in (60.0, 60.0, 59.5, 59.5, 60.25):
            await s.pipeline.ingest.submit([four(stream.id, now, hertz, status="NORMAL")])
        rows = await s.pipeline.series.rows([stream], now, now + 1, ["frequency_hz", "voltage_kv"])
        assert rows.columns["frequency_hz"].tolist() == [60.25]
        assert rows.columns["voltage_kv"].tolist() == [230.0]
        replaced = await s.pipeline.engine.query("SELECT value, revision FROM replaced_readings FINAL ORDER BY revision")
        assert replaced.to_pydict() == {"value": [60.0, 59.5], "revision": [0, 1]}
        assert await s.pipeline.reader.statuses(stream.id, now, now + 1) == {now: "NORMAL"}


async def test_a_device_whose_clock_stands_still_stops_nobody(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await s.pipeline.ingest.submit([four(stream.id, now)])
        await s.pipeline.writer.flush()
        # As after 65,534 other values for the same instant: the store counts no further than one more.
        ids = np.array(stream.sensor_ids, np.uint32)
        some = np.full(len(ids), 1.0), np.zeros(len(ids), np.uint8), np.full(len(ids), 2**16 - 2, np.uint16)
        await s.pipeline.store.insert_readings(Readings(ids, np.full(len(ids), now), *some))
        for hertz in (59.5, 59.25, 59.75, 59.0):
            await s.pipeline.ingest.submit([four(stream.id, now, hertz)])
            rows = await s.pipeline.series.rows([stream], now, now + 1, ["frequency_hz"])
            assert rows.columns["frequency_hz"].tolist() == [hertz]
        await s.pipeline.ingest.submit([four(stream.id, now, hertz) for hertz in (58.0, 61.0, 58.5, 58.25)])
        rows = await s.pipeline.series.rows([stream], now, now + 1, ["frequency_hz"])
        assert rows.columns["frequency_hz"].tolist() == [58.25]


async def test_a_full_journal_refuses_and_a_drained_one_accepts_again(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock, telemetry_url="http://127.0.0.1:9/away", most_journal_bytes=10_000) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now, taken = clock.micros(), 0
        while s.pipeline.ingest.backlog_bytes < 10_000:
            await s.pipeline.ingest.submit([four(stream.id, now + taken)])
            taken += 1
        assert taken > 10
        with pytest.raises(QueueFull):
            await s.pipeline.ingest.submit([four(stream.id, now + taken)])
        s.pipeline.ingest.backlog_bytes = 0
        await s.pipeline.ingest.submit([four(stream.id, now + taken)])


async def test_a_row_of_no_stream_fails_alone(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        good = s.pipeline.ingest.submit([four(stream.id, clock.micros())])
        bad = s.pipeline.ingest.submit([four(stream.id, clock.micros() + 1), four(999, clock.micros())])
        answers = await asyncio.gather(good, bad, return_exceptions=True)
        assert answers[0] is None
        assert isinstance(answers[1], NotFound)
        assert await s.pipeline.series.count([stream], 0, 2**60) == 1


async def test_a_listener_that_fails_keeps_no_caller_waiting(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)

        def fail(_rows: list[Row]) -> None:
            raise RuntimeError("a listener's fault")

        s.pipeline.ingest._publish = fail
        async with asyncio.timeout(5):
            await s.pipeline.ingest.submit([four(stream.id, clock.micros())])


async def test_a_stopping_server_refuses_rows(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        await s.pipeline.ingest.close()
        with pytest.raises(Unavailable):
            await s.pipeline.ingest.submit([four(stream.id, clock.micros())])


async def test_more_rows_than_memory_keeps_are_read_back_from_the_file(
    tmp_path: Path, clock: ManualClock, telemetry_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattline.ingest.tail.MOST_ROWS", 10)
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        async with s.pipeline.writer.lane:  # The store is busy: nothing moves.
            for n in range(100):
                await s.pipeline.ingest.submit([four(stream.id, now + n * SECOND) for n in range(3 * n, 3 * n + 3)])
        rows = await s.pipeline.series.rows([stream], now, now + HOUR, ["frequency_hz"])
        assert rows.time.tolist() == [now + n * SECOND for n in range(300)]
        assert s.pipeline.ingest.backlog_bytes == 0


async def test_nothing_goes_before_the_tiers_hold_it(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await s.pipeline.ingest.submit([four(stream.id, now, 60.5)])
        await s.close()
        # A machine that stood still for longer than readings are kept, and looks for old data before it looks after the tiers.
        clock.advance(200 * 86_400)
        await s.open()
        await s.pipeline.rollup.retain()
        assert await s.pipeline.series.count(s.registry.streams("t", FOUR.name), now, now + 1) == 0
        day = await s.pipeline.series.buckets([], [stream.sensor_ids[3]], now - DAY, now + DAY, DAY)
        assert day.last.tolist() == [60.5]


async def test_a_late_reading_at_the_edge_of_the_retention_finds_its_neighbours(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        begin = clock.micros() // MINUTE * MINUTE
        await s.pipeline.ingest.submit([four(stream.id, begin, 60.0)])
        clock.set(from_micros(begin + 90 * DAY + SECOND))
        await s.pipeline.rollup.advance()
        await s.pipeline.rollup.retain()
        await s.pipeline.ingest.submit([four(stream.id, begin + 2 * SECOND, 61.0)])
        for width in (MINUTE, DAY):
            found = await s.pipeline.series.buckets([stream], [stream.sensor_ids[3]], begin - DAY, begin + DAY, width)
            assert (found.count.tolist(), found.low.tolist(), found.high.tolist()) == ([2], [60.0], [61.0])


async def test_partitions_past_their_retention_go_and_no_others(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        ages = [0, 1, 30, 88, 89, 92, 120]
        await s.pipeline.ingest.submit([four(stream.id, now - age * DAY) for age in reversed(ages)])
        await s.pipeline.rollup.advance()
        await s.pipeline.rollup.retain()
        rows = await s.pipeline.series.rows([stream], now - 365 * DAY, now + DAY, ["frequency_hz"])
        assert rows.time.tolist() == [now - age * DAY for age in (89, 88, 30, 1, 0)]
        day = await s.pipeline.series.buckets([stream], [stream.sensor_ids[0]], now - 365 * DAY, now + DAY, DAY)
        assert sorted(day.time.tolist()) == [(now - age * DAY) // DAY * DAY for age in sorted(ages, reverse=True)]


async def test_the_past_is_kept_as_long_from_when_it_came_in(tmp_path: Path, clock: ManualClock, telemetry_url: str) -> None:
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        old = now - 1_000 * DAY
        await s.pipeline.ingest.submit([Row(stream.id, old, now, (1.0, 2.0, 3.0, 60.0))])
        await s.drained()
        for days, kept in ((0, True), (89, True), (91, False)):
            clock.set(from_micros(now + days * DAY))
            await s.pipeline.rollup.retain()
            assert await s.pipeline.series.count([stream], old, old + 1) == kept
