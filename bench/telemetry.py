"""Charts, comparisons and dashboards of a large block: 10,000 points with 30 days behind them; and a sample that comes late."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from paho.mqtt import publish

from bench import block
from bench.client import Connection
from bench.figure import Figure, percentile
from bench.process import Server, free_port
from bench.product import HEALTH_PATH, PROGRAM, Product
from bench.runner import ROOT, Context

HOUR = 3600
CONNECTIONS = 4
TIERS = ("raw", "1min", "5min", "1hour", "1day")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _span(end: float, hours: int) -> str:
    """So many hours before a moment."""
    return f"start={_time(end - hours * HOUR)}&end={_time(end)}"


def _started(context: Context, days: int) -> tuple[Product, int]:
    """A server on the block's past; its broker's port."""
    data = context.place("block")
    subprocess.run([sys.executable, "-m", "bench.block", str(data), str(days)], cwd=ROOT, check=True)
    create = [PROGRAM, "key", "create", "--name", "bench", "--data", str(data)]
    key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    port, mqtt = free_port(), free_port()
    command = [PROGRAM, "serve", "--data", str(data), "--port", str(port)]
    environment = {"WATTLINE_MQTT_PORT": str(mqtt)}
    server = Server(command, port, HEALTH_PATH, data / "bench.log", environment)
    context.keep.callback(server.stop)
    return Product(server.start(), key, data), mqtt


async def _ask(connection: Connection, path: str) -> tuple[float, Any]:
    """Seconds that the answer took, and the answer."""
    sent = time.perf_counter()
    status, body = await connection.get(path)
    taken = time.perf_counter() - sent
    if status != 200:
        raise RuntimeError(f"{path} was answered with {status}: {body[:300]!r}")
    return taken, body


async def _series(product: Product, paths: Callable[[], str], count: int) -> tuple[list[float], Any]:
    """The times of `count` requests over one connection after a few that do not count, and the last answer."""
    connection = await Connection.open(product.port, product.key)
    taken, body = [], b""
    for number in range(count + 5):
        seconds, body = await _ask(connection, paths())
        if number >= 5:
            taken.append(seconds)
    connection.close()
    return taken, json.loads(body)


async def _rate(product: Product, paths: Callable[[], str], seconds: int) -> float:
    """Requests answered in a second over a few connections."""
    until = time.perf_counter() + seconds
    done = 0

    async def work() -> None:
        nonlocal done
        connection = await Connection.open(product.port, product.key)
        while time.perf_counter() < until:
            await _ask(connection, paths())
            done += 1
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return done / seconds


async def _late(product: Product, mqtt: int, sensor: int) -> list[float]:
    """How long after its acknowledgement a late sample is in the answers of every tier; it is the highest value of its day."""
    connection = await Connection.open(product.port, product.key)
    taken = []
    for turn in range(5):
        value = 1000.0 + turn
        moment = time.time() // 60 * 60 - (9 + turn) * HOUR + 0.5
        told = {"ts": moment, "v": value, "u": "kW", "q": "GOOD"}
        topic = f"microlink/{block.SITE}/{block.slug(0)}/electrical/P-0000"
        login: Any = {"username": "bench", "password": product.key}
        send = partial(publish.single, topic, json.dumps(told), qos=1, hostname="127.0.0.1", port=mqtt, auth=login)
        # Returns with the acknowledgement.
        await asyncio.to_thread(send)
        acknowledged = time.perf_counter()
        for tier in TIERS:
            start = moment // 86_400 * 86_400
            path = f"/api/v1/telemetry?sensor_id={sensor}&start={_time(start)}&end={_time(start + 86_400)}&agg={tier}"
            _, body = await _ask(connection, path)
            if not any(point["val_max"] == value for point in json.loads(body)["data"]):
                raise RuntimeError(f"the late sample is not in the answer of {tier}")
        taken.append(time.perf_counter() - acknowledged)
    connection.close()
    return taken


def telemetry(context: Context) -> Sequence[Figure]:
    """Every figure of the block."""
    product, mqtt = _started(context, context.scaled(block.DAYS, 2))
    choice = random.Random(1)

    async def measure() -> list[Figure]:
        connection = await Connection.open(product.port, product.key)
        _, body = await _ask(connection, f"/api/v1/telemetry/latest?block_slug={block.slug(0)}")
        reading = json.loads(body)["readings"][0]
        first, end = reading["sensor_id"], datetime.fromisoformat(reading["timestamp"]).timestamp() + 60
        connection.close()
        sensors = range(first, first + block.BLOCKS * block.POINTS)

        def chart() -> str:
            return f"/api/v1/telemetry?sensor_id={choice.choice(sensors)}&{_span(end, 6)}"

        def several() -> str:
            chosen = ",".join(map(str, choice.sample(sensors, 50)))
            return f"/api/v1/telemetry/multi?sensor_ids={chosen}&{_span(end, 24)}"

        def newest() -> str:
            return f"/api/v1/telemetry/latest?block_slug={block.slug(choice.randrange(block.BLOCKS))}"

        charts, last = await _series(product, chart, context.scaled(600, 100))
        if (last["tier"], last["point_count"]) != ("agg_1min", 360):
            raise RuntimeError(f"a chart has {last['point_count']} points of {last['tier']}")
        rate = await _rate(product, chart, context.scaled(10, 3))
        multis, many = await _series(product, several, context.scaled(100, 20))
        if any(len(points) < 287 for points in many["sensors"].values()):
            raise RuntimeError("a comparison lacks points")
        dashboards, now = await _series(product, newest, context.scaled(400, 50))
        if now["sensor_count"] != block.POINTS:
            raise RuntimeError(f"the newest values of {now['sensor_count']} sensors came")
        late = await _late(product, mqtt, first)
        detail = {"sensors": len(sensors), "days": context.scaled(block.DAYS, 2)}
        return [
            _figure("/telemetry, 6 h, 360 points", charts, 95, 15, detail),
            Figure("the same, its median", percentile(charts, 50), "ms p50", "less", target=6),
            Figure(f"the same, {CONNECTIONS} connections", rate, "requests/s", target=300),
            _figure("/telemetry/multi, 50 sensors, 24 h", multis, 95, 60, detail),
            _figure("/telemetry/latest, 1,000 sensors", dashboards, 95, 5, detail),
            Figure("late sample in every tier", max(late), "s", "less", target=2, detail={"runs": late}),
        ]

    return asyncio.run(measure())


def _figure(name: str, taken: list[float], share: int, target: float, detail: dict[str, object]) -> Figure:
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    return Figure(name, percentile(taken, share), f"ms p{share}", "less", target=target, p50=p50, p99=p99, detail=detail)
