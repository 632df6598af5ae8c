"""The subsystems of a block, in the order in which lists show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

from fastapi import Query

from wattline.model.place import Device
from wattline.registry.point import Point

Subsystem = Literal[
    "electrical",
    "thermal-l1",
    "thermal-l2",
    "thermal-l3",
    "thermal-reject",
    "thermal-safety",
    "environmental",
    "network",
    "security",
    "thermal-hx",
    "mode",
    "edge",
    "host-bms",
]
SUBSYSTEMS: tuple[str, ...] = get_args(Subsystem)
SubsystemFilter = Annotated[Subsystem | None, Query(description="Only this subsystem.")]

EDGE = "edge"
EDGE_TYPE = "edge_computer"
"""The type of the equipment that stands for an edge computer: made from its heartbeats, in no point schedule."""

_RANK = {name: rank for rank, name in enumerate(SUBSYSTEMS)}


def rank(name: str) -> int:
    """The place of a subsystem in a list; a word of another system goes last."""
    return _RANK.get(name, len(_RANK))


def _of_edge(device: Device) -> bool:
    return device.attributes.get("type") == EDGE_TYPE


def scheduled(devices: Sequence[Device]) -> list[Device]:
    """The equipment of a plant, without the edge computers that report it."""
    return [device for device in devices if not _of_edge(device)]


def listed(points: Sequence[Point], subsystem: str | None = None) -> list[Point]:
    """The points of a subsystem; where none is named, those of the plant.

    What the platform makes of an edge computer's heartbeats has its alarms and its history like every sensor, and is listed
    where the subsystem `edge` is asked for: a plant has the sensors of its schedule, whichever computers report them.
    """
    if subsystem is not None:
        return [point for point in points if point.subsystem == subsystem]
    return [point for point in points if not _of_edge(point.device)]
