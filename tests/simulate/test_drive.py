"""The polling loop over a real socket, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest

from wattline.model.clock import ManualClock
from wattline.simulate.drive import drive, leftovers
from wattline.simulate.fleet import Fleet, Weather
from wattline.simulate.sender import Sender
from wattline.simulate.words import EVENT, OUTAGE

from .recording_server import RecordingServer

START = datetime(2026, 6, 9, 18, 0, 0, 400_000, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[RecordingServer]:
    made = RecordingServer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(server: RecordingServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/api", timeout=5) as made:
        yield made


async def test_polls_at_whole_seconds_then_restores_and_drains(server: RecordingServer, client: httpx.AsyncClient) -> None:
    clock, stop = ManualClock(START), asyncio.Event()
    fleet = Fleet(1, weather=Weather(trips_per_hour=1, faults_per_hour=0, first_trip_after_seconds=3))
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock.advance(seconds)
        if len(pauses) == 11:
            stop.set()
            await asyncio.Event().wait()

    sender = Sender(client, np.random.default_rng(1))
    await asyncio.wait_for(drive(fleet, sender, clock, stop, pause=pause), 20)
    assert pauses == [0.6, *[1.0] * 10]
    telemetry = [body for path, body in server.accepted if path.endswith("telemetry")]
    by_device: dict[str, list[str]] = {}
    for body in telemetry:
        by_device.setdefault(body["device_id"], []).append(body["timestamp"])
    assert len(by_device) == 12
    assert all(times == [f"2026-06-09T18:00:{s:02d}Z" for s in range(1, 11)] for times in by_device.values())
    kinds = [body["event_type"] for path, body in server.accepted if path.endswith("event")]
    assert kinds == ["FEEDER_TRIP", "FEEDER_RESTORE"]
    assert sorted(body["status"] for path, body in server.accepted if path.endswith("outage")) == ["ACTIVE", "RESTORED"]


async def test_a_clock_that_steps_back_never_repeats_an_instant(server: RecordingServer, client: httpx.AsyncClient) -> None:
    clock, stop = ManualClock(START), asyncio.Event()
    steps = iter([1.0, 1.0, -5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])

    async def pause(_seconds: float) -> None:
        step = next(steps, None)
        if step is None:
            stop.set()
            await asyncio.Event().wait()
        else:
            clock.advance(step)

    fleet = Fleet(1, weather=Weather(trips_per_hour=0, faults_per_hour=0))
    await asyncio.wait_for(drive(fleet, Sender(client, np.random.default_rng(1)), clock, stop, pause=pause), 20)
    times = [body["timestamp"] for _, body in server.accepted if body["device_id"] == "SUB001-FDR001"]
    assert times == [f"2026-06-09T18:00:{s:02d}Z" for s in (1, 2, 3)]


async def test_outages_of_a_killed_run_are_closed_at_the_next_start(server: RecordingServer, client: httpx.AsyncClient) -> None:
    server.replies["/api/query/outages/active"] = [
        {"outage_id": "OUT-SUB002-FDR003-1781000000", "feeder_id": "FDR003"},
        {"outage_id": "OUT-OTHER-FDR003-1781000000", "feeder_id": "FDR003"},
        {"outage_id": "STORM-7", "feeder_id": "FDR001"},
    ]
    messages = await leftovers(client, Fleet(1), 1_781_000_100_000_000)
    assert [message.path for message in messages] == [EVENT, OUTAGE]
    assert messages[0].body["device_id"] == "SUB002-FDR003"
    assert messages[0].body["event_type"] == "FEEDER_RESTORE"
    assert messages[1].body == {
        "outage_id": "OUT-SUB002-FDR003-1781000000",
        "feeder_id": "FDR003",
        "customers_out": 0,
        "status": "RESTORED",
        "timestamp": "2026-06-09T10:15:00Z",
    }
