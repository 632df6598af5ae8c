"""HOP's own published scenario: 50 substations of 10 feeders at 1 Hz, with tenfold bursts; nothing may be lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence

from bench.client import Connection
from bench.data import fleet_bodies
from bench.figure import Figure, percentile
from bench.ingest import enrol
from bench.product import RAW_PATH, SINGLE_PATH, Product, started
from bench.runner import Context

SUBSTATIONS, FEEDERS = 50, 10
STEADY = SUBSTATIONS * FEEDERS
BURST = 10 * STEADY
CONNECTIONS = 32


async def _offer(product: Product, phases: Sequence[tuple[int, int]]) -> tuple[list[list[float]], int, int]:
    """Open-loop load: readings are due at fixed instants whatever the server does, and their time counts from when due.

    `phases` are (rate, seconds) in turn. Returns the seconds of each answer by phase, how many were due, how many accepted.
    """
    loop = asyncio.get_running_loop()
    bodies = fleet_bodies(SUBSTATIONS, FEEDERS)
    schedule = _schedule(phases)
    taken: list[list[float]] = [[] for _ in phases]
    due_count = sum(rate * seconds for rate, seconds in phases)
    accepted = 0
    begun = loop.time() + 0.1

    async def work() -> None:
        nonlocal accepted
        connection = await Connection.open(product.port, product.key)
        for phase, offset in schedule:
            due = begun + offset
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            status, _ = await connection.post(SINGLE_PATH, next(bodies))
            taken[phase].append(loop.time() - due)
            accepted += status == 200
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return taken, due_count, accepted


def _schedule(phases: Sequence[tuple[int, int]]) -> Iterator[tuple[int, float]]:
    begin = 0.0
    for phase, (rate, seconds) in enumerate(phases):
        for number in range(rate * seconds):
            yield phase, begin + number / rate
        begin += seconds


async def _stored(product: Product) -> int:
    """How many raw readings the server gives back, over all substations of the last hours."""
    connection = await Connection.open(product.port, product.key)
    found = 0
    for number in range(1, SUBSTATIONS + 1):
        status, body = await connection.get(RAW_PATH.format(f"SUB{number:03d}", 60))
        if status != 200:
            raise RuntimeError(f"the readings of SUB{number:03d} were answered with {status}: {body[:300]!r}")
        found += len(json.loads(body))
    connection.close()
    return found


def scenario(context: Context) -> Sequence[Figure]:
    """Steady minutes with bursts between them; then every accepted reading is read back."""
    product = started(context, "scenario")
    enrol(product, SUBSTATIONS, FEEDERS)
    steady, burst = context.scaled(20, 4), context.scaled(5, 2)
    phases = [(STEADY, steady), (BURST, burst), (STEADY, steady), (BURST, burst), (STEADY, steady)]

    async def measure() -> tuple[list[list[float]], int, int, int]:
        taken, due, accepted = await _offer(product, phases)
        return taken, due, accepted, await _stored(product)

    taken, due, accepted, stored = asyncio.run(measure())
    calm = [seconds for number in (0, 2, 4) for seconds in taken[number]]
    wild = [seconds for number in (1, 3) for seconds in taken[number]]
    # The fleet reported once before, to be enrolled.
    detail = {"due": due, "accepted": accepted, "stored": stored - STEADY, "seconds": sum(seconds for _, seconds in phases)}
    lost = due - min(accepted, stored - STEADY)
    calm_p99, wild_p99 = percentile(calm, 99), percentile(wild, 99)
    return [
        Figure(
            "50 x 10 feeders at 1 Hz: ingest p99", calm_p99, "ms", "less", target=20, p50=percentile(calm, 50), p99=calm_p99
        ),
        Figure("the same in tenfold bursts: ingest p99", wild_p99, "ms", "less", p50=percentile(wild, 50), p99=wild_p99),
        Figure("the same: readings lost", lost, "readings", "less", target=0, detail=detail),
    ]
