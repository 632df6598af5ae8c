"""A reading of a depot's meter is seen through every other contract, and by its own tenant alone."""

from __future__ import annotations

import asyncio
from typing import Any

from typer.testing import CliRunner

from tests.contracts.joulepoint.engine.place import ENERGY, Place
from wattline.alarms.model import Limit
from wattline.cli.program import program

LATEST, SERIES = "/api/v1/telemetry/latest", "/api/v1/telemetry"
METER = "/rest/v1/mg_meter_readings"
REGISTRY = "/rest/v1/mg_device_registry"


async def yard(place: Place) -> int:
    """A meter at a site of its own, with ten minutes of readings."""
    place.clock.advance(60 - place.clock.micros() / 1e6 % 60)
    meter = await place.meter(site="yard", name="Yard main", interval_s=60)
    readings = (
        {"timestamp": place.iso(60 * (n - 9)), "total_power": 6000.0 + n, "total_energy": 100 + n / 10, "current_a": 26.5}
        for n in range(10)
    )
    await place.read(meter, *readings)
    return meter


async def sensors(place: Place, site: str = "yard") -> dict[str, int]:
    """The numbers of a block's sensors by their tags."""
    return {each["tag"]: each["id"] for each in await place.get(f"/api/v1/sensors/{site}")}


async def test_its_fields_are_points(place: Place) -> None:
    meter = await yard(place)
    assert [site["slug"] for site in await place.get("/api/v1/sites")] == ["yard"]
    assert [block["sensor_count"] for block in await place.get("/api/v1/blocks")] == [31]
    (equipment,) = await place.get("/api/v1/equipment/yard")
    assert (equipment["tag"], equipment["type"], equipment["subsystem"]) == (f"meter-{meter}", "meter", "electrical")
    newest = {each["tag"]: each for each in (await place.get(LATEST, block_slug="yard"))["readings"]}
    assert {tag: (each["value"], each["unit"], each["timestamp"]) for tag, each in newest.items()} == {
        f"meter-{meter}-total_power": (6009.0, "W", place.iso()),
        f"meter-{meter}-total_energy": (100.9, "kWh", place.iso()),
        f"meter-{meter}-current_a": (26.5, "A", place.iso()),
    }
    number = newest[f"meter-{meter}-total_power"]["sensor_id"]
    found = await place.get(SERIES, sensor_id=number, start=place.iso(-540), end=place.iso(1), agg="raw")
    assert [point["val_avg"] for point in found["data"]] == [6000.0 + n for n in range(10)]


async def test_a_replaced_reading_is_replaced_everywhere(place: Place) -> None:
    meter = await yard(place)
    changed = {"meter_id": meter, "timestamp": place.iso(), "total_power": 1.5}
    told = await place.ask("POST", f"{ENERGY}/energy-data", json=changed)
    assert (told["status"], told["revision"]) == ("replaced", 2)
    newest = {each["tag"]: each["value"] for each in (await place.get(LATEST, block_slug="yard"))["readings"]}
    assert newest[f"meter-{meter}-total_power"] == 1.5
    assert newest[f"meter-{meter}-current_a"] == 26.5
    number = (await sensors(place))[f"meter-{meter}-total_power"]
    found = await place.get(SERIES, sensor_id=number, start=place.iso(-60), end=place.iso(1), agg="raw")
    assert [point["val_avg"] for point in found["data"]] == [6008.0, 1.5]


async def test_a_limit_of_its_power_raises_an_alarm(place: Place, elsewhere: Place) -> None:
    meter = await yard(place)
    number = (await sensors(place))[f"meter-{meter}-total_power"]
    await place.platform.alarms.set_limits(place.tenant, number, [Limit("HH", "HIGH", 9000.0, "P1")])
    place.clock.advance(60)
    with place.platform.bus.subscribe(["alarm"], size=10) as heard:
        await place.read(meter, {"timestamp": place.iso(), "total_power": 9500.0})
        async with asyncio.timeout(30):
            await anext(aiter(heard))
    (alarm,) = (await place.get("/api/v1/alarms"))["alarms"]
    assert (alarm["sensor_id"], alarm["state"], alarm["priority"]) == (number, "ACTIVE", "P1")
    assert (await elsewhere.get("/api/v1/alarms"))["alarms"] == []
    (logged,) = (await place.get("/api/events", type="alarm"))["results"]
    assert (logged["type"], logged["tenant"]) == ("alarm", place.tenant)
    assert (await elsewhere.get("/api/events"))["results"] == []


