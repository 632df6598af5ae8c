"""Which meters an account counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.billing.plant import Plant, plant, spec
from wattline.billing import boundary
from wattline.billing.boundary import Account
from wattline.billing.model import Boundary, Kind
from wattline.model.clock import ManualClock
from wattline.registry.point import PointSpec


@pytest.fixture
async def place(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Plant]:
    async with plant(tmp_path, clock) as made:
        yield made


def counted(account: Account) -> set[str]:
    return {meter.tag for meter in account.meters if meter.counted}


def shown(account: Account) -> set[str]:
    return {meter.tag for meter in account.meters}


@pytest.mark.parametrize(
    ("specs", "expected", "why"),
    [
        ([spec("M", role="facility_main"), spec("S", role="submeter")], {"M"}, Boundary.FACILITY_MAIN),
        ([spec("M1", role="facility_main"), spec("M2", "MW", "facility_main")], {"M1", "M2"}, Boundary.FACILITY_MAIN),
        (
            [spec("P", role="facility_main", equipment="X"), spec("E", "MWh", "facility_main", equipment="X")],
            {"E"},
            Boundary.FACILITY_MAIN,
        ),
        (
            # The register of one main says nothing of the other.
            [
                spec("P1", role="facility_main", equipment="X"),
                spec("E1", "kWh", "facility_main", equipment="X"),
                spec("P2", role="facility_main", equipment="Y"),
            ],
            {"E1", "P2"},
            Boundary.FACILITY_MAIN,
        ),
        (
            [
                spec("UPS", role="it_main", equipment="UPS"),
                spec("PDU", role="submeter", equipment="PDU", equipment_metadata={"fed_from": "UPS"}),
                spec("RACK", "kWh", "counter", equipment="RACK", equipment_metadata={"fed_from": "PDU"}),
                spec("CHILLER", role="submeter", equipment="CHILLER"),
            ],
            {"UPS", "CHILLER"},
            Boundary.SUBMETERS,
        ),
        (
            # Equipment without a meter in between, and a circle that no plant can have.
            [
                spec("A", role="submeter", equipment="A"),
                spec("V", "V", equipment="PANEL", equipment_metadata={"parent": "A"}),
                spec("B", role="submeter", equipment="B", equipment_metadata={"parent": "PANEL"}),
                spec("C", role="submeter", equipment="C", equipment_metadata={"parent": "D"}),
                spec("T", "V", equipment="D", equipment_metadata={"parent": "C2"}),
                spec("U", "V", equipment="C2", equipment_metadata={"parent": "D"}),
            ],
            {"A", "C"},
            Boundary.SUBMETERS,
        ),
        ([spec("A"), spec("B"), spec("V", "V")], {"A", "B"}, Boundary.UNASSIGNED),
        ([spec("A", equipment="X"), spec("AH", "kWh", equipment="X")], {"AH"}, Boundary.UNASSIGNED),
        ([spec("V", "V"), spec("T", subsystem="thermal-l1")], set(), Boundary.NONE),
    ],
)
async def test_electrical(place: Plant, specs: list[PointSpec], expected: set[str], why: Boundary) -> None:
    account = boundary.electrical(await place.meters(*specs))
    assert counted(account) == expected
    assert account.boundary is why
    for meter in account.meters:
        assert meter.authoritative == (meter.counted and why is not Boundary.UNASSIGNED)
    assert {s.tag for s in specs if s.unit != "V" and s.subsystem == "electrical"} <= shown(account) or why is Boundary.NONE


HEAT = {"equipment": "HX", "subsystem": "thermal-hx"}
TRIPLE = [spec("F", "m3/h", "flow", **HEAT), spec("S", "°C", "t_supply", **HEAT), spec("R", "°C", "t_return", **HEAT)]


@pytest.mark.parametrize(
    ("specs", "expected", "also", "why"),
    [
        (TRIPLE, {"F"}, set(), Boundary.COMPUTED_HEAT),
        (
            [*TRIPLE, spec("MET-kWt", "kWt", "heat_power", equipment="MET", subsystem="thermal-hx")],
            {"MET-kWt"},
            {"F"},
            Boundary.HEAT_POWER,
        ),
        ([*TRIPLE, spec("MET", "kW", "heat_power", **HEAT)], {"MET"}, set(), Boundary.HEAT_POWER),
        (
            [
                spec("MET-kWt", "kWt", "heat_power", equipment="MET", subsystem="thermal-hx"),
                spec("MET-kWht", "kWht", "heat_energy", equipment="MET", subsystem="thermal-hx"),
            ],
            {"MET-kWht"},
            {"MET-kWt"},
            Boundary.HEAT_ENERGY,
        ),
        # One loop passes on the heat of the next: only the outermost that is metered counts.
        (
            [
                spec("L1", subsystem="thermal-l1"),
                spec("L3", subsystem="thermal-l3"),
                spec("L2", "kWht", subsystem="thermal-l2"),
            ],
            {"L3"},
            {"L1", "L2"},
            Boundary.UNASSIGNED,
        ),
        ([spec("DC", role="reject_power", subsystem="thermal-reject")], set(), set(), Boundary.NONE),
        # Two flows and one pair of temperatures: which flow they belong to is not known.
        ([*TRIPLE, spec("F2", "L/min", "flow", **HEAT)], set(), set(), Boundary.NONE),
        # Temperatures on other equipment are those of the one flow of the block.
        (
            [
                spec("F", "gpm", "flow", equipment="A", subsystem="thermal-l3"),
                spec("S", "°F", "t_supply", equipment="B", subsystem="thermal-l3"),
                spec("R", "°F", "t_return", equipment="C", subsystem="thermal-l3"),
            ],
            {"F"},
            set(),
            Boundary.COMPUTED_HEAT,
        ),
        # A unit that is no flow is not guessed.
        ([spec("F", "%", "flow", **HEAT), *TRIPLE[1:]], set(), set(), Boundary.NONE),
    ],
)
async def test_thermal(place: Plant, specs: list[PointSpec], expected: set[str], also: set[str], why: Boundary) -> None:
    account = boundary.thermal(await place.meters(*specs))
    assert (counted(account), shown(account), account.boundary) == (expected, expected | also, why)


async def test_a_register_by_role_alone(place: Plant) -> None:
    account = boundary.thermal(await place.meters(spec("PULSES", "", "heat_energy", factor=0.1, subsystem="thermal-hx")))
    (meter,) = account.meters
    assert (meter.kind, meter.scale, meter.unit, meter.computed) == (Kind.REGISTER, 0.1, "kWh", True)


@pytest.mark.parametrize("text", ["not JSON", "[1]", '{"fed_from": 3}', '{"other": "A"}'])
async def test_metadata_that_names_nothing(place: Plant, text: str) -> None:
    points = await place.meters(spec("A", role="submeter"), spec("B", role="submeter", equipment_metadata={"fed_from": "E-A"}))
    assert counted(boundary.electrical(points)) == {"A"}
    points[1].device.attributes = {**points[1].device.attributes, "metadata": text}
    assert counted(boundary.electrical(points)) == {"A", "B"}
