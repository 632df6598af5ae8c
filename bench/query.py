"""Answers: the latest readings of a thousand substations, a week of one at 1 Hz; and what a value takes on disk."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from bench.client import Connection
from bench.data import CALM, Batches, history_bodies
from bench.figure import Figure, percentile
from bench.ingest import SENSORS, pour
from bench.product import LATEST_PATH, SERIES_PATH, Product, started
from bench.runner import Context
from bench.stored import bytes_per_value
from wattline.model.clock import SECOND
from wattline.simulate.fleet import Fleet
from wattline.simulate.plan import grid_plan

WEEK = 7 * 86_400


async def _time(product: Product, path: str, times: int) -> tuple[list[float], bytes]:
    """Seconds that each of `times` equal requests took over one connection, after three that do not count; the last body."""
    loop = asyncio.get_running_loop()
    connection = await Connection.open(product.port, product.key)
    taken: list[float] = []
    body = b""
    for _ in range(times + 3):
        sent = loop.time()
        status, body = await connection.get(path)
        taken.append(loop.time() - sent)
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}: {body[:500]!r}")
    connection.close()
    return taken[3:], body


def latest(context: Context) -> Sequence[Figure]:
    """`telemetry/latest` with 1,000 substations that all reported within the minute."""
    product = started(context, "latest")
    batches = Batches.of(1000, 1)

    async def measure() -> tuple[list[float], bytes]:
        await pour(product, iter([batches.body(n, (int(time.time()) - 5 + n) * SECOND) for n in range(5)]))
        return await _time(product, LATEST_PATH, context.scaled(500, 100))

    taken, body = asyncio.run(measure())
    found = len(json.loads(body))
    if found != 1000:
        raise RuntimeError(f"asked for 1,000 substations, got {found}")
    p95, detail = percentile(taken, 95), {"rows": found, "body_bytes": len(body)}
    shares = {"p50": percentile(taken, 50), "p99": percentile(taken, 99)}
    return [Figure("telemetry/latest, 1,000 substations", p95, "ms p95", "less", target=5, detail=detail, **shares)]


def week(context: Context) -> Sequence[Figure]:
    """Seven days of one substation at 1 Hz, down-sampled; then what the raw readings of that week take on disk."""
    product = started(context, "week")
    seconds = context.scaled(WEEK, 86_400)
    start = int(time.time()) - seconds
    fleet = Fleet(3, grid_plan(1, 1), CALM)

    async def measure() -> tuple[list[float], bytes]:
        await pour(product, history_bodies(fleet, start * SECOND, seconds))
        return await _time(product, SERIES_PATH.format("SUB001", 10080), context.scaled(60, 20))

    taken, body = asyncio.run(measure())
    rows = json.loads(body)
    if not rows or any(row["frequency_hz_min"] is None or row["voltage_kv_max"] is None for row in rows):
        raise RuntimeError("the series has buckets without values, although every second was sent")
    low = min(row["frequency_hz_min"] for row in rows)
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    detail = {"readings": seconds, "points": len(rows), "body_bytes": len(body), "lowest_hz": low}
    product.server.stop()
    size, parts = bytes_per_value(product.data)
    return [
        Figure("7-day series of a 1 Hz substation", p50, "ms", "less", target=200, p50=p50, p99=p99, detail=detail),
        Figure("raw tier after merging", size, "bytes/value", "less", target=1.8, detail=parts | {"sensors": SENSORS}),
    ]
