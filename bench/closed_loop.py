"""Closed-loop load: a fixed number of connections, each sending its next reading when the last is answered.

`wrk` (a small C program with a Lua script) does it without taking the server's core; where it cannot be installed, an asyncio
client does, and the figure says so, because such a client is then part of what is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from bench.client import Connection
from bench.data import fleet_bodies
from bench.figure import percentile

SCRIPT = Path(__file__).with_name("telemetry.lua")


@dataclass(frozen=True, slots=True)
class Target:
    """Where readings go, and from how many feeders."""

    port: int
    path: str
    key: str
    substations: int = 50
    feeders: int = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one run; latencies in milliseconds. `refused` answers were not 2xx, `broken` ones never came."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p90: float
    p99: float
    p999: float
    worst: float
    client: str

    @property
    def rate(self) -> float:
        """Accepted requests a second."""
        return (self.requests - self.refused) / self.seconds

    def as_detail(self) -> dict[str, object]:
        """For a report."""
        return asdict(self) | {"rate": round(self.rate, 1)}


@cache
def wrk() -> str | None:
    """The wrk program, installed first if this user may; None where there is none."""
    found = shutil.which("wrk")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "wrk"]):
            subprocess.run(command, check=False, capture_output=True, timeout=300)
        found = shutil.which("wrk")
    return found


def load(target: Target, *, connections: int, seconds: int, run: int = 0) -> Load:
    """One run with the present time in every reading; `run` (0..99) keeps the times of runs of the same second apart."""
    program = wrk()
    if program is None:
        return asyncio.run(asyncio_load(target, connections=connections, seconds=seconds, run=run))
    command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", str(SCRIPT)]
    command += [f"http://127.0.0.1:{target.port}", "--", target.path, target.key, str(run)]
    command += [str(target.substations), str(target.feeders)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT "))
    return Load(**json.loads(line.removeprefix("RESULT ")), client="wrk")


async def asyncio_load(target: Target, *, connections: int, seconds: int, run: int = 0) -> Load:
    """The same run without wrk: a few times heavier a request, so it bounds a fast server."""
    bodies = fleet_bodies(target.substations, target.feeders, run)
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    refused = broken = 0
    begun = loop.time()

    async def work() -> None:
        nonlocal refused, broken
        connection = await Connection.open(target.port, target.key)
        try:
            while loop.time() - begun < seconds:
                sent = loop.time()
                status, _ = await connection.post(target.path, next(bodies))
                taken.append(loop.time() - sent)
                refused += not 200 <= status < 300
        except OSError:
            broken += 1
        finally:
            connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    elapsed = loop.time() - begun
    p50, p90, p99, p999, worst = (percentile(taken, share) for share in (50, 90, 99, 99.9, 100))
    return Load(len(taken), elapsed, refused, broken, p50, p90, p99, p999, worst, client="asyncio")
