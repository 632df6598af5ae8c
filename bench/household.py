"""The readings of meter readers: single protobuf messages, each answered after the fsync of its row."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench.closed_loop import Load, wrk
from bench.figure import Figure, median_run
from bench.product import PROGRAM, Product, started
from bench.runner import Context

SINGLE = "protobuf reading, 64 connections"
METERS = 500
CONNECTIONS = 64
SCRIPT = Path(__file__).with_name("meters.lua")
MANAGEMENT = "/api/v1/household"
AT_ONCE = 16


def admin_key(product: Product) -> str:
    """A key that may manage households."""
    create = [PROGRAM, "key", "create", "--name", "bench", "--scope", "household:admin", "--data", str(product.data)]
    return subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()


def mac(number: int) -> str:
    """The address of a meter of the bench."""
    return "02:BE:" + ":".join(f"{number:08X}"[at : at + 2] for at in range(0, 8, 2))


async def households(port: int, admin: str, count: int) -> list[str]:
    """Make so many households with a digital meter each; the tokens of the meters."""
    turns = asyncio.Semaphore(AT_ONCE)
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, headers={"Authorization": admin}, timeout=30) as client:

        async def post(path: str, body: object) -> dict[str, str]:
            answer = await client.post(path, json=body)
            answer.raise_for_status()
            told: dict[str, str] = answer.json()
            return told

        async def one(number: int) -> str:
            async with turns:
                user = f"bench{number}"
                await post(f"{MANAGEMENT}/users", {"id": user, "name": user})
                await post(f"{MANAGEMENT}/sensors", {"sensor_id": mac(number), "type": "digital_electricity"})
                await post(f"{MANAGEMENT}/sensors/{mac(number)}/assign", {"user_id": user})
                return (await post("/token", {"sensor_id": mac(number)}))["access_token"]

        return list(await asyncio.gather(*map(one, range(count))))


def _load(port: int, tokens: Path, seconds: int, run: int) -> Load:
    program = wrk()
    if program is None:
        raise RuntimeError("this bench needs wrk")
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", str(SCRIPT)]
    command += [f"http://127.0.0.1:{port}", "--", "/api/v1/sensor_input", str(tokens), str(run)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT "))
    return Load(**json.loads(line.removeprefix("RESULT ")), client="wrk")


def readings(context: Context) -> Sequence[Figure]:
    """Closed loop over 500 meters of as many households."""
    product = started(context, "household")
    tokens = product.data / "tokens"
    tokens.write_text("".join(f"{token}\n" for token in asyncio.run(households(product.port, admin_key(product), METERS))))
    seconds = context.scaled(10, 3)
    _load(product.port, tokens, 2, 0)
    runs: list[Load] = []
    spent: list[float] = []
    for number in range(1, context.scaled(4, 2)):
        before = product.server.cpu_seconds()
        runs.append(_load(product.port, tokens, seconds, number))
        spent.append(product.server.cpu_seconds() - before)
    middle = median_run(runs, lambda run: run.rate)
    refused = sum(run.refused + run.broken for run in runs)
    if refused:
        raise RuntimeError(f"{refused} readings were not taken")
    detail = {
        "runs": [run.as_detail() for run in runs],
        "server_us_per_reading": [round(cores / run.requests * 1e6, 1) for cores, run in zip(spent, runs, strict=True)],
    }
    return [
        Figure(SINGLE, middle.rate, "readings/s", target=12_000, p50=middle.p50, p99=middle.p99, detail=detail),
        Figure(f"{SINGLE}: p99", middle.p99, "ms", "less", target=25, p50=middle.p50, p99=middle.p99),
    ]
