"""The telemetry store refuses, hangs, is slow, dies, or loses its answers: ingest goes on, queries say so, all is drained."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.clickhouse.endpoint import ClickHouseEndpoint
from tests.stores import FOUR, Spine, spine
from wattline.model.clock import HOUR, SECOND, ManualClock
from wattline.model.errors import Unavailable
from wattline.model.record import Row


def four(stream: int, time: int, hertz: float = 60.0) -> Row:
    return Row(stream, time, time, (230.0, 100.0, 10.0, hertz))


async def readable(s: Spine, start: int, hertz: list[float]) -> None:
    """The store's rows are exactly these."""
    stream = s.registry.find("t", "s", "d", FOUR.name)
    assert stream is not None
    rows = await s.pipeline.series.rows([stream], start, start + HOUR, ["frequency_hz"])
    assert rows.columns["frequency_hz"].tolist() == hertz


async def test_rows_wait_while_the_store_refuses_and_drain_in_order(
    tmp_path: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    async with spine(tmp_path, clock, telemetry_url=clickhouse.url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        clickhouse.refuse()
        for n in range(20):
            await s.pipeline.ingest.submit([four(stream.id, now + n * SECOND, 60 + n / 100)])
        # The same instant again, with another value, while nothing can be looked up.
        await s.pipeline.ingest.submit([four(stream.id, now + 3 * SECOND, 59.0)])
        with pytest.raises(Unavailable):
            await s.pipeline.series.rows([stream], now, now + HOUR, ["frequency_hz"])
        assert s.pipeline.ingest.backlog_bytes > 0
        clickhouse.normal()
        await s.drained()
        await readable(s, now, [59.0 if n == 3 else 60 + n / 100 for n in range(20)])


async def test_rows_read_from_the_file_for_a_step_that_failed_are_not_passed_over_for_newer_ones(
    tmp_path: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    async with spine(tmp_path, clock, telemetry_url=clickhouse.url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await s.pipeline.writer.flush()
        clickhouse.refuse()
        for n in range(3):
            # The first block of a run is read from the journal's file, those that come later are in memory too.
            await s.pipeline.ingest.submit([four(stream.id, now + n * SECOND, 60 + n / 100)])
            with pytest.raises(Unavailable):
                await s.pipeline.writer.flush()
        clickhouse.normal()
        await s.drained()
        await readable(s, now, [60 + n / 100 for n in range(3)])


async def test_an_insert_whose_answer_is_lost_is_repeated_without_effect(
    tmp_path: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    async with spine(tmp_path, clock, telemetry_url=clickhouse.url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await s.pipeline.ingest.submit([four(stream.id, now, 60.1)])
        await s.pipeline.writer.flush()
        clickhouse.lose_answers(only="INSERT")
        await s.pipeline.ingest.submit([four(stream.id, now + SECOND, 60.2), four(stream.id, now, 59.9)])
        with pytest.raises(Unavailable):
            await s.pipeline.writer.flush()
        clickhouse.normal()
        await s.drained()
        await readable(s, now, [59.9, 60.2])
        table = await s.pipeline.engine.query("SELECT value FROM replaced_readings FINAL")
        assert table.column("value").to_pylist() == [60.1]


async def test_a_killed_store_gets_everything_after_its_return(
    tmp_path: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    async with spine(tmp_path, clock, telemetry_url=clickhouse.url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        await s.pipeline.ingest.submit([four(stream.id, now)])
        await s.pipeline.writer.flush()
        clickhouse.kill()
        await s.pipeline.ingest.submit([four(stream.id, now + SECOND, 60.2)])
        with pytest.raises(Unavailable):
            await s.pipeline.series.count([stream], now, now + HOUR)
        clickhouse.start()
        await s.drained()
        await readable(s, now, [60.0, 60.2])


async def test_a_slow_store_does_not_slow_the_answers(
    tmp_path: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    async with spine(tmp_path, clock, telemetry_url=f"{clickhouse.url}?timeout=20") as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        clickhouse.hang(only="INSERT")
        for n in range(50):
            async with asyncio.timeout(5):
                await s.pipeline.ingest.submit([four(stream.id, now + n * SECOND)])
        assert s.counts.moved == 0
        clickhouse.normal()
        await s.drained()
        await readable(s, now, [60.0] * 50)


async def test_a_server_that_starts_without_its_store_takes_rows_and_catches_up(
    tmp_path: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    now = clock.micros()
    async with spine(tmp_path, clock, telemetry_url=clickhouse.url) as s:
        stream = await s.registry.register("t", "s", "d", FOUR)
        await s.pipeline.ingest.submit([four(stream.id, now, 60.1)])
    clickhouse.stop()
    try:
        async with spine(tmp_path, clock, telemetry_url=clickhouse.url) as s:
            found = s.registry.find("t", "s", "d", FOUR.name)
            assert found is not None
            # Nothing is known of the newest row, so each is compared with the store when it is back.
            await s.pipeline.ingest.submit([four(found.id, now, 59.5), four(found.id, now + SECOND, 60.3)])
            clickhouse.start()
            await s.drained()
            await readable(s, now, [59.5, 60.3])
            async with asyncio.timeout(30):
                await s.pipeline.caught_up.wait()
            assert found.admitted == now + SECOND
    finally:
        clickhouse.start()
