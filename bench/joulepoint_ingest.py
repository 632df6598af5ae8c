"""The signed readings of depots' meters: one at a time, and many in a body, each answered after its fsync."""

from __future__ import annotations

import asyncio
import hmac
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from bench.client import Connection
from bench.closed_loop import Load, wrk
from bench.figure import Figure, median_run, percentile
from bench.product import PROGRAM, Product, started
from bench.runner import Context

SINGLE = "signed reading, 64 connections"
BULK = "bulk POST, 1,000 readings of 12 fields each"
PATH = "/api/energy/energy-data/"
METERS = 100
CONNECTIONS, BULK_CONNECTIONS = 64, 4
MOST_A_SECOND = 20_000
"""Readings prepared for each second of a run; a faster server would be sent some again."""
INSTANTS = 10
"""Of each meter in one body."""
SCRIPT = Path(__file__).with_name("joulepoint.lua")
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Key:
    """What a device or a gateway sends with."""

    meter: int
    text: str
    secret: str

    def sign(self, body: bytes) -> str:
        """The signature of a body."""
        return hmac.digest(self.secret.encode(), body, "sha256").hex()


def _bearer(product: Product) -> str:
    scopes = ("--scope", "config:write", "--scope", "energy:write")
    create = [PROGRAM, "key", "create", "--name", "depot", *scopes, "--data", str(product.data)]
    return subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()


