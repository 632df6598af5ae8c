"""The depot's gateway: it reads every meter and sends what they show in one signed request."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence

import httpx

from wattline.model.clock import DAY, MINUTE, SECOND, Clock
from wattline.simulate.depot import dips
from wattline.simulate.depot.definition import EVERY_SECONDS, GRID, METERS
from wattline.simulate.depot.life import Life
from wattline.simulate.sender import Pause
from wattline.simulate.words import iso_utc

BULK = "/api/energy/energy-data/bulk"
RMS = "/api/energy/pq/rms"
AT_ONCE = 1000
"""Readings of one request when the past is told."""
AGAIN_SECONDS = 2.0
HISTORY = 35
COARSE = 5 * MINUTE
_logger = logging.getLogger(__name__)


class Gateway:
    """Sends with one key for all meters of the depot. `ids` are the meters' ids by external id."""

    def __init__(self, client: httpx.AsyncClient, key: str, secret: str, ids: Mapping[str, int]) -> None:
        self.stored = 0
        """Readings that the server has stored."""
        self._client = client
        self._key = key
        self._secret = secret.encode()
        self.ids = ids
        self._life = Life()

    def readings(self, time: int) -> list[dict[str, object]]:
        """What every meter shows at `time` (us)."""
        return [
            {"meter_id": self.ids[meter.key], "timestamp": iso_utc(time), **self._life.reading(number, time)}
            for number, meter in enumerate(METERS)
        ]

    async def post(self, path: str, document: object) -> httpx.Response:
        """A signed request. Raises `httpx.RequestError` where there is no answer."""
        body = json.dumps(document).encode()
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"X-Device-Key": self._key, "X-Signature": signature, "Content-Type": "application/json"}
        return await self._client.post(path, content=body, headers=headers)

    async def send(self, readings: Sequence[Mapping[str, object]]) -> int | None:
        """How many of them were new to the server, which has them all; None where it did not take them.

        Raises `httpx.RequestError` where there is no answer.
        """
        answer = await self.post(BULK, {"readings": readings})
        if not answer.is_success:
            if answer.status_code < 500:
                _logger.warning("the server refuses the depot's readings: %d", answer.status_code)
            return None
        new = int(answer.json()["accepted"])
        self.stored += new
        return new


class _Past:
    """What the meters showed before now."""

    def __init__(self, gateway: Gateway, stop: asyncio.Event, pause: Pause) -> None:
        self._gateway = gateway
        self._stop = stop
        self._pause = pause

    async def tell(self, start: int, end: int, every: int) -> None:
        """Tell the readings in [start, end), so many us apart."""
        at, step = start, AT_ONCE // len(METERS) * every
        while at < end and not self._stop.is_set():
            upto = min(at + step, end)
            await self._sent([reading for time in range(at, upto, every) for reading in self._gateway.readings(time)])
            at = upto

    async def tell_days(self, start: int, end: int, every: int) -> None:
        """The same by days, the newest first: what is asked for soonest is there first. A day that is known is passed over."""
        day = (end - 1) // DAY * DAY
        while day + DAY > start and not self._stop.is_set():
            first, after = max(day, start), min(day + DAY, end)
            last = first + (after - first - 1) // every * every
            if not (await self._is_known(first) and await self._is_known(last)):
                await self.tell(first + every, after, every)
            day -= DAY

    async def _is_known(self, time: int) -> bool:
        """Whether the server has the readings of that instant already; it has them afterwards."""
        return await self._sent(self._gateway.readings(time)) == 0

    async def _sent(self, readings: Sequence[Mapping[str, object]]) -> int:
        while not self._stop.is_set():
            with contextlib.suppress(httpx.RequestError):
                new = await self._gateway.send(readings)
                if new is not None:
                    return new
            await self._pause(AGAIN_SECONDS)
        return 0


async def _live(gateway: Gateway, clock: Clock, stop: asyncio.Event) -> None:
    period, next_dip = EVERY_SECONDS * SECOND, 0
    while not stop.is_set():
        if clock.micros() >= next_dip:
            next_dip = clock.micros() // SECOND * SECOND + dips.EVERY
            with contextlib.suppress(httpx.RequestError):
                await gateway.post(RMS, dips.record(gateway.ids[GRID.key], clock.micros() - 3 * SECOND))
        # What gets no answer is in the registers of the next one.
        with contextlib.suppress(httpx.RequestError):
            await gateway.send(gateway.readings(clock.micros() // SECOND * SECOND))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), (period - clock.micros() % period) / SECOND)


async def run(gateway: Gateway, clock: Clock, stop: asyncio.Event, *, backfill: int, pause: Pause = asyncio.sleep) -> int:
    """Read the depot until `stop`; how many readings the server has stored.

    So much of the past (us) is told first by the minute; then, beside the present, `HISTORY` times as much coarsely, so that
    forecasts have a past. It changes nothing where it is known.
    """
    past, now = _Past(gateway, stop, pause), clock.micros()
    fine = -(-(now - backfill) // MINUTE) * MINUTE
    await past.tell(fine, clock.micros() // MINUTE * MINUTE, MINUTE)
    # On a whole day, so that a later start finds it told.
    first = (now - HISTORY * backfill) // DAY * DAY
    async with asyncio.TaskGroup() as group:
        group.create_task(_live(gateway, clock, stop))
        group.create_task(past.tell_days(first, fine, COARSE))
    return gateway.stored
