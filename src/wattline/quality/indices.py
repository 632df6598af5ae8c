"""SARFI of IEEE 1564: how often the voltage of a meter fell below, or rose above, a share of its reference. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wattline.model.clock import DAY
from wattline.quality.row import FAMILIES, QualityEvent

BELOW, ABOVE = (90, 80, 70, 50, 10), (110, 120, 140)
"""Percent of the reference."""
GROUPS = {"siarfi": "instantaneous", "smarfi": "momentary", "starfi": "temporary"}
"""The same index of one category of IEEE 1159 alone."""
LONG = ("undervoltage", "overvoltage")
MONTH = 30 * DAY


def counted(events: Iterable[QualityEvent]) -> dict[str, Any]:
    """The counts of one meter's events: each index by its percentage, what each type has, and what lasted too long to count.

    SARFI counts what lasts up to a minute; an undervoltage, an overvoltage and a sustained interruption are `sustained`. An
    event that lasts still is counted by its extreme so far. One that counts has no category where the data is too coarse, and
    is then in none of the groups.
    """
    sarfi = {str(percent): 0 for percent in (*BELOW, *ABOVE)}
    groups = {name: dict.fromkeys(sarfi, 0) for name in GROUPS}
    types: dict[str, int] = {}
    sustained = 0
    for event in events:
        types[event.type] = types.get(event.type, 0) + 1
        voltage = event.type in FAMILIES["under"] or event.type in FAMILIES["over"]
        if not voltage:
            continue
        if event.type in LONG or event.body.get("category") == "sustained":
            sustained += 1
            continue
        reached = _reached(event.body)
        for percent in reached:
            sarfi[percent] += 1
        for name, category in GROUPS.items():
            if event.body.get("category") == category:
                for percent in reached:
                    groups[name][percent] += 1
    return {"sarfi": sarfi, **groups, "sustained": sustained, "events": dict(sorted(types.items()))}


def _reached(body: Mapping[str, Any]) -> list[str]:
    least, most = body.get("residual_pu"), body.get("max_pu")
    found = [] if least is None else [str(percent) for percent in BELOW if least < percent / 100]
    return found + ([] if most is None else [str(percent) for percent in ABOVE if most > percent / 100])


def of_system(each: Mapping[int, Mapping[str, Any]], start: int, end: int) -> dict[str, Any]:
    """The index of all meters together: events a meter, and a meter and 30 days. None without a meter."""
    count = len(each)
    names = [str(percent) for percent in (*BELOW, *ABOVE)]
    if not count:
        return {"sarfi": dict.fromkeys(names), "sarfi_per_30_days": dict.fromkeys(names)}
    mean = {name: sum(found["sarfi"][name] for found in each.values()) / count for name in names}
    return {
        "sarfi": {name: round(value, 6) for name, value in mean.items()},
        "sarfi_per_30_days": {name: round(value * MONTH / (end - start), 6) for name, value in mean.items()},
    }
