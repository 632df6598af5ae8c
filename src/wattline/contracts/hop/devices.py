"""What the page's identifiers mean here: a substation is a site, a feeder's meter or RTU is a device, a body is a row.

Streams are resolved by one dict look-up. What the look-up does not settle (a device never seen, a site described
differently from last time) takes the slow way once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from wattline.contracts.hop.bodies import Telemetry
from wattline.contracts.hop.errors import Answer
from wattline.model.place import Layout, Quantity
from wattline.registry.registration import Registration
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

LAYOUT = Layout(
    "hop.telemetry",
    (Quantity("voltage_kv", "kV"), Quantity("current_a", "A"), Quantity("power_mw", "MW"), Quantity("frequency_hz", "Hz")),
)

Key = tuple[str, str | None, str | None]
Description = tuple[str | None, float | None, float | None]


def device_key(feeder_id: str | None, device_id: str | None) -> str:
    """One text for a feeder and a device, either of which may be missing; different pairs never share one."""
    return "/".join("" if part is None else part.replace("%", "%25").replace("/", "%2F") for part in (feeder_id, device_id))


class Entry:
    """A stream with what its device last said of its site, and the answer to each of its readings."""

    __slots__ = ("described", "stream", "stream_id", "written")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.stream_id = stream.id
        site = stream.device.site
        self.described: Description = (site.name, site.latitude, site.longitude)
        body = {"status": "telemetry written", "substation_id": site.key}
        self.written = Answer(200, msgspec.json.encode(body))


class Devices:
    """Resolves telemetry bodies to streams; the entries of a tenant are in a dict of their own."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._entries: dict[str, dict[Key, Entry]] = {}

    def of(self, tenant: str) -> Mapping[Key, Entry]:
        """The tenant's entries by (substation_id, feeder_id, device_id)."""
        found = self._entries.get(tenant)
        return found if found is not None else self._entries.setdefault(tenant, {})

    async def enrol(self, tenant: str, records: Sequence[Telemetry]) -> None:
        """Register what is not; on return every record has its entry. The records must be valid."""
        entries = self._entries.setdefault(tenant, {})
        missing: dict[Key, Registration] = {}
        for record in records:
            key = (record.substation_id, record.feeder_id, record.device_id)
            if key not in entries and key not in missing:
                missing[key] = _registration(tenant, record)
        streams = await self._registry.register_all(list(missing.values()))
        for key, stream in zip(missing, streams, strict=True):
            entries.setdefault(key, Entry(stream))

    async def describe(self, entry: Entry, record: Telemetry, time: int) -> None:
        """Take the site's name and place from a record, if its device says something new; durable on return.

        A name is an attribute: renaming a site splits no series. What is absent changes nothing; a place counts only as a
        pair. A record older than the newest of its stream says nothing of the present.
        """
        said: Description = (record.site_name, record.latitude, record.longitude)
        newest = entry.stream.latest
        if said == entry.described or (newest is not None and newest.time > time):
            return
        name, latitude, longitude = said
        if latitude is None or longitude is None:
            latitude = longitude = None
        site = entry.stream.device.site
        await self._registry.describe_site(site.tenant, site.key, name=name or None, latitude=latitude, longitude=longitude)
        entry.described = said


def _registration(tenant: str, record: Telemetry) -> Registration:
    attributes = {name: getattr(record, name) for name in ("feeder_id", "device_id") if getattr(record, name) is not None}
    return Registration(tenant, record.substation_id, device_key(record.feeder_id, record.device_id), LAYOUT, attributes)
