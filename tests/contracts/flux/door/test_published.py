"""The requests of the published page, one after another."""

from __future__ import annotations

import json

import pytest

from tests.contracts.flux.door.project import BESS, MARKET, METER, REGISTRY, WHOLE, Project, new_device

READING = {
    "time": "2024-01-01T12:00:00.000Z",
    "soe": 65.5,
    "target_power": -25.0,
    "available_inverter_blocks": 4,
    "command_source": 1,
}


async def test_a_battery_reading_is_inserted_and_read(project: Project) -> None:
    device = new_device()
    body = {"device_id": device, **READING}
    made = await project.client("anon").post(BESS, json=body, headers=WHOLE)
    assert made.status_code == 201
    (row,) = made.json()
    assert row["soe"] == 65.5
    assert row["time"] == "2024-01-01T12:00:00+00:00"
    assert row["created_at"] == "2024-01-03T12:00:00+00:00"
    assert list(row) == [
        "time", "device_id", "id", "created_at", "soe", "target_power", "available_inverter_blocks", "command_source",
        "real_power_mode",
    ]  # fmt: skip
    found = await project.client("anon").get(
        f"{BESS}?device_id=eq.{device}&time=gte.2024-01-01T00:00:00Z&time=lt.2024-01-02T00:00:00Z&order=time.desc&limit=100"
    )
    assert found.json() == [row]
    assert found.headers["content-range"] == "0-0/*"
    assert found.headers["content-type"] == "application/json; charset=utf-8"
    assert found.headers["content-profile"] == "flux"
    again = await project.client("anon").post(BESS, json=body)
    assert again.status_code == 409
    assert again.json() == {
        "code": "23505",
        "details": f'Key (device_id, "time")=({device}, 2024-01-01 12:00:00+00) already exists.',
        "hint": None,
        "message": 'duplicate key value violates unique constraint "mg_bess_readings_deviceid_time_idx"',
    }
    assert again.headers["proxy-status"] == "PostgREST; error=23505"


async def test_without_a_preference_the_answer_to_an_insert_is_empty(project: Project) -> None:
    answer = await project.client("anon").post(BESS, json={"device_id": new_device(), **READING})
    assert answer.status_code == 201
    assert answer.content == b""
    assert "content-type" not in answer.headers
    assert answer.headers["content-range"] == "*/*"


async def test_meter_readings_come_in_bulk(project: Project) -> None:
    device = new_device()
    rows = [
        {"device_id": device, "time": "2024-01-01T12:00:00Z", "power_total_active": 125.5, "voltage_line_average": 415.2},
        {"device_id": device, "time": "2024-01-01T12:01:00Z", "power_total_active": 128.3, "voltage_line_average": 414.8},
    ]
    answer = await project.client("anon").post(METER, json=rows, headers={"Prefer": "return=minimal"})
    assert answer.status_code == 201
    assert answer.content == b""
    assert answer.headers["preference-applied"] == "return=minimal"
    found = await project.get(
        f"{METER}?device_id=eq.{device}&power_total_active=gt.126&select=time,power_total_active,energy_imported_active"
    )
    assert found == [{"time": "2024-01-01T12:01:00+00:00", "power_total_active": 128.3, "energy_imported_active": None}]


async def test_market_signals(project: Project) -> None:
    metadata = {"confidence": 0.85, "settlement_period": 24}
    for value in (-100, -150.5):
        body = {"time": f"2024-01-01T12:00:0{int(value == -150.5)}Z", "type": 1, "value": value, "metadata": metadata}
        assert (await project.client("anon").post(MARKET, json=body)).status_code == 201
    (row,) = await project.get(f"{MARKET}?type=eq.1&order=time.desc&limit=1")
    assert (row["value"], row["metadata"]) == (-150.5, metadata)
    names = await project.get("/rest/v1/market_data_types?select=id,name,unit&order=id")
    assert [row["id"] for row in names] == [1, 2, 3, 4]


