"""What the demo's depot is made of."""

from __future__ import annotations

from dataclasses import dataclass

SITE = "depot-north"
NAME = "Bus depot North"
ZONE = "Asia/Kolkata"
NOMINAL_VOLTAGE = 230.0
NOMINAL_FREQUENCY = 50


@dataclass(frozen=True, slots=True)
class DemoMeter:
    """A meter of the depot. `key` is its external id, `kind` the contract's word, `rated_a` its rated current (A)."""

    key: str
    name: str
    kind: str
    rated_a: float
    register_kwh: float
    """What its register showed when 2024 began."""


GRID = DemoMeter("demo-grid", "Grid connection", "grid", 1000, 412_000.0)
CHARGING = DemoMeter("demo-charging", "Charging hall", "evse", 800, 288_500.0)
WORKSHOP = DemoMeter("demo-workshop", "Workshop", "submeter", 250, 61_200.0)
OFFICES = DemoMeter("demo-offices", "Offices", "submeter", 100, 38_900.0)
SOLAR = DemoMeter("demo-solar", "Solar roof", "generation", 200, 96_400.0)
METERS = (GRID, CHARGING, WORKSHOP, OFFICES, SOLAR)
"""In the order of the columns of `life.Life`."""

GUEST = DemoMeter("demo-guest", "Yours to try", "submeter", 63, 0.0)
"""A three-phase meter that nobody reads: its readings are those that you send."""

EVERY_SECONDS = 5
"""How often the gateway sends."""

_NIGHT, _DAY, _EVENING = 0, 1, 2
TARIFF = {
    "external_id": "demo-tariff",
    "name": "Time of use",
    "currency": "INR",
    "timezone": ZONE,
    "energy": {
        "periods": [[{"rate": "4.10", "max": None}], [{"rate": "6.20", "max": None}], [{"rate": "9.80", "max": None}]],
        "weekday": [[_NIGHT] * 8 + [_DAY] * 9 + [_EVENING] * 5 + [_NIGHT] * 2] * 12,
        "weekend": [[_NIGHT] * 24] * 12,
    },
    "fixed": {"per_month": "1500.00"},
}
"""Prices in INR a kWh: dear in the evening of working days, when the buses come in."""
CHARGING_LIMIT = {"rrule": "FREQ=DAILY", "start": "2026-01-01T17:00", "end": "22:00", "value": 150_000}
"""W that the charging hall may draw in those hours."""
SUPPLY_A = 1000
"""A that the main bus may carry."""
