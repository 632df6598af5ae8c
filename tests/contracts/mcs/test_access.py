"""Who may ask: keys and where they are shown, scopes, tenants, keys of some sites only, and how often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.mcs.halls import Hall, building
from wattline.contracts.mcs.gate import Gate, Terms
from wattline.identity.limits import RateLimiter
from wattline.model.clock import DAY
from wattline.settings import Settings

REFUSED = {"detail": "Missing or invalid API key"}


def queries(hall: Hall) -> dict[str, dict[str, Any]]:
    """Every query of sites, blocks and telemetry, with parameters that find something."""
    sensor = hall.points["CDU-01-T-SUP"].id
    window = {"start": hall.iso(-3600), "end": hall.iso(1)}
    return {
        "/sites": {},
        "/sites/baldwinsville": {},
        "/blocks": {},
        "/blocks/block-01": {},
        "/blocks/baldwinsville/block-01": {},
        "/equipment/block-01": {},
        "/sensors/block-01": {},
        "/telemetry": {"sensor_id": sensor, **window},
        "/telemetry/multi": {"sensor_ids": str(sensor), **window},
        "/telemetry/latest": {"block_slug": "block-01"},
        "/stats": {},
    }


async def answers(client: httpx.AsyncClient, asked: dict[str, dict[str, Any]]) -> dict[str, tuple[int, Any]]:
    """Status and body of each query."""
    found = {}
    for path, parameters in asked.items():
        answer = await client.get(path, params=parameters)
        found[path] = (answer.status_code, answer.json())
    return found


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "wl_aaaaaaaa_" + "a" * 40},
        {"X-API-Key": "kö"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
    ],
)
async def test_without_a_good_key_every_query_is_401(hall: Hall, headers: dict[str, str]) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    async with httpx.AsyncClient(base_url=f"{hall.url}/api/v1") as client:
        for path, parameters in {**queries(hall), "/telemetry": {}, "/telemetry/multi": {}}.items():
            answer = await client.get(path, params=parameters, headers=raw)
            assert (answer.status_code, answer.json()) == (401, REFUSED), path
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_key_comes_in_its_header_or_as_a_bearer_token(hall: Hall) -> None:
    async with httpx.AsyncClient(base_url=f"{hall.url}/api/v1") as client:
        for headers in (
            {"X-API-Key": hall.secret},
            {"x-api-key": hall.secret},
            {"Authorization": f"Bearer {hall.secret}"},
            {"Authorization": f"bearer {hall.secret}"},
            {"X-API-Key": "", "Authorization": f"Bearer {hall.secret}"},
        ):
            for path in ("/sites", "/telemetry/latest?block_slug=block-01"):
                assert (await client.get(path, headers=headers)).status_code == 200, headers


async def test_a_key_in_the_url_is_no_key_for_a_request(hall: Hall) -> None:
    async with httpx.AsyncClient(base_url=f"{hall.url}/api/v1") as client:
        for path in ("/sites", "/telemetry/latest"):
            answer = await client.get(path, params={"api_key": hall.secret, "token": hall.secret, "block_slug": "block-01"})
            assert answer.status_code == 401


async def test_a_query_needs_the_scope_to_read(hall: Hall) -> None:
    secret = await hall.key({"alarm:write"})
    async with hall.client(secret) as client:
        found = await answers(client, queries(hall))
    assert {status for status, _ in found.values()} == {403}
    assert all(list(body) == ["detail"] and "query:read" in body["detail"] for _, body in found.values())


async def test_two_tenants_with_the_same_names_never_see_each_other(hall: Hall, other: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 32.0)
    asked = queries(hall)
    async with other.client() as client:
        found = await answers(client, asked)
    mine, theirs = hall.points["CDU-01-T-SUP"], other.points["CDU-01-T-SUP"]
    assert found["/telemetry"] == (404, {"detail": f"Sensor {mine.id} not found"})
    assert found["/telemetry/multi"][1]["sensors"] == {str(mine.id): []}
    assert found["/telemetry/latest"][1]["readings"] == []
    assert [row["id"] for row in found["/sites"][1]] == [theirs.site.id]
    assert [row["id"] for row in found["/blocks"][1]] == [theirs.block.id]
    assert {row["id"] for row in found["/sensors/block-01"][1]} == {point.id for point in other.points.values()}
    assert found["/stats"][1]["telemetry"]["rows_last_hour"] == 0
    async with other.client() as client:
        by_number = await client.get(f"/blocks/{mine.block.id}")
    assert by_number.status_code == 404


async def test_what_a_key_of_some_sites_does_not_include_does_not_exist_for_it(hall: Hall) -> None:
    await hall.read("CDU-01-T-SUP", 32.0)
    await hall.build(site="elsewhere", block="block-07")
    asked = queries(hall)
    async with hall.client(await hall.key(sites={"elsewhere"})) as client:
        found = await answers(client, asked)
        assert [site["slug"] for site in found["/sites"][1]] == ["elsewhere"]
        assert [block["slug"] for block in found["/blocks"][1]] == ["block-07"]
        for path in ("/sites/baldwinsville", "/blocks/block-01", "/blocks/baldwinsville/block-01", "/equipment/block-01"):
            assert found[path][0] == 404, path
        assert found["/telemetry"][0] == 404
        assert found["/sensors/block-01"] == (200, [])
        assert found["/telemetry/latest"] == (200, {"block_slug": "block-01", "sensor_count": 0, "readings": []})
        assert found["/stats"][1]["telemetry"]["rows_last_hour"] == 0
        assert (await client.get("/blocks?site_slug=baldwinsville")).json() == []
        assert (await client.get(f"/blocks/{hall.points['CDU-01-T-SUP'].block.id}")).status_code == 404
        assert (await client.get("/blocks/block-07")).status_code == 200
        assert (await client.get("/blocks/elsewhere/block-07")).status_code == 200
        tagged = await client.get("/telemetry", params={"sensor_tag": "CDU-01-T-SUP", "start": hall.iso(-60)})
        assert tagged.json()["sensor_id"] != hall.points["CDU-01-T-SUP"].id


async def test_the_same_slug_at_two_sites_is_no_riddle_to_a_key_of_one(hall: Hall) -> None:
    await hall.build(site="elsewhere", block="block-01")
    assert (await hall.http.get("/blocks/block-01")).status_code == 409
    async with hall.client(await hall.key(sites={"elsewhere"})) as client:
        assert (await client.get("/blocks/block-01")).json()["site_slug"] == "elsewhere"
    async with hall.client(await hall.key(sites={"elsewhere", "baldwinsville"})) as client:
        answer = await client.get("/blocks/block-01")
        assert answer.status_code == 409
        assert "elsewhere/block-01" in answer.json()["detail"]


async def test_a_revoked_key_is_401(hall: Hall) -> None:
    record, secret = await hall.platform.identity.create(hall.tenant, "short", ["query:read"])
    async with hall.client(secret) as client:
        assert (await client.get("/sites")).status_code == 200
        await hall.platform.identity.revoke(record.id)
        assert (await client.get("/sites")).status_code == 401


async def test_an_open_server_asks_for_no_key(tmp_path: Path) -> None:
    async with (
        building(tmp_path, open=True) as made,
        Hall(made, "default").open() as hall,
        httpx.AsyncClient(base_url=f"{made.url}/api/v1") as client,
    ):
        found = await answers(client, queries(hall))
        assert {status for status, _ in found.values()} == {200}
        answer = await client.get("/sites", headers={"X-API-Key": "anything"})
        assert answer.status_code == 200


async def test_a_key_may_ask_only_so_often_in_a_minute(tmp_path: Path) -> None:
    async with building(tmp_path, mcs_requests_per_minute=3) as made, Hall(made).open() as hall:
        paths = ("/sites", "/telemetry/latest?block_slug=block-01", "/sites", "/sites", "/telemetry/latest?block_slug=block-01")
        found = [await hall.http.get(path) for path in paths]
        assert [answer.status_code for answer in found] == [200, 200, 200, 429, 429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in found] == ["2", "1", "0", "0", "0"]
        assert {answer.headers["x-ratelimit-limit"] for answer in found} == {"3"}
        assert found[3].json() == {"detail": "Rate limit exceeded", "retry_after_seconds": 20}
        assert found[3].headers["retry-after"] == "20"
        async with hall.client(await hall.key()) as client:
            assert (await client.get("/sites")).status_code == 200
        made.clock.advance(20)
        assert (await hall.http.get("/sites")).status_code == 200
        assert (await hall.http.get("/sites")).status_code == 429
        assert (await hall.http.get("/health")).status_code == 200


async def test_long_telemetry_queries_have_a_limit_of_their_own(tmp_path: Path) -> None:
    async with building(tmp_path, mcs_long_queries_per_minute=1) as made, Hall(made).open() as hall:
        sensor = hall.points["CDU-01-T-SUP"].id
        exactly, more = hall.iso(-90 * DAY / 1e6), hall.iso(-90 * DAY / 1e6 - 1)
        statuses = []
        for start in (exactly, exactly, more, more):
            answer = await hall.http.get("/telemetry", params={"sensor_id": sensor, "start": start, "end": hall.iso()})
            statuses.append(answer.status_code)
        assert statuses == [200, 200, 200, 429]
        assert answer.json()["retry_after_seconds"] == 60
        answer = await hall.http.get("/telemetry/multi", params={"sensor_ids": "1", "start": more, "end": hall.iso()})
        assert answer.status_code == 429


async def test_nothing_is_limited_unless_it_is_set(hall: Hall, tmp_path: Path) -> None:
    answer = await hall.http.get("/sites")
    assert "x-ratelimit-limit" not in answer.headers
    gate = Gate(hall.platform.identity, Settings(data=tmp_path), RateLimiter(hall.clock), Terms())
    principal = await gate.authenticate(hall.secret)
    for _ in range(2000):
        gate.long_query(principal, 366 * DAY)


async def test_no_secret_reaches_a_log(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    for path in (f"/sites?api_key={hall.secret}", f"/nothing/{hall.secret}", f"/telemetry?sensor_id={hall.secret}"):
        await hall.http.get(path)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("wattline", "uvicorn"))]
    assert [text for text in ours if hall.secret in text] == []
