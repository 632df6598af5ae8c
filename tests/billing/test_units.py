"""Units as point schedules spell them."""

from __future__ import annotations

import pytest

from wattline.billing.units import celsius, cubic_metres_per_hour, kilowatt_hours, kilowatts


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("kW", 1),
        ("KW", 1),
        (" kw ", 1),
        ("kWt", 1),
        ("kWth", 1),
        ("W", 0.001),
        ("MW", 1000),
        ("kWh", None),
        ("A", None),
        ("", None),
    ],
)
def test_power(unit: str, expected: float | None) -> None:
    assert kilowatts(unit) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("kWh", 1),
        ("KWH", 1),
        ("kWht", 1),
        ("kWh_t", 1),
        ("Wh", 0.001),
        ("MWh", 1000),
        ("GJ", 1000 / 3.6),
        ("kW", None),
        ("%", None),
    ],
)
def test_energy(unit: str, expected: float | None) -> None:
    assert kilowatt_hours(unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("m3/h", 1), ("m³/h", 1), ("L/min", 0.06), ("l/s", 3.6), ("m3/s", 3600), ("gpm", 0.2271247), ("L", None), ("kW", None)],
)
def test_flow(unit: str, expected: float | None) -> None:
    assert cubic_metres_per_hour(unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [("°C", 40, 40), ("degC", 40, 40), ("C", 40, 40), ("K", 313.15, 40), ("°F", 104, 40), ("Celsius", 40, 40)],
)
def test_temperature(unit: str, value: float, expected: float) -> None:
    found = celsius(unit)
    assert found is not None
    assert value * found[0] + found[1] == pytest.approx(expected)


@pytest.mark.parametrize("unit", ["", "%", "bar", "mA"])
def test_no_temperature(unit: str) -> None:
    assert celsius(unit) is None
