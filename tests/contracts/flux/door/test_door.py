"""What every request meets, whichever relation it asks for: key, path, schema, method, body, form, headers."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.contracts.flux.door.project import BESS, MARKET, METER, REGISTRY, WHOLE, Project, new_device

ORIGIN = {"Origin": "https://app.example"}
ROLLUP = "/rest/v1/mg_meter_readings_5m_intermediate"


async def test_without_a_key_nothing_is_told(project: Project) -> None:
    for path in (BESS, "/rest/v1/", "/rest/v1/nope", "/rest/v1/rpc/nope", "/rest/v1/a/b/c"):
        answer = await project.client(None).get(path, headers=ORIGIN)
        assert answer.status_code == 401
        assert answer.json().keys() == {"code", "message", "details", "hint"}
        assert answer.headers["access-control-allow-origin"] == "*"
    wrong = await project.client(None).get(BESS, headers={"apikey": "wrong"})
    assert wrong.status_code == 401


async def test_a_key_in_the_query_is_no_filter(project: Project) -> None:
    answer = await project.client(None).get(f"{MARKET}?limit=1&apikey={project.keys['anon']}&order=time")
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["content-location"] == "/market_data?limit=1&order=time"


async def test_a_preflight_needs_no_key(project: Project) -> None:
    answer = await project.client(None).options(BESS, headers={**ORIGIN, "Access-Control-Request-Method": "POST"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "PATCH" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (BESS, "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
        (REGISTRY, "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        (ROLLUP, "OPTIONS,GET,HEAD"),
        ("/rest/v1/", "OPTIONS,GET,HEAD"),
    ],
)
async def test_options_tell_the_methods(project: Project, path: str, allowed: str) -> None:
    answer = await project.client("anon").options(path)
    assert (answer.status_code, answer.headers["allow"], answer.content) == (200, allowed, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("TRACE", BESS, 405, "PGRST117"),
        ("BREW", BESS, 405, "PGRST117"),
        ("POST", "/rest/v1/", 405, "PGRST117"),
        ("BREW", "/rest/v1/a/b", 404, "PGRST125"),
        ("GET", "/rest/v1/rpc/a/b", 404, "PGRST125"),
        ("GET", "/rest/v1/rpc/", 404, "PGRST125"),
        ("GET", "/rest/v1/rpc", 404, "PGRST205"),
        ("GET", "/rest/v1/a%2Fb", 404, "PGRST125"),
        ("GET", "/rest/v1/%00", 404, "PGRST205"),
        ("PUT", BESS, 405, "PGRST105"),
        ("POST", ROLLUP, 403, "42501"),
        ("DELETE", ROLLUP, 403, "42501"),
        ("GET", "/realtime/v1/nope", 404, "PGRST125"),
        ("GET", "/realtime/v1/api/broadcast", 405, "PGRST117"),
        ("POST", "/realtime/v1/api/broadcast", 400, "PGRST102"),
    ],
)
async def test_paths_and_methods(project: Project, method: str, path: str, status: int, code: str) -> None:
    body = b'{"device_id":"00000000-0000-0000-0000-000000000000"}' if method in ("POST", "PUT") else None
    answer = await project.client().request(method, path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json().keys() == {"code", "message", "details", "hint"}


async def test_schemas(project: Project) -> None:
    for name in ("flux", "public"):
        found = await project.client().get(MARKET, headers={"Accept-Profile": name, "Content-Profile": "ignored"})
        assert (found.status_code, found.headers["content-profile"]) == (200, name)
    for path, method in (("/rest/v1/nope", "GET"), (MARKET, "POST")):
        headers = {"Accept-Profile": "secret", "Content-Profile": "secret"}
        answer = await project.client().request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (406, "PGRST106")
        assert answer.json()["hint"] == "Only the following schemas are exposed: flux, public"


async def test_the_first_fault_is_told(project: Project) -> None:
    """Each request has every fault that is looked at later."""
    strict = {"Prefer": "handling=strict, nonsense", "Accept": "application/xml"}
    faults = [
        ("/rest/v1/nope?a=b&limit=-1", "{", "PGRST100"),
        ("/rest/v1/nope?a=eq.b&limit=-1", "{", "PGRST103"),
        ("/rest/v1/nope?a=eq.b", "{", "PGRST102"),
        ("/rest/v1/nope?a=eq.b", "{}", "PGRST122"),
    ]
    for path, body, code in faults:
        answer = await project.client("anon").post(path, content=body, headers=strict)
        assert answer.json()["code"] == code, path
    odd = {"Accept": "application/xml"}
    faults = [
        ("/rest/v1/nope?a=eq.b", '{"nope":1}', "PGRST205"),
        (BESS, '{"nope":1}', "PGRST204"),
        (BESS, '{"soe":1}', "PGRST107"),
    ]
    for path, body, code in faults:
        answer = await project.client("anon").post(path, content=body, headers=odd)
        assert answer.json()["code"] == code, path
    for path, code in (("/rest/v1/nope?a=eq.b", "PGRST205"), (f"{BESS}?a=eq.b", "42703"), (BESS, "PGRST107")):
        answer = await project.client("anon").get(path, headers=odd)
        assert answer.json()["code"] == code, path
    answer = await project.client("anon").post(BESS, content='{"soe":"x"}')
    assert answer.json()["code"] == "22P02"


async def test_bodies_may_be_gzip_and_have_an_end(project: Project) -> None:
    device = new_device()
    rows = [{"device_id": device, "time": f"2024-01-01T{hour:02}:00:00Z", "soe": 1} for hour in range(24)]
    packed = gzip.compress(json.dumps(rows).encode())
    for status in (201, 409):
        answer = await project.client().post(BESS, content=packed, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == status
    too_long = b" " * 200_001
    for content, headers in ((too_long, {}), (gzip.compress(too_long), {"Content-Encoding": "gzip"}), (pieces(too_long), {})):
        answer = await project.client().post(BESS, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "PT413")
    for content, encoding in ((b"no", "gzip"), (packed[:-1], "gzip"), (packed + b"x", "gzip"), (b"{}", "br")):
        answer = await project.client().post(BESS, content=content, headers={"Content-Encoding": encoding})
        assert (answer.status_code, answer.json()["code"]) == (415, "PT415")


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """A body that declares no length."""
    yield content[:100]
    yield content[100:]


async def test_forms_of_an_answer(project: Project) -> None:
    body = {"name": "B 1", "type": "bess", "site": "X", "metadata": {"a": None, "b": [1, None]}}
    (row,) = (await project.client().post(REGISTRY, json=body, headers=WHOLE)).json()
    mine = f"{REGISTRY}?select=name,metadata,active&id=eq.{row['id']}"
    forms = {
        "text/csv": ('name,metadata,active\n"B 1","{""a"": null, ""b"": [1, null]}",t', "text/csv; charset=utf-8"),
        "application/vnd.pgrst.object+json": (
            '{"name":"B 1","metadata":{"a": null, "b": [1, null]},"active":true}',
            "application/vnd.pgrst.object+json; charset=utf-8",
        ),
        "application/vnd.pgrst.object+json;nulls=stripped": (
            '{"name":"B 1","metadata":{"b": [1, null]},"active":true}',
            "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
        ),
        "application/vnd.pgrst.array+json;nulls=stripped, */*;q=0.1": (
            '[{"name":"B 1","metadata":{"b": [1, null]},"active":true}]',
            "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
        ),
        "*/*": ('[{"name":"B 1","metadata":{"a": null, "b": [1, null]},"active":true}]', "application/json; charset=utf-8"),
    }
    for accept, (text, kind) in forms.items():
        answer = await project.client().get(mine, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.text.replace(" ", "") == text.replace(" ", "")
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-length"] == str(len(answer.content))
        head = await project.client().head(mine, headers={"Accept": accept})
        assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", kind)
        assert "content-length" not in head.headers
    for path, count in ((f"{mine}&active=is.false", 0), (f"{REGISTRY}?id=eq.{new_device()}", 0)):
        for method in ("GET", "HEAD", "PATCH", "DELETE"):
            content = b'{"active":null}' if method == "PATCH" else None
            answer = await project.client().request(
                method, path, content=content, headers={"Accept": "application/vnd.pgrst.object+json"}
            )
            assert answer.status_code == 406
            assert answer.headers["proxy-status"] == "PostgREST; error=PGRST116"
            assert method == "HEAD" or answer.json()["details"] == f"The result contains {count} rows"
    empty = await project.client().get(f"{mine}&active=is.false", headers={"Accept": "text/csv"})
    assert empty.text == "\n"


async def test_writes_answer_with_what_they_did(project: Project) -> None:
    body = {"name": "B 1", "type": "bess", "site": "X"}
    made = await project.client().post(REGISTRY, json=body, headers={"Prefer": "return=headers-only"})
    assert (made.status_code, made.content) == (201, b"")
    where = made.headers["location"]
    assert where.startswith("/mg_device_registry?id=eq.")
    path = f"/rest/v1{where}"
    counted = {"Prefer": "count=exact"}
    changed = await project.client().patch(path, json={"active": False}, headers=counted)
    assert (changed.status_code, changed.content, changed.headers["content-range"]) == (204, b"", "0-0/1")
    assert changed.headers["preference-applied"] == "count=exact"
    assert "content-length" not in changed.headers
    shown = await project.client().patch(f"{path}&select=active,x:name", json={"active": None}, headers=WHOLE)
    assert (shown.status_code, shown.json()) == (200, [{"active": None, "x": "B 1"}])
    assert shown.headers["content-type"] == "application/json; charset=utf-8"
    identifier = where.rpartition(".")[2]
    put = await project.client().put(path, json={**body, "id": identifier, "name": "B 2"})
    assert (put.status_code, put.content) == (204, b"")
    assert "content-range" not in put.headers
    gone = await project.client().delete(path, headers={"Prefer": "count=exact, return=representation"})
    assert (gone.status_code, gone.headers["content-range"]) == (200, "*/1")
    assert gone.json()[0]["name"] == "B 2"
    again = await project.client().delete(path)
    assert (again.status_code, again.headers["content-range"]) == (204, "*/*")
    nothing = await project.client().post(BESS, json=[])
    assert (nothing.status_code, nothing.headers["content-range"]) == (201, "*/*")


async def test_an_object_that_is_not_one_is_not_written(project: Project) -> None:
    rows = [{"device_id": new_device(), "time": "2024-01-01", "soe": 1} for _ in range(2)]
    headers = {"Accept": "application/vnd.pgrst.object+json", **WHOLE}
    answer = await project.client().post(BESS, json=rows, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (406, "PGRST116")
    assert await project.get(f"{BESS}?select=soe") == []


async def test_times_are_shown_in_the_zone_that_is_preferred(project: Project) -> None:
    row = {"time": "2024-07-01T12:00:00Z", "type": 1, "value": 1}
    await project.client().post(MARKET, json=row)
    answer = await project.client().get(f"{MARKET}?select=time", headers={"Prefer": "timezone=Europe/London"})
    assert answer.json() == [{"time": "2024-07-01T13:00:00+01:00"}]
    assert answer.headers["preference-applied"] == "timezone=Europe/London"
    odd = await project.client().get(f"{MARKET}?select=time", headers={"Prefer": "handling=strict, timezone=Europe/Nowhere"})
    assert (odd.status_code, odd.json()["code"]) == (400, "PGRST122")


async def test_several_prefer_headers_are_one(project: Project) -> None:
    answer = await project.client().get(MARKET, headers=[("Prefer", "count=exact"), ("Prefer", "handling=lenient, foo")])
    assert answer.headers["preference-applied"] == "count=exact, handling=lenient"
    assert answer.headers["content-range"] == "*/0"


async def test_roles_without_a_grant_are_refused(project: Project) -> None:
    for role, status in (("anon", 401), ("authenticated", 403)):
        answer = await project.client(role).delete(f"{BESS}?soe=eq.1")
        assert (answer.status_code, answer.json()["code"]) == (status, "42501")
        assert (answer.headers.get("www-authenticate") == "Bearer") is (status == 401)


async def test_the_root_describes_everything(project: Project) -> None:
    answer = await project.client("anon").get("/rest/v1/")
    assert answer.headers["content-type"] == "application/openapi+json; charset=utf-8"
    told = answer.json()
    assert told["swagger"] == "2.0"
    assert set(told["definitions"]) == {
        "market_data", "market_data_types", "mg_bess_readings", "mg_bess_readings_30m", "mg_bess_readings_5m",
        "mg_device_registry", "mg_meter_readings", "mg_meter_readings_30m_intermediate", "mg_meter_readings_5m_intermediate",
    }  # fmt: skip
    assert set(told["paths"]) == {f"/{name}" for name in told["definitions"]} | {
        f"/rpc/{name}" for name in ("get_meter_readings_5m", "get_meter_readings_30m", "insert_market_data_batch")
    }
    assert (await project.client("anon").get("/rest/v1")).json() == told
    assert (await project.client("anon").head("/rest/v1/")).content == b""
    assert (await project.client("anon").get("/rest/v1/", headers={"Accept": "text/csv"})).status_code == 406


async def test_a_tenant_sees_its_own_rows_alone(project: Project, shared: object) -> None:
    device = new_device()
    row = {"device_id": device, "time": "2024-01-01T00:00:00Z", "frequency": 50}
    assert (await project.client().post(METER, json=row)).status_code == 201
    other = Project(project.platform, project.client()._transport.app)  # type: ignore[attr-defined]
    await other.open()
    try:
        for path in (f"{METER}?device_id=eq.{device}", f"{ROLLUP}?device_id=eq.{device}"):
            assert await other.get(path) == []
            assert len(await project.get(path)) == 1
        body = {"start_time": "2024-01-01", "end_time": "2024-01-02", "device_ids": [device]}
        assert (await other.client().post("/rest/v1/rpc/get_meter_readings_5m", json=body)).json() == []
    finally:
        await other.close()


async def test_queries_that_are_no_text_are_refused(project: Project) -> None:
    for query in ("select=%ff", "%80=eq.1", "soe=eq.%00", "select=" + quote("ä" * 3000), "or=(" * 200, "soe=eq." + "9" * 5000):
        answer = await project.client().get(f"{BESS}?{query}")
        assert answer.status_code == 400, query
        assert answer.json().keys() == {"code", "message", "details", "hint"}
