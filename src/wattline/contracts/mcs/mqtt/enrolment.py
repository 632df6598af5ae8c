"""Registering what a topic names, where the operator has allowed it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

from wattline.contracts.mcs.mqtt import units
from wattline.contracts.mcs.mqtt.payloads import Decoder, Telemetry
from wattline.contracts.mcs.mqtt.refusal import Refused
from wattline.contracts.mcs.mqtt.topics import Topic
from wattline.model.errors import Invalid
from wattline.model.place import SensorKind
from wattline.registry.point import PointSpec
from wattline.registry.service import Registry

log = logging.getLogger(__name__)

LONGEST_UNIT = 32
_COUNTERS = frozenset({"kWh"})


def equipment_of(tag: str) -> str:
    """The equipment that a tag is of: its first part, and the second where that is a number (CDU-01-T-SUP: CDU-01)."""
    parts = tag.split("-")
    return "-".join(parts[:2]) if len(parts) > 1 and parts[1].isdigit() else parts[0] or tag


def spec(topic: Topic, payload: bytes, decoder: Decoder) -> PointSpec:
    """The point that a first reading makes. Raises `Refused` where there is no telling from it."""
    told = decoder.read(payload, Telemetry)
    unit = (told.u or "").strip()[:LONGEST_UNIT]
    kind: SensorKind = "gauge"
    if units.normal(unit) in _COUNTERS:
        kind = "counter"
    elif isinstance(told.v, bool) or units.normal(unit) == "bool":
        kind, unit = "state", unit or "bool"
    return PointSpec(tag=topic.tag, equipment=equipment_of(topic.tag), subsystem=topic.subsystem, unit=unit, kind=kind)


async def enrol(registry: Registry, tenant: str, wanted: Mapping[Topic, bytes], decoder: Decoder) -> None:
    """Register the points of these topics, block by block; left out is what cannot be told from its payload, and a block for
    which there is no room.
    """
    blocks: dict[tuple[str, str], dict[str, PointSpec]] = {}
    for topic, payload in wanted.items():
        try:
            blocks.setdefault((topic.site, topic.block), {})[topic.tag] = spec(topic, payload, decoder)
        except (Refused, msgspec.MsgspecError):
            continue
    for (site, block), specs in blocks.items():
        try:
            await registry.put_points(tenant, site, block, list(specs.values()))
        except Invalid as error:
            log.warning("sensors of %s/%s cannot be registered: %s", site, block, error)
