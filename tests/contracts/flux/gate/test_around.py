"""What a browser of another origin needs: it asks before it asks, and reads errors and limits too."""

from __future__ import annotations

import pytest

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate.profiles import schema
from wattline.model.clock import ManualClock
from wattline.state.database import Database

from .desk import ORIGIN, Desk


def listed(text: str) -> set[str]:
    return {part.strip().lower() for part in text.split(",")}


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("named", [None, "apikey,content-profile,x-client-info", "authorization, prefer"])
async def test_a_preflight_needs_no_key(desk: Desk, method: str, named: str | None) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
    if named is not None:
        asked["Access-Control-Request-Headers"] = named
    found = await desk.ask(method="OPTIONS", **asked)
    assert found.status_code == 200
    assert found.headers["access-control-allow-origin"] == "*"
    assert listed(found.headers["access-control-allow-methods"]) == {
        "get", "post", "patch", "put", "delete", "options", "head",
    }  # fmt: skip
    assert listed(found.headers["access-control-allow-headers"]) == listed(named or "authorization") | {"authorization"}
    assert found.headers["access-control-max-age"] == "86400"
    assert "x-ratelimit-limit" not in found.headers
    assert desk.callers == []


async def test_every_answer_may_be_read(desk: Desk) -> None:
    key = await desk.key()
    for apikey, bearer, method, status in (
        (key, None, "GET", 200),
        (key, None, "HEAD", 200),
        (key, None, "OPTIONS", 200),
        (key, "x", "POST", 401),
        (None, None, "GET", 401),
    ):
        found = await desk.ask(apikey, bearer, method=method, Origin=ORIGIN)
        assert found.status_code == status
        assert found.headers["access-control-allow-origin"] == "*"
        exposed = listed(found.headers["access-control-expose-headers"])
        wanted = "content-range content-location content-type location range-unit retry-after date server transfer-encoding"
        assert exposed >= {*wanted.split(), "content-encoding", *(f"x-ratelimit-{n}" for n in ("limit", "remaining", "reset"))}
        assert "x-ratelimit-remaining" in found.headers
    await desk.ask(key)
    for _ in range(100):
        found = await desk.ask(key, Origin=ORIGIN)
    assert (found.status_code, found.headers["access-control-allow-origin"]) == (429, "*")


async def test_only_the_named_origins_where_some_are_named(database: Database, clock: ManualClock) -> None:
    desk = Desk(database, clock, cors_origins=(ORIGIN,))
    key = await desk.key()
    assert (await desk.ask(key, Origin=ORIGIN)).headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in (await desk.ask(key, Origin="https://evil.example")).headers


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", {}, "flux"),
        ("GET", {"accept-profile": "public"}, "public"),
        ("HEAD", {"accept-profile": "flux"}, "flux"),
        ("OPTIONS", {"accept-profile": "public"}, "public"),
        ("GET", {"content-profile": "nope"}, "flux"),
        ("POST", {"accept-profile": "nope"}, "flux"),
        *((method, {"content-profile": "public"}, "public") for method in ("POST", "PATCH", "PUT", "DELETE")),
    ],
)
def test_a_schema_may_be_named(method: str, headers: dict[str, str], expected: str) -> None:
    assert schema(method, [(name.encode(), value.encode()) for name, value in headers.items()]) == expected


@pytest.mark.parametrize("name", ["nope", "FLUX", "Public", "", "flux,public", "\xfcx"])
@pytest.mark.parametrize(("method", "header"), [("GET", b"accept-profile"), ("POST", b"content-profile")])
def test_a_schema_that_is_not_there_is_refused(method: str, header: bytes, name: str) -> None:
    with pytest.raises(Refusal) as caught:
        schema(method, [(header, name.encode("latin-1"))])
    error = caught.value
    assert (error.status, error.code, error.message) == (406, "PGRST106", f"Invalid schema: {name}")
    assert error.hint == "Only the following schemas are exposed: flux, public"
