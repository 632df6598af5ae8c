"""One platform beneath the tables: devices and readings are those of every contract, and of one tenant alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio

from tests.contracts.flux.door.conftest import Quiet
from tests.contracts.flux.door.project import BESS, METER, REGISTRY, Project, new_device
from tests.contracts.flux.promises.conftest import tenant
from wattline.alarms.model import Limit
from wattline.app import create_app
from wattline.model.principal import ALL_SCOPES
from wattline.registry.listing import Shown

START, END = "2024-01-03T11:00:00Z", "2024-01-03T12:00:00Z"
FEEDER = {"substation_id": "SUB001", "feeder_id": "FDR1", "voltage_kv": 11, "current_a": 5, "frequency_hz": 50}


@pytest_asyncio.fixture(loop_scope="session")
async def others(project: Project) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the other contracts, with a key of the same tenant."""
    _, key = await project.platform.identity.create(project.tenant, "others", ALL_SCOPES)
    transport = httpx.ASGITransport(create_app(project.platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://flux", headers={"X-API-Key": key}) as client:
        yield client


async def told(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def metered(project: Project, odd: object = 50) -> str:
    """A meter at a site, with an hour of readings; the frequency of the fifth is `odd`."""
    device = new_device()
    entry = {"id": device, "name": "Grid meter", "type": "meter", "site": "WLCE"}
    assert (await project.client("anon").post(REGISTRY, json=entry)).status_code == 201
    rows = [
        {
            "device_id": device,
            "time": f"2024-01-03T11:{minute:02}:00Z",
            "power_total_active": 60,
            "energy_imported_active": 1000 + minute,
            **{f"energy_imported_phase_{phase}_active": (1000 + minute) / 3 for phase in "abc"},
            "energy_exported_active": 2 * minute,
            "frequency": odd if minute == 4 else 50,
        }
        for minute in range(60)
    ]
    assert (await project.client("anon").post(METER, json=rows)).status_code == 201
    return device


async def test_a_meter_is_a_meter_for_every_contract(project: Project, others: httpx.AsyncClient) -> None:
    device = await metered(project)
    (meter,) = await told(others, "/api/v1/equipment/WLCE")
    assert (meter["tag"], meter["type"], meter["sensor_count"]) == ("Grid meter", "meter", 25)
    sensors = {each["tag"]: each for each in await told(others, "/api/v1/sensors/WLCE")}
    power = sensors[f"{device}-power_total_active"]
    assert (power["unit"], power["subsystem"]) == ("kW", "electrical")
    series = await told(others, f"/api/v1/telemetry?sensor_id={power['id']}&start={START}&end={END}&agg=1hour")
    assert [(point["val_avg"], point["sample_count"]) for point in series["data"]] == [(60, 60)]
    bill = await told(others, f"/api/v1/billing/kwh?block_slug=WLCE&start={START}&end={END}")
    assert (bill["total_kwh"], bill["boundary"]) == (59, "submeters")
    await project.client().patch(f"{REGISTRY}?id=eq.{device}", json={"site": "HMCE"})
    assert [each["tag"] for each in await told(others, "/api/v1/equipment/HMCE")] == ["Grid meter"]
    await project.client().delete(f"{REGISTRY}?id=eq.{device}")
    assert len(await project.get(f"{METER}?device_id=eq.{device}&select=id")) == 60


async def test_a_meter_is_alarmed_on_like_any_other(project: Project, others: httpx.AsyncClient) -> None:
    device = await metered(project)
    sensors = {each["tag"]: each["id"] for each in await told(others, "/api/v1/sensors/WLCE")}
    sensor = sensors[f"{device}-power_total_active"]
    high = Limit("HH", "HIGH", 100, "P1")
    await project.platform.alarms.set_limits(project.tenant, sensor, [high])
    assert (await told(others, "/api/v1/alarms"))["alarms"] == []
    row = {"device_id": device, "time": "2024-01-03T12:00:00Z", "power_total_active": 125.5}
    with project.platform.bus.subscribe(["alarm"], size=10) as heard:
        assert (await project.client("anon").post(METER, json=row)).status_code == 201
        async with asyncio.timeout(30):
            await anext(aiter(heard))
    (alarm,) = (await told(others, "/api/v1/alarms"))["alarms"]
    assert (alarm["sensor_id"], alarm["state"], alarm["priority"]) == (sensor, "ACTIVE", "P1")


async def test_numbers_that_are_none_are_shown_here_and_count_nowhere_else(project: Project, others: httpx.AsyncClient) -> None:
    device = await metered(project, odd="Infinity")
    shown = await project.get(f"{METER}?device_id=eq.{device}&frequency=gt.50&select=frequency")
    assert shown == [{"frequency": "Infinity"}]
    sensors = {each["tag"]: each["id"] for each in await told(others, "/api/v1/sensors/WLCE")}
    path = f"/api/v1/telemetry?sensor_id={sensors[f'{device}-frequency']}&start={START}&end={END}&agg=1hour"
    (point,) = (await told(others, path))["data"]
    assert (point["val_avg"], point["val_max"], point["sample_count"]) == (50, 50, 60)
    assert point["quality_ratio"] < 1


async def test_readings_of_a_device_of_another_contract_are_read_only(project: Project, others: httpx.AsyncClient) -> None:
    sent = await others.post("/api/ingest/telemetry", json={**FEEDER, "power_mw": 2.5, "timestamp": START})
    assert sent.status_code == 200, sent.text
    registry, listings = project.platform.registry, project.platform.listings
    (stream,) = registry.streams(project.tenant, "hop.telemetry")
    shown = [Shown("mg_meter_readings", "hop.telemetry", {"power_total_active": ("power_mw", 1000.0)})]
    listed = await listings.expose(project.tenant, stream.device, shown, name="Feeder 1", kind="meter")
    rows = f"{METER}?device_id=eq.{listed.uuid}"
    before = await project.get(rows)
    assert [(row["time"], row["power_total_active"]) for row in before] == [("2024-01-03T11:00:00+00:00", 2500)]
    body = {"device_id": listed.uuid, "time": "2024-01-03T11:30:00Z", "power_total_active": 1}
    client = project.client()
    for refused in (
        await client.post(METER, json=[{**body, "device_id": new_device()}, body]),
        await client.patch(rows, json={"power_total_active": 1}),
        await client.delete(rows),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "42501")
    for change in ({"site": "ELSEWHERE"}, {"id": new_device()}):
        refused = await client.patch(f"{REGISTRY}?id=eq.{listed.uuid}", json=change)
        assert (refused.status_code, refused.json()["code"]) == (400, "P0001")
    assert await project.get(METER) == before
    assert [row["site"] for row in await project.get(REGISTRY)] == ["SUB001"]


async def test_tenants_never_meet(shared: Quiet, project: Project) -> None:
    device = new_device()
    reading = {"device_id": device, "time": START, "soe": 1}
    entry = {"id": device, "name": "a", "type": "bess", "site": "S"}
    async with tenant(shared) as other:
        for at in (project, other):
            assert (await at.client().post(BESS, json=reading)).status_code == 201
            assert (await at.client().post(REGISTRY, json=entry)).status_code == 201
        assert (await other.client().delete(BESS)).status_code == 204
        assert (await other.client().patch(REGISTRY, json={"name": "b"})).status_code == 204
        assert await other.get(BESS) == []
        foreign = {"Authorization": f"Bearer {project.keys['service_role']}"}
        assert (await other.client().get(BESS, headers=foreign)).status_code == 401
    assert [row["soe"] for row in await project.get(BESS)] == [1]
    assert [row["name"] for row in await project.get(REGISTRY)] == ["a"]
