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

from wattline.model.clock import MINUTE, SECOND, Clock
from wattline.simulate.depot.definition import EVERY_SECONDS, METERS
from wattline.simulate.depot.life import Life
from wattline.simulate.sender import Pause
from wattline.simulate.words import iso_utc

BULK = "/api/energy/energy-data/bulk"
AT_ONCE = 1000
"""Readings of one request when the past is told."""
AGAIN_SECONDS = 2.0
_logger = logging.getLogger(__name__)


class Gateway:
    """Sends with one key for all meters of the depot. `ids` are the meters' ids by external id."""

    def __init__(self, client: httpx.AsyncClient, key: str, secret: str, ids: Mapping[str, int]) -> None:
        self.stored = 0
        """Readings that the server has stored."""
        self._client = client
        self._key = key
        self._secret = secret.encode()
        self._ids = ids
        self._life = Life()

    def readings(self, time: int) -> list[dict[str, object]]:
        """What every meter shows at `time` (us)."""
        return [
            {"meter_id": self._ids[meter.key], "timestamp": iso_utc(time), **self._life.reading(number, time)}
            for number, meter in enumerate(METERS)
        ]

    async def post(self, path: str, document: object) -> httpx.Response:
        """A signed request. Raises `httpx.RequestError` where there is no answer."""
        body = json.dumps(document).encode()
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"X-Device-Key": self._key, "X-Signature": signature, "Content-Type": "application/json"}
        return await self._client.post(path, content=body, headers=headers)

    async def send(self, readings: Sequence[Mapping[str, object]]) -> bool:
        """Whether the server has them. Raises `httpx.RequestError` where there is no answer."""
        answer = await self.post(BULK, {"readings": readings})
        if not answer.is_success:
            if answer.status_code < 500:
                _logger.warning("the server refuses the depot's readings: %d", answer.status_code)
            return False
        self.stored += int(answer.json()["accepted"])
        return True


async def _past(gateway: Gateway, since: int, clock: Clock, stop: asyncio.Event, pause: Pause) -> None:
    """Tell what the meters showed since then, by the minute."""
    at = -(-since // MINUTE) * MINUTE
    step = AT_ONCE // len(METERS)
    while at < clock.micros() - MINUTE and not stop.is_set():
        upto = min(at + step * MINUTE, (clock.micros() // MINUTE) * MINUTE)
        told = [reading for time in range(at, upto, MINUTE) for reading in gateway.readings(time)]
        try:
            sent = await gateway.send(told)
        except httpx.RequestError:
            sent = False
        if sent:
            at = upto
        else:
            await pause(AGAIN_SECONDS)


async def _live(gateway: Gateway, clock: Clock, stop: asyncio.Event) -> None:
    period = EVERY_SECONDS * SECOND
    while not stop.is_set():
        # What gets no answer is in the registers of the next one.
        with contextlib.suppress(httpx.RequestError):
            await gateway.send(gateway.readings(clock.micros() // SECOND * SECOND))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), (period - clock.micros() % period) / SECOND)


async def run(gateway: Gateway, clock: Clock, stop: asyncio.Event, *, backfill: int, pause: Pause = asyncio.sleep) -> int:
    """Read the depot until `stop`; how many readings the server has stored.

    So much of the past (us) is told first, which changes nothing where it is known.
    """
    await _past(gateway, clock.micros() - backfill, clock, stop, pause)
    await _live(gateway, clock, stop)
    return gateway.stored
