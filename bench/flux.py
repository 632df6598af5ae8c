"""Meter rows over PostgREST and Realtime: bulk inserts, the newest rows of a device, settlement periods, subscribers."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bench.audience import Audience
from bench.client import Connection
from bench.figure import Figure, median_run, percentile
from bench.process import Server, free_port
from bench.product import HEALTH_PATH, PROGRAM, Product
from bench.runner import ROOT, Context
from wattline.contracts.flux.tables import METER

TABLE = "/rest/v1/mg_meter_readings"
PERIODS = "/rest/v1/rpc/get_meter_readings_30m"
HEADER = "apikey"
MEASURES = [column.name for column in METER.columns[4:]]
BATCH, SENDERS, FLEET = 1_000, 4, 200
CONNECTIONS = 4
SUBSCRIBERS, FOLLOWED, CHANGES = 500, 50, 64


def _started(context: Context, name: str, role: str, rows: int | None = None) -> tuple[Product, list[str]]:
    """A server without limits, on an empty store or on a fleet's past; the fleet's uuids."""
    data = context.place(name)
    devices: list[str] = []
    if rows is not None:
        made = subprocess.run(
            [sys.executable, "-m", "bench.meters", str(data), str(rows)], cwd=ROOT, check=True, capture_output=True, text=True
        )
        devices = json.loads(made.stdout)
    create = [PROGRAM, "key", "create", "--contract", "flux", "--role", role, "--name", "bench", "--data", str(data)]
    key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    port = free_port()
    command = [PROGRAM, "serve", "--data", str(data), "--port", str(port)]
    environment = {"WATTLINE_FLUX_RATE_LIMITS": "off"}
    server = Server(command, port, HEALTH_PATH, data / "bench.log", environment)
    context.keep.callback(server.stop)
    return Product(server.start(), key, data), devices


def _bodies(batches: int, seed: int) -> list[bytes]:
    """Batches of whole rows of a fleet, each device's newer than those before."""
    choice = random.Random(seed)
    devices = [str(uuid.UUID(int=choice.getrandbits(128), version=4)) for _ in range(FLEET)]
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12)
    values = [round(choice.uniform(0, 400), 2) for _ in range(997)]
    found, number = [], 0
    for _ in range(batches):
        rows = []
        for _ in range(BATCH):
            time_of = begin + timedelta(seconds=number // FLEET)
            row: dict[str, object] = {
                "id": str(uuid.UUID(int=choice.getrandbits(128), version=4)),
                "device_id": devices[number % FLEET],
                "time": time_of.isoformat(),
                "created_at": time_of.isoformat(),
            }
            row |= {name: values[(number + at) % 997] for at, name in enumerate(MEASURES)}
            rows.append(row)
            number += 1
        found.append(json.dumps(rows).encode())
    return found


async def _insert(product: Product, bodies: Sequence[bytes]) -> tuple[float, list[float]]:
    """Seconds for all bodies over a few connections, and for each."""
    taken: list[float] = []
    waiting = iter(bodies)

    async def work(some: Iterator[bytes]) -> None:
        connection = await Connection.open(product.port, product.key, HEADER)
        for body in some:
            sent = time.perf_counter()
            status, answer = await connection.post(TABLE, body)
            if status != 201:
                raise RuntimeError(f"a batch was answered with {status}: {answer[:300]!r}")
            taken.append(time.perf_counter() - sent)
        connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*(work(waiting) for _ in range(SENDERS)))
    return time.perf_counter() - begun, taken


def insert(context: Context) -> Figure:
    """Bulk inserts of whole rows, each answer after the fsync."""
    product, _ = _started(context, "flux-insert", "service_role")
    batches = context.scaled(120, 20)
    asyncio.run(_insert(product, _bodies(10, 0)))
    runs = [asyncio.run(_insert(product, _bodies(batches, seed))) for seed in range(1, context.scaled(4, 2))]
    seconds, taken = median_run(runs, lambda run: run[0])
    detail = {"rows_per_second": [round(batches * BATCH / each) for each, _ in runs], "columns": len(METER.columns)}
    rate = batches * BATCH / seconds
    name = f"Flux: bulk insert, {BATCH:,} meter rows a POST"
    return Figure(name, rate, "rows/s", target=40_000, p50=percentile(taken, 50), p99=percentile(taken, 99), detail=detail)


