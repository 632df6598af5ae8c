"""The battery controller in Go: what it sends, and what it needs to be answered."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.contracts.flux.clients.project import Project

METER = [
    "frequency", "voltage_line_average", "current_phase_a", "current_phase_b", "current_phase_c", "current_phase_average",
    "power_phase_a_active", "power_phase_b_active", "power_phase_c_active", "power_total_active", "power_total_reactive",
    "power_total_apparent", "power_factor_total", "energy_imported_active", "energy_exported_active",
    "energy_imported_phase_a_active", "energy_exported_phase_a_active", "energy_imported_phase_b_active",
    "energy_exported_phase_b_active", "energy_imported_phase_c_active", "energy_exported_phase_c_active",
]  # fmt: skip
TIME = "2024-01-15T13:04:05.123456789+01:00"


def headers(flux: Project, token: str | None = None) -> dict[str, str]:
    """What the controller sends with every request; the token of its own role, if it has one."""
    return {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Accept-Profile": "flux",
        "Apikey": flux.anon,
        "Authorization": f"Bearer {token or flux.anon}",
        "Content-Profile": "flux",
        "Content-Type": "application/json",
        "Prefer": "return=representation",
        "User-Agent": "Go-http-client/1.1",
    }


@pytest.fixture(params=["anon", "besscontroller"])
def controller(flux: Project, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """The controller with the anon key alone, and as a role of its own."""
    token = None if request.param == "anon" else flux.token(request.param)
    with httpx.Client(base_url=f"{flux.url}/rest/v1", headers=headers(flux, token), timeout=10) as client:
        yield client


def bess(device: str, time: str = TIME, **more: Any) -> dict[str, Any]:
    """One element of what it posts of batteries."""
    return {"id": str(uuid.uuid4()), "device_id": device, "time": time, "soe": 199.25, "target_power": -12.5, **more}


def kept(http: httpx.Client, table: str, *devices: str) -> list[dict[str, Any]]:
    """What is there of these devices."""
    found = http.get(f"/{table}?device_id=in.({','.join(devices)})&order=time")
    assert found.status_code == 200, found.text
    return found.json()


def refused(found: httpx.Response, status: int, code: str) -> None:
    """The body that the controller unmarshals: texts, the last two of which may be missing."""
    assert found.status_code == status, found.text
    error = found.json()
    assert (error["code"], isinstance(error["message"], str)) == (code, True)
    assert all(error[name] is None or isinstance(error[name], str) for name in ("details", "hint"))


def test_one_battery_a_tick(controller: httpx.Client, http: httpx.Client, device: str, other: str) -> None:
    sent = [bess(device), bess(other)]
    found = controller.post("/mg_bess_readings", json=sent)
    assert found.status_code == 201
    assert [row["id"] for row in found.json()] == [row["id"] for row in sent]
    assert found.headers["content-profile"] == "flux"
    there = kept(http, "mg_bess_readings", device, other)
    assert {row["id"]: row["soe"] for row in there} == {row["id"]: 199.25 for row in sent}


def test_a_newer_controller_tells_its_mode(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    assert controller.post("/mg_bess_readings", json=[bess(device, real_power_mode=5)]).status_code == 201
    assert kept(http, "mg_bess_readings", device)[0]["real_power_mode"] == 5


def test_nanoseconds_with_an_offset_are_rounded(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    assert controller.post("/mg_bess_readings", json=[bess(device)]).status_code == 201
    (row,) = kept(http, "mg_bess_readings", device)
    assert row["time"] == "2024-01-15T12:04:05.123457+00:00"
    # Another spelling of the same microsecond is the same key.
    refused(controller.post("/mg_bess_readings", json=[bess(device, "2024-01-15T12:04:05.1234568Z")]), 409, "23505")


def test_unknown_measures_are_null(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    measures = dict.fromkeys(METER) | {"power_total_active": 12.5, "frequency": 50.01}
    sent = {"id": str(uuid.uuid4()), "device_id": device, "time": TIME, **measures}
    assert controller.post("/mg_meter_readings", json=[sent]).status_code == 201
    (row,) = kept(http, "mg_meter_readings", device)
    assert {name: row[name] for name in METER} == measures
    assert row["id"] == sent["id"]


@pytest.mark.parametrize("table", ["mg_bess_readings", "mg_meter_readings"])
def test_no_new_reading(controller: httpx.Client, table: str) -> None:
    found = controller.post(f"/{table}", json=[])
    assert (found.status_code, found.json()) == (201, [])


def test_what_was_sent_is_sent_again(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    """The controller did not hear the first answer; the second tells it that the reading is there, and changes nothing."""
    sent = bess(device)
    assert controller.post("/mg_bess_readings", json=[sent]).status_code == 201
    before = kept(http, "mg_bess_readings", device)
    for _ in range(2):
        refused(controller.post("/mg_bess_readings", json=[sent]), 409, "23505")
    assert kept(http, "mg_bess_readings", device) == before


def test_a_batch_of_ten_with_one_that_is_there(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    ten = [bess(device, f"2024-01-15T12:00:0{second}Z") for second in range(10)]
    assert controller.post("/mg_bess_readings", json=ten[6:7]).status_code == 201
    refused(controller.post("/mg_bess_readings", json=ten), 409, "23505")
    assert [row["id"] for row in kept(http, "mg_bess_readings", device)] == [ten[6]["id"]]
    assert controller.post("/mg_bess_readings", json=ten[:6] + ten[7:]).status_code == 201
    assert [row["id"] for row in kept(http, "mg_bess_readings", device)] == [row["id"] for row in ten]


def test_a_batch_with_the_same_twice(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    refused(controller.post("/mg_bess_readings", json=[bess(device), bess(device)]), 409, "23505")
    assert kept(http, "mg_bess_readings", device) == []


def test_a_batch_with_one_bad_row(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    for bad, code in (({"soe": "full"}, "22P02"), ({"time": None}, "23502"), ({"time": "yesteryear"}, "22007")):
        refused(controller.post("/mg_bess_readings", json=[bess(device), bess(device, TIME) | bad]), 400, code)
    assert kept(http, "mg_bess_readings", device) == []


def test_its_own_role_may_do_only_that(flux: Project, device: str) -> None:
    sent = headers(flux, flux.token("besscontroller"))
    with httpx.Client(base_url=f"{flux.url}/rest/v1", headers=sent, timeout=10) as client:
        assert client.get(f"/mg_bess_readings?device_id=eq.{device}").status_code == 200
        refused(client.post("/market_data", json={"time": TIME, "type": 1, "value": 1}), 403, "42501")
        refused(client.delete(f"/mg_bess_readings?device_id=eq.{device}"), 403, "42501")


def test_a_backlog_while_a_channel_of_time_goes_on(controller: httpx.Client, http: httpx.Client, device: str) -> None:
    """After an outage old readings come after newer ones, and all of them are there in order."""
    now = datetime(2024, 1, 15, 13, tzinfo=UTC)
    assert controller.post("/mg_bess_readings", json=[bess(device, now.isoformat())]).status_code == 201
    old = [bess(device, f"2024-01-15T12:{minute:02}:00Z") for minute in range(10)]
    assert controller.post("/mg_bess_readings", json=old).status_code == 201
    times = [datetime.fromisoformat(row["time"]) for row in kept(http, "mg_bess_readings", device)]
    assert times == sorted(times)
    assert len(times) == 11
