"""What a meter with readings of its own is in the energy account of its block: what every other contract knows of it.

A meter at the grid that is below no other meter of its site is a main meter of the site; several are added up. All others that
take energy to use it are submeters, each with the meter above it, so that what is measured twice counts once. Generation, and
what a battery takes, is no use of energy: they have no role. A meter counts by its register, and by its power as long as it
tells no register: a role is given to a field once a reading had it, for a meter that is silent measures nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from wattline.billing.model import Role
from wattline.metering.channels import device_at
from wattline.metering.fields import COLUMN
from wattline.metering.meters import Meters
from wattline.metering.model import Meter
from wattline.registry.registration import Description
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.resources.model import Resource
from wattline.resources.service import Resources

POWER, REGISTER = "total_power", "total_energy"
METADATA = "metadata"
"""The attribute of a device that says, as JSON, which equipment is above it: `{"parent": "meter-5"}`."""
NO_USE = ("generation", "battery")
AT_ONCE = 100
"""Meters that are looked at every second."""
Find = Callable[[str, int], Meter | None]


def above(meter: Meter, find: Find) -> Meter | None:
    """The nearest measured meter of the same site that a meter is below."""
    seen = {meter.id}
    number = meter.parent_id
    while number is not None and number not in seen:
        seen.add(number)
        parent = find(meter.tenant, number)
        if parent is None:
            return None
        if parent.kind != "virtual" and (parent.site if parent.source is None else parent.source.site) == meter.site:
            return parent
        number = parent.parent_id
    return None


def roles_of(meter: Meter, parent: Meter | None) -> dict[str, Role | None]:
    """The energy roles of a meter's fields, `parent` being the meter above it."""
    if meter.kind in NO_USE:
        return {POWER: None, REGISTER: None}
    if meter.kind == "grid" and parent is None:
        return {POWER: Role.FACILITY_MAIN, REGISTER: Role.FACILITY_MAIN}
    return {POWER: Role.SUBMETER, REGISTER: Role.COUNTER}


class Roles:
    """Keeps the registry up to what meters are and tell; call `refresh` every second."""

    def __init__(self, resources: Resources, meters: Meters, registry: Registry) -> None:
        self._meters = meters
        self._registry = registry
        self._changed: dict[tuple[str, int], None] = {}
        self._silent: dict[int, Stream] = {}
        resources.on_change("meter", self._heard)

    def _heard(self, resource: Resource) -> None:
        self._silent.pop(resource.id, None)
        if resource.removed is None:
            self._changed[resource.tenant, resource.id] = None

    async def refresh(self) -> None:
        """Look at meters that were changed, then at those below them, and at those that tell what they never told before.

        Raises `Unavailable`, and the next call looks at the same ones again.
        """
        changed = dict.fromkeys(islice(self._changed, AT_ONCE))
        told = islice((stream for stream in self._silent.values() if _tells_more(stream)), AT_ONCE)
        streams = {stream.id: (meter, stream) for meter, stream in [*self._found(changed), *self._owners(told)]}
        if changed or streams:
            for each in changed:
                del self._changed[each]
            try:
                await self._registry.describe_streams([self._description(*each) for each in streams.values()])
            except BaseException:
                self._changed |= changed
                raise
            # One that was made this moment gets its stream in the next.
            self._changed |= {each: None for each in changed if self._lacks_stream(*each)}
            self._changed |= dict.fromkeys(self._below(changed))
            for meter, stream in streams.values():
                self._note(meter, stream)

    def _lacks_stream(self, tenant: str, number: int) -> bool:
        meter = self._meters.find(tenant, number)
        return meter is not None and meter.takes_readings and self._meters.find_stream(meter) is None

    def _found(self, changed: Iterable[tuple[str, int]]) -> Iterable[tuple[Meter, Stream]]:
        for tenant, number in changed:
            meter = self._meters.find(tenant, number)
            stream = None if meter is None or not meter.takes_readings else self._meters.find_stream(meter)
            if meter is not None and stream is not None:
                yield meter, stream

    def _below(self, changed: Mapping[tuple[str, int], None]) -> Iterable[tuple[str, int]]:
        """Meters right below some that were changed."""
        for tenant in {tenant for tenant, _ in changed}:
            for meter in self._meters.all(tenant):
                if meter.parent_id is not None and (tenant, meter.parent_id) in changed:
                    yield tenant, meter.id

    def _owners(self, streams: Iterable[Stream]) -> Iterable[tuple[Meter, Stream]]:
        for stream in streams:
            for meter in self._meters.of_stream(stream):
                if meter.takes_readings:
                    yield meter, stream

    def _description(self, meter: Meter, stream: Stream) -> Description:
        parent = above(meter, self._meters.find)
        said = None if parent is None else json.dumps({"parent": self._equipment(parent)})
        told = {name: role if _tells(stream, name) else None for name, role in roles_of(meter, parent).items()}
        return Description(stream, {METADATA: said}, told)

    def _equipment(self, meter: Meter) -> str:
        """The tag of the equipment that a meter measures with."""
        if meter.source is None:
            return meter.device_key
        device = device_at(self._registry, meter.tenant, meter.source.site, meter.source.device)
        return meter.source.device if device is None else device.attributes.get("tag", device.key)

    def _note(self, meter: Meter, stream: Stream) -> None:
        """Keep an eye on a meter that has not told everything yet; one that was removed meanwhile will tell nothing more."""
        known = self._meters.find(meter.tenant, meter.id)
        if (
            known is not None
            and known.kind not in NO_USE
            and any(stream.sensors[COLUMN[name]].role is None for name in (POWER, REGISTER))
        ):
            self._silent[meter.id] = stream
        else:
            self._silent.pop(meter.id, None)


def _tells(stream: Stream, name: str) -> bool:
    """Whether a field was told: by the newest reading, or before."""
    column = COLUMN[name]
    latest = stream.latest
    return stream.sensors[column].role is not None or (latest is not None and latest.values[column] is not None)


def _tells_more(stream: Stream) -> bool:
    return any(stream.sensors[COLUMN[name]].role is None and _tells(stream, name) for name in (POWER, REGISTER))
