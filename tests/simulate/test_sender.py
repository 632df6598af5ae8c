"""Delivery: nothing lost while the server is away, nothing changed by a retry, order per device, a bounded buffer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest

from wattline.simulate.sender import LONGEST_PAUSE_SECONDS, Sender
from wattline.simulate.words import EVENT, TELEMETRY, Message

from .recording_server import RecordingServer

Pause = Callable[[float], Awaitable[None]]


def readings(count: int, devices: int = 3) -> list[Message]:
    return [Message(TELEMETRY, {"n": n, "device_id": f"D{n % devices}"}, f"D{n % devices}") for n in range(count)]


class Naps:
    """Pauses that end at once; how long each was meant to be is kept."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def running(server: RecordingServer, pause: Pause, capacity: int = 10_000) -> AsyncIterator[Sender]:
    base = f"http://127.0.0.1:{server.port}/api"
    async with httpx.AsyncClient(base_url=base, headers={"X-API-Key": "k"}, timeout=5) as client:
        sender = Sender(client, np.random.default_rng(1), capacity=capacity, pause=pause)
        task = asyncio.create_task(sender.run())
        try:
            yield sender
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def server() -> AsyncIterator[RecordingServer]:
    made = RecordingServer()
    await made.start()
    yield made
    await made.stop()


async def test_delivers_in_order_of_each_device(server: RecordingServer) -> None:
    async with running(server, Naps()) as sender:
        sender.offer(readings(90))
        assert await sender.drain(10)
        assert sender.tally.delivered == 90
    assert server.keys == {"k"}
    assert {path for path, _ in server.accepted} == {"/api/ingest/telemetry"}
    for device in ("D0", "D1", "D2"):
        numbers = [body["n"] for _, body in server.accepted if body["device_id"] == device]
        assert numbers == sorted(numbers)
        assert len(numbers) == 30


async def test_nothing_is_lost_while_the_server_restarts(server: RecordingServer) -> None:
    naps = Naps()
    async with running(server, naps) as sender:
        sender.offer(readings(30))
        assert await sender.drain(10)
        await server.stop()
        sender.offer(readings(120)[30:])
        failed = asyncio.Event()

        async def wait_and_see(seconds: float) -> None:
            await naps(seconds)
            if len(naps.asked) > 20:
                failed.set()

        sender._pause = wait_and_see
        await asyncio.wait_for(failed.wait(), 10)
        assert sender.waiting == 90
        await server.start()
        assert await sender.drain(10)
    assert sorted(body["n"] for _, body in server.accepted) == list(range(120))
    assert sender.tally.given_up == 0
    assert sender.tally.retries > 20


@pytest.mark.parametrize("status", [408, 429, 500, 503, 507])
async def test_a_passing_failure_is_tried_again_with_the_same_body(status: int) -> None:
    server = RecordingServer(lambda path, attempt: (status if attempt <= 4 else 200, {}))
    await server.start()
    async with running(server, Naps()) as sender:
        sender.offer(readings(1))
        assert await sender.drain(10)
    await server.stop()
    assert len(server.attempts) == 5
    assert len({body for _, body in server.attempts}) == 1
    assert sender.tally.retries == 4
    assert sender.tally.delivered == 1


async def test_pauses_grow_to_a_limit_and_heed_retry_after() -> None:
    server = RecordingServer(lambda path, attempt: (200 if attempt > 12 else 503, {"retry-after": "2"} if attempt == 1 else {}))
    await server.start()
    naps = Naps()
    async with running(server, naps) as sender:
        sender.offer(readings(1))
        assert await sender.drain(10)
    await server.stop()
    assert 1.0 <= naps.asked[0] <= 2.0
    assert 0.25 <= naps.asked[1] <= 0.5
    assert all(seconds <= LONGEST_PAUSE_SECONDS for seconds in naps.asked)
    assert naps.asked[-1] >= LONGEST_PAUSE_SECONDS / 2


@pytest.mark.parametrize("status", [400, 401, 413, 422])
async def test_a_refusal_is_final_and_counted(status: int, caplog: pytest.LogCaptureFixture) -> None:
    server = RecordingServer(lambda path, attempt: (status if attempt <= 2 else 200, {}))
    await server.start()
    async with running(server, Naps()) as sender:
        sender.offer(readings(5, devices=1))
        assert await sender.drain(10)
    await server.stop()
    assert (sender.tally.refused, sender.tally.delivered, sender.tally.retries) == (2, 3, 0)
    assert len([record for record in caplog.records if str(status) in record.message]) == 1


async def test_a_full_buffer_gives_up_old_telemetry_before_events(server: RecordingServer) -> None:
    await server.stop()
    async with running(server, Naps(), capacity=20) as sender:
        event = Message(EVENT, {"n": -1, "device_id": "D0"}, "D0")
        first = readings(1, devices=1)
        sender.offer([*first, event, *readings(60, devices=1)])
        assert sender.waiting == 20
        assert sender.tally.given_up == 42
        await server.start()
        assert await sender.drain(10)
    numbers = [body["n"] for _, body in server.accepted]
    assert -1 in numbers
    assert numbers[-18:] == list(range(42, 60))
