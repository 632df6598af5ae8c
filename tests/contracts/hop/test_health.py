"""GET /health, and what is answered while a store is away or full."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.hop.conftest import START, opened
from tests.contracts.hop.utility import EVENT, REQUIRED, Utility
from wattline.model.clock import ManualClock

NOWHERE = "http://127.0.0.1:1/hop"


@asynccontextmanager
async def alone(data: Path, **settings: Any) -> AsyncIterator[Utility]:
    """A utility on a platform of its own."""
    clock = ManualClock(START)
    async with opened(data, clock, **settings) as (platform, app), Utility(platform, app, clock, "alone") as hop:
        yield hop


async def test_health_has_the_published_form_and_asks_no_key(hop: Utility) -> None:
    async with hop.anonymous() as client:
        answer = await client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": "v5",
        "database": "hopsensors_v5",
        "timestamp": hop.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000000+00:00"),
    }
    assert list(answer.json()) == ["status", "version", "database", "timestamp"]


async def test_while_the_telemetry_store_is_away_health_says_so_and_ingest_goes_on(tmp_path: Path) -> None:
    async with alone(tmp_path, telemetry_url=NOWHERE) as hop:
        await hop.send("/ingest/telemetry", REQUIRED)
        await hop.send("/ingest/event", EVENT)
        answer = await hop.client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
        assert list(answer.json()) == ["status", "version", "database", "timestamp"]
        for path in ("timeseries?substation_id=SUB001", "timeseries?substation_id=SUB001&resolution=raw"):
            answer = await hop.client.get(f"/query/telemetry/{path}")
            assert (answer.status_code, type(answer.json()["detail"])) == (503, str)
            assert int(answer.headers["retry-after"]) > 0
        assert len(await hop.get("/query/telemetry/latest")) == 1
        assert len(await hop.get("/query/events")) == 1


async def test_a_full_journal_is_503_and_nothing_is_written(tmp_path: Path) -> None:
    async with alone(tmp_path, telemetry_url=NOWHERE, journal_max_bytes=1) as hop:
        await hop.send("/ingest/telemetry", REQUIRED)
        hop.clock.advance(1)
        for path, body in (("", REQUIRED), ("/batch", {"records": [REQUIRED]})):
            answer = await hop.post(f"/ingest/telemetry{path}", body)
            assert (answer.status_code, type(answer.json()["detail"])) == (503, str)
            assert int(answer.headers["retry-after"]) > 0
        (row,) = await hop.get("/query/telemetry/latest")
        assert row["time"] == hop.shown(-1)
        assert (await hop.client.get("/health")).status_code == 503


async def test_an_open_server_asks_for_no_key(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with opened(tmp_path, clock, open=True, default_tenant="home") as (platform, app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test/api") as client:
            assert (await client.post("/ingest/telemetry", json=REQUIRED)).status_code == 200
            answer = await client.get("/query/substations", headers={"X-API-Key": "whatever"})
            assert [row["substation_id"] for row in answer.json()] == ["SUB001"]
        assert [site.key for site in platform.registry.sites("home")] == ["SUB001"]
        async with Utility(platform, app, clock, "elsewhere") as hop:
            assert await hop.get("/query/substations") == []


@pytest.mark.parametrize("path", ["/ingest/telemetry", "/query/substations"])
async def test_a_failure_without_a_name_is_500_with_a_detail(
    hop: Utility, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the inside of the server")

    monkeypatch.setattr(hop.platform.registry, "streams", broken)
    monkeypatch.setattr(hop.platform.registry, "register_all", broken)
    answer = await (hop.post(path, REQUIRED) if path.startswith("/ingest") else hop.client.get(path))
    assert (answer.status_code, answer.json()) == (500, {"detail": "The request could not be processed"})
    assert "the inside of the server" in caplog.text
