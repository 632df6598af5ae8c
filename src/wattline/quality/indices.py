"""SARFI of IEEE 1564: how often the voltage of a meter fell below, or rose above, a share of its reference. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wattline.model.clock import DAY
from wattline.quality.row import VOLTAGE

BELOW, ABOVE = (90, 80, 70, 50, 10), (110, 120, 140)
"""Percent of the reference."""
GROUPS = {"siarfi": "instantaneous", "smarfi": "momentary", "starfi": "temporary"}
"""The same index of one category of IEEE 1159 alone."""
LONG = ("undervoltage", "overvoltage")
MONTH = 30 * DAY


class Group(NamedTuple):
    """Events of one meter, type and category of IEEE 1159 (None: unknown): how many there are, and how many of them reached
    each percentage of `BELOW` and then of `ABOVE`."""

    meter: int
    type: str
    category: str | None
    number: int
    reached: tuple[int, ...]


def counted(events: Iterable[Group]) -> dict[str, Any]:
    """The counts of one meter's events: each index by its percentage, what each type has, and what lasted too long to count.

    SARFI counts what lasts up to a minute; an undervoltage, an overvoltage and a sustained interruption are `sustained`. An
    event that lasts still is counted by its extreme so far. One that counts has no category where the data is too coarse, and
    is then in none of the groups.
    """
    sarfi = {str(percent): 0 for percent in (*BELOW, *ABOVE)}
    groups = {name: dict.fromkeys(sarfi, 0) for name in GROUPS}
    types: dict[str, int] = {}
    sustained = 0
    for group in events:
        types[group.type] = types.get(group.type, 0) + group.number
        if group.type not in VOLTAGE:
            continue
        if group.type in LONG or group.category == "sustained":
            sustained += group.number
            continue
        into = [sarfi, *(groups[name] for name, category in GROUPS.items() if category == group.category)]
        for index in into:
            for percent, some in zip(sarfi, group.reached, strict=True):
                index[percent] += some
    return {"sarfi": sarfi, **groups, "sustained": sustained, "events": dict(sorted(types.items()))}


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
