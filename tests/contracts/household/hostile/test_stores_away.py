"""A store that is away: every route says so in its own shape, nothing is half written, and afterwards everything goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.types import ASGIApp

from tests.clickhouse.endpoint import ClickHouseEndpoint
from tests.contracts.household.home import Home, new_mac, opened
from tests.contracts.household.wire.oracle import message, parsed
from tests.postgres import PostgresServer
from wattline.model.clock import HOUR, ManualClock
from wattline.platform import Platform
from wattline.state.database import Database

from .test_ids import good, routes, snapshot
from .town import START, Town, founded, use

Both = tuple[Platform, ASGIApp, ManualClock]


@asynccontextmanager
async def locked(database: Database) -> AsyncIterator[None]:
    """A SQLite file that somebody else writes to, for ever; whoever waits does so for a moment only."""

    def hasty(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=20")

    await database.engine.dispose()
    sa.event.listen(database.engine.sync_engine, "connect", hasty)
    holder = sa.create_engine(database.url.set(drivername="sqlite"))
    with holder.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.rollback()
            holder.dispose()
            sa.event.remove(database.engine.sync_engine, "connect", hasty)
            await database.engine.dispose()


@asynccontextmanager
async def unreachable(database: Database, server: PostgresServer) -> AsyncIterator[None]:
    """A PostgreSQL database that lets nobody in."""
    engine = sa.create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    name = database.url.database
    with engine.connect() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %(name)s"
        connection.exec_driver_sql(end, {"name": name})
        try:
            yield
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    engine.dispose()


@asynccontextmanager
async def away(platform: Platform, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """The state database is of no use for a while."""
    if platform.database.is_sqlite:
        async with locked(platform.database):
            yield
    else:
        async with unreachable(platform.database, request.getfixturevalue("postgres")):
            yield


def check_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, (answer.request.url, answer.status_code, answer.text)
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["status"] == 503


async def test_a_state_database_that_is_away(town: Town, request: pytest.FixtureRequest) -> None:
    home, ids = town.home, good(town)
    before = await snapshot(town)
    # Other tests have asked for tokens too.
    town.clock.advance(300)
    token = (await home.client.post("/token", json={"sensor_id": home.mac})).json()["access_token"]
    writes = [
        # A swap is a reading.
        *((method, path, body) for method, path, body in routes(**ids) if method != "GET" and "/swap" not in path),
        ("POST", "/users", {"id": "never", "name": "Never"}),
        ("POST", "/sensors", {"sensor_id": new_mac()}),
        ("POST", "/experiments", {"id": "never", "name": "Never"}),
        ("POST", f"/sensors/{home.mac}/assign", {"user_id": town.neighbour.user}),
    ]
    # What is told of a meter is in memory.
    reads = [path for method, path, _ in routes(**ids) if method == "GET" and "/sensors" not in path] + [
        "/users",
        "/experiments",
    ]
    secret = home.keys["cron"]
    work = [(path, {"sensor_id": home.mac, "secret": secret}) for path in ("/process_peaks", "/process_anomaly")]
    work.append(("/process_reports", {"user_id": home.user, "secret": secret}))
    if town.platform.database.is_sqlite:
        # Whoever only reads is not hindered.
        reads, work = [], []
    async with away(town.platform, request):
        for method, path, body in writes:
            answer = await home.call(method, path, json=body)
            check_unavailable(answer)
        for path in reads:
            check_unavailable(await home.call("GET", path))
        for path, body in work:
            check_unavailable(await home.client.post(path, json=body))
        if reads:
            for path, key in (("/csv_energy", "own"), ("/csv_experiment?experiment_id=x", "admin"), ("/mark_peaks", "cron")):
                check_unavailable(await home.call("GET", path, key=key, managed=False))
            # A key that nobody knows yet may be good.
            stranger = {"Authorization": "wl_0123456789abcdef_" + "A" * 43}
            answer = await home.client.get(f"/api/v1/household/users/{home.user}", headers=stranger)
            assert answer.status_code in (401, 503), answer.text
        asked = message("TokenRequest", client_id=home.mac).SerializeToString()
        answer = await home.client.post("/token", content=asked)
        assert (answer.status_code, parsed("TokenResponse", answer.content).status) == (503, 503)
        assert int(answer.headers["retry-after"]) > 0
        if reads:
            strange = message("ScriptAcceptedRequest", access_token="A" * 30).SerializeToString()
            answer = await home.client.post("/script_accepted", content=strange)
            assert (answer.status_code, parsed("SensorDataResponse", answer.content).status) == (503, 503)
        # Readings do not need it.
        answer = await home.client.post("/sensor_input", json={"value": 1100.0}, headers={"Authorization": token})
        assert answer.status_code in (200, 400), answer.text
    after = await snapshot(town)
    assert [text for text in after if "newest" not in text] == [text for text in before if "newest" not in text]
    assert (await home.call("GET", "/users/never")).status_code == 404
    answer = await home.call("PATCH", f"/users/{home.user}", json={"report_days": 3})
    assert answer.status_code == 200, answer.text
    for path in ("/users", "/experiments"):
        answer = await home.call("POST", path, json={"id": f"again{path[1:]}", "name": "Again"})
        assert answer.status_code in (201, 409), answer.text
    assert (await home.client.post("/token", json={"sensor_id": home.mac})).status_code == 200


async def test_whoever_comes_while_it_is_away_waits_no_longer_than_it_takes(
    home: Home, both: Both, request: pytest.FixtureRequest
) -> None:
    platform, _, clock = both
    await use(home, clock.micros())
    async with away(platform, request):
        asked = [home.call("POST", "/users", json={"name": "Never"}) for _ in range(20)]
        asked += [home.client.post("/token", json={"sensor_id": home.mac}) for _ in range(5)]
        for answer in await asyncio.wait_for(asyncio.gather(*asked), 20):
            check_unavailable(answer)
    assert (await home.call("GET", "/users")).json()["total"] == 1


async def test_a_telemetry_store_that_is_away(clickhouse: ClickHouseEndpoint, tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with (
        opened(tmp_path / "data", clock, mqtt=False, telemetry_url=clickhouse.url) as (platform, app),
        founded(platform, app, clock) as town,
    ):
        home, things = town.home, town.things[town.home.user]
        token = (await home.client.post("/token", json={"sensor_id": home.mac})).json()["access_token"]
        headers, secret = {"Authorization": token}, home.keys["cron"]
        await platform.pipeline.writer.flush()
        clock.advance(24 * 3600)
        token = (await home.client.post("/token", json={"sensor_id": home.mac})).json()["access_token"]
        headers = {"Authorization": token}
        await home.call("PATCH", f"/users/{home.user}", json={"report_days": 2})
        clickhouse.refuse()
        for path, key in (
            ("/csv_energy", "own"),
            (f"/csv_experiment?experiment_id={things.experiment}", "admin"),
            (f"/api/v1/household/users/{home.user}/peaks/{things.peak}", "own"),
            ("/mark_peaks", "cron"),
            ("/anomaly", "cron"),
        ):
            check_unavailable(await home.call("GET", path, key=key, managed=False))
        for path, name, value in (
            ("/process_peaks", "sensor_id", home.mac),
            ("/process_anomaly", "sensor_id", home.mac),
            ("/process_reports", "user_id", home.user),
        ):
            check_unavailable(await home.client.post(path, json={name: value, "secret": secret}))
        # A new reading is held against what is in memory, a late one against what is in the store.
        answer = await home.client.post("/sensor_input", json={"value": 1020.0}, headers=headers)
        assert answer.status_code == 200, answer.text
        late = {"value": 1001.0, "timestamp": (clock.micros() - 72 * HOUR) // 1000}
        check_unavailable(await home.client.post("/sensor_input", json=late, headers=headers))
        clickhouse.normal()
        for path, name, value in (("/process_reports", "user_id", home.user), ("/process_peaks", "sensor_id", home.mac)):
            answer = await home.client.post(path, json={name: value, "secret": secret})
            assert answer.status_code in (200, 404), answer.text
        answer = await home.call("GET", "/csv_energy", key="own", managed=False)
        assert answer.status_code == 200
        assert answer.text.count("\n1020,") == 1
