"""The published page, request by request, over plain HTTP against a started server."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.contracts.flux.clients.project import Project

SEE = {"Prefer": "return=representation"}
BESS = [
    "time", "device_id", "id", "created_at", "soe", "target_power", "available_inverter_blocks", "command_source",
    "real_power_mode",
]  # fmt: skip
ERROR = ["code", "details", "hint", "message"]
AVERAGED = [
    "frequency", "voltage_line_average", "current_phase_a", "current_phase_b", "current_phase_c", "current_phase_average",
    "power_phase_a_active", "power_phase_b_active", "power_phase_c_active", "power_total_active", "power_total_reactive",
    "power_total_apparent", "power_factor_total",
]  # fmt: skip
COUNTED = [
    "energy_imported_active", "energy_exported_active", "energy_imported_phase_a_active", "energy_exported_phase_a_active",
    "energy_imported_phase_b_active", "energy_exported_phase_b_active", "energy_imported_phase_c_active",
    "energy_exported_phase_c_active",
]  # fmt: skip
COUNTED_TOO = [
    "energy_imported_reactive", "energy_exported_reactive", "energy_imported_apparent", "energy_exported_apparent",
]  # fmt: skip
INTERVAL = [
    "time_b",
    "device_id",
    *(f"{name}_avg" for name in AVERAGED),
    *(f"{name}_min" for name in COUNTED),
    *(f"{name}_delta" for name in (*COUNTED, *COUNTED_TOO)),
]


def reading(device: str, time: str = "2024-01-01T12:00:00.000Z", **more: Any) -> dict[str, Any]:
    """The page's battery reading."""
    sent = {"soe": 65.5, "target_power": -25.0, "available_inverter_blocks": 4, "command_source": 1}
    return {"device_id": device, "time": time, **sent, **more}


def meter(device: str, time: str = "2024-01-01T12:00:00Z", **more: Any) -> dict[str, Any]:
    """A meter reading."""
    return {"device_id": device, "time": time, **more}


def post(http: httpx.Client, table: str, body: object, **headers: str) -> httpx.Response:
    """Insert, which must succeed."""
    found = http.post(f"/{table}", json=body, headers=headers)
    assert found.status_code == 201, found.text
    return found


def rows(http: httpx.Client, path: str) -> list[dict[str, Any]]:
    """The rows of an answer, which must be one of rows."""
    found = http.get(path)
    assert found.status_code in (200, 206), found.text
    assert found.headers["content-type"] == "application/json; charset=utf-8"
    return found.json()


