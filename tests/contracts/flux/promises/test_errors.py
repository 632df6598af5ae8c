"""Every code that an answer may have, by a request that gets it: status, code and the message's beginning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.flux.door.project import Project

A, B = "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174001"
BESS, REGISTRY, RPC = "mg_bess_readings", "mg_device_registry", "rpc/get_meter_readings_5m"
NOON = {"device_id": A, "time": "2024-01-01T12:00:00Z"}
ENTRY = {"id": B, "name": "b", "type": "bess", "site": "X"}
MERGE = {"Prefer": "resolution=merge-duplicates"}
OBJECT = {"Accept": "application/vnd.pgrst.object+json"}
Headers = dict[str, str]


@pytest.fixture
async def filled(project: Project) -> Project:
    """With two battery readings and one device in the list."""
    client = project.client()
    rows = [{**NOON, "soe": 1}, {**NOON, "time": "2024-01-01T12:01:00Z", "soe": 2}]
    assert (await client.post(f"/rest/v1/{BESS}", json=rows)).status_code == 201
    assert (await client.post(f"/rest/v1/{REGISTRY}", json=ENTRY)).status_code == 201
    return project


READS: list[tuple[str, Headers, int, str, str]] = [
    (f"{BESS}?soe=0", {}, 400, "PGRST100", '"failed to parse filter (0)" (line 1, column 1)'),
    (f"{BESS}?soe=neq(any).{{1}}", {}, 400, "PGRST100", '"failed to parse filter (neq(any).{1})"'),
    (f"{BESS}?soe=in.1,2", {}, 400, "PGRST100", '"failed to parse filter (in.1,2)"'),
    (f"{BESS}?soe=is.maybe", {}, 400, "PGRST100", '"failed to parse filter (is.maybe)"'),
    (f"{BESS}?or=()", {}, 400, "PGRST100", '"failed to parse logic tree (())"'),
    (f"{BESS}?order=soe.up", {}, 400, "PGRST100", '"failed to parse order (soe.up)"'),
    (f"{BESS}?select=nonsense(", {}, 400, "PGRST100", '"failed to parse select parameter (nonsense()"'),
    (f"{BESS}?limit=-1", {}, 416, "PGRST103", "Requested range not satisfiable"),
    (BESS, {"Range": "9-0"}, 416, "PGRST103", "Requested range not satisfiable"),
    (f"{BESS}?offset=3", {"Prefer": "count=exact"}, 416, "PGRST103", "Requested range not satisfiable"),
    (BESS, {"Accept-Profile": "private"}, 406, "PGRST106", "Invalid schema: private"),
    (BESS, {"Accept": "application/geo+json"}, 406, "PGRST107", "None of these media types are available: application/geo"),
    (BESS, {"Accept": "application/vnd.pgrst.plan"}, 406, "PGRST107", "None of these media types are available"),
    (f"{BESS}?mg_device_registry.name=eq.x", {}, 400, "PGRST108", "'mg_device_registry' is not an embedded resource"),
    (BESS, OBJECT, 406, "PGRST116", "Cannot coerce the result to a single JSON object"),
    (
        "market_data_types?select=name,market_data(value)&order=market_data(value)",
        {}, 400, "PGRST118", "A related order on 'market_data' is not possible",
    ),
    (
        f"{BESS}?select=soe,mg_device_registry(name)&mg_device_registry=eq.x",
        {}, 400, "PGRST120", "Bad operator on the 'mg_device_registry' embedded resource",
    ),
    (BESS, {"Prefer": "handling=strict, foo=bar"}, 400, "PGRST122", "Invalid preferences given with handling=strict"),
    (f"{BESS}?select=soe.avg()", {}, 400, "PGRST123", "Use of aggregate functions is not allowed"),
    (f"{BESS}/1", {}, 404, "PGRST125", "Invalid path specified in request URL"),
    (f"{REGISTRY}?name=fts(english).x", {}, 400, "PGRST127", "Feature not implemented"),
    (f"{BESS}?select=soe,market_data(value)", {}, 400, "PGRST200", f"Could not find a relationship between '{BESS}' and"),
    ("rpc/nothing", {}, 404, "PGRST202", "Could not find the function flux.nothing without parameters in the schema cache"),
    (f"{RPC}?begin=now", {}, 404, "PGRST202", "Could not find the function flux.get_meter_readings_5m(begin)"),
    ("nothing", {}, 404, "PGRST205", "Could not find the table 'flux.nothing' in the schema cache"),
    (f"{BESS}?device_id=eq.meter-uuid", {}, 400, "22P02", 'invalid input syntax for type uuid: "meter-uuid"'),
    ("market_data?type=eq.1.5", {}, 400, "22P02", 'invalid input syntax for type integer: "1.5"'),
    (f"{BESS}?time=eq.x", {}, 400, "22007", 'invalid input syntax for type timestamp with time zone: "x"'),
    (f"{BESS}?time=gte.2024-01-01T00:00:00+00:00", {}, 400, "22007", "invalid input syntax for type timestamp with time zone"),
    (f"{BESS}?time=eq.2024-13-01", {}, 400, "22008", 'date/time field value out of range: "2024-13-01"'),
    (f"{BESS}?time=eq.294300-01-01", {}, 400, "22008", 'timestamp out of range: "294300-01-01"'),
    (f"{BESS}?soe=eq.1e50", {}, 400, "22003", '"1e50" is out of range for type real'),
    (f"{BESS}?command_source=eq.70000", {}, 400, "22003", 'value "70000" is out of range for type smallint'),
    (f"{REGISTRY}?name=match.(", {}, 400, "2201B", "invalid regular expression: parentheses () not balanced"),
    (f"{REGISTRY}?name=match.(a)%5C1", {}, 400, "2201B", "invalid regular expression: back references"),
    (f"{REGISTRY}?name=match.a(%3F=b)", {}, 400, "2201B", "invalid regular expression: lookahead"),
    (f"{REGISTRY}?name=eq(any).{{a,{{b}}}}", {}, 400, "22P02", 'malformed array literal: "{a,{b}}"'),
    (f"{BESS}?power=gt.0", {}, 400, "42703", f"column {BESS}.power does not exist"),
    (f"{BESS}?nope1=eq.1&select=nope2&order=nope3", {}, 400, "42703", f"column {BESS}.nope2 does not exist"),
    (f"{REGISTRY}?select=name,{BESS}(count)", {}, 400, "42703", f"column {BESS}.count does not exist"),
    (f"{BESS}?select=soe::nosuch", {}, 400, "42704", 'type "nosuch" does not exist'),
    (f"{BESS}?select=time::interval", {}, 400, "42704", 'type "interval" does not exist'),
    (f"{BESS}?soe=is.true", {}, 400, "42804", "argument of IS TRUE must be type boolean, not type real"),
    (f"{BESS}?soe=like.1*", {}, 404, "42883", "operator does not exist: real ~~ unknown"),
    (f"{BESS}?soe=ov.{{1}}", {}, 404, "42883", "operator does not exist: real && unknown"),
    (f"{REGISTRY}?name=cd.{{a}}", {}, 400, "42725", "operator is not unique: text <@ unknown"),
    (f"{REGISTRY}?metadata=cs.{'[' * 300}{']' * 300}", {}, 400, "54001", "stack depth limit exceeded"),
    (f"{RPC}?device_ids=null", {}, 400, "22P02", 'malformed array literal: "null"'),
    (f"{RPC}?start_time=x", {}, 400, "22007", "invalid input syntax for type timestamp with time zone"),
    ('rpc/insert_market_data_batch?data={"(2024-01-01,1,2)"}', {}, 405, "25006", "cannot execute INSERT in a read-only"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "headers", "status", "code", "message"), READS)
async def test_reads(filled: Project, path: str, headers: Headers, status: int, code: str, message: str) -> None:
    await refused(filled, "GET", path, headers, None, status, code, message)


WRITES: list[tuple[str, str, Headers, Any, int, str, str]] = [
    ("TRACE", BESS, {}, None, 405, "PGRST117", "Unsupported HTTP method: TRACE"),
    ("DELETE", RPC, {}, None, 405, "PGRST101", "Cannot use the DELETE method on RPC"),
    ("POST", f"{BESS}?columns=", {}, [NOON], 400, "PGRST100", '"failed to parse columns parameter ()"'),
    ("POST", f"{RPC}?start_time=2024-01-01", {}, {}, 400, "PGRST100", '"failed to parse filter (2024-01-01)"'),
    ("POST", BESS, {}, "", 400, "PGRST102", "Empty or invalid json"),
    ("POST", RPC, {}, "{", 400, "PGRST102", "Empty or invalid json"),
    ("POST", BESS, {}, [NOON, {"time": "2024-01-02"}], 400, "PGRST102", "All object keys must match"),
    (
        "POST",
        BESS,
        {"Content-Type": "application/xml"},
        "<a/>",
        400,
        "PGRST102",
        "Content-Type not acceptable: application/xml",
    ),
    ("POST", BESS, {"Content-Type": "text/csv"}, "a,b\n1", 400, "PGRST102", "All lines must have same number of fields"),
    ("PUT", f"{REGISTRY}?name=eq.b", {}, ENTRY, 405, "PGRST105", "Filters must include all and only primary key columns"),
    ("PUT", f"{BESS}?device_id=eq.{A}", {}, NOON, 405, "PGRST105", "Filters must include all and only primary key columns"),
    ("POST", BESS, {"Content-Profile": "private"}, NOON, 406, "PGRST106", "Invalid schema: private"),
    ("PUT", f"{REGISTRY}?id=eq.{B}&limit=1", {}, ENTRY, 400, "PGRST114", "limit/offset querystring parameters"),
    ("PUT", f"{REGISTRY}?id=eq.{A}", {}, ENTRY, 400, "PGRST115", "Payload values do not match URL in primary key column(s)"),
    ("DELETE", BESS, {"Prefer": "handling=strict, max-affected=1"}, None, 400, "PGRST124", "Query result exceeds max-affected"),
    (
        "POST", "rpc/insert_market_data_batch", {"Prefer": "handling=strict, max-affected=1"}, {"data": []},
        400, "PGRST128", "Function must return SETOF or TABLE when max-affected preference is used",
    ),
    ("POST", "", {}, {}, 405, "PGRST117", "Unsupported HTTP method: POST"),
    ("POST", BESS, {}, {**NOON, "foo": 1}, 400, "PGRST204", f"Could not find the 'foo' column of '{BESS}' in the schema cache"),
    ("POST", BESS, MERGE, NOON, 409, "23505", 'duplicate key value violates unique constraint "mg_bess_readings_deviceid_time'),
    ("POST", REGISTRY, {}, ENTRY, 409, "23505", 'duplicate key value violates unique constraint "mg_device_registry_pkey"'),
    ("POST", f"{BESS}?on_conflict=soe", MERGE, NOON, 400, "42P10", "there is no unique or exclusion constraint matching"),
    ("POST", f"{BESS}?on_conflict=device_id,time", MERGE, [NOON, NOON], 500, "21000", "ON CONFLICT DO UPDATE command cannot"),
    ("POST", BESS, {}, {"device_id": A}, 400, "23502", f'null value in column "time" of relation "{BESS}" violates'),
    ("POST", BESS, {}, {**NOON, "command_source": 4.5}, 400, "22P02", 'invalid input syntax for type smallint: "4.5"'),
    ("POST", BESS, {}, {**NOON, "time": "1960-01-01"}, 400, "22008", 'timestamp out of range: "1960-01-01 00:00:00+00"'),
    ("POST", REGISTRY, {}, {**ENTRY, "name": "\0"}, 400, "22P05", "unsupported Unicode escape sequence"),
    ("POST", BESS, {}, "[" + " " * 200_000 + "]", 413, "PT413", "The body may have at most 200000 bytes"),
    ("POST", "mg_bess_readings_5m", {}, {}, 403, "42501", "permission denied for view mg_bess_readings_5m"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "headers", "body", "status", "code", "message"), WRITES)
async def test_writes(
    filled: Project, method: str, path: str, headers: Headers, body: Any, status: int, code: str, message: str
) -> None:
    await refused(filled, method, path, headers, body, status, code, message)
    assert len(await filled.get(f"/rest/v1/{BESS}")) == 2
    assert len(await filled.get(f"/rest/v1/{REGISTRY}")) == 1


async def refused(
    project: Project, method: str, path: str, headers: Headers, body: Any, status: int, code: str, message: str
) -> None:
    """The answer has this status and code, all four keys, and no more than a failure's headers."""
    content = {"content": body} if isinstance(body, str) else {} if body is None else {"json": body}
    answer = await project.client().request(method, f"/rest/v1/{path}", headers=headers, **content)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), answer.text
    assert told["message"].startswith(message)
    assert sorted(told) == ["code", "details", "hint", "message"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["proxy-status"] == f"PostgREST; error={code}"
