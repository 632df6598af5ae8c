"""Meters: found by id at once, made and changed as resources, each with its device and its stream in the registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from wattline.metering import channels
from wattline.metering.checks import Document
from wattline.metering.checks_references import References
from wattline.metering.fields import LAYOUT
from wattline.metering.formula import DEEPEST, depth, reaches
from wattline.metering.keeping import Keeping
from wattline.metering.meters_checks import BODY, Usual, meter_of, read
from wattline.metering.model import Channel, Meter, Source, Term
from wattline.model.errors import Conflict, Fault, Invalid, NotFound, WattlineError
from wattline.model.place import Device
from wattline.model.record import NEVER
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.resources.model import Resource
from wattline.resources.service import Resources, Writer

LONGEST_NUMBER = 19
"""Digits of the largest id."""
Joining = Callable[[str, int, int], None]
Leaving = Callable[[Writer, Meter], Awaitable[None]]


class Meters(Keeping):
    """The meters of every tenant.

    A meter is made with a device `meter-<id>` at its site and a stream of the layout `energy`, unless it is virtual or reads
    another device. `usual` says what holds, for a tenant, where a document is silent.
    """

    kind = "meter"

    def __init__(self, resources: Resources, references: References, registry: Registry, usual: Callable[[str], Usual]) -> None:
        super().__init__(resources, references)
        self._registry = registry
        self._usual = usual
        self._meters: dict[int, Meter] = {}
        self._naming: dict[tuple[str, int], set[int]] = {}
        self._reading: dict[tuple[str, str, str], set[int]] = {}
        self._sourced: dict[int, dict[str, Channel]] = {}
        self.on_joining: list[Joining] = []
        """Called with a meter's tenant, its id, and the account that it is about to name; raises what speaks against it."""
        self.on_leaving: list[Leaving] = []
        """Awaited with the writer and a meter that is about to be removed."""
        self.on_gone: list[Callable[[], Awaitable[None]]] = []
        """Awaited when the removal of a meter is committed."""
        resources.on_change("meter", self._changed)

    def _changed(self, resource: Resource) -> None:
        former = self._meters.pop(resource.id, None)
        self._sourced.pop(resource.id, None)
        if former is not None:
            for named in (former.account_id, *former.group_ids):
                if named is not None:
                    self._naming[former.tenant, named].discard(former.id)
            if former.source is not None:
                self._reading[former.tenant, former.source.site, former.source.device].discard(former.id)
        if resource.removed is not None:
            return
        meter = self._meters[resource.id] = meter_of(resource)
        for named in (meter.account_id, *meter.group_ids):
            if named is not None:
                self._naming.setdefault((meter.tenant, named), set()).add(meter.id)
        if meter.source is not None:
            self._reading.setdefault((meter.tenant, meter.source.site, meter.source.device), set()).add(meter.id)

    def find(self, tenant: str, number: int) -> Meter | None:
        """The tenant's meter with this id, None where there is none."""
        found = self._meters.get(number)
        return None if found is None or found.tenant != tenant else found

    def get(self, tenant: str, number: int) -> Meter:
        """The tenant's meter with this id. Raises `NotFound`."""
        found = self.find(tenant, number)
        if found is None:
            raise NotFound("no such meter")
        return found

    def all(self, tenant: str) -> list[Meter]:
        """Every meter of a tenant, by id."""
        return [self._meters[number] for number in self._resources.ids(tenant, "meter")]

    def naming(self, tenant: str, number: int) -> list[int]:
        """The ids of the meters whose `account_id` or `group_ids` name this account or group, ascending."""
        return sorted(self._naming.get((tenant, number), ()))

    def find_stream(self, meter: Meter) -> Stream | None:
        """The stream of a meter's own readings where it is registered, which it is from its creation on."""
        return self._registry.find(meter.tenant, meter.site, meter.device_key, LAYOUT.name)

    async def stream(self, meter: Meter) -> Stream:
        """The stream of a meter's own readings, registered now if it is not.

        Raises `Conflict` for a meter that takes none, `Invalid` where the tenant has no room for another stream.
        """
        if not meter.takes_readings:
            raise Conflict("this meter takes no readings: it is computed, or reads another device")
        return self.find_stream(meter) or await self._registry.register(
            meter.tenant, meter.site, meter.device_key, LAYOUT, {"tag": meter.device_key, "type": "meter"}
        )

    def channel(self, meter: Meter, field: str) -> Channel | None:
        """Where a field of a meter is stored; None where it is nowhere: a virtual meter, a field that its source lacks."""
        if meter.kind == "virtual":
            return None
        if meter.source is not None:
            return self._sourced_channel(meter, meter.source, field)
        return channels.own_channel(self._registry, meter, field)

    def _sourced_channel(self, meter: Meter, source: Source, field: str) -> Channel | None:
        known = self._sourced.get(meter.id, {}).get(field)
        # The device may have been moved to another site since.
        if known is not None and known.stream.device.site.key == source.site and self._meters.get(meter.id) is meter:
            return known
        found = channels.sourced_channel(self._registry, meter, field)
        if found is not None and self._meters.get(meter.id) is meter:
            self._sourced.setdefault(meter.id, {})[field] = found
        return found

    def of_stream(self, stream: Stream) -> list[Meter]:
        """The meters whose readings rows of this stream are: the one whose own it is, and those that read its device."""
        device = stream.device
        tenant, site = device.site.tenant, device.site.key
        found = [self._meters[number] for number in sorted(self._reading.get((tenant, site, device.key), ()))]
        own = self._owner(device) if stream.layout.name == LAYOUT.name else None
        return found if own is None else [own, *found]

    def _owner(self, device: Device) -> Meter | None:
        """The meter whose device this is: devices of other contracts may have any key."""
        prefix, _, digits = device.key.partition("-")
        if prefix != "meter" or not digits.isascii() or not digits.isdigit() or len(digits) > LONGEST_NUMBER:
            return None
        own = self.find(device.site.tenant, int(digits))
        fits = own is not None and own.takes_readings and (own.site, own.device_key) == (device.site.key, device.key)
        return own if fits else None

    def has_rows(self, meter: Meter) -> bool:
        """Whether a reading of its own was ever taken in and is still kept, as far as this process knows."""
        stream = self.find_stream(meter)
        return stream is not None and stream.admitted != NEVER

    def formula(self, tenant: str) -> Callable[[int], Sequence[Term]]:
        """The terms of each of a tenant's meters by id; none of a meter that is not virtual."""

        def terms(number: int) -> Sequence[Term]:
            found = self.find(tenant, number)
            return () if found is None else found.formula

        return terms

    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        document = Document(body, BODY)
        result = read(document, self._registry, tenant, self._usual(tenant))
        document.faults += self._references.missing(tenant, "meter", result)
        if known is None:
            self._check_room(tenant)
        else:
            document.faults += self._circles(tenant, known.id, result)
        document.done()
        self._check_deep(tenant, known, result)
        if known is not None:
            self._check_fixed(self.get(tenant, known.id), result)
            if result["account_id"] is not None:
                for told in self.on_joining:
                    told(tenant, known.id, result["account_id"])
        return result

    def _check_room(self, tenant: str) -> None:
        most = self._registry.most_streams
        if len(self._resources.ids(tenant, "meter")) >= most or self._registry.counts[tenant] >= most:
            raise Invalid(f"no room for more meters: this account may have {most} streams")

    def _circles(self, tenant: str, number: int, body: Mapping[str, Any]) -> list[Fault]:
        """A fault for each term, and for the parent, from which a way leads back to the meter itself."""
        faults = []
        formulas = self._formulas(tenant)
        for index, term in enumerate(body["formula"] or ()):
            if reaches(formulas, term["meter_id"], number):
                faults.append(Fault(f"/formula/{index}/meter_id", "cycle", "its formula would contain itself"))
        parents = {meter.id: [meter.parent_id] for meter in self.all(tenant) if meter.parent_id is not None}
        if body["parent_id"] is not None and reaches(parents, body["parent_id"], number):
            faults.append(Fault("/parent_id", "cycle", "it would be below itself"))
        return faults

    def _formulas(self, tenant: str) -> dict[int, list[int]]:
        return {meter.id: [term.meter_id for term in meter.formula] for meter in self.all(tenant) if meter.formula}

    def _check_deep(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> None:
        if not body["formula"]:
            return
        formulas = self._formulas(tenant) | {0 if known is None else known.id: [t["meter_id"] for t in body["formula"]]}
        if depth(formulas) > DEEPEST:
            raise Invalid(f"virtual meters are nested more than {DEEPEST} deep", "formula")

    def _check_fixed(self, meter: Meter, body: Mapping[str, Any]) -> None:
        """What readings that are there already forbid."""
        if not self.has_rows(meter):
            return
        if body["site"] != meter.site:
            raise Conflict("the meter has readings, so it cannot move to another site")
        if meter.takes_readings and (body["kind"] == "virtual" or body["source"] is not None):
            raise Conflict("the meter has readings of its own, so it can neither be virtual nor read another device")

    async def written(self, resource: Resource, former: Resource | None) -> None:
        meter = meter_of(resource)
        # The meter is made, whatever fails here: its first reading will register what is missing.
        with suppress(WattlineError):
            if meter.takes_readings:
                await self.stream(meter)
            elif self._registry.site(meter.tenant, meter.site) is None:
                await self._registry.put_site(meter.tenant, meter.site)

    async def leaving(self, writer: Writer, resource: Resource) -> None:
        for told in self.on_leaving:
            await told(writer, meter_of(resource))

    async def gone(self) -> None:
        for told in self.on_gone:
            await told()
