"""The controllers of the sites, as they speak to the Flux contract: register once, then a POST a table every few seconds.

What could not be sent is kept, and sent a little at a time once the server answers again. What the server has already is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from wattline.model.clock import SECOND, Clock
from wattline.simulate.microgrid.definition import SITES, SitePlan
from wattline.simulate.microgrid.model import Microgrid

PERIOD_SECONDS = 2
KEPT_BATCHES = 10_000
"""Rows of so many ticks wait while the server is away: more than five hours."""
OLD_BATCHES = 4
"""Sent again with one tick."""
TABLES = ("mg_bess_readings", "mg_meter_readings")

Row = dict[str, Any]
Batch = tuple[str, list[Row]]
_logger = logging.getLogger(__name__)


def iso(time: int) -> str:
    """A time (us) as ISO 8601."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")


def registrations() -> list[Row]:
    """The rows of the device registry."""
    found = []
    for site in SITES:
        about: dict[str, Any] = {"capacity_kwh": site.battery_kwh, "max_power": site.battery_kw, "modbus_address": 1}
        found.append({"id": site.battery, "name": site.battery_name, "type": "bess", "site": site.key, "metadata": about})
        for address, meter in enumerate(site.meters, 2):
            told: dict[str, Any] = {"measures": meter.measures, "modbus_address": address}
            if meter.measures != "grid":
                # What it counts, the meter at the connection has counted already.
                told["fed_from"] = next(each.name for each in site.meters if each.measures == "grid")
            found.append({"id": meter.uuid, "name": meter.name, "type": "meter", "site": site.key, "metadata": told})
    return found


class Controllers:
    """All sites. `client` has the base URL (up to and including /rest/v1) and the keys."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock, sites: Sequence[SitePlan] = SITES) -> None:
        self._client = client
        self._clock = clock
        self._grids = [Microgrid(site) for site in sites]
        self._waiting: deque[Batch] = deque(maxlen=KEPT_BATCHES)
        self._warned: set[int] = set()
        self.delivered = 0
        """Rows that the server has."""

    def read(self, time: int) -> list[Batch]:
        """A row of every battery and of every meter."""
        batteries = [_row(grid.plan.battery, time, grid.battery(time)) for grid in self._grids]
        meters = [_row(meter.uuid, time, grid.meter(meter, time)) for grid in self._grids for meter in grid.plan.meters]
        return list(zip(TABLES, (batteries, meters), strict=True))

    async def tick(self, time: int) -> None:
        """Send what is read now, and some of what waits."""
        for batch in self.read(time):
            if not await self._sent(*batch):
                self._waiting.append(batch)
        for _ in range(min(OLD_BATCHES, len(self._waiting))):
            if not await self._sent(*self._waiting[0]):
                break
            self._waiting.popleft()

    async def register(self) -> None:
        """Make every device known; those that are stay as they are."""
        headers = {"Prefer": "resolution=ignore-duplicates,return=minimal"}
        (await self._client.post("/mg_device_registry", json=registrations(), headers=headers)).raise_for_status()

    async def _sent(self, table: str, rows: list[Row]) -> bool:
        """Whether the rows need not be sent again: the server has them, or will never take them."""
        try:
            answer = await self._client.post(f"/{table}", json=rows)
        except httpx.RequestError:
            return False
        if answer.status_code == 429 or answer.status_code >= 500:
            return False
        if answer.is_success:
            self.delivered += len(rows)
        elif answer.status_code != 409 and answer.status_code not in self._warned:
            self._warned.add(answer.status_code)
            _logger.warning("the server refused rows with %d: %s", answer.status_code, answer.text[:500])
        return True


def _row(device: str, time: int, measured: Mapping[str, float]) -> Row:
    return {"device_id": device, "time": iso(time), **measured}


async def run(client: httpx.AsyncClient, clock: Clock, stop: asyncio.Event, *, period_seconds: int = PERIOD_SECONDS) -> int:
    """Read and send at every whole multiple of the period until `stop`; how many rows the server has taken."""
    controllers, period = Controllers(client, clock), period_seconds * SECOND
    registered = False
    while not stop.is_set():
        if not registered:
            with contextlib.suppress(httpx.HTTPError):
                await controllers.register()
                registered = True
        if registered:
            await controllers.tick(clock.micros() // period * period)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), (period - clock.micros() % period) / SECOND)
    return controllers.delivered
