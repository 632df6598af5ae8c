"""The thresholds of each meter: set by a caller, found at once by whoever judges a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from wattline.metering.checks import is_id
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.model.errors import Fault, Faulty, NotFound
from wattline.quality.config import Config, checked, config_of
from wattline.quality.readings import FIELDS, Source, sources
from wattline.resources.model import Resource
from wattline.resources.service import Resources

KIND: Final = "pq_config"


class Watched(NamedTuple):
    """A meter that is followed: its thresholds, and where its readings are."""

    meter: Meter
    config: Config
    sources: list[Source]


class Configs:
    """At most one config a meter. `streams` has, by stream, the watched meters that rows of it are readings of."""

    def __init__(self, resources: Resources, metering: Metering) -> None:
        self._resources = resources
        self._metering = metering
        self._bodies: dict[int, Resource] = {}
        self._streams: dict[int, list[tuple[Watched, Source]]] = {}
        self._watched: dict[int, Watched] = {}
        self._stale: set[int] = set()
        resources.on_change(KIND, self._changed)
        resources.on_change("meter", self._meter_changed)

    def _changed(self, resource: Resource) -> None:
        number = resource.body["meter_id"]
        if resource.removed is None:
            self._bodies[number] = resource
        else:
            self._bodies.pop(number, None)
        self._stale.add(number)

    def _meter_changed(self, resource: Resource) -> None:
        if resource.id in self._bodies:
            self._stale.add(resource.id)

    def forget(self) -> None:
        """Look again where readings are: a device that a meter reads may have come since."""
        self._stale.update(number for number, each in self._watched.items() if not each.sources)

    def _look(self) -> None:
        for number in self._stale:
            self._drop(number)
            resource = self._bodies.get(number)
            meter = None if resource is None else self._metering.meters.find(resource.tenant, number)
            if resource is None or meter is None:
                continue
            config = config_of(resource.body, meter.nominal_voltage, meter.nominal_frequency)
            found = sources([self._metering.channel(meter, field) for field in FIELDS])
            watched = self._watched[number] = Watched(meter, config, found)
            for source in found:
                self._streams.setdefault(source.stream, []).append((watched, source))
        self._stale.clear()

    def _drop(self, number: int) -> None:
        former = self._watched.pop(number, None)
        for source in () if former is None else former.sources:
            kept = [each for each in self._streams[source.stream] if each[0] is not former]
            if kept:
                self._streams[source.stream] = kept
            else:
                del self._streams[source.stream]

    @property
    def streams(self) -> Mapping[int, list[tuple[Watched, Source]]]:
        """The watched meters by stream."""
        self._look()
        return self._streams

    def watched(self, number: int) -> Watched | None:
        """A meter with a config."""
        self._look()
        return self._watched.get(number)

    def config(self, meter: Meter) -> Config:
        """The thresholds of a meter; those of the published sample where nobody set any."""
        found = self.watched(meter.id)
        return config_of({}, meter.nominal_voltage, meter.nominal_frequency) if found is None else found.config

    def get(self, tenant: str, meter_id: int) -> Resource:
        """The document of a meter's thresholds. Raises `NotFound` where it has none."""
        found = self._resources.named(tenant, KIND, str(meter_id))
        if found is None:
            raise NotFound("this meter has no power-quality config")
        return found

    def all(self, tenant: str) -> list[Resource]:
        """Every document of a tenant."""
        return self._resources.all(tenant, KIND)

    async def put(self, tenant: str, document: object, sites: frozenset[str] | None = None) -> tuple[Resource, bool]:
        """Set the thresholds of a meter, whole; whether it had none before.

        They hold from the next sample. Raises `Faulty`, and `NotFound` for a meter that the tenant has not, or that is at
        none of `sites` (None: any).
        """
        number = document.get("meter_id") if isinstance(document, Mapping) else None
        fault = None
        if isinstance(document, Mapping) and not is_id(number):
            fault = Fault("/meter_id", "required" if number is None else "type", "must be the id of a meter")
        meter = None if fault is not None or not is_id(number) else self._metering.meters.get(tenant, number)
        if meter is not None and sites is not None and meter.site not in sites:
            raise NotFound("no such meter")
        volts, hertz = (230.0, 50) if meter is None else (meter.nominal_voltage, meter.nominal_frequency)
        try:
            body: dict[str, Any] = checked(document, volts, hertz)
        except Faulty as error:
            raise Faulty([fault, *error.faults] if fault is not None else error.faults) from None
        if fault is not None or meter is None:
            raise Faulty([fault or Fault("/meter_id", "required", "must be the id of a meter")])
        body = {"meter_id": meter.id, "external_id": str(meter.id), **body}
        async with self._resources.writing() as writer:
            self._metering.meters.get(tenant, meter.id)
            known = self._resources.named(tenant, KIND, str(meter.id))
            if known is None:
                return await writer.insert(tenant, KIND, body), True
            return await writer.replace(tenant, KIND, known.id, body), False
