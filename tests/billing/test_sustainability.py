"""PUE, WUE, heat reuse and carbon dioxide: figures worked out by hand, and the same figures from meters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.billing.plant import Plant, plant, spec, steady
from wattline.billing.sustainability import GAS_KG_PER_KWH, Factors, Measured, figures, measure, rounded
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock

D = Decimal


def month(**other: object) -> Measured:
    """A month: 720 MWh came in, 600 MWh of it for IT, of whose heat 420 MWh went to the host."""
    fields: dict[str, object] = {
        "facility_kwh": D(720_000),
        "it_kwh": D(600_000),
        "recovered_kwht": D(420_000),
        "rejected_kwht": D(200_000),
        "pue": D("1.2"),
        "water_l": D(300_000),
    }
    return Measured(**{**fields, **other})  # type: ignore[arg-type]


def test_a_month_worked_out_by_hand() -> None:
    found = figures(month(), Factors(D("0.24"), D("0.18"), D("0.9")))
    assert found.pue == D("1.2")
    assert found.wue_l_per_kwh == D("0.5")
    # 420 of 720, and 420 of 600: never by the 120 MWh of overhead, beside which it would be 350 %.
    assert rounded(found.erf) == D("0.583")
    assert found.recovery == D("0.7")
    assert found.scope_2_kg == D("172800.00")
    # 420,000 kWh of heat are 466,666.7 kWh of gas in a boiler of 90 %, at 0.18 kg each.
    assert rounded(found.avoided_kg) == D("84000.000")
    assert rounded(found.gas_displaced_therms) == D("15927.136")
    assert found.flags == ()


def test_a_kilowatt_hour_of_gas() -> None:
    assert rounded(GAS_KG_PER_KWH) == D("0.181")
    assert D("5.3") / D("29.3001") == GAS_KG_PER_KWH
    # In a perfect boiler a kWh of heat displaces 0.0341 therms and 0.1809 kg; in one of 85 % more, not less.
    perfect = figures(month(recovered_kwht=D(1)), Factors(boiler_efficiency=D(1)))
    assert perfect.avoided_kg is not None
    assert perfect.avoided_kg.quantize(D("0.00001")) == D("0.18089")
    assert perfect.gas_displaced_therms is not None
    assert perfect.gas_displaced_therms.quantize(D("0.00001")) == D("0.03413")
    usual = figures(month(recovered_kwht=D(1)), Factors())
    assert usual.avoided_kg is not None
    assert usual.avoided_kg.quantize(D("0.00001")) == D("0.21281")


def test_avoided_carbon_dioxide_is_not_taken_off_what_was_used() -> None:
    with_heat = figures(month(), Factors(D("0.24")))
    without = figures(month(recovered_kwht=D(0)), Factors(D("0.24")))
    assert with_heat.scope_2_kg == without.scope_2_kg == D("172800.00")
    assert without.avoided_kg == 0


def test_a_share_above_one_is_shown_and_flagged() -> None:
    found = figures(month(recovered_kwht=D(900_000), pue=D("0.95")), Factors())
    assert (found.erf, found.recovery) == (D("1.25"), D("1.5"))
    assert found.flags == ("pue_below_one", "erf_above_one", "recovery_above_one")


def test_what_is_not_metered_has_no_figure() -> None:
    found = figures(Measured(None, None, None, None, None), Factors(D("0.24")))
    assert (found.pue, found.wue_l_per_kwh, found.erf, found.recovery) == (None, None, None, None)
    assert (found.scope_2_kg, found.avoided_kg, found.gas_displaced_therms) == (None, None, None)
    idle = figures(month(it_kwh=D(0), facility_kwh=D(0)), Factors())
    assert (idle.wue_l_per_kwh, idle.erf, idle.recovery, idle.scope_2_kg) == (None, None, None, None)


@pytest.fixture
async def place(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Plant]:
    async with plant(tmp_path, clock) as made:
        yield made


@pytest.fixture
def noon(clock: ManualClock) -> int:
    """The noon before the present of the clock."""
    return clock.micros() // DAY * DAY + 12 * HOUR - DAY


WET = {"equipment": "CT-01", "subsystem": "thermal-reject"}


async def look(place: Plant, start: int, end: int) -> Measured:
    return (await measure(place.energy, place.block, start, end, place.spine.clock.micros()))[0]


@pytest.mark.parametrize(
    ("unit", "value"),
    [("m³/h", 0.6), ("m3/h", 0.6), ("L/h", 600.0), ("L/min", 10.0), ("L/s", 1 / 6), ("gpm", 10 / 3.785411784)],
)
async def test_spray_water_is_litres_whatever_its_unit(place: Plant, noon: int, unit: str, value: float) -> None:
    (meter,) = await place.meters(spec("FT-SPRAY", unit, **WET))
    await place.send(meter, steady(noon, 7200, value, 60))
    found = await look(place, noon, noon + 2 * HOUR)
    assert float(found.water_l or 0) == pytest.approx(1200.0)


@pytest.mark.parametrize(("unit", "litres"), [("m3", 1000.0), ("m³", 1000.0), ("L", 1.0), ("kL", 1000.0), ("gal", 3.785411784)])
async def test_a_water_register_counts_its_difference(place: Plant, noon: int, unit: str, litres: float) -> None:
    (meter,) = await place.meters(spec("QT-SPRAY", unit, **WET))
    readings = [(noon + i * MINUTE, 500.0 + i * 10 / litres) for i in range(121)]
    await place.send(meter, readings)
    found = await look(place, noon, noon + 2 * HOUR)
    assert float(found.water_l or 0) == pytest.approx(1200.0)


async def test_only_spray_water_with_a_known_unit_is_water(place: Plant, noon: int) -> None:
    loop, odd = await place.meters(spec("FT-LOOP", "m3/h", **WET), spec("SPRAY-VALVE", "%", **WET))
    for point in (loop, odd):
        await place.send(point, steady(noon, 3600, 5.0, 60))
    assert (await look(place, noon, noon + HOUR)).water_l is None


async def test_figures_from_the_meters_of_a_block(place: Plant, noon: int) -> None:
    at_hx = {"equipment": "HX-01", "subsystem": "thermal-hx"}
    points = await place.meters(
        spec("P-MSB-TOTAL", role="facility_main"),
        spec("UPS-LOAD", "%", "it_main", factor=10.0),
        spec("PDU", role="submeter"),
        spec("MET-T1", "kWt", "heat_power", **at_hx),
        spec("FT-SPRAY", "m3/h", **WET),
    )
    for point, value in zip(points, (720.0, 60.0, 50.0, 420.0, 0.3), strict=True):
        await place.send(point, steady(noon, 7200, value, 60))
    found, water = await measure(place.energy, place.block, noon, noon + 2 * HOUR, place.spine.clock.micros())
    assert [round(float(x or 0), 6) for x in (found.facility_kwh, found.it_kwh, found.recovered_kwht, found.water_l)] == [
        1440.0,
        1200.0,
        840.0,
        600.0,
    ]
    assert water is not None
    assert [meter.tag for meter in water.meters] == ["FT-SPRAY"]
    told = figures(found, Factors(D("0.24")))
    assert [rounded(x) for x in (told.pue, told.wue_l_per_kwh, told.erf, told.recovery, told.scope_2_kg)] == [
        D("1.200"),
        D("0.500"),
        D("0.583"),
        D("0.700"),
        D("345.600"),
    ]
    assert found.coverage == pytest.approx(1.0, abs=0.02)
    assert told.flags == ()


async def test_a_period_that_was_measured_in_part_says_so(place: Plant, noon: int) -> None:
    (main,) = await place.meters(spec("P", role="facility_main"))
    await place.send(main, steady(noon, 3600, 100.0, 60))
    found = await look(place, noon - 11 * HOUR, noon + HOUR)
    assert found.coverage == pytest.approx(1 / 12, abs=0.01)
    assert found.flags == ("no_heat_meter",)
    assert "incomplete" in figures(found, Factors()).flags
    assert (found.it_kwh, found.recovered_kwht) == (None, None)


async def test_without_a_meter_at_the_edge_nothing_is_said_of_the_facility(place: Plant, noon: int) -> None:
    (rack,) = await place.meters(spec("PDU", role="submeter"))
    await place.send(rack, steady(noon, 3600, 100.0, 60))
    found = await look(place, noon, noon + HOUR)
    assert found.facility_kwh is None
    assert found.flags == ("no_facility_meter", "no_heat_meter")
    assert figures(found, Factors(D("0.24"))).scope_2_kg is None
