"""The newest rows are found at start and for streams that another process made, in whatever portions they are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clickhouse.endpoint import ClickHouseEndpoint
from tests.stores import FOUR, Spine, spine
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock
from wattline.model.errors import Unavailable
from wattline.model.record import UNKNOWN, Row
from wattline.registry.service import Registry


def four(stream: int, time: int, hertz: float = 60.0) -> Row:
    return Row(stream, time, time, (230.0, 100.0, 10.0, hertz), 0, "NORMAL")


async def made_elsewhere(s: Spine, device: str) -> int:
    """A stream that another process on the same state registers; its id."""
    other = Registry(s.database)
    await other.load()
    return (await other.register("t", "s", device, FOUR)).id


async def test_streams_of_any_age_are_found_in_portions(
    tmp_path: Path, clock: ManualClock, telemetry_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattline.ingest.heads.MOST_STREAMS", 2)
    ages = [0, 9 * MINUTE, HOUR, 30 * HOUR, 0, 5 * HOUR, 60 * HOUR]
    async with spine(tmp_path, clock, telemetry_url=telemetry_url) as s:
        now = clock.micros()
        for n, age in enumerate(ages):
            stream = await s.registry.register("t", "s", f"d{n}", FOUR)
            await s.pipeline.ingest.submit([four(stream.id, now - age - MINUTE, 59.0), four(stream.id, now - age, 60.0 + n)])
        await s.close()
        await s.open()
        found = s.registry.streams("t", FOUR.name)
        assert [stream.latest for stream in found] == [
            # What is older than two days is not looked for.
            None if age > 2 * DAY else Row(stream.id, now - age, now - age, (230.0, 100.0, 10.0, 60.0 + n), (0,) * 4, "NORMAL")
            for n, (stream, age) in enumerate(zip(found, ages, strict=True))
        ]
        assert all(stream.admitted != UNKNOWN for stream in found)


async def test_what_could_not_be_looked_up_is_looked_up_later(
    tmp_path: Path, clock: ManualClock, clickhouse: ClickHouseEndpoint
) -> None:
    async with spine(tmp_path, clock, telemetry_url=clickhouse.url) as s:
        stream = await made_elsewhere(s, "d")
        now = clock.micros()
        new = await s.registry.refresh()
        clickhouse.refuse()
        with pytest.raises(Unavailable):
            await s.pipeline.learn(new)
        clickhouse.normal()
        again = await s.registry.refresh()
        assert [each.id for each in again] == [stream]
        await s.pipeline.learn(again)
        assert await s.registry.refresh() == []
        await s.pipeline.ingest.submit([four(stream, now)])
        assert not s.counts.published[-1].late


async def test_streams_that_come_while_others_are_looked_up_stay_unknown(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with spine(tmp_path, clock) as s:
        now = clock.micros()
        stream = await made_elsewhere(s, "d")
        await s.registry.refresh()
        await s.pipeline.ingest.submit([four(stream, now, 60.5)])
        await s.pipeline.writer.flush()
        await s.close()
        await s.open()
        first, asked = list(s.registry.every_stream()), s.pipeline.reader.newest_time
        first[0].admitted = UNKNOWN

        async def meanwhile() -> int | None:
            await made_elsewhere(s, "e")
            await s.registry.refresh()
            return await asked()

        monkeypatch.setattr(s.pipeline.reader, "newest_time", meanwhile)
        await s.pipeline.learn(first)
        (new,) = await s.registry.refresh()
        assert (new.device.key, new.admitted) == ("e", UNKNOWN)
        assert first[0].admitted == now
