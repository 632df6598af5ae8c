"""Starting with much on disk, resting, and stopping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bench.data import Batches
from bench.figure import Figure
from bench.ingest import instants, pour
from bench.product import started
from bench.runner import Context

READINGS = 10_000_000
REST_SECONDS = 20


def lifecycle(context: Context) -> Sequence[Figure]:
    """Fill to 10 million readings through the batch endpoint, stop, start; then the memory of the server at rest."""
    product = started(context, "lifecycle")
    batches = Batches.of(100, 10)
    count = context.scaled(READINGS, READINGS // 20) // batches.size
    poured = asyncio.run(pour(product, instants(batches, int(time.time()) - count, count)))
    stopping = product.server.stop()
    starts = []
    for _ in range(context.scaled(3, 1)):
        product.server.start()
        starts.append(product.server.started_seconds)
        product.server.stop()
    product.server.start()
    rest = context.scaled(REST_SECONDS, 3)
    time.sleep(rest)
    memory = product.server.memory_mb()
    before = product.server.cpu_seconds()
    time.sleep(context.scaled(10, 2))
    cores = (product.server.cpu_seconds() - before) / context.scaled(10, 2)
    middle = sorted(starts)[len(starts) // 2]
    readings = poured.batches * batches.size
    detail = {"readings": readings, "starts": [round(seconds, 2) for seconds in starts], "stop_seconds": round(stopping, 2)}
    rested = memory | {"after_seconds": rest, "readings": readings, "idle_cores": round(cores, 3)}
    return [
        Figure(
            f"start to healthy, {readings // 1_000_000 or readings / 1e6:g} M readings",
            middle,
            "s",
            "less",
            target=3,
            detail=detail,
        ),
        Figure("idle memory (RSS)", memory["resident"], "MB", "less", target=500, detail=rested),
    ]
