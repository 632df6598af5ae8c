"""Readings in: one at a time, in batches, and what they take on disk afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.client import Connection
from bench.closed_loop import Load, Target, load
from bench.data import Batches, present
from bench.figure import Figure, median_run, percentile
from bench.product import BATCH_PATH, SINGLE_PATH, Product, started
from bench.runner import Context
from wattline.model.clock import SECOND

CONNECTIONS = 64
SINGLE = "single POST, 64 connections"
BATCH = "batch POST, 1,000 readings each"
BATCH_CONNECTIONS = 4
SENSORS = 4


def single(context: Context) -> Sequence[Figure]:
    """Single-record POSTs, closed loop, every answer after the fsync of its reading."""
    product = started(context, "single")
    target = Target(product.port, SINGLE_PATH, product.key)
    seconds = context.scaled(10, 3)
    enrol(product, target.substations, target.feeders)
    load(target, connections=CONNECTIONS, seconds=2)
    runs: list[Load] = []
    spent: list[float] = []
    for number in range(1, context.scaled(4, 2)):
        before = product.server.cpu_seconds()
        runs.append(load(target, connections=CONNECTIONS, seconds=seconds, run=number))
        spent.append(product.server.cpu_seconds() - before)
    middle = median_run(runs, lambda run: run.rate)
    wide = load(target, connections=512, seconds=seconds, run=9)
    detail = {
        "runs": [run.as_detail() for run in runs],
        "server_cores": [round(cores / run.seconds, 2) for cores, run in zip(spent, runs, strict=True)],
        "server_us_per_reading": [round(cores / run.requests * 1e6, 1) for cores, run in zip(spent, runs, strict=True)],
    }
    return [
        Figure(SINGLE, middle.rate, "readings/s", target=12_000, p50=middle.p50, p99=middle.p99, detail=detail),
        Figure(f"{SINGLE}: p99", middle.p99, "ms", "less", target=25, p50=middle.p50, p99=middle.p99),
        Figure("single POST, 512 connections", wide.rate, "readings/s", p50=wide.p50, p99=wide.p99, detail=wide.as_detail()),
    ]


@dataclass(slots=True)
class Pour:
    """What came of pouring batches in: accepted batches, how long they took together, each answer's time, how many 503."""

    batches: int
    seconds: float
    taken: list[float]
    put_off: int


async def pour(product: Product, bodies: Iterator[bytes], *, connections: int = BATCH_CONNECTIONS) -> Pour:
    """Send every body once, over a few connections; a 503 is waited out and tried again, as the contract asks."""
    loop = asyncio.get_running_loop()
    poured = Pour(0, 0.0, [], 0)

    async def work() -> None:
        connection = await Connection.open(product.port, product.key)
        for body in bodies:
            while True:
                sent = loop.time()
                status, answer = await connection.post(BATCH_PATH, body)
                if status == 200 and b'"rejected":[]' in answer:
                    break
                if status != 503:
                    raise RuntimeError(f"a batch was answered with {status}: {answer[:500]!r}")
                poured.put_off += 1
                await asyncio.sleep(0.2)
            poured.taken.append(loop.time() - sent)
            poured.batches += 1
        connection.close()

    begun = loop.time()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(work())
    poured.seconds = loop.time() - begun
    return poured


def enrol(product: Product, substations: int, feeders: int) -> None:
    """Let every feeder report once, so that what is measured is a fleet at work and not its registration."""
    batches = Batches.of(substations, feeders, variants=1)
    asyncio.run(pour(product, iter([batches.body(0, (int(time.time()) - 60) * SECOND)]), connections=1))


def instants(batches: Batches, first: int, count: int) -> Iterator[bytes]:
    """One body for each of `count` seconds from `first` (seconds since 1970)."""
    for number in range(count):
        yield batches.body(number, (first + number) * SECOND)


def live_cycles(batches: Batches, count: int) -> Iterator[bytes]:
    """`count` bodies, each with the present time."""
    for number, at in zip(range(count), present(), strict=False):
        yield batches.body(number, at)


def batch(context: Context) -> Sequence[Figure]:
    """Batches of 1,000 records (one polling cycle of 1,000 feeders, four sensors each), long enough to reach the store.

    First with the present time, then a backfill: whole cycles of past hours, for which closed tiers are computed again.
    """
    product = started(context, "batch")
    batches = Batches.of(100, 10)
    count = context.scaled(2000, 400)
    asyncio.run(pour(product, live_cycles(batches, 50)))
    runs, spent = _measured(context, product, lambda _: live_cycles(batches, count))
    first = int(time.time()) - 40_000
    filled, _ = _measured(context, product, lambda number: instants(batches, first + 10_000 * number, count))
    return [
        _figure(
            BATCH, runs, batches, 150_000, {"server_us_per_reading": [round(s / count / batches.size * 1e6, 2) for s in spent]}
        ),
        _figure("batch POST, backfill of past hours", filled, batches, None, {}),
    ]


def _measured(context: Context, product: Product, bodies: Callable[[int], Iterator[bytes]]) -> tuple[list[Pour], list[float]]:
    """The runs, and the processor time that the server spent on each."""
    runs: list[Pour] = []
    spent: list[float] = []
    for number in range(context.scaled(3, 1)):
        before = product.server.cpu_seconds()
        runs.append(asyncio.run(pour(product, bodies(number))))
        spent.append(product.server.cpu_seconds() - before)
    return runs, spent


def _figure(name: str, runs: Sequence[Pour], batches: Batches, target: float | None, more: dict[str, object]) -> Figure:
    def rate(run: Pour) -> float:
        return run.batches * batches.size / run.seconds

    middle = median_run(runs, rate)
    detail = more | {
        "runs": [{"rate": round(rate(run)), "seconds": round(run.seconds, 2), "put_off": run.put_off} for run in runs],
        "body_bytes": len(batches.body(0, 0)),
        "connections": BATCH_CONNECTIONS,
        "values_per_second": round(rate(middle) * SENSORS),
    }
    p50, p99 = percentile(middle.taken, 50), percentile(middle.taken, 99)
    return Figure(name, rate(middle), "readings/s", target=target, p50=p50, p99=p99, detail=detail)