async def _newest(product: Product, devices: Sequence[str], seconds: float) -> list[float]:
    """How long each request for the newest rows of a device took."""
    choice = random.Random(7)
    taken: list[float] = []
    until = time.perf_counter() + seconds

    async def work() -> None:
        connection = await Connection.open(product.port, product.key, HEADER)
        while time.perf_counter() < until:
            path = f"{TABLE}?device_id=eq.{choice.choice(devices)}&order=time.desc&limit=100"
            sent = time.perf_counter()
            status, answer = await connection.get(path)
            if status != 200:
                raise RuntimeError(f"{path} was answered with {status}: {answer[:300]!r}")
            taken.append(time.perf_counter() - sent)
        connection.close()
        if len(json.loads(answer)) != 100:
            raise RuntimeError("a device has not a hundred rows")

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return taken


async def _periods(product: Product, device: str, count: int) -> list[float]:
    """How long each request for a month of settlement periods took."""
    end = datetime.now(UTC)
    asked = {"start_time": (end - timedelta(days=30)).isoformat(), "end_time": end.isoformat(), "device_ids": [device]}
    connection = await Connection.open(product.port, product.key, HEADER)
    taken = []
    for _ in range(count):
        sent = time.perf_counter()
        status, answer = await connection.post(PERIODS, json.dumps(asked).encode())
        taken.append(time.perf_counter() - sent)
        if status != 200 or not 1_430 <= len(json.loads(answer)) <= 1_441:
            raise RuntimeError(f"a month of settlement periods was answered with {status}: {answer[:300]!r}")
    connection.close()
    return taken[3:]


def past(context: Context) -> Sequence[Figure]:
    """Reads of a store that holds ten million rows."""
    rows = context.scaled(10_000_000, 200_000)
    product, devices = _started(context, "flux-past", "service_role", rows)
    asyncio.run(_newest(product, devices[1:], 3))
    seconds = context.scaled(10, 3)
    taken = asyncio.run(_newest(product, devices[1:], seconds))
    detail = {"rows": rows, "devices": len(devices)}
    p95 = percentile(taken, 95)
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    month = asyncio.run(_periods(product, devices[0], context.scaled(40, 8)))
    name = "Flux: newest 100 rows of a device, 10 M rows in store"
    return [
        Figure(name, len(taken) / seconds, "requests/s", target=400, p50=p50, p99=p99, detail=detail),
        Figure(f"{name}: p95", p95, "ms", "less", target=15, p50=p50, p99=p99),
        Figure(
            "Flux: 30-minute periods of a device-month",
            percentile(month, 50),
            "ms",
            "less",
            target=50,
            p50=percentile(month, 50),
            p99=percentile(month, 99),
        ),
    ]


async def _change(product: Product, devices: Sequence[str], seconds: float) -> Counter[str]:
    """Insert rows at a steady rate, each with the present time; how many of each device."""
    loop = asyncio.get_running_loop()
    connection = await Connection.open(product.port, product.key, HEADER)
    begun, number, made = loop.time(), 0, Counter(dict.fromkeys(devices, 0))
    while (due := begun + number / CHANGES) < begun + seconds:
        await asyncio.sleep(max(0.0, due - loop.time()))
        device = devices[number % len(devices)]
        row = {"device_id": device, "time": datetime.now(UTC).isoformat(), "power_total_active": 125.5, "frequency": 50.01}
        status, answer = await connection.post(TABLE, json.dumps(row).encode())
        if status != 201:
            raise RuntimeError(f"a row was answered with {status}: {answer[:300]!r}")
        made[device] += 1
        number += 1
    connection.close()
    return made


def subscribers(context: Context) -> Sequence[Figure]:
    """From the POST of a row to each subscriber of its device."""
    product, _ = _started(context, "flux-live", "service_role")
    devices = [str(uuid.uuid4()) for _ in range(FOLLOWED)]
    audience = Audience(context, "bench.realtime_clients", product.port, product.key, SUBSCRIBERS, *devices)
    made = asyncio.run(_change(product, devices, context.scaled(20, 5)))
    found = audience.report(made)
    taken = found["latencies"]
    p50, p95, p99 = (percentile(taken, share) for share in (50, 95, 99))
    detail = {"changes": made.total(), "frames": len(taken), "disconnected": found["disconnected"]}
    name = f"Flux: row -> {SUBSCRIBERS} subscribers with filters, {CHANGES} changes/s"
    return [
        Figure(name, p95, "ms p95", "less", target=100, p50=p50, p99=p99, detail=detail),
        Figure(f"{name}: lost", found["missing"], "frames", "less", target=0),
    ]


def flux(context: Context) -> Sequence[Figure]:
    """Every figure of the contract."""
    return [insert(context), *past(context), *subscribers(context)]
