"""A device that reports by another contract is a meter through `source`: figures, live trail, graph, forecast."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from tests.contracts.joulepoint.engine.place import ENERGY, Place
from wattline.model.clock import MINUTE, SECOND
from wattline.model.record import Row
from wattline.registry.point import PointSpec

ANALYTICS = f"{ENERGY}/analytics"
DAYS = 3
WATTS = 12_000.0


class Reporter:
    """A device of another contract. `quarters` sends a constant 12 kW every 15 minutes up to now: (time in us, kWh so far)."""

    source: ClassVar[Mapping[str, Any]]

    def __init__(self, place: Place) -> None:
        self.place = place

    @property
    def meter(self) -> Mapping[str, Any]:
        """The `source` of a meter that reads it."""
        return self.source

    async def quarters(self, told: Sequence[tuple[int, float]]) -> None:
        """Send them."""
        raise NotImplementedError


class Feeder(Reporter):
    """A feeder of a utility, which tells MW."""

    source: ClassVar[Mapping[str, Any]] = {"site": "SUB1", "device": "F1/", "fields": {"total_power": {"quantity": "power_mw"}}}

    async def quarters(self, told: Sequence[tuple[int, float]]) -> None:
        """In one batch."""
        base = {"substation_id": "SUB1", "feeder_id": "F1", "voltage_kv": 11, "current_a": 1, "frequency_hz": 60}
        records = [{**base, "power_mw": WATTS / 1e6, "timestamp": spelled(self.place, time)} for time, _ in told]
        answer = await self.place.ask("POST", "/api/ingest/telemetry/batch", json={"records": records})
        assert answer["accepted"] == len(told)


class Plant(Reporter):
    """Two points of a schedule, which tell kW and a register."""

    source: ClassVar[Mapping[str, Any]] = {
        "site": "hall",
        "device": "b1/MSB",
        "fields": {"total_power": {"quantity": "MSB-KW"}, "total_energy": {"quantity": "MSB-KWH"}},
    }

    async def quarters(self, told: Sequence[tuple[int, float]]) -> None:
        """As the gateway of the contract hands them on."""
        specs = [
            PointSpec("MSB-KW", "MSB", "electrical", "kW"),
            PointSpec("MSB-KWH", "MSB", "electrical", "kWh", kind="counter"),
        ]
        power, energy = await self.place.platform.registry.put_points(self.place.tenant, "hall", "b1", specs)
        rows = [Row(power.stream.id, time, time, (WATTS / 1000,), 0) for time, _ in told]
        rows += [Row(energy.stream.id, time, time, (total,), 0) for time, total in told]
        await self.place.platform.ingest.submit(rows)


class House(Reporter):
    """A household's digital meter, which tells its register and its power."""

    source: ClassVar[Mapping[str, Any]] = {
        "site": "home1",
        "fields": {"total_power": {"quantity": "value_current"}, "total_energy": {"quantity": "total"}},
    }

    @property
    def mac(self) -> str:
        """Of the device; no two are the same, whosever they are."""
        return f"0A:BB:CC:00:00:{int(self.place.tenant.rpartition('-')[2]):02X}"

    @property
    def meter(self) -> Mapping[str, Any]:
        """The `source` of a meter that reads it."""
        return {**self.source, "device": self.mac}

    async def quarters(self, told: Sequence[tuple[int, float]]) -> None:
        """One by one, as the device does."""
        place, office = self.place, "/api/v1/household"
        await place.ask("POST", f"{office}/users", 201, json={"id": "home1", "name": "Weber"})
        await place.ask("POST", f"{office}/sensors", 201, json={"sensor_id": self.mac, "type": "digital_electricity"})
        await place.ask("POST", f"{office}/sensors/{self.mac}/assign", json={"user_id": "home1"})
        token = (await place.ask("POST", "/token", json={"sensor_id": self.mac}))["access_token"]
        for time, total in told:
            body = {"value": total, "value_current": WATTS, "timestamp": time // 1000}
            answer = await place.client.post("/sensor_input", json=body, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text


def spelled(place: Place, micros: int) -> str:
    """A time of the place's clock."""
    return place.iso((micros - place.clock.micros()) / SECOND)


async def reported(place: Place, reporter: type[Reporter]) -> int:
    """A meter of a device that reported for days, up to the hour that is now."""
    place.clock.advance(3600 - place.clock.micros() / 1e6 % 3600)
    now = place.clock.micros()
    device = reporter(place)
    await device.quarters([(now - n * 15 * MINUTE, 5000 - 3.0 * n) for n in reversed(range(DAYS * 96 + 1))])
    return await place.meter(name="Theirs", interval_s=900, source=device.meter)


@pytest.mark.parametrize("reporter", [Feeder, Plant, House])
async def test_a_device_of_another_contract_is_a_meter(place: Place, elsewhere: Place, reporter: type[Reporter]) -> None:
    meter = await reported(place, reporter)
    period = {"meter_id": meter, "from": place.iso(-86_400), "to": place.iso()}

    kpi = await place.get(f"{ANALYTICS}/kpi", **period)
    assert kpi["import_kwh"] == pytest.approx(288)
    assert (kpi["peak_kw"], kpi["avg_kw"]) == (pytest.approx(12), pytest.approx(12))
    assert kpi["data"]["completeness_pct"] == 100
    matrix = await place.get(f"{ANALYTICS}/matrix", **period)
    assert matrix["total"] == pytest.approx(kpi["import_kwh"], abs=1e-6)

    trail = await place.get(f"{ANALYTICS}/live_trail", meter_id=meter, minutes=60)
    assert trail["latest"]["total_power"] == pytest.approx(WATTS)
    assert [point["total_power"] for point in trail["points"]] == pytest.approx([WATTS] * len(trail["points"]))
    assert len(trail["points"]) >= 4
    assert not trail["stale"]

    exported = await place.client.get(
        f"{ANALYTICS}/export", params={**period, "interval": "1h"}, headers={"Authorization": f"Bearer {place.every}"}
    )
    assert exported.status_code == 200, exported.text
    rows = [*csv.DictReader(io.StringIO(exported.text))]
    assert len(rows) == 24
    assert sum(float(row["import_kwh"]) for row in rows) == pytest.approx(288)

    forecast = await place.get(f"{ANALYTICS}/forecast", meter_id=meter, horizon_h=24, model="seasonal_naive")
    assert [point["value"] for point in forecast["points"]] == pytest.approx([12.0] * 24)

    for path in ("kpi", "matrix", "live_trail", "forecast"):
        await elsewhere.get(f"{ANALYTICS}/{path}", 404, meter_id=meter)
    source = await elsewhere.ask("POST", f"{ENERGY}/meters", 422, json={"name": "Spy", "source": reporter(place).meter})
    assert [fault["pointer"] for fault in source["errors"]] == ["/source/device"]


@pytest.mark.parametrize("reporter", [Feeder, Plant, House])
async def test_its_power_flows_in_the_graph(place: Place, reporter: type[Reporter]) -> None:
    meter = await reported(place, reporter)
    nodes = [
        await place.ask("POST", f"{ENERGY}/topology/nodes", 201, json=body)
        for body in ({"kind": "grid", "name": "Grid"}, {"kind": "load", "name": "Theirs", "meter_id": meter})
    ]
    grid, load = (node["id"] for node in nodes)
    await place.ask("POST", f"{ENERGY}/topology/edges", 201, json={"source": grid, "target": load, "kind": "cable"})
    graph = await place.get(f"{ENERGY}/topology/nodes/graph")
    live = {node["id"]: node["live"] for node in graph["nodes"]}
    assert live[load]["power_w"] == pytest.approx(WATTS)
    assert not live[load]["stale"]
    (edge,) = graph["edges"]
    assert (edge["live"]["power_w"], edge["live"]["direction"]) == (pytest.approx(WATTS), "forward")
    assert graph["totals"]["load_w"] == pytest.approx(WATTS)


async def test_it_takes_no_readings_of_its_own(place: Place) -> None:
    meter = await reported(place, Plant)
    body = {"meter_id": meter, "timestamp": place.iso(), "total_power": 1.0}
    refused = await place.ask("POST", f"{ENERGY}/energy-data", 422, json=body)
    assert [fault["code"] for fault in refused["errors"]] == ["computed"]
    await place.ask("POST", f"{ENERGY}/meters/{meter}/keys", 409)


async def test_two_meters_of_one_group_may_come_by_two_contracts(place: Place) -> None:
    """What a depot's own meter measures and what a feeder reports add up."""
    theirs = await reported(place, Feeder)
    own = await place.meter(name="Own", interval_s=900)
    readings = ({"timestamp": place.iso(-900 * n), "total_energy": 1000 - 2.0 * n} for n in reversed(range(97)))
    await place.read(own, *readings)
    group = await place.ask("POST", f"{ENERGY}/groups", 201, json={"name": "Both", "meter_ids": [theirs, own]})
    kpi = await place.get(f"{ANALYTICS}/kpi", **{"group_id": group["id"], "from": place.iso(-86_400), "to": place.iso()})
    assert kpi["import_kwh"] == pytest.approx(288 + 192)
    assert (kpi["avg_kw"], kpi["data"]["coverage_pct"]) == (pytest.approx(20), 100)
