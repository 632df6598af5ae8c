"""Which substation an event or an outage belongs to: the page's bodies do not say it.

What is resolved to nothing belongs to the utility as a whole, and only keys without a list of substations may write or see it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wattline.contracts.hop.devices import LAYOUT
from wattline.feeders.model import resolve_site
from wattline.model.record import NEVER
from wattline.registry.service import Registry
from wattline.registry.stream import Stream


@dataclass(slots=True)
class _Index:
    """The tenant's streams by device and by feeder, as of a number of streams: they are never taken away."""

    size: int = 0
    devices: dict[str, list[Stream]] = field(default_factory=dict)
    feeders: dict[str, list[Stream]] = field(default_factory=dict)


class Places:
    """Resolves devices and feeders to the substations that telemetry showed them at."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._indices: dict[str, _Index] = {}

    def _index(self, tenant: str) -> _Index:
        index = self._indices.setdefault(tenant, _Index())
        streams = self._registry.streams(tenant, LAYOUT.name)
        for stream in streams[index.size :]:
            attributes = stream.device.attributes
            if (device := attributes.get("device_id")) is not None:
                index.devices.setdefault(device, []).append(stream)
            if (feeder := attributes.get("feeder_id")) is not None:
                index.feeders.setdefault(feeder, []).append(stream)
        index.size = len(streams)
        return index

    def of_device(self, tenant: str, device_id: str, feeder_id: str | None) -> str | None:
        """The substation of a device: where telemetry showed it, else the longest known id that begins its name, else None.

        A device that reported from several substations is at the one of this feeder, or else where it reported last.
        """
        seen = self._index(tenant).devices.get(device_id, [])
        near = [stream for stream in seen if feeder_id is not None and stream.device.attributes.get("feeder_id") == feeder_id]
        place = _last(near or seen)
        keys = [] if place is not None else [site.key for site in self._registry.sites(tenant)]
        return resolve_site(device_id, {device_id: place} if place is not None else {}, keys)

    def of_outage(self, tenant: str, region: str | None, feeder_id: str) -> str | None:
        """The substation of an outage: its region where that is known, else the only one with such a feeder, else None."""
        if region is not None and self._registry.site(tenant, region) is not None:
            return region
        found = {stream.device.site.key for stream in self._index(tenant).feeders.get(feeder_id, [])}
        return found.pop() if len(found) == 1 else None


def _last(streams: Iterable[Stream]) -> str | None:
    """The site of the stream that reported last."""
    newest = max(streams, key=lambda stream: stream.latest.time if stream.latest is not None else NEVER, default=None)
    return None if newest is None else newest.device.site.key
