"""The controllers against a server that answers as the Flux contract does: over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.simulate.recording_server import RecordingServer
from wattline.model.clock import SECOND, ManualClock
from wattline.simulate.microgrid.controller import OLD_BATCHES, Controllers, registrations
from wattline.simulate.microgrid.definition import SITES


class Site:
    """A server that answers with `status`, and controllers that speak to it."""

    controllers: Controllers

    def __init__(self, clock: ManualClock) -> None:
        self.status = 201
        self.server = RecordingServer(lambda path, attempt: (self.status, {}))
        self.clock = clock

    def seen(self, since: int = 0) -> list[tuple[str, Any]]:
        return [(path.removeprefix("/rest/v1/"), json.loads(body)) for path, body in self.server.attempts[since:]]


@pytest.fixture
async def site(clock: ManualClock) -> AsyncIterator[Site]:
    found = Site(clock)
    await found.server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{found.server.port}/rest/v1") as client:
        found.controllers = Controllers(client, clock)
        yield found
    await found.server.stop()


async def test_one_post_a_table_with_a_row_of_each_device(site: Site) -> None:
    controllers = site.controllers
    await controllers.register()
    await controllers.tick(site.clock.micros())
    (first, registry), (second, batteries), (third, meters) = site.seen()
    assert (first, second, third) == ("mg_device_registry", "mg_bess_readings", "mg_meter_readings")
    assert registry == registrations()
    assert [row["device_id"] for row in batteries] == [each.battery for each in SITES]
    assert [row["device_id"] for row in meters] == [meter.uuid for each in SITES for meter in each.meters]
    assert controllers.delivered == len(batteries) + len(meters)


@pytest.mark.parametrize("status", [429, 503])
async def test_what_could_not_be_sent_is_sent_a_little_at_a_time(site: Site, status: int) -> None:
    controllers = site.controllers
    start = site.clock.micros()
    site.status = status
    for n in range(5):
        await controllers.tick(start + n * SECOND)
    site.status, refused = 201, len(site.server.attempts)
    await controllers.tick(start + 5 * SECOND)
    assert len(site.server.attempts) - refused == 2 + OLD_BATCHES
    for n in range(6, 9):
        await controllers.tick(start + n * SECOND)
    rows = [row["time"] for table, body in site.seen(refused) if table == "mg_bess_readings" for row in body]
    assert len(set(rows)) == 9


async def test_what_the_server_has_already_is_left(site: Site) -> None:
    controllers = site.controllers
    site.status = 409
    await controllers.tick(site.clock.micros())
    site.status, before = 201, len(site.server.attempts)
    await controllers.tick(site.clock.micros() + SECOND)
    assert len(site.server.attempts) - before == 2
