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


async def counted(place: Place, site: str) -> dict[str, float]:
    """What the energy report of a block counts of the last hour in all, and by meter."""
    for _ in range(3):
        await place.platform.metering.refresh()
    hour = {"start": place.iso(-3600), "end": place.iso(), "block_slug": site}
    found = await place.get("/api/v1/billing/kwh", **hour)
    rows: dict[str, float] = {"total": found["total_kwh"]}
    for row in found["data"]:
        if row["authoritative"]:
            rows[row["equipment_tag"]] = rows.get(row["equipment_tag"], 0) + row["kwh_value"]
    return {name: round(kwh, 6) for name, kwh in rows.items()}


async def an_hour(place: Place, meter: int, kwh: float, *names: str) -> None:
    """A reading a minute, with a register that rises by so many kWh, and the power that fits."""
    every = ({"total_power": kwh * 1000, "total_energy": 500 + kwh * n / 60, "energy_export": 7 * n} for n in range(61))
    chosen = ({name: value for name, value in each.items() if name in names} for each in every)
    await place.read(meter, *({"timestamp": place.iso(60 * (n - 60)), **each} for n, each in enumerate(chosen)))


async def test_its_kwh_are_in_the_energy_report_of_its_block(place: Place) -> None:
    place.clock.advance(3600 - place.clock.micros() / 1e6 % 3600)
    main = await place.meter(site="works", name="Main")
    hall = await place.meter(site="works", name="Hall", kind="submeter", parent_id=main)
    roof = await place.meter(site="works", name="Roof", kind="generation", parent_id=main)
    registers = ("total_power", "total_energy", "energy_export")
    await an_hour(place, hall, 30, *registers)
    await an_hour(place, roof, 5, *registers)
    # As long as the main meter is silent, what it would measure is what the others do.
    assert await counted(place, "works") == {"total": 30.0, f"meter-{hall}": 30.0}
    await an_hour(place, main, 60, *registers)
    assert await counted(place, "works") == {"total": 60.0, f"meter-{main}": 60.0}
    equipment = {each["tag"]: each["metadata"] for each in await place.get("/api/v1/equipment/works")}
    assert (equipment[f"meter-{hall}"], equipment[f"meter-{main}"]) == ({"parent": f"meter-{main}"}, None)
    tags = await sensors(place, "works")
    roles = {tag: place.platform.registry.any_point(number).sensor.role for tag, number in tags.items()}
    assert roles[f"meter-{main}-total_energy"] == "facility_main"
    assert {tag for tag, role in roles.items() if role is not None} == {
        f"meter-{meter}-{field}" for meter in (main, hall) for field in ("total_power", "total_energy")
    }


async def test_what_is_below_another_meter_counts_once(place: Place) -> None:
    place.clock.advance(3600 - place.clock.micros() / 1e6 % 3600)
    middle = await place.meter(site="mill", name="Floor", kind="submeter")
    both = await place.meter(
        site="mill", name="Sum", kind="virtual", parent_id=middle, formula=[{"meter_id": middle, "sign": 1}]
    )
    lamp = await place.meter(site="mill", name="Lamp", kind="submeter", parent_id=both)
    await an_hour(place, middle, 20, "total_power")
    await an_hour(place, lamp, 4, "total_energy")
    # By its power, as long as a meter tells no register.
    assert await counted(place, "mill") == {"total": 20.0, f"meter-{middle}": 20.0}
    # What a meter below a virtual one is below changes with that.
    await place.ask("PATCH", f"{ENERGY}/meters/{both}", json={"parent_id": None})
    assert await counted(place, "mill") == {"total": 24.0, f"meter-{middle}": 20.0, f"meter-{lamp}": 4.0}
    await place.ask("PATCH", f"{ENERGY}/meters/{middle}", json={"kind": "battery"})
    assert await counted(place, "mill") == {"total": 4.0, f"meter-{lamp}": 4.0}
    await place.ask("PATCH", f"{ENERGY}/meters/{lamp}", json={"kind": "grid"})
    assert (await place.get("/api/v1/billing/kwh", start=place.iso(-3600), block_slug="mill"))["boundary"] == "submeters"
    assert await counted(place, "mill") == {"total": 4.0, f"meter-{lamp}": 4.0}
    assert (await place.get("/api/v1/billing/kwh", start=place.iso(-3600), block_slug="mill"))["boundary"] == "facility_main"


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