def refused(found: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of an answer: the four keys, and headers that tell the same code."""
    assert (found.status_code, found.json()["code"]) == (status, code), found.text
    assert sorted(found.json()) == ERROR
    assert found.headers["content-type"] == "application/json; charset=utf-8"
    return found.json()


def instants(found: list[dict[str, Any]]) -> list[datetime]:
    """When the rows are."""
    return [datetime.fromisoformat(row["time"]) for row in found]


def test_bess_telemetry_of_a_day(http: httpx.Client, device: str) -> None:
    times = ["2023-12-31T23:59:59Z", "2024-01-01T00:00:00Z", "2024-01-01T23:59:59Z", "2024-01-02T00:00:00Z"]
    post(http, "mg_bess_readings", [reading(device, time) for time in times])
    day = "time=gte.2024-01-01T00:00:00Z&time=lt.2024-01-02T00:00:00Z&order=time.desc&limit=100"
    found = rows(http, f"/mg_bess_readings?device_id=eq.{device}&{day}")
    assert list(found[0]) == BESS
    assert instants(found) == [datetime.fromisoformat(times[2]), datetime.fromisoformat(times[1])]


def test_a_limit_of_a_hundred(http: httpx.Client, device: str) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    post(http, "mg_bess_readings", [reading(device, (start + timedelta(minutes=at)).isoformat()) for at in range(105)])
    found = rows(http, f"/mg_bess_readings?device_id=eq.{device}&order=time.desc&limit=100")
    assert instants(found) == [start + timedelta(minutes=at) for at in range(104, 4, -1)]


def test_soe_filter_leaves_nulls_out(http: httpx.Client, device: str) -> None:
    for minute, soe in enumerate((10, 50, None, 49.5)):
        post(http, "mg_bess_readings", reading(device, f"2024-01-01T12:0{minute}:00Z", soe=soe))
    found = rows(http, f"/mg_bess_readings?device_id=eq.{device}&soe=lt.50&order=time")
    assert [row["soe"] for row in found] == [10, 49.5]


def test_select_gives_the_keys_in_its_order(http: httpx.Client, device: str) -> None:
    post(http, "mg_bess_readings", reading(device))
    found = http.get(f"/mg_bess_readings?select=time,device_id,soe,target_power&device_id=eq.{device}")
    assert found.text == f'[{{"time":"2024-01-01T12:00:00+00:00","device_id":"{device}","soe":65.5,"target_power":-25}}]'


def test_insert_with_representation(http: httpx.Client, device: str) -> None:
    found = post(http, "mg_bess_readings", reading(device), **SEE)
    assert found.headers["preference-applied"] == "return=representation"
    (row,) = found.json()
    assert list(row) == BESS
    assert uuid.UUID(row["id"]).version == 4
    assert abs(datetime.fromisoformat(row["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert (row["soe"], row["target_power"], row["available_inverter_blocks"], row["command_source"]) == (65.5, -25, 4, 1)
    assert rows(http, f"/mg_bess_readings?device_id=eq.{device}") == [row]


def test_insert_without_preference(http: httpx.Client, device: str) -> None:
    found = post(http, "mg_bess_readings", reading(device))
    assert found.content == b""
    assert "preference-applied" not in found.headers


def test_the_same_reading_again(http: httpx.Client, device: str) -> None:
    post(http, "mg_bess_readings", reading(device), **SEE)
    error = refused(http.post("/mg_bess_readings", json=reading(device), headers=SEE), 409, "23505")
    assert error == {
        "code": "23505",
        "details": f'Key (device_id, "time")=({device}, 2024-01-01 12:00:00+00) already exists.',
        "hint": None,
        "message": 'duplicate key value violates unique constraint "mg_bess_readings_deviceid_time_idx"',
    }


def test_meter_telemetry_with_the_apikey_alone(flux: Project, http: httpx.Client, device: str) -> None:
    post(http, "mg_meter_readings", meter(device, power_total_active=125.5, energy_imported_active=1234.56))
    selected = "select=time,power_total_active,energy_imported_active"
    path = f"{flux.url}/rest/v1/mg_meter_readings?device_id=eq.{device}&time=gte.2024-01-01T00:00:00Z&{selected}"
    found = httpx.get(path, headers={"apikey": flux.anon})
    assert found.status_code == 200
    assert found.text == '[{"time":"2024-01-01T12:00:00+00:00","power_total_active":125.5,"energy_imported_active":1234.56}]'


def test_bulk_insert_of_meter_readings(http: httpx.Client, device: str) -> None:
    first = {"power_total_active": 125.5, "voltage_line_average": 415.2, "current_phase_average": 180.5}
    second = {"power_total_active": 128.3, "voltage_line_average": 414.8, "current_phase_average": 182.1}
    body = [meter(device, **first), meter(device, "2024-01-01T12:01:00Z", **second)]
    found = post(http, "mg_meter_readings", body, Prefer="return=minimal")
    assert (found.content, found.headers["preference-applied"]) == (b"", "return=minimal")
    kept = rows(http, f"/mg_meter_readings?device_id=eq.{device}&order=time")
    assert [{name: row[name] for name in first} for row in kept] == [first, second]
    for row in kept:
        assert len(row) == 29
        rest = set(row) - {"time", "device_id", "id", "created_at", *first}
        assert len(rest) == 22
        assert [row[name] for name in rest] == [None] * 22
    assert kept[0]["created_at"] == kept[1]["created_at"]


@pytest.mark.parametrize("table", ["mg_bess_readings", "mg_meter_readings"])
def test_a_word_is_no_uuid(http: httpx.Client, table: str) -> None:
    error = refused(http.get(f"/{table}?device_id=eq.meter-uuid"), 400, "22P02")
    assert error["message"] == 'invalid input syntax for type uuid: "meter-uuid"'
    refused(http.post(f"/{table}", json=meter("meter-uuid")), 400, "22P02")


def test_power_filter(http: httpx.Client, device: str) -> None:
    body = [meter(device, f"2024-01-01T12:0{at}:00Z", power_total_active=power) for at, power in enumerate((99.5, 100, 125.5))]
    post(http, "mg_meter_readings", body)
    found = rows(http, f"/mg_meter_readings?device_id=eq.{device}&power_total_active=gt.100")
    assert [row["power_total_active"] for row in found] == [125.5]


def test_latest_market_signal(http: httpx.Client) -> None:
    metadata = {"confidence": 0.85, "settlement_period": 24}
    times = [datetime.now(UTC) + timedelta(milliseconds=at) for at in range(2)]
    for at, time in enumerate(times):
        post(http, "market_data", {"time": time.isoformat(), "type": 1, "value": -150.5 - at, "metadata": metadata})
    (row,) = rows(http, "/market_data?type=eq.1&order=time.desc&limit=1")
    assert list(row) == ["id", "time", "type", "value", "metadata", "created_at"]
    assert (instants([row]), row["value"], row["metadata"]) == ([times[1]], -151.5, metadata)


def test_a_word_is_no_type_of_market_data(http: httpx.Client) -> None:
    error = refused(http.get("/market_data?type=eq.abc"), 400, "22P02")
    assert error["message"] == 'invalid input syntax for type integer: "abc"'


def test_the_device_list(http: httpx.Client, site: str) -> None:
    metadata = {"max_power": 100, "capacity_kwh": 500, "modbus_address": 1, "more": {"list": [1, 2.5, None, "x"]}}
    body = [{"name": "WLCE-BESS-01", "type": "bess"}, {"name": "WLCE-METER-01", "type": "meter"}]
    post(http, "mg_device_registry", [{**entry, "site": site, "metadata": metadata} for entry in body])
    found = rows(http, f"/mg_device_registry?site=eq.{site}&active=eq.true&order=name")
    assert [row["name"] for row in found] == ["WLCE-BESS-01", "WLCE-METER-01"]
    (row,) = rows(http, f"/mg_device_registry?site=eq.{site}&type=eq.bess")
    assert list(row) == ["id", "created_at", "name", "type", "site", "metadata", "active"]
    assert row["metadata"] == metadata
    assert '"max_power": 100,' in http.get(f"/mg_device_registry?site=eq.{site}&type=eq.bess").text


def test_registering_a_device(http: httpx.Client, site: str) -> None:
    metadata = {"manufacturer": "PowerPack", "model": "PP-500", "capacity_kwh": 500, "max_power_kw": 100}
    body = {"name": "WLCE-BESS-02", "type": "bess", "site": site, "metadata": metadata}
    (row,) = post(http, "mg_device_registry", body, **SEE).json()
    assert row["active"] is True
    assert uuid.UUID(row["id"])
    assert abs(datetime.fromisoformat(row["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert {name: row[name] for name in body} == body


def test_a_device_has_a_site(http: httpx.Client) -> None:
    error = refused(http.post("/mg_device_registry", json={"name": "WLCE-BESS-02", "type": "bess"}), 400, "23502")
    assert error["message"] == 'null value in column "site" of relation "mg_device_registry" violates not-null constraint'


@pytest.mark.parametrize(("name", "buckets"), [("get_meter_readings_5m", 4), ("get_meter_readings_30m", 1)])
def test_intervals(http: httpx.Client, device: str, other: str, name: str, buckets: int) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    for each in (device, other):
        body = [
            meter(each, (start + timedelta(minutes=at)).isoformat(), power_total_active=125.5, energy_imported_active=at / 2)
            for at in range(16)
        ]
        post(http, "mg_meter_readings", body)

    def called(**more: Any) -> list[dict[str, Any]]:
        found = http.post(f"/rpc/{name}", json=more)
        assert found.status_code == 200, found.text
        return [row for row in found.json() if row["device_id"] in (device, other)]

    span = {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat()}
    one = called(**span, device_ids=[device])
    assert [list(row) for row in one] == [INTERVAL] * buckets
    assert datetime.fromisoformat(one[0]["time_b"]) == start
    assert {row["power_total_active_avg"] for row in one} == {125.5}
    assert sum(row["energy_imported_active_delta"] for row in one) == 7.5
    assert {row["energy_exported_active_delta"] for row in one} == {None}
    both = called(**span, device_ids=None)
    assert [row["device_id"] for row in both] == sorted([device, other] * buckets)
    assert called() == both
    assert called(**span, device_ids=[]) == []
    empty = http.post(f"/rpc/{name}", content=b"")
    assert [row for row in empty.json() if row["device_id"] in (device, other)] == both


def test_no_key(flux: Project) -> None:
    for path in ("mg_bess_readings", "rpc/get_meter_readings_5m", "nothing"):
        found = httpx.get(f"{flux.url}/rest/v1/{path}")
        assert found.status_code == 401
        assert sorted(found.json()) == ERROR
    assert httpx.get(f"{flux.url}/rest/v1/mg_bess_readings", headers={"apikey": "nonsense"}).status_code == 401


def test_every_operator_of_the_table(http: httpx.Client, device: str, site: str) -> None:
    for minute, (soe, source) in enumerate(((50, 0), (10, 1), (90, None))):
        post(http, "mg_bess_readings", reading(device, f"2024-01-01T00:0{minute}:00Z", soe=soe, command_source=source))

    def found(query: str) -> list[float]:
        return [row["soe"] for row in rows(http, f"/mg_bess_readings?device_id=eq.{device}&order=time&{query}")]

    assert found("soe=eq.50") == [50]
    assert found("command_source=neq.0") == [10]
    assert found("soe=gt.10") == [50, 90]
    assert found("time=gte.2024-01-01") == [50, 10, 90]
    assert found("time=lt.2024-01-01") == []
    assert found("soe=lt.20") == [10]
    assert found("soe=lte.50") == [50, 10]
    body = {"type": "bess", "site": site}
    post(http, "mg_device_registry", [{"name": "WLCE-BESS-01", **body}, {"name": "WLCE-METER-01", **body}])

    def named(query: str) -> list[str]:
        return [row["name"] for row in rows(http, f"/mg_device_registry?order=name&{query}")]

    assert named(f"site=eq.{site}&name=like.*BESS*") == ["WLCE-BESS-01"]
    assert named(f"site=in.({site},HMCE)") == ["WLCE-BESS-01", "WLCE-METER-01"]
    assert named(f"site=eq.{site}&metadata=is.null") == ["WLCE-BESS-01", "WLCE-METER-01"]
    assert rows(http, "/mg_device_registry?site=in.(WLCE,HMCE)") == []


@pytest.mark.parametrize("query", ["power=gt.0", "power=lte.100"])
def test_there_is_no_power(http: httpx.Client, query: str) -> None:
    error = refused(http.get(f"/mg_bess_readings?{query}"), 400, "42703")
    assert error["message"] == "column mg_bess_readings.power does not exist"


def test_complex_filters(http: httpx.Client, device: str, other: str) -> None:
    soes = (10, 20, 50, 60, 80, 90)
    for each in (device, other):
        post(http, "mg_bess_readings", [reading(each, f"2024-01-01T00:0{at}:00Z", soe=soe) for at, soe in enumerate(soes)])

    def found(query: str) -> list[float]:
        return [row["soe"] for row in rows(http, f"/mg_bess_readings?order=time&{query}")]

    assert found(f"device_id=eq.{device}&soe=gt.50&soe=lt.80") == [60]
    assert found(f"device_id=eq.{device}&or=(soe.lt.20,soe.gt.80)") == [10, 90]
    assert found(f"and=(device_id.eq.{device},or=(soe.lt.20,soe.gt.80))") == [10, 90]
    assert found(f"and=(device_id.eq.{device},or(soe.lt.20,soe.gt.80))") == [10, 90]


def test_pages_by_offset_without_an_order(http: httpx.Client) -> None:
    devices = [str(uuid.uuid4()) for _ in range(4)]
    body = [reading(each, f"2024-02-01T{at // 60:02}:{at % 60:02}:00Z") for at in range(60) for each in devices]
    post(http, "mg_bess_readings", body)
    asked = f"/mg_bess_readings?select=id&device_id=in.({','.join(devices)})&limit=100"
    pages = [rows(http, f"{asked}&offset={offset}") for offset in (0, 100, 200)]
    assert [len(page) for page in pages] == [100, 100, 40]
    assert len({row["id"] for page in pages for row in page}) == 240


def test_pages_by_cursor(http: httpx.Client, device: str) -> None:
    post(http, "mg_bess_readings", [reading(device, f"2024-01-01T12:{at:02}:00Z") for at in range(25)])
    asked = f"/mg_bess_readings?device_id=eq.{device}&limit=10&order=time.desc"
    first = instants(rows(http, asked))
    second = instants(rows(http, f"{asked}&time=lt.{first[-1]:%Y-%m-%dT%H:%M:%SZ}"))
    assert first == sorted(first, reverse=True)
    assert second == [first[-1] - timedelta(minutes=at) for at in range(1, 11)]


def test_range_and_count(http: httpx.Client, device: str) -> None:
    post(http, "mg_bess_readings", [reading(device, f"2024-01-01T{at // 60:02}:{at % 60:02}:00Z") for at in range(150)])
    ask = {"Range-Unit": "items", "Range": "0-99", "Prefer": "count=exact"}
    found = http.get(f"/mg_bess_readings?device_id=eq.{device}", headers=ask)
    assert (found.status_code, found.headers["content-range"], len(found.json())) == (206, "0-99/150", 100)
    assert found.headers["preference-applied"] == "count=exact"
    rest = http.get(f"/mg_bess_readings?device_id=eq.{device}", headers={**ask, "Range": "100-199"})
    assert (rest.status_code, rest.headers["content-range"], len(rest.json())) == (206, "100-149/150", 50)
    past = http.get(f"/mg_bess_readings?device_id=eq.{device}&offset=151", headers={"Prefer": "count=exact"})
    assert refused(past, 416, "PGRST103")["details"] == "An offset of 151 was requested, but there are only 150 rows."
    assert past.headers["content-range"] == "*/150"


def test_a_table_that_is_not_there(http: httpx.Client) -> None:
    error = refused(http.get("/mg_bess_reading"), 404, "PGRST205")
    assert error["message"] == "Could not find the table 'flux.mg_bess_reading' in the schema cache"
    assert error["hint"] == "Perhaps you meant the table 'flux.mg_bess_readings'"
    refused(http.get("/mg_bess_readings/1"), 404, "PGRST125")


def test_errors_say_who_made_them(http: httpx.Client) -> None:
    found = http.get("/mg_bess_readings?soe=0.5")
    assert refused(found, 400, "PGRST100")
    assert re.match(r'"failed to parse filter \(0\.5\)" \(line 1, column \d+\)', found.json()["message"])
    assert found.headers["proxy-status"] == "PostgREST; error=PGRST100"
