"""What a server says that it knows of the plant, and that the plant starts from there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from wattline.model.clock import ManualClock, to_micros
from wattline.simulate.credentials import MqttAccess
from wattline.simulate.plant import process
from wattline.simulate.plant.instruments import Instruments
from wattline.simulate.plant.known import newest

from ..recording_server import RecordingServer
from .conftest import Ear, Mosquitto

START = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)
SENSORS, SERIES = "/api/v1/sensors/block-01", "/api/v1/telemetry"


class Busy(RecordingServer):
    """One that is too busy for its first few callers."""

    def __init__(self) -> None:
        super().__init__(lambda _path, attempt: (503, {}) if attempt <= self.busy else (200, {}))
        self.busy = 0


@pytest.fixture
async def server() -> AsyncIterator[Busy]:
    made = Busy()
    await made.start()
    yield made
    await made.stop()


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


async def asked(server: Busy) -> int | None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/api/v1") as client:
        return await newest(client, ManualClock(START), at_once)


def say(server: Busy, sensors: Any, buckets: list[str]) -> None:
    server.replies = {SENSORS: sensors, SERIES: {"data": [{"bucket": bucket} for bucket in buckets]}}


async def test_the_newest_minute_of_a_point_that_never_fails(server: Busy) -> None:
    say(
        server, [{"id": 5, "tag": "ENV-RH"}, {"id": 23, "tag": "P-MSB-TOTAL"}], ["2026-06-11T13:00:00Z", "2026-06-11T14:30:00Z"]
    )
    assert await asked(server) == to_micros(datetime(2026, 6, 11, 14, 30, tzinfo=UTC))
    assert [path for path, _ in server.attempts] == [SENSORS, SERIES]


@pytest.mark.parametrize(
    ("sensors", "buckets"), [([], []), ([{"id": 23, "tag": "P-MSB-TOTAL"}], []), ({"what": 1}, []), ([{"id": 23}], [])]
)
async def test_a_server_that_knows_nothing_or_says_nothing_clear(server: Busy, sensors: Any, buckets: list[str]) -> None:
    say(server, sensors, buckets)
    assert await asked(server) is None


async def test_a_busy_server_is_asked_again(server: Busy) -> None:
    say(server, [{"id": 23, "tag": "P-MSB-TOTAL"}], ["2026-06-11T14:30:00Z"])
    server.busy = 3
    assert await asked(server) is not None
    assert len(server.attempts) == 5


async def test_a_server_that_is_not_up_yet_is_asked_again(server: Busy) -> None:
    say(server, [{"id": 23, "tag": "P-MSB-TOTAL"}], ["2026-06-11T14:30:00Z"])
    await server.stop()
    tries = 0

    async def pause(seconds: float) -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            await server.start()

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/api/v1") as client:
        assert await newest(client, ManualClock(START), pause) is not None
    assert tries == 3


async def test_the_plant_tells_what_the_server_does_not_know(server: Busy, broker: Mosquitto, ear: Ear) -> None:
    say(server, [{"id": 23, "tag": "P-MSB-TOTAL"}], ["2026-06-11T14:20:00Z"])
    stop, access = asyncio.Event(), MqttAccess("127.0.0.1", broker.port, "demo", "secret")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/api/v1") as client:
        work = process.run(Instruments(1), client, access, ManualClock(START), stop)
        running = asyncio.create_task(work)
        await ear.reached(lambda: len(ear.of("/DOOR-MAIN")) == 2 + 120)
        stop.set()
        assert await asyncio.wait_for(running, 10) == len(ear.heard)
    assert ear.of("/DOOR-MAIN")[0]["ts"] == "2026-06-11T14:21:00.000Z"


async def test_it_stops_while_the_server_is_away(server: Busy) -> None:
    await server.stop()
    stop = asyncio.Event()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/api/v1") as client:
        access = MqttAccess("127.0.0.1", 1, "demo", "secret")
        running = asyncio.create_task(process.run(Instruments(1), client, access, ManualClock(START), stop))
        await asyncio.sleep(0)
        stop.set()
        assert await asyncio.wait_for(running, 10) == 0
    await server.start()
