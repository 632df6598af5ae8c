"""Whom figures are of: one meter, a group or an account, resolved to measured meters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from wattline.billing.days import zone_named
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.model.errors import Invalid, NotFound
from wattline.model.principal import Principal

SubjectKind = Literal["meter", "group", "account"]
BEHIND = ("generation", "battery")
"""Kinds of meters behind the one to the grid, where there is one: what they measure is a part of what flows through it."""
UTC = "UTC"


@dataclass(frozen=True, slots=True)
class Member:
    """A measured meter that counts `weight` times in [start, end), in us; None has no end on that side."""

    meter: Meter
    weight: int
    start: int | None = None
    end: int | None = None

    def within(self, start: int, end: int) -> tuple[int, int]:
        """The part of [start, end) in which it counts; empty where it ends before it begins."""
        low = start if self.start is None else max(start, self.start)
        high = end if self.end is None else min(end, self.end)
        return low, max(low, high)


@dataclass(frozen=True, slots=True)
class Subject:
    """`members` add up to it. `zone` is that of its meters, the most frequent one where they have several."""

    tenant: str
    kind: SubjectKind
    id: int
    zone: ZoneInfo
    members: tuple[Member, ...]

    @property
    def summed(self) -> list[Member]:
        """The members whose figures are added up: all, or those that are not behind another that measures the grid."""
        if not any(member.meter.kind == "grid" for member in self.members):
            return list(self.members)
        return [member for member in self.members if member.meter.kind not in BEHIND]

    @property
    def generating(self) -> list[Member]:
        """The members behind a meter to the grid that measure generation."""
        if len(self.summed) == len(self.members):
            return []
        return [member for member in self.members if member.meter.kind == "generation"]


class Subjects:
    """Finds what a caller asks for, among what it may see."""

    def __init__(self, metering: Metering) -> None:
        self._metering = metering

    def find(
        self, caller: Principal, *, meter_id: int | None = None, group_id: int | None = None, account_id: int | None = None
    ) -> Subject:
        """The one of the three that is given. Raises `NotFound` also where a meter that is part of it is not to be seen,
        `Invalid` unless exactly one is given."""
        tenant = caller.tenant
        kind: SubjectKind
        if meter_id is not None and group_id is None and account_id is None:
            kind, number = "meter", meter_id
            own = self._metering.meters.get(tenant, number)
            found = self._members(tenant, {own.id: 1})
            zone = own.timezone
        elif group_id is not None and meter_id is None and account_id is None:
            kind, number = "group", group_id
            found = self._members(tenant, dict(self._metering.groups.counts(tenant, number)))
            zone = _usual_zone(found)
        elif account_id is not None and meter_id is None and group_id is None:
            kind, number = "account", account_id
            found = []
            for each in self._metering.accounts.tenures(tenant, self._metering.accounts.get(tenant, number).id):
                found += self._members(tenant, {each.meter_id: 1}, each.start, each.end)
            zone = _usual_zone(found)
        else:
            raise Invalid("exactly one of meter_id, group_id and account_id must be given")
        if not all(caller.sees(member.meter.site) for member in found):
            raise NotFound(f"no such {kind}")
        return Subject(tenant, kind, number, zone_named(zone), tuple(found))

    def _members(self, tenant: str, named: dict[int, int], start: int | None = None, end: int | None = None) -> list[Member]:
        return [Member(meter, weight, start, end) for meter, weight in self._metering.resolved(tenant, named)]


def _usual_zone(members: list[Member]) -> str:
    zones = Counter(member.meter.timezone for member in members)
    return max(sorted(zones), key=lambda name: zones[name]) if zones else UTC
