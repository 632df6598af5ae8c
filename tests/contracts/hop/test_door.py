"""What every POST meets before its body is looked at: key, scope, size, media type, in that order."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.contracts.hop.utility import EVENT, OUTAGE, REQUIRED, Utility

POSTS = {
    "/ingest/telemetry": REQUIRED,
    "/scada/write": REQUIRED,
    "/ingest/telemetry/batch": {"records": [REQUIRED]},
    "/ingest/event": EVENT,
    "/ingest/outage": OUTAGE,
}
GETS = [
    "/query/telemetry/latest",
    "/query/telemetry/timeseries?substation_id=SUB001",
    "/query/ml/latest",
    "/query/ml/trend",
    "/query/events",
    "/query/outages/active",
    "/query/frequency/thresholds",
    "/query/frequency/limits",
    "/query/substations",
    "/query/alerts",
    "/query/reliability",
    "/stream",
]
REFUSED = {"detail": "Missing or invalid API key"}


@pytest.mark.parametrize("path", POSTS)
async def test_a_post_without_a_key_is_401_whatever_its_body(hop: Utility, path: str) -> None:
    async with hop.anonymous() as client:
        for content in (json.dumps(POSTS[path]).encode(), b"{", b"x" * 100_000_000 if path == "/ingest/event" else b""):
            answer = await client.post(path, content=content, headers={"Content-Type": "text/plain"})
            assert (answer.status_code, answer.json()) == (401, REFUSED)
            assert answer.headers["www-authenticate"] == "ApiKey"


@pytest.mark.parametrize("path", GETS)
async def test_a_query_without_a_key_is_401(hop: Utility, path: str) -> None:
    async with hop.anonymous() as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.json()) == (401, REFUSED)
        assert answer.headers["www-authenticate"] == "ApiKey"


@pytest.mark.parametrize("secret", ["", "wrong", "ä", " ", "x" * 5000])
async def test_a_wrong_key_is_answered_like_a_missing_one(hop: Utility, secret: str) -> None:
    async with hop.anonymous() as client:
        for answer in (
            await client.post("/ingest/telemetry", json=REQUIRED, headers={"X-API-Key": secret.encode()}),
            await client.get("/query/substations?minutes=x", headers={"X-API-Key": secret.encode()}),
        ):
            assert (answer.status_code, answer.json()) == (401, REFUSED)


async def test_a_key_in_the_url_is_no_key(hop: Utility) -> None:
    async with hop.anonymous() as client:
        for name in ("api_key", "X-API-Key", "key"):
            answer = await client.get("/stream", params={name: hop.secret})
            assert answer.status_code == 401


async def test_the_name_of_the_header_has_no_case(hop: Utility) -> None:
    async with hop.anonymous() as client:
        answer = await client.post("/ingest/telemetry", json=REQUIRED, headers={"x-aPi-kEY": hop.secret})
        assert answer.status_code == 200


async def test_a_key_without_the_scope_is_403_before_the_body_is_looked_at(hop: Utility) -> None:
    async with hop.limited(scopes={"query:read"}) as client:
        for path in POSTS:
            answer = await client.post(path, content=b"{")
            assert answer.status_code == 403, path
            assert "scope" in answer.json()["detail"]
    async with hop.limited(scopes={"telemetry:write", "event:write", "outage:write"}) as client:
        for path in GETS:
            assert (await client.get(path)).status_code == 403, path


@pytest.mark.parametrize("path", POSTS)
async def test_another_method_is_405(hop: Utility, path: str) -> None:
    answer = await hop.client.get(path)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert answer.headers["allow"] == "POST"


async def test_an_unknown_path_is_404(hop: Utility) -> None:
    answer = await hop.client.get("/query/nothing")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


async def test_too_large_a_body_is_413_before_its_media_type(hop: Utility) -> None:
    answer = await hop.client.post("/ingest/telemetry", content=b" " * 65_537, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 413
    assert "65536 bytes" in answer.json()["detail"]


async def test_a_body_of_unstated_length_is_cut_off_at_the_limit(hop: Utility) -> None:
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 4096

    answer = await hop.client.post("/ingest/telemetry", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON; charset="UTF-8"', 200),
        ("application/vnd.scada+json", 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/x-ndjson", 415),
        ("multipart/form-data", 415),
    ],
)
async def test_the_media_type_must_be_json(hop: Utility, kind: str, status: int) -> None:
    answer = await hop.client.post("/ingest/telemetry", content=json.dumps(REQUIRED), headers={"Content-Type": kind})
    assert answer.status_code == status
    if status == 415:
        assert isinstance(answer.json()["detail"], str)


async def test_without_a_media_type_json_is_meant(hop: Utility) -> None:
    answer = await hop.client.post("/ingest/telemetry", content=json.dumps(REQUIRED).encode())
    assert "content-type" not in answer.request.headers
    assert answer.status_code == 200


async def test_gzip_is_unpacked(hop: Utility) -> None:
    packed = gzip.compress(json.dumps(REQUIRED).encode())
    answer = await hop.client.post("/ingest/telemetry", content=packed, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 200


async def test_a_gzip_bomb_is_413_and_costs_nothing(hop: Utility) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 65_536
    answer = await hop.client.post("/ingest/telemetry", content=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") * 2], ids=["none", "text", "short", "twice"]
)
async def test_what_is_not_one_gzip_member_is_415(hop: Utility, content: bytes) -> None:
    answer = await hop.client.post("/ingest/telemetry", content=content, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


async def test_another_content_encoding_is_415(hop: Utility) -> None:
    answer = await hop.client.post("/ingest/telemetry", content=b"{}", headers={"Content-Encoding": "br"})
    assert answer.status_code == 415
    assert "gzip" in answer.headers["accept-encoding"]


async def test_what_is_refused_is_counted(hop: Utility) -> None:
    counted = hop.platform.metrics.ingest_rejected.values
    before = {reason: counted.get(("hop", reason), 0) for reason in ("unauthenticated", "invalid", "media_type")}
    async with hop.anonymous() as client:
        await client.post("/ingest/telemetry", json=REQUIRED)
    await hop.post("/ingest/telemetry", {})
    await hop.client.post("/ingest/telemetry", content=b"x", headers={"Content-Type": "text/plain"})
    assert {reason: counted[("hop", reason)] - before[reason] for reason in before} == dict.fromkeys(before, 1)
