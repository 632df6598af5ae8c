"""The depot's gateway tells a server what it missed, once, signed, and goes on when the server comes back."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import httpx
import pytest

from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock
from wattline.simulate.depot.definition import METERS
from wattline.simulate.depot.gateway import BULK, COARSE, HISTORY, RMS, Gateway, run
from wattline.simulate.words import iso_utc

IDS = {meter.key: number for number, meter in enumerate(METERS, 1)}
SECRET = "5ec2e7"


class Depot:
    """A server that keeps every reading by meter and time, and stops the gateway when it was told of `oldest` and of a dip.

    `failing` says how many requests it refuses first, `patience` how many it takes before it stops the gateway.
    """

    def __init__(self) -> None:
        self.oldest = ""
        self.order: list[str] = []
        self.patience: int | None = None
        self.held: dict[tuple[int, str], dict[str, object]] = {}
        self.records: list[dict[str, object]] = []
        self.failing = 0
        self.told = False
        self.stop = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        assert request.headers["X-Device-Key"] == "key"
        assert request.headers["X-Signature"] == hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if self.failing:
            self.failing -= 1
            return httpx.Response(503)
        document = json.loads(body)
        if request.url.path == RMS:
            self.records.append(document)
            self._look()
            return httpx.Response(200, json={})
        assert request.url.path == BULK
        readings = document["readings"]
        assert len(readings) <= 1000
        new = [reading for reading in readings if (reading["meter_id"], reading["timestamp"]) not in self.held]
        self.held |= {(reading["meter_id"], reading["timestamp"]): reading for reading in new}
        self.order += [reading["timestamp"] for reading in new]
        self.told |= self.oldest in {reading["timestamp"] for reading in readings}
        if self.patience is not None:
            self.patience -= 1
        self._look()
        return httpx.Response(200, json={"accepted": len(new)})

    def _look(self) -> None:
        if (self.told and self.records) or self.patience == 0:
            self.stop.set()


@pytest.fixture
def depot() -> Depot:
    return Depot()


async def told(depot: Depot, clock: ManualClock, backfill: int) -> int:
    """What the gateway said it stored until the present has begun and the past is told."""
    depot.stop.clear()
    depot.told = False
    depot.records.clear()
    depot.oldest = iso_utc((clock.micros() - HISTORY * backfill) // DAY * DAY + DAY - COARSE)

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    async with httpx.AsyncClient(transport=httpx.MockTransport(depot), base_url="http://depot") as client:
        gateway = Gateway(client, "key", SECRET, IDS)
        return await run(gateway, clock, depot.stop, backfill=backfill, pause=at_once)


async def test_the_past_is_told_once(depot: Depot, clock: ManualClock) -> None:
    depot.failing = 3
    stored = await told(depot, clock, 2 * HOUR)
    assert stored == len(depot.held)
    times = sorted({time for _, time in depot.held})
    assert len(depot.held) == len(times) * len(METERS)
    # Coarsely for a long time, then by the minute.
    coarse = HISTORY * 2 * HOUR // COARSE
    assert coarse <= len(times) <= coarse + 24 * 12 + 2 * 60 + 2
    clock.advance(10 * MINUTE / 1e6)
    again = await told(depot, clock, 2 * HOUR)
    # By the minute, and the present.
    assert again <= 11 * len(METERS)


async def test_what_is_asked_for_soonest_is_told_first_and_a_break_leaves_no_hole(depot: Depot, clock: ManualClock) -> None:
    depot.patience = 5
    await told(depot, clock, 2 * HOUR)
    now = clock.micros()
    # The last hours before anything older, which comes day by day, backwards.
    minutes = 2 * 60 * len(METERS)
    assert min(depot.order[:minutes]) >= iso_utc(now - 2 * HOUR)
    days = list(dict.fromkeys(time[:10] for time in depot.order[minutes + len(METERS) :]))
    assert days == sorted(days, reverse=True)
    assert len(days) < 3
    depot.patience = None
    await told(depot, clock, 2 * HOUR)
    coarse = {iso_utc(time) for time in range((now - HISTORY * 2 * HOUR) // DAY * DAY, now - 2 * HOUR, COARSE)}
    assert coarse <= {time for _, time in depot.held}


async def test_without_a_past_the_present_is_told(depot: Depot, clock: ManualClock) -> None:
    depot.stop.set()
    async with httpx.AsyncClient(transport=httpx.MockTransport(depot), base_url="http://depot") as client:
        gateway = Gateway(client, "key", SECRET, IDS)
        assert len(gateway.readings(clock.micros())) == len(METERS)
        assert await gateway.send(gateway.readings(clock.micros())) == len(METERS)
        assert await gateway.send(gateway.readings(clock.micros())) == 0
