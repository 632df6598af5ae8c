"""Every home's device at work: what a fresh server missed first, then a reading every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime

import httpx

from wattline.model.clock import HOUR, MINUTE, SECOND, Clock, to_micros
from wattline.simulate.homes.definition import HOMES, Home
from wattline.simulate.homes.device import Device
from wattline.simulate.sender import Pause

AGAIN_SECONDS = 2.0
FINE = 6 * HOUR
"""Of the past, so much is told by the minute, and what is older every five minutes."""
_logger = logging.getLogger(__name__)


async def newest(client: httpx.AsyncClient, admin: str, home: Home, pause: Pause = asyncio.sleep) -> int | None:
    """When the server heard of the home's meter last (us); None where it never did, or will not say."""
    while True:
        try:
            answer = await client.get(f"/household/sensors/{home.mac}", headers={"Authorization": admin})
        except httpx.RequestError:
            await pause(AGAIN_SECONDS)
            continue
        if answer.status_code >= 500:
            await pause(AGAIN_SECONDS)
            continue
        if not answer.is_success:
            _logger.warning("the server does not say what it knows of a meter: %d", answer.status_code)
            return None
        told = answer.json()["newest"]
        return None if told is None else to_micros(datetime.fromisoformat(told["time"]))


async def _past(device: Device, since: int, clock: Clock, stop: asyncio.Event) -> None:
    """Tell what the meter showed since then."""
    at = -(-since // MINUTE) * MINUTE
    fine = clock.micros() - FINE
    while at < clock.micros() - MINUTE and not stop.is_set():
        await device.read(at, dated=True)
        at += MINUTE if at >= fine else 5 * MINUTE


async def _live(device: Device, clock: Clock, stop: asyncio.Event) -> None:
    period = device.home.every * SECOND
    while not stop.is_set():
        # A device that gets no answer has its register: the next reading tells as much.
        with contextlib.suppress(httpx.RequestError):
            await device.read(clock.micros())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), (period - clock.micros() % period) / SECOND)


async def _home(client: httpx.AsyncClient, admin: str, home: Home, clock: Clock, stop: asyncio.Event, backfill: int) -> int:
    device = Device(client, home)
    known = await newest(client, admin, home)
    since = clock.micros() - backfill
    with contextlib.suppress(httpx.RequestError):
        await _past(device, since if known is None else max(since, known + 1), clock, stop)
    await _live(device, clock, stop)
    return device.sent


async def run(
    client: httpx.AsyncClient,
    admin: str,
    clock: Clock,
    stop: asyncio.Event,
    *,
    backfill: int,
    homes: Sequence[Home] = HOMES,
) -> int:
    """Read every home until `stop`; how many readings the server has stored.

    `client` has the base URL up to and including /api/v1, `admin` is a key with household:admin; `backfill` in us.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_home(client, admin, home, clock, stop, backfill)) for home in homes]
    return sum(task.result() for task in tasks)
