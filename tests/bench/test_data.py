"""What the load clients send: valid bodies of the page, and never the same (feeder, time) twice."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from bench.closed_loop import Load, Target, asyncio_load, load
from bench.data import CALM, Batches, fleet_bodies, history_bodies, present
from tests.simulate.recording_server import RecordingServer
from wattline.model.clock import SECOND
from wattline.simulate.fleet import Fleet
from wattline.simulate.plan import grid_plan

REQUIRED = {"substation_id", "feeder_id", "device_id", "voltage_kv", "current_a", "power_mw", "frequency_hz", "timestamp"}
FIRST = 1_781_000_000


def distinct(records: list[dict[str, object]]) -> int:
    return len({(record["substation_id"], record["feeder_id"], record["timestamp"]) for record in records})


def test_single_bodies_are_distinct_readings() -> None:
    records = [json.loads(body) for body in islice(fleet_bodies(5, 4), 100)]
    assert all(set(record) >= REQUIRED for record in records)
    assert distinct(records) == 100
    times = [datetime.fromisoformat(record["timestamp"]) for record in records]
    assert times == sorted(times)
    assert len(set(times)) == 5
    assert abs(times[0] - datetime.now(UTC)) < timedelta(seconds=60)


def test_runs_of_the_same_second_differ() -> None:
    first, second = (list(islice(present(run), 50)) for run in (1, 2))
    assert not set(first) & set(second)


def test_batches_are_one_cycle_each() -> None:
    batches = Batches.of(20, 5)
    records = [
        record for number in range(10) for record in json.loads(batches.body(number, FIRST * SECOND + number))["records"]
    ]
    assert batches.size == 100
    assert len(records) == distinct(records) == 1000
    assert all(set(record) >= REQUIRED for record in records)
    assert len({record["current_a"] for record in records}) > 500


def test_history_holds_every_second_once() -> None:
    bodies = list(history_bodies(Fleet(1, grid_plan(1, 2), CALM), FIRST * SECOND, 700, records=500))
    sizes = [len(json.loads(body)["records"]) for body in bodies]
    records = [record for body in bodies for record in json.loads(body)["records"]]
    assert sizes == [500, 500, 400]
    assert len(records) == distinct(records) == 1400


@pytest.mark.parametrize("client", ["wrk", "asyncio"])
async def test_the_closed_loop_sends_distinct_readings_and_counts_them(client: str) -> None:
    server = RecordingServer(lambda path, attempt: (503 if attempt == 5 else 200, {}))
    await server.start()
    target = Target(server.port, "/api/ingest/telemetry", "the-key", substations=3, feeders=2)
    run: Load
    if client == "wrk":
        run = await asyncio.to_thread(load, target, connections=4, seconds=1, run=1)
    else:
        run = await asyncio_load(target, connections=4, seconds=1, run=1)
    await server.stop()
    records = [body for _, body in server.accepted]
    assert server.keys == {"the-key"}
    assert all(set(record) >= REQUIRED for record in records)
    assert len(records) == distinct(records)
    assert run.client == client
    assert run.refused == 1
    assert run.broken == 0
    # Answers on their way when the time is up are the server's alone.
    assert 0 <= len(server.attempts) - run.requests <= 4
    assert 0 < run.p50 <= run.p99 <= run.worst
