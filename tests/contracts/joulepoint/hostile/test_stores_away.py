"""A store that is away or full: every route says so as a problem, nothing is half written, and afterwards all goes on."""

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
from tests.contracts.household.hostile.test_stores_away import away
from tests.contracts.joulepoint.conftest import START
from tests.contracts.joulepoint.depot import opened
from tests.contracts.joulepoint.live.listener import listening
from wattline.app import create_app
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from wattline.platform import Platform
from wattline.server import Listener, Server
from wattline.state.database import Database

from .estate import CREDENTIALS, ENERGY, RATES, Estate, founded

READING = f"{ENERGY}/energy-data"


@asynccontextmanager
async def started(place: Path, **settings: Any) -> AsyncIterator[Estate]:
    """A tenant on a platform of its own."""
    limits = {"joulepoint_rate": 0, "joulepoint_device_rate": 0}
    async with (
        opened(place / "data", ManualClock(START), **limits, **settings) as platform,
        founded(platform, create_app(platform)) as estate,
    ):
        yield estate


@asynccontextmanager
async def gone(platform: Platform, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """`away`, for a while in which nothing has to be written; whoever reads keeps its connections."""
    if not platform.database.is_sqlite:
        async with away(platform, request):
            yield
        return
    holder = sa.create_engine(platform.database.url.set(drivername="sqlite"))
    with holder.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
        connection.rollback()
    holder.dispose()


def check(answer: httpx.Response, *statuses: int) -> None:
    """An answer says that a store is away, as a problem, and when to come again."""
    assert answer.status_code in (statuses or (503,)), (answer.request.method, answer.request.url, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    told = answer.json()
    assert (told["status"], told["code"]) in ((503, "unavailable"), (507, "storage_full"))
    assert not any(word in answer.text.lower() for word in ("sql", "select", "insert", "clickhouse", "/tmp", "errno"))


def writes(estate: Estate) -> list[tuple[str, str, object]]:
    """Changes of everything that is kept in the state database."""
    things, meter = estate.things, estate.meter
    at = {name: f"{ENERGY}/{path}/{things[name]}" for name, path in (
        ("group", "groups"), ("account", "accounts"), ("schedule", "schedules"), ("constraint", "constraints"),
        ("edge", "topology/edges"), ("node", "topology/nodes"),
    )}  # fmt: skip
    key, gateway = f"{ENERGY}/meters/{meter}/keys", f"{ENERGY}/gateway-keys"
    return [
        *(("PATCH", path, {"name": "Never"}) for path in at.values()),
        *(("PUT", path, estate.bodies[name] | {"name": "Never"}) for name, path in at.items()),
        *(("DELETE", at[name], None) for name in ("constraint", "schedule", "edge")),
        ("PATCH", f"{ENERGY}/meters/{meter}", {"name": "Never"}),
        ("POST", f"{ENERGY}/meters", {"name": "Never"}),
        ("POST", f"{ENERGY}/groups", {"name": "Never"}),
        ("POST", f"{ENERGY}/accounts", {"name": "Never", "currency": "EUR"}),
        ("POST", f"{ENERGY}/tariffs", {"name": "Never", "currency": "EUR", "timezone": "UTC", "energy": RATES}),
        ("POST", f"{ENERGY}/topology/nodes", [{"kind": "bus", "name": "Never"}] * 2),
        ("POST", f"{ENERGY}/pq/config", {"meter_id": meter, "sag_v_threshold": 0.8}),
        ("POST", key, {"name": "Never"}),
        ("POST", f"{key}/{things['meter key']}/rotate", {}),
        ("DELETE", f"{key}/{things['meter key']}", None),
        ("POST", gateway, {"name": "Never"}),
        ("POST", f"{gateway}/{things['gateway key']}/revoke", {}),
        ("POST", CREDENTIALS, {"name": "Never", "scopes": ["energy:read"]}),
        ("POST", f"{CREDENTIALS}/{things['credential']}/rotate", {}),
        ("DELETE", f"{CREDENTIALS}/{things['credential']}", None),
        ("POST", f"{ENERGY}/pq/events", {"meter_id": meter, "type": "swell", "start": estate.at(9), "max_pu": 1.2}),
        ("POST", f"{ENERGY}/pq/rms", {"meter_id": meter, "start": estate.at(9 * SECOND), "channels": {"a": [230, 100, 230]}}),
        ("POST", f"{ENERGY}/protection/events", {"meter_id": meter, "kind": "arc_fault"}),
    ]


def reads(estate: Estate) -> list[str]:
    """What is asked of the state database."""
    things = estate.things
    return [
        f"{ENERGY}/meters/{estate.meter}/keys",
        f"{ENERGY}/gateway-keys",
        f"{ENERGY}/gateway-keys/{things['gateway key']}",
        CREDENTIALS,
        f"{CREDENTIALS}/{things['credential']}",
        f"{ENERGY}/pq/events",
        f"{ENERGY}/pq/events/{things['pq event']}",
        f"{ENERGY}/pq/stats",
        f"{ENERGY}/protection/events",
        f"{ENERGY}/protection/events/{things['protection event']}",
        f"{ENERGY}/analytics/exports/{things['export']}",
        f"{ENERGY}/topology/nodes/graph?site_id=north&at=2026-06-11T14:31:00Z",
        "/api/events",
    ]


async def test_a_state_database_that_is_away(ground: tuple[Platform, ASGIApp], request: pytest.FixtureRequest) -> None:
    async with founded(*ground) as estate:
        platform = estate.depot.platform
        before = await estate.seen()
        async with away(platform, request):
            for method, path, body in writes(estate):
                check(await estate.depot.call(method, path, **({} if body is None else {"json": body})))
            # On SQLite whoever only reads is not hindered by one who writes.
            for path in () if platform.database.is_sqlite else reads(estate):
                check(await estate.depot.call("GET", path))
            many = [estate.depot.call("POST", f"{ENERGY}/groups", json={"name": "Never"}) for _ in range(20)]
            for answer in await asyncio.wait_for(asyncio.gather(*many), 20):
                check(answer)
            # What is in memory is told, and readings of devices that are known need nothing else.
            for path in (f"{ENERGY}/meters", f"{ENERGY}/topology/nodes", f"{ENERGY}/protection/breakers"):
                assert (await estate.depot.call("GET", path)).status_code == 200
            answer = await estate.send(READING, {"total_power": 7.0, "timestamp": estate.at(MINUTE)})
            assert answer.status_code == 201, answer.text
        after = await estate.seen()
        assert after[:13] == before[:13]
        assert after[13:15] == before[13:15]
        assert "Never" not in "".join(after)
        again = await estate.send(READING, {"total_power": 7.0, "timestamp": estate.at(MINUTE)})
        assert again.json()["status"] == "duplicate"
        # Everything can be done again, and what was tried in vain is done once.
        for method, path, body in writes(estate)[:6] + writes(estate)[12:17] + writes(estate)[-3:]:
            answer = await estate.depot.call(method, path, **({} if body is None else {"json": body}))
            assert answer.status_code in (200, 201, 204), (path, answer.text)


async def test_a_telemetry_store_that_is_away(clickhouse: ClickHouseEndpoint, tmp_path: Path) -> None:
    async with started(tmp_path, telemetry_url=clickhouse.url) as estate:
        platform, clock = estate.depot.platform, estate.depot.clock
        await platform.pipeline.writer.flush()
        clock.advance(2 * DAY // SECOND)
        clickhouse.refuse()
        whom, meter = f"meter_id={estate.meter}", estate.meter
        for path in (
            f"analytics/kpi?{whom}&from={estate.at(3 * DAY)}",
            f"analytics/matrix?{whom}&from={estate.at(3 * DAY)}",
            f"analytics/export?{whom}&from={estate.at(3 * DAY)}",
            f"analytics/export?{whom}&interval=raw&from={estate.at(3 * DAY)}",
            f"analytics/forecast?{whom}",
            f"pq/compliance?{whom}",
            f"topology/nodes/graph?site_id=north&at={estate.at(2 * DAY)}",
        ):
            check(await estate.depot.call("GET", f"{ENERGY}/{path}"))
        # A new reading is held against what is in memory; a late one against what is in the store.
        new = {"total_power": 9.0, "timestamp": estate.at(MINUTE)}
        assert (await estate.send(READING, new)).status_code == 201
        late = {"total_power": 9.0, "timestamp": estate.at(2 * DAY + 150 * MINUTE)}
        check(await estate.send(READING, late))
        check(await estate.send(f"{READING}/bulk?atomic=true", [{**new, "timestamp": estate.at(5)}, late]))
        clickhouse.normal()
        for body, status in ((new, "duplicate"), (late, "stored")):
            assert (await estate.send(READING, body)).json()["status"] == status
        told = await estate.ask("GET", f"{ENERGY}/analytics/live_trail?meter_id={meter}&minutes=10")
        assert [each["total_power"] for each in told["points"]] == [9.0]
        for path in (f"analytics/kpi?{whom}", f"pq/compliance?{whom}"):
            assert (await estate.depot.call("GET", f"{ENERGY}/{path}")).status_code == 200


async def test_a_journal_that_is_full(clickhouse: ClickHouseEndpoint, tmp_path: Path) -> None:
    async with started(tmp_path, telemetry_url=clickhouse.url, journal_max_bytes=256 * 1024) as estate:
        writer = estate.depot.platform.pipeline.writer
        clickhouse.refuse()
        sent: list[str] = []
        refused = None
        for batch in range(200):
            times = [estate.at(HOUR - SECOND - (batch * 100 + at) * 1000) for at in range(100)]
            rows = [{"total_power": at / 7, "voltage_a": 230 + at / 11, "timestamp": time} for at, time in enumerate(times)]
            answer = await estate.send(f"{READING}/bulk", rows)
            if answer.status_code != 200:
                refused = answer
                break
            assert answer.json()["accepted"] == 100, answer.text
            sent += times
        assert refused is not None
        check(refused, 503, 507)
        check(await estate.send(READING, {"total_power": 1.0, "timestamp": times[0]}), 503, 507)
        clickhouse.normal()
        await writer.flush()
        # What follows readings may need a moment to come after.
        async with asyncio.timeout(20):
            while (answer := await estate.send(f"{READING}/bulk", rows)).status_code == 503:
                pass
        assert answer.json()["accepted"] == 100, answer.text
        # What was taken is there, once; what was refused was not there before.
        rows = [{"total_power": 0.0, "voltage_a": 230.0, "timestamp": time} for time in sent[::100]]
        answer = await estate.send(f"{READING}/bulk", rows)
        assert answer.json()["duplicates"] == len(rows), answer.text


async def test_streams_come_back_without_a_gap(ground: tuple[Platform, ASGIApp], request: pytest.FixtureRequest) -> None:
    platform, app = ground
    server = Server(app, Listener("127.0.0.1", 0, tls=False), platform.settings, platform.stopping.clear)
    async with founded(platform, app) as estate, server.serving() as url:
        cursor = (await estate.ask("GET", "/api/events", params={"after": "latest"}))["cursor"]
        meter = f"meter:{estate.meter}"
        async with listening(url, estate.depot.keys["all"]) as listener:
            await listener.subscribe(meter, "events:*")
            async with gone(platform, request):
                for at in range(5):
                    answer = await estate.send(READING, {"total_power": 50.0 + at, "timestamp": estate.at(20 - at)})
                    assert answer.status_code == 201, answer.text
            estate.depot.clock.advance(1)
            event = {"type": "sag", "start": estate.at(3), "residual_pu": 0.4}
            async with asyncio.timeout(20):
                # The first one may meet a connection that ended meanwhile.
                while (answer := await estate.send(f"{ENERGY}/pq/events", event)).status_code == 503:
                    pass
            assert answer.status_code == 201, answer.text
            frames, kinds = [], []
            while "pq.event" not in kinds or len(frames) < 5:
                frame = await listener.frame()
                if frame["ch"] == meter:
                    frames.append(frame["data"]["total_power"])
                else:
                    kinds.append(frame["data"]["type"])
            assert frames[-5:] == [50.0, 51.0, 52.0, 53.0, 54.0]
            assert kinds == ["data.ingested"] * 5 + ["pq.event"]
        page = await estate.ask("GET", "/api/events", params={"after": cursor})
        assert [each["type"] for each in page["results"]] == kinds
        assert [each["data"].get("total_power") for each in page["results"][:5]] == frames[-5:]


@asynccontextmanager
async def full(database: Database) -> AsyncIterator[None]:
    """A SQLite file that must not grow, as on a disk without room."""

    def small(connection: Any, _record: Any) -> None:
        # Never less than there is already.
        connection.execute("PRAGMA max_page_count=1")

    await database.engine.dispose()
    sa.event.listen(database.engine.sync_engine, "connect", small)
    try:
        yield
    finally:
        sa.event.remove(database.engine.sync_engine, "connect", small)
        await database.engine.dispose()


async def test_a_disk_without_room_for_the_state(tmp_path: Path) -> None:
    async with started(tmp_path) as estate:
        made, body = 0, {"name": "Large", "metadata": {"text": "x" * 8_000}}
        async with full(estate.depot.platform.database):
            while (answer := await estate.depot.call("POST", f"{ENERGY}/groups", json=body)).status_code == 201:
                made += 1
                assert made < 200
            check(answer, 507)
            nodes = [{"kind": "bus", "name": "Large", "metadata": body["metadata"]}] * 20
            check(await estate.depot.call("POST", f"{ENERGY}/topology/nodes", json=nodes), 507)
            event = {"meter_id": estate.meter, "start": estate.at(HOUR), "channels": {"a": [230.0, 100.0] * 60}}
            check(await estate.depot.call("POST", f"{ENERGY}/pq/rms", json=event), 507)
            # Readings have a journal of their own.
            assert (await estate.send(READING, {"total_power": 1.0, "timestamp": estate.at(MINUTE)})).status_code == 201
        told = await estate.ask("GET", f"{ENERGY}/groups", params={"name": "Large", "limit": 500})
        assert told["count"] == made
        assert (await estate.ask("GET", f"{ENERGY}/topology/nodes", params={"name": "Large"}))["count"] == 0
        assert (await estate.ask("GET", f"{ENERGY}/pq/events"))["count"] == 1
        assert (await estate.depot.call("POST", f"{ENERGY}/groups", json=body)).status_code == 201
        # What was refused was not judged.
        assert (await estate.ask("POST", f"{ENERGY}/pq/rms", json=event))["judged"] == 120
