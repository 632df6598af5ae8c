"""GET /billing/sustainability."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.mcs.halls import Hall
from wattline.model.clock import SECOND
from wattline.registry.point import PointSpec

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/billing/sustainability"
MORE = (
    PointSpec("MET-T1-kWt", "HX-01", "thermal-hx", "kWt", role="heat_power"),
    PointSpec("FT-SPRAY", "CT-01", "thermal-reject", "m3/h"),
)
STEADY = {"P-MSB-TOTAL": 720.0, "PDU-R01-KW": 600.0, "MET-T1-kWt": 420.0, "FT-SPRAY": 0.3}


async def an_hour(hall: Hall) -> dict[str, Any]:
    """Steady readings of every meter for a whole hour; the parameters of a question about it."""
    points = await hall.platform.registry.put_points(hall.tenant, "baldwinsville", "block-01", MORE)
    hall.points |= {point.tag: point for point in points}
    hall.clock.advance(3600 - hall.clock.micros() / SECOND % 3600)
    rows = [hall.row(hall.points[tag], value, 5.0 * i) for tag, value in STEADY.items() for i in range(720)]
    hall.clock.advance(7200)
    await hall.platform.ingest.submit(rows)
    return {"block_slug": "block-01", "start": hall.iso(-7200), "end": hall.iso(-3600)}


async def test_an_hour_worked_out_by_hand(hall: Hall) -> None:
    asked = await an_hour(hall)
    found = await hall.get(PATH, **asked, grid_factor="0.24", gas_factor="0.18", boiler_efficiency="0.9")
    assert found == {
        "block_slug": "block-01",
        "site_slug": "baldwinsville",
        "start": asked["start"],
        "end": asked["end"],
        "facility_kwh": 720.0,
        "it_kwh": 600.0,
        "thermal_kwht_recovered": 420.0,
        "thermal_kwht_rejected": 0.0,
        "water": {"litres": 300.0, "sensor_tags": ["FT-SPRAY"], "coverage": 1.0},
        "pue": 1.2,
        "wue_l_per_kwh": 0.5,
        "energy_reuse_factor": 0.583,
        "heat_recovery_ratio_it": 0.7,
        "co2_scope_2_kg": 172.8,
        "co2_avoided_kg": 84.0,
        "gas_displaced_therms": 15.927,
        "factors": {"grid_kg_per_kwh": 0.24, "gas_kg_per_kwh": 0.18, "boiler_efficiency": 0.9},
        "coverage": 1.0,
        "flags": [],
    }


async def test_the_factors_of_gas_have_defaults_and_the_grid_has_none(hall: Hall) -> None:
    found = await hall.get(PATH, **await an_hour(hall))
    assert found["co2_scope_2_kg"] is None
    assert found["co2_avoided_kg"] == pytest.approx(420 / 0.85 * 5.3 / 29.3001, abs=5e-4)
    assert found["factors"]["gas_kg_per_kwh"] == pytest.approx(0.180887, abs=1e-6)


async def test_a_block_without_meters_has_no_figures(hall: Hall) -> None:
    found = await hall.get(PATH, block_slug="block-01", start=hall.iso(-3600), grid_factor=1)
    numbers = {key: value for key, value in found.items() if value is None}
    assert {"pue", "wue_l_per_kwh", "energy_reuse_factor", "co2_scope_2_kg", "co2_avoided_kg", "facility_kwh"} <= set(numbers)
    assert set(found["flags"]) == {"no_facility_meter", "no_heat_meter", "incomplete"}


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"block_slug": None}, 422),
        ({"grid_factor": "-1"}, 422),
        ({"grid_factor": "inf"}, 422),
        ({"boiler_efficiency": "0"}, 422),
        ({"boiler_efficiency": "1e-999999"}, 422),
        ({"gas_factor": "heavy"}, 422),
        ({"block_slug": "nowhere"}, 404),
        ({"end": "2020-01-01T00:00:00Z"}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(hall: Hall, parameters: dict[str, Any], status: int) -> None:
    asked = {"block_slug": "block-01", "start": hall.iso(-3600), "end": hall.iso()} | parameters
    answer = await hall.http.get(PATH, params={key: value for key, value in asked.items() if value is not None})
    assert answer.status_code == status, answer.text