async def test_devices_are_registered_and_listed(project: Project) -> None:
    body = {"name": "WLCE-BESS-02", "type": "bess", "site": "WLCE", "metadata": {"capacity_kwh": 500, "max_power_kw": 100}}
    made = await project.client("anon").post(REGISTRY, json=body, headers=WHOLE)
    assert made.status_code == 201, made.text
    (row,) = made.json()
    assert row["active"] is True
    assert row["metadata"] == body["metadata"]
    assert await project.get(f"{REGISTRY}?site=eq.WLCE&active=eq.true") == [row]
    assert await project.get(f"{REGISTRY}?name=like.*BESS*&site=in.(WLCE,HMCE)&metadata=is.null") == []
    missing = await project.client("anon").post(REGISTRY, json={"name": "a", "type": "bess"})
    assert (missing.status_code, missing.json()["code"]) == (400, "23502")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("mg_meter_readings?device_id=eq.meter-uuid", 400, "22P02"),
        ("market_data?type=eq.abc", 400, "22P02"),
        ("mg_bess_readings?power=gt.0", 400, "42703"),
        ("mg_bess_readings?soe=0", 400, "PGRST100"),
        ("mg_bess_reading", 404, "PGRST205"),
        ("a/b", 404, "PGRST125"),
        ("mg_bess_readings/", 404, "PGRST125"),
        ("rpc/get_meter_readings_5", 404, "PGRST202"),
        ("mg_bess_readings?limit=-1", 416, "PGRST103"),
    ],
)
async def test_faults_have_four_keys(project: Project, query: str, status: int, code: str) -> None:
    answer = await project.client("anon").get(f"/rest/v1/{query}")
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told.keys() == {"code", "details", "hint", "message"}
    assert told["code"] == code
    assert answer.headers["proxy-status"] == f"PostgREST; error={code}"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_conditions_and_pages(project: Project) -> None:
    device = new_device()
    times = [f"2024-01-01T12:{minute:02}:00Z" for minute in range(10)]
    rows = [{"device_id": device, "time": time, "soe": 10.0 * at} for at, time in enumerate(times)]
    assert (await project.client("anon").post(BESS, json=rows)).status_code == 201
    mine = f"{BESS}?select=soe&device_id=eq.{device}"
    for condition, expected in (
        ("or=(soe.lt.20,soe.gt.80)", [0, 10, 90]),
        (f"and=(device_id.eq.{device},or=(soe.lt.20,soe.gt.80))", [0, 10, 90]),
        (f"and=(device_id.eq.{device},or(soe.lt.20,soe.gt.80))", [0, 10, 90]),
        ("soe=gt.50&soe=lt.80", [60, 70]),
        ("limit=3&offset=2", [20, 30, 40]),
        ("command_source=neq.0", []),
    ):
        assert [row["soe"] for row in await project.get(f"{mine}&{condition}")] == expected
    page = await project.client("anon").get(mine, headers={"Range": "0-3", "Prefer": "count=exact"})
    assert page.status_code == 206
    assert page.headers["content-range"] == "0-3/10"
    assert page.headers["preference-applied"] == "count=exact"
    beyond = await project.client("anon").get(f"{mine}&offset=100", headers={"Prefer": "count=exact"})
    assert (beyond.status_code, beyond.headers["content-range"], beyond.json()["code"]) == (416, "*/10", "PGRST103")
    last = await project.client("anon").get(f"{mine}&offset=10", headers={"Prefer": "count=exact"})
    assert (last.status_code, last.headers["content-range"], last.json()) == (206, "*/10", [])


async def test_intervals_of_meters(project: Project) -> None:
    device = new_device()
    rows = [
        {"device_id": device, "time": f"2024-01-01T00:{minute:02}:00Z", "power_total_active": 120 + minute % 2,
         "energy_imported_active": 1000 + 2 * minute, "energy_exported_active": 7}
        for minute in range(60)
    ]  # fmt: skip
    assert (await project.client("anon").post(METER, json=rows)).status_code == 201
    arguments = {"start_time": "2024-01-01T00:00:00Z", "end_time": "2024-01-02T00:00:00Z", "device_ids": [device]}
    answer = await project.client("anon").post("/rest/v1/rpc/get_meter_readings_5m", json=arguments)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert len(found) == 12
    assert [row["time_b"] for row in found][:2] == ["2024-01-01T00:00:00+00:00", "2024-01-01T00:05:00+00:00"]
    assert [row["energy_imported_active_delta"] for row in found] == [*[10] * 11, 8]
    assert {row["energy_exported_active_delta"] for row in found} == {0}
    assert {row["energy_imported_reactive_delta"] for row in found} == {None}
    assert found[0]["power_total_active_avg"] == 120.4
    assert len(found[0]) == 35
    assert list(found[0])[:3] == ["time_b", "device_id", "frequency_avg"]
    half = await project.client("anon").post(
        "/rest/v1/rpc/get_meter_readings_30m", content=json.dumps(arguments | {"device_ids": None})
    )
    assert [(row["time_b"], row["energy_imported_active_delta"]) for row in half.json()] == [
        ("2024-01-01T00:00:00+00:00", 60), ("2024-01-01T00:30:00+00:00", 58),
    ]  # fmt: skip
