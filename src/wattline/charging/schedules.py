"""Schedules as resources."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from wattline.charging.checks_schedules import read
from wattline.charging.effective import Interval, effective
from wattline.charging.model import Schedule, TargetKind, schedule_of
from wattline.metering.checks import LATEST
from wattline.metering.checks_references import References
from wattline.metering.keeping import Keeping
from wattline.model.clock import DAY, from_micros
from wattline.model.errors import Fault, Faulty, Invalid, NotFound
from wattline.resources.model import Kind, Resource
from wattline.resources.service import Resources

LONGEST = 366 * DAY
"""What can be asked for at once."""
KIND_OF: Mapping[TargetKind, Kind] = {"node": "node", "meter": "meter", "evse": "node", "group": "group"}
"""The kind of resource that a target is."""


def refused(start: int, end: int) -> Fault | None:
    """Why nothing is told of [start, end) (us), None where it is: schedules are documents of certain years."""
    if not start < end <= start + LONGEST:
        return Fault("to", "out_of_range", f"must be after from, by at most {LONGEST // DAY} days")
    for name, time in (("from", start), ("to", end)):
        if not 0 <= time <= LATEST:
            return Fault(name, "out_of_range", f"must be from 1970 to {from_micros(LATEST).year}")
    return None


class Schedules(Keeping):
    """The schedules of every tenant. What one is for exists, and stays while the schedule does."""

    kind: Kind = "schedule"

    def __init__(self, resources: Resources, references: References) -> None:
        super().__init__(resources, references)
        self._schedules: dict[int, Schedule] = {}
        resources.on_change("schedule", self._changed)
        # An id is given once for all kinds, so it cannot be taken for that of another kind.
        for kind in sorted(set(KIND_OF.values())):
            references.add("schedule", ("target", "id"), kind)

    def _changed(self, resource: Resource) -> None:
        if resource.removed is None:
            self._schedules[resource.id] = schedule_of(resource)
        else:
            self._schedules.pop(resource.id, None)

    def get(self, tenant: str, number: int) -> Schedule:
        """The tenant's schedule with this id. Raises `NotFound`."""
        found = self._schedules.get(number)
        if found is None or found.tenant != tenant:
            raise NotFound("no such schedule")
        return found

    def alike(self, schedule: Schedule) -> list[Schedule]:
        """The schedules of the same target, kind and unit, this one too, by id."""
        every = (self._schedules[number] for number in self._resources.ids(schedule.tenant, "schedule"))
        mine = (schedule.target, schedule.kind, schedule.unit)
        return [each for each in every if (each.target, each.kind, each.unit) == mine]

    async def effective(self, tenant: str, number: int, start: int, end: int, *, together: bool = False) -> list[Interval]:
        """What a schedule comes to in [start, end) (us); `together` with the others like it. Raises `NotFound`, `Invalid`.

        Made beside the event loop: a year of a hundred entries takes a while.
        """
        schedule = self.get(tenant, number)
        fault = refused(start, end)
        if fault is not None:
            raise Invalid(fault.detail, fault.pointer)
        several = self.alike(schedule) if together else [schedule]
        return await asyncio.to_thread(effective, several, start, end)

    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        result = read(body)
        target = result["target"]
        found = self._resources.find(tenant, KIND_OF[target["kind"]], target["id"])
        if found is None or (target["kind"] == "evse" and found.body["kind"] != "evse"):
            raise Faulty([Fault("/target/id", "unknown_reference", f"there is no {target['kind']} {target['id']}")])
        return result
