"""Statuses and headers of answers: pages, counts, forms, schemas, preferences."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.flux.door.project import BESS, REGISTRY, Project, new_device

ENTRY = {"name": "a", "type": "bess", "site": "X"}
COUNT = {"Prefer": "count=exact"}


@pytest.fixture
async def five(project: Project) -> str:
    """The path of five rows: soe 0 to 4."""
    device = new_device()
    rows = [{"device_id": device, "time": f"2024-01-01T12:0{soe}:00Z", "soe": soe} for soe in range(5)]
    assert (await project.client().post(BESS, json=rows)).status_code == 201
    return f"{BESS}?device_id=eq.{device}&select=soe"


@pytest.mark.parametrize(
    ("query", "headers", "status", "said", "soes"),
    [
        ("", {}, 200, "0-4/*", [0, 1, 2, 3, 4]),
        ("", COUNT, 200, "0-4/5", [0, 1, 2, 3, 4]),
        ("&limit=2", {}, 200, "0-1/*", [0, 1]),
        ("&limit=2", COUNT, 206, "0-1/5", [0, 1]),
        ("&limit=2", {"Prefer": "count=planned"}, 206, "0-1/5", [0, 1]),
        ("&limit=2", {"Prefer": "count=estimated"}, 206, "0-1/5", [0, 1]),
        ("&limit=0", {}, 200, "*/*", []),
        ("&limit=0", COUNT, 206, "*/5", []),
        ("&offset=5", COUNT, 206, "*/5", []),
        ("&offset=9", {}, 200, "*/*", []),
        ("&soe=gt.9", COUNT, 200, "*/0", []),
        ("&offset=-3&limit=1", {}, 200, "0-0/*", [0]),
        ("&limit=abc&offset=x", {}, 200, "0-4/*", [0, 1, 2, 3, 4]),
        ("&select", {}, 200, "0-4/*", [0, 1, 2, 3, 4]),
        ("&limit=2", {"Range": "1-9"}, 200, "1-1/*", [1]),
        ("", {"Range": "3-"}, 200, "3-4/*", [3, 4]),
        ("", {"Range": "1-2", "Range-Unit": "items"}, 200, "1-2/*", [1, 2]),
        ("", {"Range": "bytes=0-1"}, 200, "0-4/*", [0, 1, 2, 3, 4]),
    ],
)
async def test_pages(
    project: Project, five: str, query: str, headers: dict[str, str], status: int, said: str, soes: list[int]
) -> None:
    answer = await project.client().get(five + query, headers=headers)
    assert (answer.status_code, answer.headers["content-range"], [row["soe"] for row in answer.json()]) == (status, said, soes)
    head = await project.client().head(five + query, headers=headers)
    assert (head.status_code, head.content) == (status, b"")
    assert "content-length" not in head.headers
    if "Range" not in headers:
        assert head.headers["content-range"] == said


async def test_a_range_is_heeded_by_get_alone(project: Project, five: str) -> None:
    head = await project.client().head(five, headers={"Range": "1-2"})
    assert head.headers["content-range"] == "0-4/*"


@pytest.mark.parametrize(
    ("accept", "media", "body"),
    [
        (None, "application/json", '[{"soe":1,"command_source":null}]'),
        ("*/*", "application/json", '[{"soe":1,"command_source":null}]'),
        ("text/html, application/json;q=0.5", "application/json", '[{"soe":1,"command_source":null}]'),
        ("text/csv", "text/csv", "soe,command_source\n1,"),
        (
            "application/vnd.pgrst.object+json",
            "application/vnd.pgrst.object+json",
            '{"soe":1,"command_source":null}',
        ),
        (
            "application/vnd.pgrst.object+json;nulls=stripped",
            "application/vnd.pgrst.object+json;nulls=stripped",
            '{"soe":1}',
        ),
        (
            "application/vnd.pgrst.array+json;nulls=stripped",
            "application/vnd.pgrst.array+json;nulls=stripped",
            '[{"soe":1}]',
        ),
    ],
)
async def test_forms(project: Project, five: str, accept: str | None, media: str, body: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = await project.client().get(f"{five},command_source&soe=eq.1", headers=headers)
    assert (answer.status_code, answer.text) == (200, body)
    assert answer.headers["content-type"] == f"{media}; charset=utf-8"
    assert answer.headers["content-length"] == str(len(body))


async def test_csv_without_rows_is_an_empty_line(project: Project) -> None:
    answer = await project.client().get(f"{BESS}?device_id=eq.{new_device()}", headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.text) == (200, "\n")


async def test_a_read_tells_where_it_is_from(project: Project) -> None:
    answer = await project.client().get(f"{BESS}?soe=gt.5&limit=1&apikey={project.keys['anon']}")
    assert answer.headers["content-location"] == "/mg_bess_readings?limit=1&soe=gt.5"
    assert (await project.client().get(BESS)).headers["content-location"] == "/mg_bess_readings"
    for name in ("flux", "public"):
        assert (await project.client().get(BESS, headers={"Accept-Profile": name})).headers["content-profile"] == name


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("", "OPTIONS,GET,HEAD"),
        ("mg_bess_readings", "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
        ("mg_device_registry", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("mg_bess_readings_5m", "OPTIONS,GET,HEAD"),
        ("rpc/get_meter_readings_5m", "OPTIONS,POST"),
    ],
)
async def test_what_may_be_done(project: Project, path: str, allow: str) -> None:
    answer = await project.client("anon").options(f"/rest/v1/{path}")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (200, allow, b"")


async def test_times_are_shown_in_the_zone_that_is_asked_for(project: Project) -> None:
    row = {"device_id": (device := new_device()), "time": "2024-07-01T12:00:00.5Z"}
    await project.client().post(BESS, json=row)
    prefer = {"Prefer": "timezone=Europe/London"}
    answer = await project.client().get(f"{BESS}?device_id=eq.{device}&select=time", headers=prefer)
    assert answer.json() == [{"time": "2024-07-01T13:00:00.5+01:00"}]
    assert answer.headers["preference-applied"] == "timezone=Europe/London"
    answer = await project.client().get(f"{BESS}?limit=1", headers={"Prefer": "timezone=Mars/Olympus, foo=bar"})
    assert (answer.status_code, "preference-applied" in answer.headers) == (200, False)


async def test_writes_tell_what_they_did(project: Project) -> None:
    device = new_device()
    rows = [{"device_id": device, "time": f"2024-01-0{day}"} for day in (1, 2, 3)]
    one = f"{BESS}?device_id=eq.{device}"
    merge = {"Prefer": "resolution=merge-duplicates, count=exact"}
    keys = f"{BESS}?on_conflict=device_id,time"
    steps: list[tuple[str, str, dict[str, str], Any, int, str | None]] = [
        ("POST", BESS, {}, rows, 201, "*/*"),
        ("POST", BESS, COUNT, [], 201, "*/0"),
        ("POST", keys, merge, rows, 200, "*/3"),
        ("POST", keys, merge, [*rows, {"device_id": device, "time": "2024-01-04"}], 201, "*/4"),
        ("POST", keys, {"Prefer": "resolution=ignore-duplicates"}, rows, 201, "*/*"),
        ("PATCH", one, {}, {"soe": 1}, 204, "0-3/*"),
        ("PATCH", one, COUNT, {"soe": 1}, 204, "0-3/4"),
        ("PATCH", one, COUNT, {}, 204, "*/0"),
        ("PATCH", f"{one}&soe=gt.5", COUNT, {"soe": 1}, 204, "*/0"),
        ("PATCH", f"{one}&limit=1", COUNT, {"soe": 1}, 204, "0-3/4"),
        ("DELETE", f"{one}&soe=gt.5", COUNT, {}, 204, "*/0"),
        ("DELETE", one, COUNT, {}, 204, "*/4"),
        ("PUT", f"{REGISTRY}?id=eq.{device}", {}, {"id": device, **ENTRY}, 204, None),
    ]
    for method, path, headers, body, status, said in steps:
        answer = await project.client().request(method, path, headers=headers, json=body)
        assert (answer.status_code, answer.headers.get("content-range"), answer.content) == (status, said, b""), (method, path)


async def test_put_tells_a_new_row_from_a_changed_one_where_it_shows_it(project: Project) -> None:
    device = new_device()
    for status in (201, 200):
        row = {"id": device, "name": f"{status}", "type": "bess", "site": "X"}
        answer = await project.client().put(f"{REGISTRY}?id=eq.{device}", json=row, headers={"Prefer": "return=representation"})
        assert (answer.status_code, answer.json()[0]["name"]) == (status, f"{status}")
    assert len(await project.get(f"{REGISTRY}?id=eq.{device}")) == 1


async def test_a_new_row_may_be_named_by_its_location(project: Project) -> None:
    headers = {"Prefer": "return=headers-only"}
    answer = await project.client().post(REGISTRY, json={"id": (device := new_device()), **ENTRY}, headers=headers)
    assert answer.headers["location"] == f"/mg_device_registry?id=eq.{device}"
    answer = await project.client().post(BESS, json={"device_id": device, "time": "2024-01-01"}, headers=headers)
    assert (answer.status_code, "location" in answer.headers) == (201, False)


async def test_the_root_describes_every_relation_and_function(project: Project) -> None:
    document = await project.get("/rest/v1/")
    assert document["swagger"] == "2.0"
    assert len(document["definitions"]) == 9
    assert {path for path in document["paths"] if path.startswith("/rpc")} == {
        "/rpc/get_meter_readings_5m", "/rpc/get_meter_readings_30m", "/rpc/insert_market_data_batch",
    }  # fmt: skip


async def test_the_registrys_key_has_two_names(project: Project) -> None:
    device = new_device()
    assert (await project.client().post(REGISTRY, json={"device_id": device, **ENTRY})).status_code == 201
    assert await project.get(f"{REGISTRY}?device_id=eq.{device}&select=device_id,id") == [{"device_id": device, "id": device}]
    (row,) = await project.get(f"{REGISTRY}?id=eq.{device}")
    assert list(row) == ["id", "created_at", "name", "type", "site", "metadata", "active"]