async def depot(product: Product) -> tuple[list[Key], Key]:
    """Meters with a key each, and a gateway's key for all; every key must sign."""
    turns = asyncio.Semaphore(AT_ONCE)
    base, headers = f"http://127.0.0.1:{product.port}/api/energy", {"Authorization": f"Bearer {_bearer(product)}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:

        async def post(path: str, body: object) -> dict[str, str]:
            answer = await client.post(path, json=body)
            answer.raise_for_status()
            told: dict[str, str] = answer.json()
            return told

        async def one(number: int) -> Key:
            async with turns:
                meter = int((await post("/meters", {"name": f"Bus {number}", "nominal_voltage": 230, "phases": 3}))["id"])
                made = await post(f"/meters/{meter}/keys", {"require_signature": True})
                return Key(meter, made["key"], made["secret"])

        keys = list(await asyncio.gather(*map(one, range(METERS))))
        made = await post("/gateway-keys", {"meter_ids": None, "require_signature": True})
        return keys, Key(0, made["key"], made["secret"])


def _prepare(file: Path, keys: Sequence[Key], first: datetime, count: int) -> None:
    """Write so many signed readings, of all meters in turn, five thousandths of a second between those of one."""
    with file.open("wb") as out:
        for number in range(count):
            cycle, place = divmod(number, len(keys))
            at = (first + timedelta(milliseconds=5 * cycle)).isoformat()
            key, energy = keys[place], 1500 + cycle
            text = f'{{"total_power":{3600 + place}.0,"total_energy":{energy}.0,"voltage_a":230.1,"timestamp":"{at}"}}'
            out.write(f"{key.text} {key.sign(text.encode())} {text}\n".encode())


def _load(port: int, file: Path, seconds: int) -> Load:
    program = wrk()
    if program is None:
        raise RuntimeError("this bench needs wrk")
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", str(SCRIPT)]
    command += [f"http://127.0.0.1:{port}", "--", PATH, str(file)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT "))
    return Load(**json.loads(line.removeprefix("RESULT ")), client="wrk")


def readings(context: Context) -> Sequence[Figure]:
    """Closed loop over 100 meters, each with a key of its own."""
    product = started(context, "joulepoint")
    keys, _ = asyncio.run(depot(product))
    file, seconds = product.data / "requests", context.scaled(10, 3)
    begin = datetime.now(UTC)
    runs: list[Load] = []
    spent: list[float] = []
    for number in range(context.scaled(4, 2)):
        length = seconds if number else 2
        # About the present, and newer than the run before.
        begin = max(datetime.now(UTC), begin)
        _prepare(file, keys, begin, MOST_A_SECOND * length)
        begin += timedelta(seconds=2 * length)
        before = product.server.cpu_seconds()
        runs.append(_load(product.port, file, length))
        spent.append(product.server.cpu_seconds() - before)
    del runs[0], spent[0]
    middle = median_run(runs, lambda run: run.rate)
    refused = sum(run.refused + run.broken for run in runs)
    if refused:
        raise RuntimeError(f"{refused} readings were not taken")
    detail = {
        "runs": [run.as_detail() for run in runs],
        "server_us_per_reading": [round(cores / run.requests * 1e6, 1) for cores, run in zip(spent, runs, strict=True)],
    }
    return [
        Figure(SINGLE, middle.rate, "readings/s", target=8_000, p50=middle.p50, p99=middle.p99, detail=detail),
        Figure(f"{SINGLE}: p99", middle.p99, "ms", "less", target=25, p50=middle.p50, p99=middle.p99),
    ]


def _body(keys: Sequence[Key], first: datetime) -> bytes:
    """Readings of all meters at ten seconds in a row, as a gateway sends them."""
    rows = []
    for second in range(INSTANTS):
        at = (first + timedelta(seconds=second)).isoformat()
        for place, key in enumerate(keys):
            load = 30 + place + second
            rows.append(
                f'{{"meter_id":{key.meter},"timestamp":"{at}","total_power":{3 * load}.25,"power_a":{load}.0,'
                f'"power_b":{load}.5,"power_c":{load}.75,"total_energy":{1500 + load}.125,"voltage_a":230.1,'
                f'"voltage_b":229.8,"voltage_c":231.2,'
                f'"current_a":{load / 230:.3f},"current_b":{load / 229:.3f},"current_c":{load / 231:.3f},"frequency":50.02}}'
            )
    return f'{{"readings":[{",".join(rows)}]}}'.encode()


@dataclass(slots=True)
class Pour:
    """What came of sending bodies: how long all took, and each."""

    seconds: float
    taken: list[float]

    @property
    def rate(self) -> float:
        """Readings a second."""
        return len(self.taken) * METERS * INSTANTS / self.seconds


async def _pour(port: int, gateway: Key, bodies: Sequence[bytes]) -> Pour:
    signed = iter([(body, gateway.sign(body)) for body in bodies])
    taken: list[float] = []

    async def work() -> None:
        connection = await Connection.open(port, gateway.text, "X-Device-Key")
        for body, signature in signed:
            sent = time.perf_counter()
            status, answer = await connection.post(f"{PATH}bulk", body, X_Signature=signature)
            taken.append(time.perf_counter() - sent)
            if status != 200 or json.loads(answer)["accepted"] != METERS * INSTANTS:
                raise RuntimeError(f"a body was answered with {status}: {answer[:500]!r}")
        connection.close()

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(BULK_CONNECTIONS):
            group.create_task(work())
    return Pour(time.perf_counter() - begun, taken)


def bulk(context: Context) -> Sequence[Figure]:
    """A gateway that sends what 100 meters showed in ten seconds, over a few connections, long enough to reach the store."""
    product = started(context, "joulepoint-bulk")
    keys, gateway = asyncio.run(depot(product))
    count = context.scaled(400, 100)
    first = datetime.now(UTC) - timedelta(hours=12)
    runs: list[Pour] = []
    spent: list[float] = []
    for number in range(context.scaled(4, 2)):
        length = count if number else 20
        begin = first + timedelta(hours=2 * number)
        bodies = [_body(keys, begin + timedelta(seconds=INSTANTS * each)) for each in range(length)]
        before = product.server.cpu_seconds()
        runs.append(asyncio.run(_pour(product.port, gateway, bodies)))
        spent.append(product.server.cpu_seconds() - before)
    del runs[0], spent[0]
    middle = median_run(runs, lambda run: run.rate)
    p50, p99 = percentile(middle.taken, 50), percentile(middle.taken, 99)
    detail = {
        "runs": [round(run.rate) for run in runs],
        "server_us_per_reading": [
            round(s / len(run.taken) / METERS / INSTANTS * 1e6, 2) for s, run in zip(spent, runs, strict=True)
        ],
        "body_bytes": len(bodies[0]),
        "connections": BULK_CONNECTIONS,
    }
    return [Figure(BULK, middle.rate, "readings/s", target=60_000, p50=p50, p99=p99, detail=detail)]
