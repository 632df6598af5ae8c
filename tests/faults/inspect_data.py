"""Reads a data directory that no server uses and prints, as JSON, every row and whether each tier equals the raw readings.

A process of its own, because chDB opens one directory per process.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from wattline.ingest.pipeline import Options, Pipeline
from wattline.model.clock import DAY, HOUR, MINUTE, SystemClock
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.telemetry.tiers import TIERS


class Silence:
    """A meter that keeps nothing."""

    def committed(self, rows: int, seconds: float) -> None: ...

    def flushed(self, rows: int, seconds: float) -> None: ...

    def flush_failed(self) -> None: ...


def ignore(rows: list[Row]) -> None:
    """Nobody listens."""


async def inspect(data: Path) -> dict[str, object]:
    database = Database(f"sqlite+aiosqlite:///{data}/state.db")
    registry = Registry(database)
    await registry.load()
    options = Options(data / "journal.db", f"chdb://{data}/telemetry", 1 << 40, {})
    pipeline = Pipeline(options, registry, SystemClock(), Silence(), ignore)
    await pipeline.start()
    await pipeline.rollup.advance()
    await pipeline.rollup.settle()
    streams = [stream for stream in registry.every_stream() if stream.layout.name == "hop.telemetry"]
    rows = await pipeline.series.rows(streams, 0, 2**60, [q.name for q in streams[0].layout.quantities])
    doubled = await pipeline.engine.query(
        "SELECT count() AS n FROM (SELECT sensor, time FROM readings FINAL GROUP BY sensor, time HAVING count() > 1)"
    )
    differences = {}
    sensors = [sensor for stream in streams for sensor in stream.sensor_ids]
    end = int(rows.time.max()) // DAY * DAY + DAY
    for tier in TIERS:
        kept = await pipeline.reader.buckets(sensors, 0, end, tier.width, pipeline.writer.watermark)
        raw = await pipeline.reader.buckets(sensors, 0, end, tier.width, 0)
        same = kept.time.tolist() == raw.time.tolist() and all(
            (getattr(kept, name) == getattr(raw, name)).all()
            for name in ("group", "low", "high", "first", "last", "count", "good")
        )
        close = same and bool((abs(kept.total - raw.total) <= 1e-6 * abs(raw.total) + 1e-6).all())
        differences[tier.name] = 0 if close else 1
    closed = pipeline.writer.watermark > int(rows.time.min()) // MINUTE * MINUTE
    names = {stream.id: (stream.device.site.key, stream.device.attributes.get("feeder_id")) for stream in streams}
    listed = zip(rows.stream.tolist(), rows.time.tolist(), rows.columns["frequency_hz"].tolist(), strict=True)
    answer: dict[str, object] = {
        "rows": [[*names[stream], time, hertz] for stream, time, hertz in listed],
        "doubled": doubled.column("n")[0].as_py(),
        "tier_differences": differences,
        "tiers_were_used": closed,
        "hours": int((rows.time.max() - rows.time.min()) // HOUR),
    }
    await pipeline.stop()
    await database.close()
    return answer


if __name__ == "__main__":
    json.dump(asyncio.run(inspect(Path(sys.argv[1]))), sys.stdout)
