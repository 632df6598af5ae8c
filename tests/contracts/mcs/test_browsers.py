"""What a browser of another origin needs: it asks before it asks, and reads only what it is allowed to."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.contracts.mcs.halls import Hall, building

ORIGIN = "http://localhost:3000"
PATHS = ["/sites", "/telemetry", "/telemetry/latest?block_slug=block-01", "/telemetry/multi", "/health", "/alarms"]


def preflight(method: str = "GET", headers: str = "content-type,x-api-key", origin: str = ORIGIN) -> dict[str, str]:
    """What a browser sends before a request with such headers."""
    return {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


@pytest.mark.parametrize("path", PATHS)
async def test_a_browser_may_ask_without_a_key_whether_it_may_ask(hall: Hall, path: str) -> None:
    async with httpx.AsyncClient(base_url=f"{hall.url}/api/v1") as client:
        for method in ("GET", "POST"):
            found = await client.options(path, headers=preflight(method))
            assert found.status_code == 200
            assert found.headers["access-control-allow-origin"] == "*"
            assert method in found.headers["access-control-allow-methods"]
            allowed = found.headers["access-control-allow-headers"].lower()
            assert "content-type" in allowed
            assert "x-api-key" in allowed
            assert found.headers["access-control-max-age"] == "600"
            assert "access-control-allow-credentials" not in found.headers


@pytest.mark.parametrize("path", [*PATHS, "/nothing", "/blocks/zz", "/sites?limit=0", "/telemetry/multi?sensor_ids=x"])
async def test_every_answer_may_be_read_errors_too(hall: Hall, path: str) -> None:
    for headers in ({"X-API-Key": hall.secret}, {}):
        async with httpx.AsyncClient(base_url=f"{hall.url}/api/v1") as client:
            found = await client.get(path, headers={"Origin": ORIGIN, "Content-Type": "application/json", **headers})
            assert found.headers["access-control-allow-origin"] == "*", (found.status_code, path)
            assert "Retry-After" in found.headers["access-control-expose-headers"]


async def test_a_request_from_no_page_has_no_such_headers(hall: Hall) -> None:
    assert "access-control-allow-origin" not in (await hall.http.get("/sites")).headers


async def test_only_the_named_origins_where_some_are_named(tmp_path: Path) -> None:
    async with building(tmp_path, cors_origins=("https://noc.example",)) as made, Hall(made).open() as hall:
        for path in ("/sites", "/telemetry/latest?block_slug=block-01"):
            mine = await hall.http.get(path, headers={"Origin": "https://noc.example"})
            assert mine.headers["access-control-allow-origin"] == "https://noc.example"
            assert "Origin" in mine.headers["vary"]
            theirs = await hall.http.get(path, headers={"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in theirs.headers
            refused = await hall.http.options(path, headers=preflight(origin="https://evil.example"))
            assert refused.status_code == 400
            assert "access-control-allow-origin" not in refused.headers


async def test_other_contracts_are_left_as_they_are(hall: Hall) -> None:
    async with httpx.AsyncClient(base_url=hall.url) as client:
        found = await client.get("/api/health", headers={"Origin": ORIGIN})
        assert "access-control-allow-origin" not in found.headers
