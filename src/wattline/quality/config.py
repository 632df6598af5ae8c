"""What counts as an event on one meter: thresholds, the reference, the standard. Checked when set, kept with each event."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from wattline.model.clock import SECOND
from wattline.model.errors import Fault, Faulty

DEFAULTS: Mapping[str, Any] = {
    "sag_v_threshold": 0.9,
    "swell_v_threshold": 1.1,
    "thd_pct_threshold": 5.0,
    "imbalance_pct_threshold": 2.0,
    "nominal_voltage": None,
    "reference": "fixed",
    "hysteresis_pct": 2.0,
    "interruption_threshold": 0.1,
    "imbalance_method": "vuf",
    "thd_window_s": 600,
    "thd_limit_basis": None,
    "frequency_low": None,
    "frequency_high": None,
    "min_samples": 1,
    "rvc_threshold_pct": 5.0,
}
"""A field that is not given has this value; None: taken from the meter (nominal voltage and frequency), or from the basis."""
CAN_BE_OFF = frozenset({"rvc_threshold_pct"})
"""Thresholds that can be null: then this is not looked for."""
CHOICES: Mapping[str, tuple[object, ...]] = {
    "reference": ("fixed", "sliding"),
    "imbalance_method": ("vuf", "lvur", "pvur"),
    "thd_limit_basis": (None, "ieee519", "en50160"),
}
_RANGES: Mapping[str, tuple[float, float, bool, str]] = {
    "thd_pct_threshold": (0, 100, True, "over 0 and at most 100"),
    "imbalance_pct_threshold": (0, 100, True, "over 0 and at most 100"),
    "nominal_voltage": (0, 1e6, True, "over 0 and at most 1000000 V"),
    "hysteresis_pct": (0, 50, False, "from 0 to 50"),
    "thd_window_s": (1, 86_400, False, "from 1 to 86400 seconds"),
    "frequency_low": (0, 100, True, "over 0 and at most 100 Hz"),
    "frequency_high": (0, 100, True, "over 0 and at most 100 Hz"),
    "min_samples": (1, 10_000, False, "from 1 to 10000"),
    "rvc_threshold_pct": (1, 6, False, "from 1 to 6, or null"),
}
"""Lowest and highest value, whether the lowest itself is excluded, and that in words."""
_VOLTAGES = ("interruption_threshold", "sag_v_threshold", "swell_v_threshold")
FREQUENCY_BAND = 0.01
"""How far the frequency may be from the nominal one where the config does not say, as EN 50160 has it for 99.5 % of a year."""


class Config(msgspec.Struct, frozen=True):
    """The thresholds in force, every one known. Voltages in per unit of `nominal_voltage` (V), `window` in us.

    `rvc`, in percent, is None where rapid voltage changes are not looked for.
    """

    sag: float
    swell: float
    interruption: float
    hysteresis: float
    thd: float
    imbalance: float
    imbalance_method: str
    nominal_voltage: float
    nominal_frequency: float
    frequency_low: float
    frequency_high: float
    sliding: bool
    window: int
    min_samples: int
    basis: str | None = None
    rvc: float | None = None

    @property
    def cycle(self) -> int:
        """One period of the nominal frequency, in us."""
        return round(SECOND / self.nominal_frequency)


def ieee519_limit(nominal_voltage: float) -> float:
    """The limit of voltage THD in percent of IEEE 519-2014, by the nominal voltage of the bus in V."""
    for most, limit in ((1_000.0, 8.0), (69_000.0, 5.0), (161_000.0, 2.5)):
        if nominal_voltage <= most:
            return limit
    return 1.5


def config_of(body: Mapping[str, Any], nominal_voltage: float, nominal_frequency: float) -> Config:
    """The thresholds of a checked document, for a meter with these nominal values."""
    given = {**DEFAULTS, **body}
    volts = float(given["nominal_voltage"] or nominal_voltage)
    low, high = given["frequency_low"], given["frequency_high"]
    return Config(
        sag=given["sag_v_threshold"],
        swell=given["swell_v_threshold"],
        interruption=given["interruption_threshold"],
        hysteresis=given["hysteresis_pct"] / 100,
        thd=given["thd_pct_threshold"],
        imbalance=given["imbalance_pct_threshold"],
        imbalance_method=given["imbalance_method"],
        nominal_voltage=volts,
        nominal_frequency=nominal_frequency,
        frequency_low=round(nominal_frequency * (1 - FREQUENCY_BAND), 6) if low is None else low,
        frequency_high=round(nominal_frequency * (1 + FREQUENCY_BAND), 6) if high is None else high,
        sliding=given["reference"] == "sliding",
        window=round(given["thd_window_s"] * SECOND),
        min_samples=given["min_samples"],
        basis=given["thd_limit_basis"],
        rvc=given["rvc_threshold_pct"],
    )


def checked(document: object, nominal_voltage: float, nominal_frequency: float) -> dict[str, Any]:
    """The document of a config with every field, for a meter with these nominal values.

    `meter_id` is the caller's to check. Raises `Faulty` with all that is wrong.
    """
    if not isinstance(document, Mapping):
        raise Faulty([Fault("", "type", "the document must be a JSON object")])
    known = {"meter_id", *DEFAULTS}
    faults = [Fault(f"/{_escaped(name)}", "unknown", "there is no such field") for name in document if name not in known]
    body = {**DEFAULTS, **{name: document[name] for name in DEFAULTS if name in document}}
    basis = body["thd_limit_basis"]
    if "thd_pct_threshold" not in document and basis in ("ieee519", "en50160"):
        body["thd_pct_threshold"] = ieee519_limit(nominal_voltage) if basis == "ieee519" else 8.0
    for name, value in body.items():
        fault = _fault(name, value)
        if fault is not None:
            faults.append(fault)
    wrong = {fault.pointer for fault in faults}
    if not any(f"/{name}" in wrong for name in (*_VOLTAGES, "hysteresis_pct")):
        faults += _order_faults(body)
    if not wrong & {"/frequency_low", "/frequency_high"}:
        faults += _frequency_faults(body, nominal_frequency)
    if faults:
        raise Faulty(faults)
    return body


def _fault(name: str, value: object) -> Fault | None:
    pointer = f"/{name}"
    if name in CHOICES:
        names = ", ".join("null" if choice is None else str(choice) for choice in CHOICES[name])
        return None if value in CHOICES[name] else Fault(pointer, "choice", f"must be one of {names}")
    if value is None and (DEFAULTS[name] is None or name in CAN_BE_OFF):
        return None
    code, words = _number_fault(name, value)
    return None if code is None else Fault(pointer, code, words)


def _number_fault(name: str, value: object) -> tuple[str | None, str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "type", "must be a number"
    if not isfinite(value):
        return "not_finite", "must be finite"
    if name == "min_samples" and not isinstance(value, int):
        return "type", "must be a whole number"
    if name in _RANGES:
        low, high, beyond, words = _RANGES[name]
        if not low <= value <= high or (beyond and value == low):
            return "out_of_range", f"must be {words}"
    return None, ""


def _order_faults(body: Mapping[str, Any]) -> list[Fault]:
    """0 < interruption < sag < 1 < swell <= 2, and room for the hysteresis between sag, 1 and swell."""
    interruption, sag, swell = (body[name] for name in _VOLTAGES)
    band = body["hysteresis_pct"] / 100
    rules = (
        (interruption > 0, ("interruption_threshold",), "must be over 0"),
        (
            interruption < sag,
            ("interruption_threshold", "sag_v_threshold"),
            "interruption_threshold must be below sag_v_threshold",
        ),
        (sag < 1, ("sag_v_threshold",), "must be below 1"),
        (swell > 1, ("swell_v_threshold",), "must be over 1"),
        (swell <= 2, ("swell_v_threshold",), "must be at most 2"),
    )
    bands = (
        (sag + band < 1, ("sag_v_threshold", "hysteresis_pct"), "sag_v_threshold and the hysteresis must be below 1 together"),
        (swell - band > 1, ("swell_v_threshold", "hysteresis_pct"), "swell_v_threshold less the hysteresis must be over 1"),
    )
    broken = [rule for rule in rules if not rule[0]] or [rule for rule in bands if not rule[0]]
    return [Fault(f"/{name}", "order", words) for _, names, words in broken for name in names]


def _frequency_faults(body: Mapping[str, Any], nominal: float) -> list[Fault]:
    low = nominal if body["frequency_low"] is None else body["frequency_low"]
    high = nominal if body["frequency_high"] is None else body["frequency_high"]
    faults = []
    if low > nominal or (low == nominal and body["frequency_low"] is not None):
        faults.append(Fault("/frequency_low", "order", f"must be below the nominal frequency, {nominal:g} Hz"))
    if high < nominal or (high == nominal and body["frequency_high"] is not None):
        faults.append(Fault("/frequency_high", "order", f"must be over the nominal frequency, {nominal:g} Hz"))
    return faults


def _escaped(name: object) -> str:
    """A name as a part of a JSON pointer, cut to what an answer may repeat."""
    return str(name)[:100].replace("~", "~0").replace("/", "~1")
