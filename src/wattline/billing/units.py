"""What a unit of a sensor is in the units of an energy account: kW, kWh, m3/h, degrees Celsius."""

from __future__ import annotations

POWER = {"w": 1e-3, "kw": 1.0, "mw": 1e3, "gw": 1e6}
ENERGY = {"wh": 1e-3, "kwh": 1.0, "mwh": 1e3, "gwh": 1e6, "kj": 1 / 3600, "mj": 1 / 3.6, "gj": 1e3 / 3.6}
THERMAL_SUFFIXES = ("t", "th", "e", "el")
GALLON = 0.003785411784
"""A US gallon in m3."""
FLOW = {
    "m3/h": 1.0,
    "m3/hr": 1.0,
    "cmh": 1.0,
    "m3/min": 60.0,
    "m3/s": 3600.0,
    "l/h": 0.001,
    "l/min": 0.06,
    "lpm": 0.06,
    "l/s": 3.6,
    "lps": 3.6,
    "gpm": GALLON * 60,
    "gal/min": GALLON * 60,
}
KELVIN_PER_DEGREE = {"c": 1.0, "k": 1.0, "f": 5 / 9}
CELSIUS_AT_ZERO = {"c": 0.0, "k": -273.15, "f": -32 * 5 / 9}


def _plain(unit: str) -> str:
    """The unit in one spelling; "mW" is read as megawatts: nobody meters a building in milliwatts."""
    text = unit.strip().lower().replace("³", "3").replace("^", "").replace(" ", "").replace("_", "")
    return text.removeprefix("°").removeprefix("deg")


def _scale(unit: str, table: dict[str, float]) -> float | None:
    text = _plain(unit)
    for suffix in ("", *THERMAL_SUFFIXES):
        base = text.removesuffix(suffix)
        if (suffix == "" or base != text) and base in table:
            return table[base]
    return None


def kilowatts(unit: str) -> float | None:
    """How many kW one of this unit is, None for what is not power. "kWt" and "kWe" are kW."""
    return _scale(unit, POWER)


def kilowatt_hours(unit: str) -> float | None:
    """How many kWh one of this unit is, None for what is not energy. "kWht" is kWh."""
    return _scale(unit, ENERGY)


def cubic_metres_per_hour(unit: str) -> float | None:
    """How many m3/h one of this unit is, None for what is not a volume flow."""
    return FLOW.get(_plain(unit))


def celsius(unit: str) -> tuple[float, float] | None:
    """Factor and offset from a temperature in this unit to degrees Celsius, None for what is not a temperature."""
    letter = _plain(unit).removesuffix("elsius").removesuffix("elvin").removesuffix("ahrenheit")
    if letter not in KELVIN_PER_DEGREE:
        return None
    return KELVIN_PER_DEGREE[letter], CELSIUS_AT_ZERO[letter]
