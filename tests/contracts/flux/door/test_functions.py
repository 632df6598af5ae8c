"""Calls of functions over HTTP: how they are found, what they take, and what they answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.contracts.flux.door.project import MARKET, METER, Project, new_device

FIVE = "/rest/v1/rpc/get_meter_readings_5m"
HALF = "/rest/v1/rpc/get_meter_readings_30m"
BATCH = "/rest/v1/rpc/insert_market_data_batch"
DAY = {"start_time": "2024-01-01T00:00:00Z", "end_time": "2024-01-01T23:55:00Z"}


@pytest.fixture
async def device(project: Project) -> str:
    """A meter with a reading a minute for an hour of the 1st of January."""
    device = new_device()
    rows = [
        {"device_id": device, "time": f"2024-01-01T06:{minute:02}:30Z", "energy_imported_active": minute, "frequency": 50}
        for minute in range(60)
    ]
    answer = await project.client().post(METER, json=rows)
    assert answer.status_code == 201
    return device


async def post(project: Project, path: str, body: object, role: str = "service_role", **headers: str) -> Any:
    answer = await project.client(role).post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_get_and_post_and_head_are_the_same(project: Project, device: str) -> None:
    arguments = {**DAY, "device_ids": [device]}
    posted = await project.client().post(FIVE, json=arguments, headers={"Prefer": "count=exact"})
    query = f"start_time={DAY['start_time']}&end_time={DAY['end_time']}&device_ids=%7B{device}%7D"
    got = await project.client().get(f"{FIVE}?{query}", headers={"Prefer": "count=exact"})
    form = await project.client().post(FIVE, data={**DAY, "device_ids": f"{{{device}}}"})
    assert posted.status_code == got.status_code == form.status_code == 200
    assert posted.json() == got.json() == form.json()
    assert len(posted.json()) == 12
    assert posted.headers["content-range"] == got.headers["content-range"] == "0-11/12"
    head = await project.client().head(f"{FIVE}?{query}", headers={"Prefer": "count=exact"})
    assert (head.status_code, head.content, head.headers["content-range"]) == (200, b"", "0-11/12")
    assert "content-length" not in head.headers


async def test_results_are_filtered_ordered_and_paged(project: Project, device: str) -> None:
    arguments = {**DAY, "device_ids": [device]}
    mine = f"{FIVE}?select=time_b,energy_imported_active_min"
    found = await post(project, f"{mine}&energy_imported_active_min=gt.30&order=time_b.desc&limit=2", arguments)
    assert [row["energy_imported_active_min"] for row in found] == [55, 50]
    answer = await project.client().post(f"{mine}&limit=5&offset=10", json=arguments, headers={"Prefer": "count=exact"})
    assert (answer.status_code, answer.headers["content-range"]) == (206, "10-11/12")
    got = await project.client().get(
        f"{mine}&start_time=2024-01-01T06:10:00Z&end_time=2024-01-01T06:20:00Z&time_b=gte.2024-01-01T06:15:00Z",
        headers={"Range": "0-0"},
    )
    assert (got.status_code, got.headers["content-range"]) == (200, "0-0/*")
    assert got.json() == [{"time_b": "2024-01-01T06:15:00+00:00", "energy_imported_active_min": 15}]
    whole = await project.client().post(
        f"{mine}&limit=1", json=arguments, headers={"Accept": "application/vnd.pgrst.object+json"}
    )
    assert whole.json() == {"time_b": "2024-01-01T06:00:00+00:00", "energy_imported_active_min": 0}
    sheet = await project.client().post(f"{mine}&limit=1", json=arguments, headers={"Accept": "text/csv"})
    assert sheet.text == 'time_b,energy_imported_active_min\n"2024-01-01 06:00:00+00",0'


async def test_both_ends_belong_to_the_range_and_neighbours_outside_do_not_exist(project: Project, device: str) -> None:
    one = {"start_time": "2024-01-01T06:05:00Z", "end_time": "2024-01-01T06:05:00Z", "device_ids": [device]}
    (alone,) = await post(project, FIVE, one)
    assert (alone["time_b"], alone["energy_imported_active_delta"]) == ("2024-01-01T06:05:00+00:00", 4)
    together = await post(project, FIVE, one | {"start_time": "2024-01-01T06:00:00Z", "end_time": "2024-01-01T06:10:00Z"})
    assert [row["energy_imported_active_delta"] for row in together] == [4.5, 5, 4.5]
    later = await post(project, FIVE, one | {"start_time": "2024-01-01T06:00:01Z", "end_time": "2024-01-01T06:09:59Z"})
    assert [row["time_b"] for row in later] == ["2024-01-01T06:05:00+00:00"]


async def test_defaults_are_the_last_day(project: Project) -> None:
    device = new_device()
    times = ["2024-01-02T11:59:00Z", "2024-01-02T12:00:00Z", "2024-01-03T11:59:59Z", "2024-01-03T12:00:00Z"]
    await project.client().post(METER, json=[{"device_id": device, "time": time, "frequency": 50} for time in times])
    for body in ({}, {"device_ids": None}, {"device_ids": [device, device, None]}):
        found = await post(project, HALF, body)
        assert [row["time_b"][11:16] for row in found] == ["12:00", "11:30", "12:00"]
    answer = await project.client().post(HALF)
    assert len(answer.json()) == 3
    for none in ({"start_time": None}, {"end_time": None}, {"device_ids": []}, {"device_ids": [None]}, {"device_ids": "{}"}):
        assert await post(project, HALF, none) == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "message"),
    [
        (FIVE, {"device_ids": ["meter-uuid"]}, 400, "22P02", 'invalid input syntax for type uuid: "meter-uuid"'),
        (FIVE, {"device_ids": [5]}, 400, "22P02", 'invalid input syntax for type uuid: "5"'),
        (FIVE, {"device_ids": "abc"}, 400, "22P02", 'malformed array literal: "abc"'),
        (FIVE, {"device_ids": 5}, 400, "22P02", "expected JSON array"),
        (FIVE, {"device_ids": {"a": 1}}, 400, "22P02", "expected JSON array"),
        (FIVE, {"device_ids": [["00000000-0000-0000-0000-000000000000"], "x"]}, 400, "22P02", "malformed JSON array"),
        (FIVE, {"start_time": "yesterdayish"}, 400, "22007", None),
        (FIVE, {"start_time": "2024-13-01"}, 400, "22008", 'date/time field value out of range: "2024-13-01"'),
        (
            FIVE,
            {"start": "2024-01-01"},
            404,
            "PGRST202",
            "Could not find the function flux.get_meter_readings_5m(start) in the schema cache",
        ),
        (
            "/rest/v1/rpc/get_meter",
            {"b": 1, "a": 2},
            404,
            "PGRST202",
            "Could not find the function flux.get_meter(a, b) in the schema cache",
        ),
        (
            BATCH,
            {},
            404,
            "PGRST202",
            "Could not find the function flux.insert_market_data_batch without parameters in the schema cache",
        ),
        (BATCH, {"data": [5]}, 400, "22023", "cannot call populate_composite on a scalar"),
        (BATCH, {"data": ["5"]}, 400, "22P02", 'malformed record literal: "5"'),
        (BATCH, {"data": [{"time": "2024-01-01", "type": 1.5, "value": 1}]}, 400, "22P02", None),
        (BATCH, {"data": [{"type": 1, "value": 1}]}, 400, "23502", None),
        (BATCH, {"data": [{"time": "2024-01-01", "value": 1}]}, 400, "23502", None),
        (f"{FIVE}?start_time=2024-01-01", {}, 400, "PGRST100", None),
        (f"{FIVE}?nope=eq.1", {}, 400, "42703", None),
        (f"{FIVE}?limit=-1", {}, 416, "PGRST103", None),
    ],
)
async def test_calls_are_refused(
    project: Project, path: str, body: object, status: int, code: str, message: str | None
) -> None:
    answer = await project.client().post(path, json=body)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), told
    assert message is None or told["message"] == message
    assert answer.headers["proxy-status"] == f"PostgREST; error={code}"


async def test_hints_name_what_is_alike(project: Project) -> None:
    near = (await project.client().post("/rest/v1/rpc/get_meter_readings_5", json={})).json()
    assert near["hint"] == "Perhaps you meant to call the function flux.get_meter_readings_5m"
    names = (await project.client().post(FIVE, json={"start_tim": 1, "end_time": 2})).json()
    assert (
        names["hint"] == "Perhaps you meant to call the function flux.get_meter_readings_5m(device_ids, end_time, start_time)"
    )
    assert names["details"] == (
        "Searched for the function flux.get_meter_readings_5m with parameters end_time, start_tim or with a single unnamed "
        "json/jsonb parameter, but no matches were found in the schema cache."
    )
    assert (await project.client().get("/rest/v1/rpc/foo?a=1")).json()["hint"] is None


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"{", "application/json", "Empty or invalid json"),
        (b"[1]", "application/json", "All object keys must match"),
        (b"{}", "application/xml", "Content-Type not acceptable: application/xml"),
    ],
)
async def test_bodies_are_refused(project: Project, content: bytes, kind: str, message: str) -> None:
    answer = await project.client().post(FIVE, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (400, "PGRST102", message)


async def test_get_takes_literals(project: Project) -> None:
    answer = await project.client().get(f"{FIVE}?device_ids=null")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "code": "22P02",
            "details": 'Array value must start with "{" or dimension information.',
            "hint": None,
            "message": 'malformed array literal: "null"',
        },
    )
    assert (await project.client().get(f"{FIVE}?start_time=")).status_code == 400


async def test_other_methods(project: Project) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await project.client().request(method, FIVE)
        assert (answer.status_code, answer.json()["code"]) == (405, "PGRST101")
        assert answer.json()["message"] == f"Cannot use the {method} method on RPC"
    options = await project.client().options(FIVE)
    assert (options.status_code, options.headers["allow"], options.content) == (200, "OPTIONS,POST", b"")
    assert (await project.client().options("/rest/v1/rpc/nope")).status_code == 404


async def test_a_batch_adds_what_is_new(project: Project) -> None:
    time = "2024-01-01T10:00:00Z"
    data = [{"time": time, "type": 2, "value": value} for value in (80.0, 80.0, 81.5)]
    answer = await project.client("anon").post(BATCH, json={"data": data})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers
    assert (await project.client("anon").post(BATCH, json={"data": data[-1:]})).status_code == 204
    literal = '{"(2024-01-01T10:00:00Z,2,81.5)","(\\"2024-01-01 11:00:00+00\\",2,)"}'
    assert (await project.client("anon").post(BATCH, json={"data": literal})).status_code == 204
    values = [row["value"] for row in await project.get(f"{MARKET}?type=eq.2&order=time,created_at,value")]
    assert values == [80, 81.5, None]
    for empty in ([], None):
        assert (await project.client("anon").post(BATCH, json={"data": empty})).status_code == 204
    read_only = await project.client().get(f"{BATCH}?data={quote(literal)}")
    assert (read_only.status_code, read_only.json()["code"]) == (405, "25006")
    half = [{"time": time, "type": 3, "value": 1}, {"time": None, "type": 3, "value": 2}]
    assert (await project.client().post(BATCH, json={"data": half})).status_code == 400
    assert await project.get(f"{MARKET}?type=eq.3") == []


async def test_most_affected(project: Project, device: str) -> None:
    strict = {"Prefer": "handling=strict, max-affected=3"}
    answer = await project.client().post(FIVE, json={**DAY, "device_ids": [device]}, headers=strict)
    assert (answer.status_code, answer.json()["code"], answer.json()["details"]) == (
        400,
        "PGRST124",
        "The query affects 12 rows",
    )
    fewer = await project.client().post(f"{FIVE}?limit=3", json={**DAY, "device_ids": [device]}, headers=strict)
    assert (fewer.status_code, fewer.headers["preference-applied"]) == (200, "handling=strict, max-affected=3")
    nothing = await project.client().post(BATCH, json={"data": []}, headers=strict)
    assert (nothing.status_code, nothing.json()["code"]) == (400, "PGRST128")


async def test_the_form_of_the_answer_is_looked_at_after_the_call(project: Project) -> None:
    odd = {"Accept": "application/xml"}
    answer = await project.client().post(FIVE, json={}, headers=odd)
    assert (answer.status_code, answer.json()["code"]) == (406, "PGRST107")
    assert (await project.client().post(f"{FIVE}?nope=eq.1", json={}, headers=odd)).json()["code"] == "42703"
    assert (await project.client().post(BATCH, json={"data": []}, headers=odd)).status_code == 406


@pytest.mark.parametrize("argument", ["data", "device_ids"])
@pytest.mark.parametrize(
    "value",
    [
        "[" * 25_000 + "]" * 25_000,
        '{"a":' * 25_000 + "1" + "}" * 25_000,
        "[[[[[[[1]]]]]]]",
        '"\\ud800"',
        '["\\u0000"]',
        '[""]',
        "1e999",
    ],
    ids=["arrays", "objects", "dimensions", "surrogate", "nul", "empty", "number"],
)
async def test_odd_values_are_refused(project: Project, argument: str, value: str) -> None:
    path = BATCH if argument == "data" else FIVE
    answer = await project.client().post(path, content=f'{{"{argument}":{value}}}')
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message", "details", "hint"}


async def test_all_time_is_a_range(project: Project, device: str) -> None:
    for start, end in (("-infinity", "infinity"), ("epoch", "9999-12-31"), ("4713-01-01 BC", "infinity")):
        found = await post(project, HALF, {"start_time": start, "end_time": end, "device_ids": [device]})
        assert len(found) == 2
