"""Nodes and edges: plain data, made from resources that were checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

NodeKind = Literal["grid", "transformer", "bus", "breaker", "meter", "load", "pv", "battery", "evse"]
EdgeKind = Literal["cable", "busbar", "logical"]

NODE_KINDS: tuple[NodeKind, ...] = get_args(NodeKind)
EDGE_KINDS: tuple[EdgeKind, ...] = get_args(EdgeKind)
TERMINALS = frozenset({"load", "pv", "battery", "evse"})
"""Where energy is used, made or stored: a meter there measures the thing itself."""
BREAKER_STATES = ("closed", "open", "tripped")
STATES = ("in_service", "out_of_service")
CONDUCTING = frozenset({"closed", "in_service"})
"""The states in which a node carries current; in all others its edges carry none."""


@dataclass(frozen=True, slots=True)
class Node:
    """A point of the network. `nominal_voltage` is in V between a phase and the neutral, as that of a meter.

    `state` is one of BREAKER_STATES for a breaker, else of STATES. `body` is the whole document, which is what is shown.
    """

    id: int
    version: int
    site: str
    kind: NodeKind
    meter_id: int | None
    nominal_voltage: float | None
    state: str
    body: Mapping[str, Any]

    @property
    def breaker(self) -> str | None:
        """The name under which protection events tell of a breaker: its own, else the external id."""
        named: str | None = self.body["breaker_id"] or self.body["external_id"]
        return named


@dataclass(frozen=True, slots=True)
class Edge:
    """What joins two nodes. Resistance and reactance are per km and conductor. `body` is the whole document.

    `source` is the end nearer to the supply as its owner draws it: power that flows from there to `target` is `forward`.
    `phases` is 3, or 1 for two conductors. `meshed` says that it closes a loop on purpose.
    """

    id: int
    version: int
    site: str
    source: int
    target: int
    length_m: float | None
    r_ohm_per_km: float | None
    x_ohm_per_km: float | None
    rating_a: float | None
    phases: int
    meshed: bool
    body: Mapping[str, Any]

    @property
    def resistance(self) -> float | None:
        """Ohm of one conductor over its length; None where it was not said."""
        if self.r_ohm_per_km is None or self.length_m is None:
            return None
        return self.r_ohm_per_km * self.length_m / 1000

    @property
    def reactance(self) -> float | None:
        """The same of its reactance."""
        if self.x_ohm_per_km is None or self.length_m is None:
            return None
        return self.x_ohm_per_km * self.length_m / 1000


def node_of(number: int, version: int, body: Mapping[str, Any]) -> Node:
    """The node of a stored body."""
    return Node(number, version, body["site_id"], body["kind"], body["meter_id"], body["nominal_voltage"], body["state"], body)


def edge_of(number: int, version: int, body: Mapping[str, Any]) -> Edge:
    """The edge of a stored body."""
    return Edge(
        number,
        version,
        body["site_id"],
        body["source"],
        body["target"],
        body["length_m"],
        body["r_ohm_per_km"],
        body["x_ohm_per_km"],
        body["rating_a"],
        body["phases"],
        body["meshed"],
        body,
    )
