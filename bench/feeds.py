"""From a reading's POST to the moment each of a hundred WebSocket clients has its frame in hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from bench.audience import Audience
from bench.client import Connection
from bench.data import Batches, present
from bench.figure import Figure, percentile
from bench.ingest import enrol
from bench.product import BATCH_PATH, Product, started
from bench.runner import Context

CLIENTS = 100
SUBSTATION = "SUB001"
FEEDERS, SENSORS = 5, 4
READINGS = 1_000
CONNECTIONS = 4
PATH = f"/api/v1/ws/telemetry/{SUBSTATION}?late=true"


async def _steady(product: Product, seconds: float) -> tuple[int, float]:
    """1,000 readings/s in small batches over a few connections; how many readings were accepted, in how many seconds."""
    loop = asyncio.get_running_loop()
    batches, times = Batches.of(1, FEEDERS), present()
    every = FEEDERS * SENSORS / READINGS
    begun, number, accepted = loop.time(), 0, 0

    async def work() -> None:
        nonlocal number, accepted
        connection = await Connection.open(product.port, product.key)
        while (due := begun + number * every) < begun + seconds:
            number += 1
            await asyncio.sleep(max(0.0, due - loop.time()))
            status, answer = await connection.post(BATCH_PATH, batches.body(number, next(times)))
            if status != 200:
                raise RuntimeError(f"a batch was answered with {status}: {answer!r}")
            accepted += json.loads(answer)["accepted"] * SENSORS
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return accepted, loop.time() - begun


def feeds(context: Context) -> Sequence[Figure]:
    """A hundred clients of one block at 1,000 readings/s: how late the frames are, and how many are missing."""
    # The scores of a substation are readings of its block too: a pass in between would be more frames than were posted.
    product = started(context, "feeds", {"WATTLINE_SCORING_SECONDS": "31536000"})
    enrol(product, 1, FEEDERS)
    clients = Audience(context, "bench.feed_clients", product.port, product.key, PATH, CLIENTS)
    before = product.server.cpu_seconds()
    accepted, seconds = asyncio.run(_steady(product, context.scaled(20, 5)))
    cores = (product.server.cpu_seconds() - before) / seconds
    found = clients.report({PATH: accepted})
    taken = found["latencies"]
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    detail = {
        "readings": accepted,
        "frames_per_second": round(accepted * CLIENTS / seconds),
        "server_cores": round(cores, 2),
        "client_cores": round(found["cpu_seconds"] / seconds, 2),
        "disconnected": found["disconnected"],
    }
    name = f"reading -> {CLIENTS} WebSocket clients, {READINGS:,} readings/s"
    return [
        Figure(name, p99, "ms p99", "less", target=100, p50=p50, p99=p99, detail=detail),
        Figure(f"{name}: lost", found["missing"], "frames", "less", target=0),
    ]
