"""Schedules as data, made from resources that were checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from wattline.billing.days import zone_named
from wattline.charging.recurrence import Rule, parsed
from wattline.metering.checks import moment
from wattline.resources.model import Resource

ScheduleKind = Literal["power_limit", "setpoint", "on_off", "ev_departure"]
TargetKind = Literal["node", "meter", "evse", "group"]
KINDS: tuple[ScheduleKind, ...] = ("power_limit", "setpoint", "on_off", "ev_departure")
TARGETS: tuple[TargetKind, ...] = ("node", "meter", "evse", "group")
Value = float | bool | None
"""W or A; on or off; None where a schedule of departures only says when a vehicle is there."""


class Target(NamedTuple):
    """What a schedule is for: an `evse` is a node of that kind."""

    kind: TargetKind
    id: int


class Recurring(NamedTuple):
    """A rule, and the local time at which it begins and its days begin. It lasts `duration_s`, or to the local time `until` of
    the same day or, where that is not later, the next."""

    rule: Rule
    start: datetime
    duration_s: int | None
    until: time | None


class Explicit(NamedTuple):
    """One interval [start, end), in us."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """When a value holds."""

    when: Recurring | Explicit
    value: Value
    priority: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule, in force in [start, end), in us; None has no end on that side. `unit` is W, A, or None."""

    id: int
    tenant: str
    version: int
    name: str
    target: Target
    kind: ScheduleKind
    unit: str | None
    zone: ZoneInfo
    start: int | None
    end: int | None
    entries: tuple[Entry, ...]


def schedule_of(resource: Resource) -> Schedule:
    """The schedule of a stored resource."""
    body = resource.body
    return Schedule(
        resource.id,
        resource.tenant,
        resource.version,
        body["name"],
        Target(body["target"]["kind"], body["target"]["id"]),
        body["kind"],
        body["unit"],
        zone_named(body["tz"]),
        None if body["valid_from"] is None else moment(body["valid_from"]),
        None if body["valid_to"] is None else moment(body["valid_to"]),
        tuple(_entry(each, body["priority"]) for each in body["entries"]),
    )


def _entry(body: Mapping[str, Any], usual: int) -> Entry:
    priority = usual if body["priority"] is None else body["priority"]
    if body["rrule"] is None:
        start, end = moment(body["from"]), moment(body["to"])
        assert start is not None
        assert end is not None
        return Entry(Explicit(start, end), body["value"], priority)
    until = None if body["end"] is None else time.fromisoformat(body["end"])
    when = Recurring(parsed(body["rrule"]), datetime.fromisoformat(body["start"]), body["duration_s"], until)
    return Entry(when, body["value"], priority)
