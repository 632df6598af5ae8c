"""The energy roles of meters: told when a field was first sent, by what a meter is and what it is below."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.metering.conftest import House
from wattline.metering.fields import NAMES
from wattline.model.record import Row
from wattline.registry.stream import Stream


def stream_of(house: House, number: int) -> Stream:
    found = house.metering.meters.find_stream(house.metering.meters.get("default", number))
    assert found is not None
    return found


async def tell(house: House, number: int, **values: float) -> None:
    """A reading is the newest one."""
    stream = stream_of(house, number)
    stream.latest = Row(stream.id, 1, 1, tuple(values.get(name) for name in NAMES))
    await house.metering.refresh()


async def change(house: House, number: int, **body: Any) -> None:
    await house.metering.meters.patch("default", number, body)
    for _ in range(3):
        await house.metering.refresh()


def roles(house: House, number: int) -> dict[str, str]:
    return {s.quantity.name: s.role for s in stream_of(house, number).sensors if s.role is not None}


def parent(house: House, number: int) -> object:
    return json.loads(stream_of(house, number).device.attributes.get("metadata", "null"))


async def test_a_field_has_its_role_from_the_first_reading_that_has_it(house: House) -> None:
    number = await house.meter()
    await house.metering.refresh()
    assert roles(house, number) == {}
    await tell(house, number, voltage_a=230.0)
    assert roles(house, number) == {}
    await tell(house, number, total_power=1.0)
    assert roles(house, number) == {"total_power": "facility_main"}
    await tell(house, number, total_energy=5.0)
    both = {"total_power": "facility_main", "total_energy": "facility_main"}
    assert roles(house, number) == both
    await change(house, number, kind="evse")
    assert roles(house, number) == {"total_power": "submeter", "total_energy": "counter"}
    await change(house, number, kind="generation")
    assert roles(house, number) == {}
    await change(house, number, kind="grid")
    await tell(house, number, total_power=1.0, total_energy=5.0)
    assert roles(house, number) == both


async def test_the_meter_above_is_the_nearest_measured_one_of_the_same_site(house: House) -> None:
    top, elsewhere = await house.meter(), await house.meter(site="other")
    total = await house.meter(kind="virtual", parent_id=top, formula=[{"meter_id": top}])
    below = await house.meter(parent_id=total)
    reads = {"site": "main", "device": f"meter-{top}", "fields": {"total_power": {"quantity": "total_power"}}}
    reader = await house.meter(source=reads, parent_id=elsewhere)
    under = await house.meter(parent_id=reader)
    abroad = await house.meter(parent_id=elsewhere)
    for number in (top, below, under, abroad):
        await tell(house, number, total_power=1.0)
    assert [parent(house, number) for number in (top, below, under, abroad)] == [
        None, {"parent": f"meter-{top}"}, {"parent": f"meter-{top}"}, None,
    ]  # fmt: skip
    found = [roles(house, number)["total_power"] for number in (top, below, under, abroad)]
    assert found == ["facility_main", "submeter", "submeter", "facility_main"]
    await change(house, total, parent_id=None)
    assert (parent(house, below), roles(house, below)) == (None, {"total_power": "facility_main"})


async def test_another_process_that_starts_makes_good_what_is_missing(house: House) -> None:
    top = await house.meter()
    below = await house.meter(parent_id=top)
    # This process ends before its next second.
    other = await House(house.database, house.clock).load()
    await other.refresh()
    assert parent(other, below) == {"parent": f"meter-{top}"}
    await tell(other, below, total_energy=1.0)
    await house.refresh()
    assert (parent(house, below), roles(house, below)) == ({"parent": f"meter-{top}"}, {"total_energy": "counter"})


async def test_a_meter_that_goes_while_it_is_looked_at_is_forgotten(house: House) -> None:
    number = await house.meter()
    await house.metering.refresh()
    stream = stream_of(house, number)
    stream.latest = Row(stream.id, 1, 1, (5.0, *(None for _ in NAMES[1:])))
    await asyncio.gather(house.metering.roles.refresh(), house.metering.meters.remove("default", number))
    await house.metering.refresh()
    assert house.metering.roles._silent == {}
    assert house.metering.roles._changed == {}
