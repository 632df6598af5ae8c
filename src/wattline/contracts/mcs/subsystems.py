"""The subsystems of a block, in the order in which lists show them."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from fastapi import Query

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

_RANK = {name: rank for rank, name in enumerate(SUBSYSTEMS)}


def rank(name: str) -> int:
    """The place of a subsystem in a list; a word of another system goes last."""
    return _RANK.get(name, len(_RANK))
