"""What is made of a value on its way in, and where a field of a meter is that reads another device."""

from __future__ import annotations

import pytest

from tests.metering.conftest import House
from tests.stores import FOUR
from wattline.metering.channels import scales
from wattline.metering.fields import COLUMN, NAMES
from wattline.model.errors import Faulty


async def scaled(house: House, sent: dict[str, float], **body: object) -> dict[str, float]:
    meter = house.metering.meters.get("default", await house.meter(**body))
    stored = dict(sent)
    for scale in scales(meter):
        name = NAMES[scale.column]
        if name in stored:
            stored[name] = stored[name] * scale.factor / scale.divisor
    return stored


SENT = {
    "total_power": 3600.0,
    "apparent_power": 4000.0,
    "total_energy": 1234567.0,
    "reactive_energy": 30.0,
    "voltage_ab": 100.0,
    "current_n": 5.0,
    "frequency": 50.0,
    "power_factor": 0.9,
    "thd_i_a": 4.0,
    "temperature": 20.0,
}


async def test_ratios_are_applied_to_secondary_readings_alone(house: House) -> None:
    assert await scaled(house, SENT, ct_ratio=40, vt_ratio=200) == SENT
    assert await scaled(house, SENT, ct_ratio=40, vt_ratio=200, secondary_readings=True) == SENT | {
        "total_power": 3600.0 * 8000,
        "apparent_power": 4000.0 * 8000,
        "total_energy": 1234567.0 * 8000,
        "reactive_energy": 30.0 * 8000,
        "voltage_ab": 20_000.0,
        "current_n": 200.0,
    }


async def test_registers_in_wh_are_kept_in_kwh_and_lose_no_digit(house: House) -> None:
    assert await scaled(house, SENT, energy_unit="Wh") == SENT | {"total_energy": 1234.567, "reactive_energy": 0.03}
    assert scales(house.metering.meters.get("default", await house.meter())) == ()


async def test_a_register_rolls_over_where_its_stored_value_does(house: House) -> None:
    async def span(**body: object) -> float | None:
        return house.metering.meters.get("default", await house.meter(**body)).register_span_kwh

    assert await span() is None
    assert await span(register_digits=5) == 100_000.0
    assert await span(register_digits=8, energy_unit="Wh") == 100_000.0
    assert await span(register_digits=5, ct_ratio=40) == 100_000.0
    assert await span(register_digits=5, ct_ratio=40, secondary_readings=True) == 4_000_000.0


async def test_rated_power_follows_the_wiring(house: House) -> None:
    async def rated(**body: object) -> float | None:
        return house.metering.meters.get("default", await house.meter(**body)).rated_power_w

    assert await rated() is None
    assert await rated(rated_current=100) == 69_000.0
    assert await rated(rated_current=100, phases=1) == 23_000.0
    assert await rated(rated_current=100, phases=1, wiring="1p3w", nominal_voltage=120) == 24_000.0
    assert await rated(rated_current=100, wiring="3p3w", nominal_voltage=400) == pytest.approx(69_282.03)


async def test_a_meter_may_read_a_device_of_another_contract(house: House) -> None:
    stream = await house.registry.register("default", "substation", "feeder-1", FOUR)
    source = {
        "site": "substation",
        "device": "feeder-1",
        "fields": {
            "total_power": {"quantity": "power_mw"},
            "voltage_ab": {"quantity": "voltage_kv"},
            "current_a": {"quantity": "current_a", "factor": -2},
        },
    }
    number = await house.meter(source=source)
    meter = house.metering.meters.get("default", number)
    found = {name: house.metering.channel(meter, name) for name in COLUMN}
    assert {name: tuple(channel) for name, channel in found.items() if channel is not None} == {
        "total_power": (stream, 2, 1e6),
        "voltage_ab": (stream, 0, 1e3),
        "current_a": (stream, 1, -2.0),
    }
    await house.metering.meters.patch("default", number, {"source": {"fields": {"current_a": {"factor": 4}}}})
    meter = house.metering.meters.get("default", number)
    assert house.metering.channel(meter, "current_a") == (stream, 1, 4.0)
    assert not meter.takes_readings
    assert house.metering.meters.find_stream(meter) is None
    assert house.metering.meters.of_stream(stream) == [meter]
    await house.metering.meters.patch("default", number, {"source": None})
    assert house.metering.meters.of_stream(stream) == []
    assert house.metering.meters.find_stream(house.metering.meters.get("default", number)) is not None


async def test_a_source_must_be_there_and_its_units_must_fit(house: House) -> None:
    await house.registry.register("default", "substation", "feeder-1", FOUR)
    await house.registry.register("other", "substation", "feeder-2", FOUR)

    async def refused(**source: object) -> set[tuple[str, str]]:
        with pytest.raises(Faulty) as error:
            await house.meter(source={"site": "substation", "device": "feeder-1", **source})
        return {(fault.pointer, fault.code) for fault in error.value.faults}

    power = {"total_power": {"quantity": "power_mw"}}
    assert await refused(fields=power, device="feeder-2") == {("/source/device", "unknown_reference")}
    assert await refused(fields=power, site="nowhere") == {("/source/device", "unknown_reference")}
    assert await refused() == {("/source/fields", "required")}
    assert await refused(fields={}) == {("/source/fields", "required")}
    assert await refused(
        fields={
            "total_power": {"quantity": "power_kw"},
            "frequency": {"quantity": "power_mw"},
            "colour": {"quantity": "power_mw"},
            "temperature": {},
            "voltage_a": {"quantity": "voltage_kv", "factor": 0},
        }
    ) == {
        ("/source/fields/total_power/quantity", "unknown_reference"),
        ("/source/fields/frequency/factor", "required"),
        ("/source/fields/colour", "unknown"),
        ("/source/fields/temperature/quantity", "required"),
        ("/source/fields/voltage_a/factor", "out_of_range"),
    }
