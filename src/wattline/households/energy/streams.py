"""Which streams hold the electricity of a household."""

from __future__ import annotations

from wattline.households.meters.model import ELECTRICITY
from wattline.households.meters.service import Meters
from wattline.model.errors import NotFound
from wattline.registry.stream import Stream


async def electric_streams(meters: Meters, tenant: str, user: str) -> list[Stream]:
    """The streams of every electricity meter that reads the household or ever did, the oldest assignment first.

    A meter that was removed since counts as one of electricity.
    """
    found: dict[str, Stream] = {}
    for assignment in await meters.assignments(tenant, user):
        stream = meters.stream(tenant, user, assignment.mac)
        if stream is not None and not _measures_else(meters, tenant, assignment.mac):
            found[assignment.mac] = stream
    return list(found.values())


def _measures_else(meters: Meters, tenant: str, mac: str) -> bool:
    try:
        return meters.meter(tenant, mac).kind not in ELECTRICITY
    except NotFound:
        return False
