"""From a signed reading's POST to the moment each of a thousand subscribers has its frame in hand."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from bench.audience import Audience
from bench.client import Connection
from bench.figure import Figure, percentile
from bench.joulepoint_ingest import PATH, Key, depot
from bench.product import PROGRAM, Product, started
from bench.runner import Context

SUBSCRIBERS = 1_000
READINGS = 200
"""Signed POSTs a second, one reading each, over all meters in turn: each goes to ten subscribers."""
CONNECTIONS = 4


async def _steady(product: Product, keys: Sequence[Key], seconds: float) -> tuple[Counter[int], float]:
    """The steady rate for so long; how many readings of each meter were stored, in how many seconds."""
    loop, stored, number = asyncio.get_running_loop(), Counter[int](), 0
    begun = loop.time()

    async def work() -> None:
        nonlocal number
        connection = await Connection.open(product.port, "bench", "X-Client")
        while (due := begun + number / READINGS) < begun + seconds:
            key = keys[number % len(keys)]
            number += 1
            await asyncio.sleep(max(0.0, due - loop.time()))
            at = datetime.now(UTC).isoformat()
            body = f'{{"total_power":{3600 + number}.0,"voltage_a":230.1,"frequency":50.0,"timestamp":"{at}"}}'.encode()
            status, answer = await connection.post(PATH, body, X_Device_Key=key.text, X_Signature=key.sign(body))
            if status != 201:
                raise RuntimeError(f"a reading was answered with {status}: {answer!r}")
            stored[key.meter] += 1
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return stored, loop.time() - begun


def live(context: Context) -> Sequence[Figure]:
    """A thousand subscribers of a hundred meters: how late the frames are, and how many are missing."""
    product = started(context, "joulepoint-live")
    keys, _ = asyncio.run(depot(product))
    create = [PROGRAM, "key", "create", "--name", "listener", "--scope", "energy:read", "--data", str(product.data)]
    token = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    clients = Audience(context, "bench.joulepoint_listeners", product.port, token, SUBSCRIBERS, *(key.meter for key in keys))
    before = product.server.cpu_seconds()
    stored, seconds = asyncio.run(_steady(product, keys, context.scaled(20, 5)))
    cores = (product.server.cpu_seconds() - before) / seconds
    found = clients.report({str(meter): count for meter, count in stored.items()})
    p50, p99 = percentile(found["latencies"], 50), percentile(found["latencies"], 99)
    detail = {
        "readings": stored.total(),
        "frames_per_second": round(found["frames"] / seconds),
        "server_cores": round(cores, 2),
        "client_cores": round(found["cpu_seconds"] / seconds, 2),
        "disconnected": found["disconnected"],
    }
    name = f"reading -> {SUBSCRIBERS:,} WebSocket subscribers, {READINGS} readings/s"
    return [
        Figure(name, p99, "ms p99", "less", target=100, p50=p50, p99=p99, detail=detail),
        Figure(f"{name}: lost", found["missing"], "frames", "less", target=0),
    ]
