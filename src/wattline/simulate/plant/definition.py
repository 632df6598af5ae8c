"""The plant in data: one site, one block, its equipment and its points. Registry, simulator and documents all read this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wattline.model.place import SensorKind

SITE = "baldwinsville"
BLOCK = "block-01"
SITE_ATTRIBUTES: Mapping[str, Any] = {
    "name": "AB InBev Baldwinsville",
    "region": "US-East",
    "status": "active",
    "latitude": 43.1587,
    "longitude": -76.3327,
    "zone": "America/New_York",
    "config": {"host": "brewery", "heat_use": "process water pre-heating"},
}
BLOCK_ATTRIBUTES: Mapping[str, Any] = {
    "capacity_mw": 1.0,
    "status": "active",
    "config": {"rack_count": 14, "max_kw_per_rack": 80},
}
COMMISSIONED_DAYS = 90
"""How long before its first start the block was taken into service."""
POLL_MS = 5000

Limits = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Equipment:
    """A piece of equipment: its tag, type, subsystem and name plate."""

    tag: str
    type: str
    subsystem: str
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PlantPoint:
    """One point: what it measures, the range of its instrument, its alarm limits and its part in energy accounts.

    `digits` is the resolution of the instrument in decimals, `noise` its standard deviation in the point's unit.
    """

    tag: str
    equipment: Equipment
    description: str
    unit: str
    low: float
    high: float
    digits: int = 1
    noise: float = 0.0
    limits: Limits = field(default_factory=dict)
    kind: SensorKind = "gauge"
    role: str | None = None
    factor: float = 1.0


def _limit(value: float, priority: str, delay_s: int = 5) -> Mapping[str, Any]:
    return {"value": value, "priority": priority, "delay_s": delay_s}


_CDU_1 = Equipment("CDU-01", "coolant_distribution_unit", "thermal-l1", {"row": 1})
_CDU_2 = Equipment("CDU-02", "coolant_distribution_unit", "thermal-l1", {"row": 2})
_PUMP_A = Equipment("ML-PUMP-A", "circulation_pump", "thermal-l2", {"duty": "lead"})
_PUMP_B = Equipment("ML-PUMP-B", "circulation_pump", "thermal-l2", {"duty": "standby"})
_LOOP = Equipment("ML-01", "primary_loop", "thermal-l2", {"fluid": "water with ethylene glycol"})
_EXCHANGER = Equipment("PHX-01", "plate_heat_exchanger", "thermal-l3")
_UPS = Equipment("UPS-01", "ups", "electrical", {"rated_kw": 1000})
_BOARD = Equipment("MSB-01", "main_switchboard", "electrical", {"volts": "480Y/277"})
_PDU = Equipment("PDU-R01", "pdu", "electrical", {"rack": 1})
_AIR = Equipment("ENV-01", "environmental_sensor", "environmental")
_SWITCH = Equipment("SW-CORE-01", "network_switch", "network")
_DOOR = Equipment("DOOR-01", "door_sensor", "security")

EQUIPMENT = (_CDU_1, _CDU_2, _PUMP_A, _PUMP_B, _LOOP, _EXCHANGER, _UPS, _BOARD, _PDU, _AIR, _SWITCH, _DOOR)

_HOT = {"H": _limit(55.0, "P2", 10), "HH": _limit(60.0, "P0")}
_PHASE = {"H": _limit(504.0, "P2"), "L": _limit(456.0, "P2"), "LL": _limit(430.0, "P1")}

POINTS = (
    PlantPoint(
        "CDU-01-T-SUP", _CDU_1, "Coolant supply temperature to row 1", "°C", 0.0, 80.0, 2, 0.03,
        {"H": _limit(38.0, "P2", 10), "HH": _limit(42.0, "P1")},
    ),
    PlantPoint("CDU-01-T-RET", _CDU_1, "Coolant return temperature of row 1", "°C", 0.0, 80.0, 2, 0.03, _HOT),
    PlantPoint(
        "CDU-01-FLOW", _CDU_1, "Coolant flow to row 1", "L/min", 0.0, 150.0, 2, 0.10,
        {"L": _limit(60.0, "P2", 10), "LL": _limit(45.0, "P1")},
    ),
    PlantPoint("CDU-01-DP", _CDU_1, "Differential pressure over pump and filter", "kPa", 0.0, 400.0, 1, 0.5),
    PlantPoint("CDU-02-T-SUP", _CDU_2, "Coolant supply temperature to row 2", "°C", 0.0, 80.0, 2, 0.03),
    PlantPoint("CDU-02-T-RET", _CDU_2, "Coolant return temperature of row 2", "°C", 0.0, 80.0, 2, 0.03, _HOT),
    PlantPoint("CDU-02-FLOW", _CDU_2, "Coolant flow to row 2", "L/min", 0.0, 150.0, 2, 0.10),
    PlantPoint(
        "ML-PUMP-A-SPEED", _PUMP_A, "Speed of the lead pump", "%", 0.0, 100.0, 1, 0.05,
        {"L": _limit(60.0, "P2"), "LL": _limit(45.0, "P1")},
    ),
    PlantPoint("ML-PUMP-A-AMPS", _PUMP_A, "Motor current of the lead pump", "A", 0.0, 30.0, 2, 0.02),
    PlantPoint("ML-PUMP-B-SPEED", _PUMP_B, "Speed of the standby pump", "%", 0.0, 100.0, 1, 0.05),
    PlantPoint(
        "ML-FLOW", _LOOP, "Flow of the primary loop", "L/min", 0.0, 600.0, 1, 0.4,
        {"L": _limit(260.0, "P2", 10), "LL": _limit(200.0, "P1", 10)},
    ),
    PlantPoint("ML-T-SUP", _LOOP, "Primary loop temperature to the coolant distribution units", "°C", 0.0, 80.0, 2, 0.03),
    PlantPoint("ML-T-RET", _LOOP, "Primary loop temperature from the coolant distribution units", "°C", 0.0, 80.0, 2, 0.03),
    PlantPoint(
        "ML-GLYCOL-CONC", _LOOP, "Glycol in the primary loop, by volume", "%", 0.0, 60.0, 2, 0.01,
        {"L": _limit(25.0, "P2", 30), "LL": _limit(20.0, "P1", 30)},
    ),
    PlantPoint("PHX-01-T-PRI-IN", _EXCHANGER, "Primary side inlet temperature", "°C", 0.0, 80.0, 2, 0.03),
    PlantPoint("PHX-01-T-PRI-OUT", _EXCHANGER, "Primary side outlet temperature", "°C", 0.0, 80.0, 2, 0.03),
    PlantPoint(
        "PHX-01-T-SEC-IN", _EXCHANGER, "Host water return temperature", "°C", 0.0, 80.0, 2, 0.03, role="t_return"
    ),
    PlantPoint(
        "PHX-01-T-SEC-OUT", _EXCHANGER, "Host water supply temperature", "°C", 0.0, 80.0, 2, 0.03, role="t_supply"
    ),
    PlantPoint("HOST-FLOW", _EXCHANGER, "Host water flow", "L/min", 0.0, 500.0, 1, 0.3, role="flow"),
    PlantPoint(
        "UPS-01-LOAD", _UPS, "Load of the UPS, of its rated power", "%", 0.0, 120.0, 2, 0.02,
        {"H": _limit(85.0, "P2", 10), "HH": _limit(95.0, "P1")}, role="it_main", factor=10.0,
    ),
    PlantPoint(
        "UPS-01-BAT-SOC", _UPS, "Battery state of charge", "%", 0.0, 100.0, 1, 0.02,
        {"L": _limit(92.0, "P2"), "LL": _limit(70.0, "P0")},
    ),
    PlantPoint("UPS-01-BAT-V", _UPS, "Battery voltage", "V", 400.0, 600.0, 1, 0.2),
    PlantPoint(
        "P-MSB-TOTAL", _BOARD, "Power of the whole block", "kW", 0.0, 1500.0, 2, 0.2, role="facility_main"
    ),
    PlantPoint("V-MSB-L1", _BOARD, "Line voltage L1-L2", "V", 0.0, 600.0, 1, 0.15, _PHASE),
    PlantPoint("V-MSB-L2", _BOARD, "Line voltage L2-L3", "V", 0.0, 600.0, 1, 0.15, _PHASE),
    PlantPoint("V-MSB-L3", _BOARD, "Line voltage L3-L1", "V", 0.0, 600.0, 1, 0.15, _PHASE),
    PlantPoint("I-MSB-TOTAL", _BOARD, "Line current, mean of three", "A", 0.0, 2000.0, 1, 0.3),
    PlantPoint("PF-MSB", _BOARD, "Power factor", "pf", 0.0, 1.0, 4, 0.0002),
    PlantPoint("PDU-R01-KW", _PDU, "Power of rack 1", "kW", 0.0, 100.0, 3, 0.01, role="submeter"),
    PlantPoint("ENV-T-AMB", _AIR, "Outside air temperature at the dry cooler", "°C", -40.0, 60.0, 1, 0.03),
    PlantPoint("ENV-RH", _AIR, "Relative humidity outside", "%RH", 0.0, 100.0, 1, 0.1),
    PlantPoint("ENV-DUST", _AIR, "Dust in the hall", "µg/m³", 0.0, 500.0, 1, 0.2),
    PlantPoint("SW-CORE-01-CPU", _SWITCH, "Processor load of the core switch", "%", 0.0, 100.0, 1, 0.3),
    PlantPoint(
        "SW-CORE-01-TEMP", _SWITCH, "Temperature of the core switch", "°C", 0.0, 100.0, 1, 0.1,
        {"H": _limit(65.0, "P3", 30), "HH": _limit(75.0, "P2", 30)},
    ),
    PlantPoint(
        "DOOR-MAIN", _DOOR, "Main door open", "bool", 0.0, 1.0, 0, 0.0,
        {"H": _limit(1.0, "P3", 30)}, kind="state",
    ),
)  # fmt: skip
"""In the order in which a fresh data directory gives them the sensor ids 1 to 35."""

BY_TAG: Mapping[str, PlantPoint] = {point.tag: point for point in POINTS}
