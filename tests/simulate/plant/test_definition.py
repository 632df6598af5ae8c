"""The plant's definition: the points that a fresh data directory numbers 1 to 35, and what is said of them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from wattline.alarms.model import Limit
from wattline.simulate.plant.definition import BY_TAG, EQUIPMENT, POINTS
from wattline.simulate.plant.instruments import CAN_BE_LOST, true_values
from wattline.simulate.plant.known import WITNESS
from wattline.simulate.plant.model import Plant
from wattline.simulate.plant.seed import limits

TAGS = [
    "CDU-01-T-SUP",
    "CDU-01-T-RET",
    "CDU-01-FLOW",
    "CDU-01-DP",
    "CDU-02-T-SUP",
    "CDU-02-T-RET",
    "CDU-02-FLOW",
    "ML-PUMP-A-SPEED",
    "ML-PUMP-A-AMPS",
    "ML-PUMP-B-SPEED",
    "ML-FLOW",
    "ML-T-SUP",
    "ML-T-RET",
    "ML-GLYCOL-CONC",
    "PHX-01-T-PRI-IN",
    "PHX-01-T-PRI-OUT",
    "PHX-01-T-SEC-IN",
    "PHX-01-T-SEC-OUT",
    "HOST-FLOW",
    "UPS-01-LOAD",
    "UPS-01-BAT-SOC",
    "UPS-01-BAT-V",
    "P-MSB-TOTAL",
    "V-MSB-L1",
    "V-MSB-L2",
    "V-MSB-L3",
    "I-MSB-TOTAL",
    "PF-MSB",
    "PDU-R01-KW",
    "ENV-T-AMB",
    "ENV-RH",
    "ENV-DUST",
    "SW-CORE-01-CPU",
    "SW-CORE-01-TEMP",
    "DOOR-MAIN",
]


def test_the_points_are_in_the_order_of_their_ids() -> None:
    assert [point.tag for point in POINTS] == TAGS
    assert len(TAGS) == len(BY_TAG) == 35


def test_the_equipment_and_its_subsystems() -> None:
    assert len(EQUIPMENT) == 12
    assert {point.equipment.tag for point in POINTS} == {equipment.tag for equipment in EQUIPMENT}
    assert [p.equipment.tag for p in POINTS if p.equipment.tag == "MSB-01"] == ["MSB-01"] * 6
    assert Counter(point.equipment.subsystem for point in POINTS) == {
        "electrical": 10, "thermal-l1": 7, "thermal-l2": 7, "thermal-l3": 5, "environmental": 3, "network": 2, "security": 1,
    }  # fmt: skip


def test_the_parts_in_energy_accounts() -> None:
    roles = {point.tag: (point.role, point.unit, point.factor) for point in POINTS if point.role}
    assert roles == {
        "P-MSB-TOTAL": ("facility_main", "kW", 1.0),
        "UPS-01-LOAD": ("it_main", "%", 10.0),
        "PDU-R01-KW": ("submeter", "kW", 1.0),
        "HOST-FLOW": ("flow", "L/min", 1.0),
        "PHX-01-T-SEC-OUT": ("t_supply", "°C", 1.0),
        "PHX-01-T-SEC-IN": ("t_return", "°C", 1.0),
    }


def test_fourteen_points_have_limits_within_their_ranges() -> None:
    limited = [point for point in POINTS if point.limits]
    assert len(limited) == 14
    for point in limited:
        assert set(point.limits) <= {"HH", "H", "L", "LL"}
        for limit in point.limits.values():
            assert point.low < limit["value"] <= point.high
            assert re.fullmatch("P[0-3]", limit["priority"])
        assert {limit.name for limit in limits(point)} == set(point.limits)
        ordered = [point.limits[name]["value"] for name in ("LL", "L", "H", "HH") if name in point.limits]
        assert ordered == sorted(set(ordered))


def test_every_point_is_measured() -> None:
    assert list(true_values(Plant(1).state(0))) == TAGS
    assert set(CAN_BE_LOST) < set(TAGS)
    assert WITNESS in TAGS
    assert WITNESS not in CAN_BE_LOST


def shown(limit: Limit) -> str:
    sign = ">" if limit.direction == "HIGH" else "<"
    return f"{limit.priority} {sign}{'=' if limit.inclusive else ''} {limit.value:g}"


def test_the_documented_points_are_the_points() -> None:
    page = (Path(__file__).parents[3] / "docs" / "explanation" / "demo-plant.md").read_text(encoding="utf-8")
    told = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if re.match(r"\| \d", line)]
    assert told == [
        [
            str(number),
            f"`{point.tag}`",
            point.equipment.subsystem,
            point.description,
            point.unit,
            f"{point.low:g} to {point.high:g}",
            ", ".join(map(shown, limits(point))),
            point.role or "",
        ]
        for number, point in enumerate(POINTS, 1)
    ]