async def exposed(place: Place, meter: int) -> str:
    """The UUID under which `wattline flux expose` shows a meter, which the server then learns."""
    columns = ("power_total_active=total_power*0.001", "energy_imported_active=total_energy", "current_phase_a=current_a")
    words = ["flux", "expose", "yard", f"meter-{meter}", "--tenant", place.tenant, "--data", str(place.platform.settings.data)]
    for column in columns:
        words += ["--column", column]
    done = await asyncio.to_thread(CliRunner().invoke, program, words)
    assert done.exit_code == 0, done.output
    for due in place.platform.each_second:
        await due()
    given: str = done.stdout.split()[0]
    return given


async def test_it_can_be_exposed_and_read_as_a_table(place: Place, elsewhere: Place) -> None:
    meter = await yard(place)
    given = await exposed(place, meter)
    (row,) = await place.get(REGISTRY)
    assert (row["id"], row["site"], row["name"]) == (given, "yard", f"meter-{meter}")
    asked = {
        "device_id": f"eq.{given}",
        "order": "time.asc",
        "select": "power_total_active,energy_imported_active,current_phase_a",
    }
    rows: list[dict[str, Any]] = await place.get(METER, **asked)
    assert rows == [
        {"power_total_active": 6 + n / 1000, "energy_imported_active": 100 + n / 10, "current_phase_a": 26.5} for n in range(10)
    ]
    place.clock.advance(60)
    await place.read(meter, {"timestamp": place.iso(), "total_power": 7000.0})
    (newest,) = await place.get(METER, device_id=f"eq.{given}", order="time.desc", limit="1")
    assert (newest["power_total_active"], newest["current_phase_a"]) == (7.0, None)
    assert await elsewhere.get(REGISTRY) == await elsewhere.get(METER) == []
    assert await elsewhere.get(METER, device_id=f"eq.{given}") == []


async def test_nobody_else_sees_it(place: Place, elsewhere: Place) -> None:
    meter = await yard(place)
    number = (await sensors(place))[f"meter-{meter}-total_power"]
    assert await elsewhere.get("/api/v1/sites") == await elsewhere.get("/api/v1/blocks") == []
    await elsewhere.get("/api/v1/equipment/yard", 404)
    assert (await elsewhere.get(LATEST, block_slug="yard"))["readings"] == []
    await elsewhere.get(SERIES, 404, sensor_id=number, start=place.iso(-540), end=place.iso(1), agg="raw")
    for path in ("live_trail", "kpi", "matrix", "export", "forecast"):
        await elsewhere.get(f"{ENERGY}/analytics/{path}", 404, meter_id=meter)
    await elsewhere.get(f"{ENERGY}/topology/nodes/graph", 404, site_id="yard")
    await elsewhere.get("/api/events", 404, meter_id=meter)
    # A site of the same name is another site, and a meter cannot read another tenant's device.
    own = await elsewhere.meter(site="yard", name="Theirs")
    await elsewhere.read(own, {"timestamp": place.iso(), "total_power": 5.0})
    newest = (await elsewhere.get(LATEST, block_slug="yard"))["readings"]
    assert [(each["tag"], each["value"]) for each in newest] == [(f"meter-{own}-total_power", 5.0)]
    source = {"site": "yard", "device": f"meter-{meter}", "fields": {"total_power": {"quantity": "total_power"}}}
    refused = await elsewhere.ask("POST", f"{ENERGY}/meters", 422, json={"name": "Spy", "source": source})
    assert [fault["pointer"] for fault in refused["errors"]] == ["/source/device"]
