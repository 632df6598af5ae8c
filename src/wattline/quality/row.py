"""What is stored and shown of an event, made from what the state machines know of it."""

from __future__ import annotations

from typing import Any

import msgspec

from wattline.model.clock import SECOND
from wattline.quality.categories import category, category_of_span
from wattline.quality.config import Config
from wattline.quality.curves import itic, semi_f47
from wattline.quality.disturbance import Disturbance, Type

FAMILIES: dict[str, tuple[Type, ...]] = {
    "under": ("sag", "undervoltage", "interruption"),
    "over": ("swell", "overvoltage"),
    "thd": ("thd",),
    "imbalance": ("imbalance",),
    "frequency": ("frequency",),
    "rvc": ("rvc",),
}
"""Types that are the same thing to a grid: of one family a meter shows one event at a time."""
BESIDE: dict[str, int] = {"rvc": 900_000}
"""Events that are no further apart than so many us show one thing: between two rapid voltage changes lies a steady second."""
RANKS = {"readings": 1, "meter": 2, "fine": 2}
"""How good what came by each lane is. Of two that overlap the better one is shown, of equals the one that was there first."""
VOLTAGE = (*FAMILIES["under"], *FAMILIES["over"])


class QualityEvent(msgspec.Struct):
    """One event as it is stored; times in us, `end` None while it lasts.

    `lane` says by which input it was found: `readings`, `fine` or `meter`. `superseded_by` is the event that shows the same
    thing better; an event that has one is not listed. `body` is what else there is to show, as JSON.
    """

    id: int
    tenant: str
    meter: int
    type: Type
    lane: str
    start: int
    end: int | None = None
    superseded_by: int | None = None
    source_event_id: str | None = None
    body: dict[str, Any] = {}


def family(kind: Type) -> tuple[Type, ...]:
    """All types of the family of a type."""
    return next(types for types in FAMILIES.values() if kind in types)


def standard(kind: Type, config: Config | None) -> str:
    """The standard that an event of a type is defined by."""
    if kind == "thd":
        return (
            "IEC 61000-4-7"
            if config is None or config.basis is None
            else {"ieee519": "IEEE 519", "en50160": "EN 50160"}[config.basis]
        )
    if kind == "imbalance":
        method = "vuf" if config is None else config.imbalance_method
        return {"vuf": "IEC 61000-4-30", "lvur": "NEMA MG 1", "pvur": "IEEE 141"}[method]
    if kind == "rvc":
        return "IEC 61000-4-30"
    return "EN 50160" if kind == "frequency" else "IEC 61000-4-30, IEEE 1159"


def body_of(event: Disturbance) -> dict[str, Any]:
    """What there is to show of an event beside its type, start and end."""
    span = event.span
    shown: dict[str, Any] = {
        "category": None,
        "phases": list(event.phases),
        "duration_s": None if event.end is None else (event.end - event.start) / SECOND,
        "duration_range_s": None if span is None else [span[0] / SECOND, span[1] / SECOND],
        "residual_pu": None,
        "depth_pu": None,
        "max_pu": None,
        "value_pct": None,
        "threshold": _threshold(event),
        "hysteresis_pct": None,
        "reference_v": None,
        "method": event.method,
        "resolution_s": event.resolution / SECOND,
        "standard": standard(event.type, event.config),
        "contains": list(event.contains),
        "per_phase": {},
        "annotations": [],
    }
    if event.type in VOLTAGE:
        _add_voltages(shown, event)
    elif event.type == "rvc":
        _add_change(shown, event)
    else:
        _add_level(shown, event)
    return shown


def _threshold(event: Disturbance) -> float:
    config = event.config
    if event.type == "frequency":
        least = event.least
        return config.frequency_low if least is not None and least < config.frequency_low else config.frequency_high
    names = {"sag": "sag", "undervoltage": "sag", "swell": "swell", "overvoltage": "swell"}
    value: float = getattr(config, names.get(event.type, event.type))
    return value


