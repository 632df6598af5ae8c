"""From a reading's POST to the moment a subscriber of the live stream has it in hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from bench.client import Connection, server_sent_events
from bench.closed_loop import Target, load
from bench.data import fleet_bodies
from bench.figure import Figure, percentile
from bench.ingest import enrol
from bench.product import SINGLE_PATH, STREAM_PATH, Product, started
from bench.runner import Context

STEADY = 500
CONNECTIONS = 16
PROBE = '{"substation_id":"%s","feeder_id":"FDR001","device_id":"%s-FDR001","voltage_kv":115.0,"current_a":%d.%d,'
PROBE += '"power_mw":40.0,"frequency_hz":60.0}'
PROBED = "PROBE"


async def _steady_load(product: Product, rate: int, stop: asyncio.Event) -> int:
    """Readings at a steady rate over a few connections, as a fleet of 500 feeders sends them; how many were accepted."""
    loop = asyncio.get_running_loop()
    bodies = fleet_bodies(50, 10)
    begun, number, accepted = loop.time(), 0, 0

    async def work() -> None:
        nonlocal number, accepted
        connection = await Connection.open(product.port, product.key)
        while not stop.is_set():
            due, number = begun + number / rate, number + 1
            await asyncio.sleep(max(0.0, due - loop.time()))
            status, _ = await connection.post(SINGLE_PATH, next(bodies))
            accepted += status == 200
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return accepted


async def _probe(product: Product, probes: int, spacing: float) -> list[float]:
    """Seconds from POST to event of readings that only the stream's filter lets through, recognised by their current."""
    loop = asyncio.get_running_loop()
    sent: dict[str, float] = {}
    taken: list[float] = []
    opened = asyncio.Event()

    async def listen() -> None:
        async for event, data in server_sent_events(product.port, product.key, f"{STREAM_PATH}?substation_id={PROBED}"):
            now = loop.time()
            if event == "open":
                opened.set()
                continue
            for mark in [mark for mark in sent if f":{mark}" in data.replace(" ", "")]:
                taken.append(now - sent.pop(mark))

    listener = asyncio.create_task(listen())
    connection = await Connection.open(product.port, product.key)
    await asyncio.wait_for(opened.wait(), 10)
    for number in range(probes):
        body = (PROBE % (PROBED, PROBED, 1000 + number, 5)).encode()
        sent[f"{1000 + number}.5"] = loop.time()
        status, answer = await connection.post(SINGLE_PATH, body)
        if status != 200:
            raise RuntimeError(f"a probe was answered with {status}: {answer!r}")
        await asyncio.sleep(spacing)
    for _ in range(100):
        if not sent:
            break
        await asyncio.sleep(0.05)
    listener.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listener
    connection.close()
    if sent:
        raise RuntimeError(f"{len(sent)} of {probes} readings never came through the stream")
    return taken


def live(context: Context) -> Sequence[Figure]:
    """Latency of the stream with a fleet's steady 500 readings/s beside it, and with the closed loop at full load."""
    product = started(context, "live")
    probes = context.scaled(500, 100)
    enrol(product, 50, 10)

    async def steady() -> tuple[list[float], int]:
        stop = asyncio.Event()
        beside = asyncio.create_task(_steady_load(product, STEADY, stop))
        await _probe(product, 20, 0.02)
        taken = await _probe(product, probes, 0.02)
        stop.set()
        return taken, await beside

    async def loaded() -> list[float]:
        target = Target(product.port, SINGLE_PATH, product.key)
        seconds = round(probes * 0.03) + 4
        beside = asyncio.create_task(asyncio.to_thread(load, target, connections=64, seconds=seconds))
        await asyncio.sleep(1.0)
        taken = await _probe(product, probes, 0.01)
        await beside
        return taken

    taken, accepted = asyncio.run(steady())
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    detail = {"probes": probes, "beside": f"{STEADY}/s", "accepted_beside": accepted}
    full = asyncio.run(loaded())
    full_p99 = percentile(full, 99)
    return [
        Figure("reading -> SSE client, 500 readings/s", p99, "ms p99", "less", target=50, p50=p50, p99=p99, detail=detail),
        Figure("reading -> SSE client, at full load", full_p99, "ms p99", "less", p50=percentile(full, 50), p99=full_p99),
    ]
