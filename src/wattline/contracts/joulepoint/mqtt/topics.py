"""The topics: `jp/v1/{tenant}/{device}/{what}`.

{device} is the id of a meter (`5`), or `gw-` and the id of a gateway's key (`gw-7`). What a topic's level cannot hold of a
tenant's name is percent-encoded.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from wattline.metering.model import DeviceKey

PREFIX = ("jp", "v1")
ENERGY, QUALITY, PROTECTION, STATUS, ACKNOWLEDGEMENT = "energy", "pq", "protection", "status", "cmd/ack"
COMMAND, ERRORS = "cmd", "errors"
SENT = (ENERGY, QUALITY, PROTECTION, STATUS, ACKNOWLEDGEMENT)
"""What devices send; the rest is for them to hear."""
GATEWAY = "gw-"
_DEVICE = re.compile(r"(gw-)?([1-9][0-9]{0,17})", re.ASCII)
_DEPTH = len(PREFIX) + 2


class Place(NamedTuple):
    """Where a topic is: its device as it is written, the number of the meter or of the gateway's key, and what it carries."""

    tenant: str
    device: str
    number: int
    what: str

    @property
    def is_gateway(self) -> bool:
        """Whether the number is that of a gateway's key."""
        return self.device.startswith(GATEWAY)


def level(tenant: str) -> str:
    """A tenant as a level of a topic."""
    return quote(tenant, safe="")


def device_of(key: DeviceKey) -> str:
    """The device that a key is for, as a level of a topic."""
    return f"{GATEWAY}{key.id}" if key.meter_id is None else str(key.meter_id)


def topic(tenant: str, device: str, what: str) -> str:
    """The topic of a device."""
    return "/".join((*PREFIX, level(tenant), device, what))


def read(text: str) -> Place | None:
    """The place of a topic; None where it is none of this contract's."""
    levels = text.split("/")
    if tuple(levels[: len(PREFIX)]) != PREFIX or len(levels) <= _DEPTH:
        return None
    written, device = levels[len(PREFIX) : _DEPTH]
    found = _DEVICE.fullmatch(device)
    tenant = unquote(written)
    # One spelling only: two of one tenant would be two subtrees.
    if found is None or level(tenant) != written:
        return None
    return Place(tenant, device, int(found[2]), "/".join(levels[_DEPTH:]))


def is_below(pattern: str, tenant: str, device: str | None) -> bool:
    """Whether everything that a filter covers is a tenant's, or a device's where one is given."""
    levels = pattern.split("/")
    own = [*PREFIX, level(tenant)] if device is None else [*PREFIX, level(tenant), device]
    return len(levels) > len(own) and levels[: len(own)] == own