def _add_voltages(shown: dict[str, Any], event: Disturbance) -> None:
    config, span = event.config, event.span
    least, most = event.least, event.most
    shown["hysteresis_pct"] = round(config.hysteresis * 100, 9)
    shown["reference_v"] = round(_reference(event), 6)
    shown["per_phase"] = {
        name: {"min_pu": _rounded(low), "max_pu": _rounded(high)}
        for name, low, high in zip(event.names, event.low, event.high, strict=True)
        if low is not None
    }
    if event.type in FAMILIES["under"]:
        shown["residual_pu"] = _rounded(least)
        shown["depth_pu"] = None if least is None else _rounded(1 - least)
    else:
        shown["max_pu"] = _rounded(most)
    if event.type == "interruption" and event.dark_start is not None:
        shown["interruption_start"] = event.dark_start
    if span is None:
        if event.type in ("undervoltage", "overvoltage"):
            shown["category"] = event.type
        return
    if event.type == "interruption" and event.dark_start is not None and event.end is not None:
        # The sag before it is part of the event, and says nothing of how long there was no voltage.
        before = event.dark_start - event.start
        span = max(0, span[0] - before), span[1] - before
    kind = "sag" if event.type == "undervoltage" else "swell" if event.type == "overvoltage" else event.type
    if event.method == "interval_rms":
        shown["category"] = category_of_span(kind, span, config.nominal_frequency)
        return
    shown["category"] = category(kind, span[0], config.nominal_frequency)
    duration = event.end - event.start if event.end is not None else 0
    shown["itic"] = itic(duration, least, most)
    if event.type in FAMILIES["under"] and least is not None:
        shown["semi_f47_must_ride_through"] = semi_f47(duration, least)


def _add_change(shown: dict[str, Any], event: Disturbance) -> None:
    """What IEC 61000-4-30, 5.11.3 asks of a rapid voltage change: of all channels the greatest difference from the steady
    voltage before it (dUmax), and the greatest between the steady voltages on both sides (dUss)."""
    channels = zip(event.names, event.low, event.high, event.steady_before, event.steady_after, strict=True)
    known = [
        (name, low, high, before, after) for name, low, high, before, after in channels if low is not None and high is not None
    ]
    greatest = {name: max(before - low, high - before) for name, low, high, before, _ in known}
    steady = {name: abs(after - before) for name, _, _, before, after in known}
    shown["hysteresis_pct"] = round((event.config.rvc or 0) / 2, 9)
    shown["reference_v"] = round(event.config.nominal_voltage, 6)
    shown["value_pct"] = shown["delta_u_max_pct"] = _rounded(100 * max(greatest.values()))
    shown["delta_u_ss_pct"] = _rounded(100 * max(steady.values()))
    shown["per_phase"] = {
        name: {
            "min_pu": _rounded(low),
            "max_pu": _rounded(high),
            "before_pu": _rounded(before),
            "after_pu": _rounded(after),
            "delta_u_max_pct": _rounded(100 * greatest[name]),
            "delta_u_ss_pct": _rounded(100 * steady[name]),
        }
        for name, low, high, before, after in known
    }


def _add_level(shown: dict[str, Any], event: Disturbance) -> None:
    config = event.config
    least, most = event.least, event.most
    if event.type == "frequency":
        nominal = config.nominal_frequency
        worst = max((value for value in (least, most) if value is not None), key=lambda v: abs(v - nominal), default=None)
        shown["frequency_hz"] = _rounded(worst)
        shown["value_pct"] = None if worst is None else _rounded(100 * (worst - nominal) / nominal)
        return
    shown["value_pct"] = _rounded(most)
    shown["window_s"] = config.window / SECOND
    if event.type == "imbalance":
        shown["imbalance_method"] = config.imbalance_method
        shown["assumed_angles"] = event.assumed_angles
        shown["phases"] = ["a", "b", "c"]
    else:
        shown["per_phase"] = {
            name: {"max_pct": _rounded(high)} for name, high in zip(event.names, event.high, strict=True) if high is not None
        }


def _reference(event: Disturbance) -> float:
    """The reference of the channel that was worst, in V."""
    extremes = event.low if event.type in FAMILIES["under"] else [None if x is None else -x for x in event.high]
    known = [(value, volts) for value, volts in zip(extremes, event.reference, strict=False) if value is not None]
    return min(known)[1] if known else event.config.nominal_voltage


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
