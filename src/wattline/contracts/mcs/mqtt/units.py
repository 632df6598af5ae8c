"""Units: the many ways to write the same one. A reading in another unit than its sensor's is refused, not converted."""

from __future__ import annotations

import unicodedata

# The canonical unit of the contract, and how else it is written; compared after NFKC and without spaces.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "°C": ("C", "degC", "deg.C", "celsius", "Celsius", "oC", "ºC"),
    "kPa": ("kpa", "KPa"),
    "Pa": ("pa",),
    "m3/h": ("m^3/h", "m3/hr", "m**3/h", "cmh", "CMH"),
    "L/min": ("l/min", "lpm", "LPM", "L/m", "ltr/min"),
    # Heat and electricity are counted in the same unit; the letter t only says which of them it is.
    "kW": ("kw", "KW", "kWt", "kWth", "kW_t", "kWe", "kWel"),
    "kWh": ("kwh", "KWh", "KWH", "kWht", "kWhth", "kWh_t", "kWhe"),
    "kVA": ("kva", "KVA"),
    "kVAr": ("kvar", "kVAR", "KVAR", "kvAr"),
    "V": ("volt", "volts", "Volt", "Volts"),
    "A": ("amp", "amps", "Amp", "Amps"),
    "Hz": ("hz", "HZ"),
    "pf": ("PF", "Pf", "cosphi", "cosφ"),
    "%RH": ("%rH", "%rh", "RH%", "rh%", "RH", "rh", "%r.h."),
    "%": ("percent", "pct"),
    "%open": ("%Open", "%OPEN"),
    "mm/s": ("mm/sec",),
    "uS/cm": ("μS/cm", "us/cm", "μs/cm"),
    "pH": ("ph", "PH"),
    "rpm": ("RPM", "1/min", "min-1", "r/min"),
    "bool": ("Bool", "BOOL", "boolean", "binary", "0/1"),
    "dBA": ("dB(A)", "dba"),
    "dBm": ("dbm",),
    "ms": ("msec",),
    "min": ("mins", "minutes"),
    "h": ("hr", "hrs", "hours"),
}
_CANONICAL = {written: unit for unit, others in _SYNONYMS.items() for written in (unit, *others)}
_ONE = frozenset({"", "1", "-", "ratio"})


def normal(unit: str) -> str:
    """One text for all ways to write a unit."""
    plain = unicodedata.normalize("NFKC", unit).replace(" ", "")
    if plain in _ONE:
        return ""
    return _CANONICAL.get(plain, plain)


def same(one: str, other: str) -> bool:
    """Whether two texts mean the same unit."""
    return one == other or normal(one) == normal(other)
