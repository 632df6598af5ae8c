"""/api/energy/topology/nodes and /edges: what a site's network is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import TOPOLOGY_READ, TOPOLOGY_WRITE, Gate
from wattline.contracts.joulepoint.meters import sees_node, unseen
from wattline.contracts.joulepoint.resource_routes import Shelf
from wattline.contracts.joulepoint.topology_documents import EDGE, NODE, SEVERAL
from wattline.metering.service import Metering
from wattline.model.errors import Fault, Faulty
from wattline.model.principal import Principal
from wattline.resources.model import Resource
from wattline.resources.service import Resources
from wattline.topology.checks import MAIN
from wattline.topology.service import Topology

NODES, EDGES = "/api/energy/topology/nodes", "/api/energy/topology/edges"
TAG = "Joulepoint topology"


def _several(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**SEVERAL, "oneOf": [schema, {"type": "array", "minItems": 1, "items": schema}]}


def sees(caller: Principal, resource: Resource) -> bool:
    """Whether a node or an edge is at a site that the caller sees."""
    return caller.sees(resource.body["site_id"])


def build(topology: Topology, metering: Metering, resources: Resources, gate: Gate) -> list[APIRouter]:
    """The routes of both. To be mounted after those of the graph, whose path would be that of a node."""

    def site_faults(caller: Principal, site: object) -> list[Fault]:
        if not isinstance(site, str) or caller.sees(site):
            return []
        return [Fault("/site_id", "unknown_reference", "there is no such site among those of this credential")]

    def may_node(caller: Principal, body: Mapping[str, Any], whole: bool) -> None:
        if caller.sites is None:
            return
        faults = site_faults(caller, body.get("site_id") or (MAIN if whole or "site_id" in body else None))
        faults += unseen(metering, caller, [("/meter_id", body.get("meter_id"))])
        if faults:
            raise Faulty(faults)

    def may_edge(caller: Principal, body: Mapping[str, Any], _whole: bool) -> None:
        if caller.sites is None:
            return
        faults = site_faults(caller, body.get("site_id"))
        for end in ("source", "target"):
            number = body.get(end)
            if not sees_node(resources, caller, number):
                faults.append(Fault(f"/{end}", "unknown_reference", f"there is no node {number}"))
        if faults:
            raise Faulty(faults)

    nodes = Shelf(
        "node",
        NODES,
        "a node",
        ("name", "external_id", "site_id", "kind", "meter_id", "state"),
        _several(NODE),
        TOPOLOGY_READ,
        TOPOLOGY_WRITE,
        sees=sees,
        may=may_node,
        tag=TAG,
        many=topology.nodes.create_all,
    )
    edges = Shelf(
        "edge",
        EDGES,
        "an edge",
        ("name", "external_id", "site_id", "kind", "source", "target"),
        _several(EDGE),
        TOPOLOGY_READ,
        TOPOLOGY_WRITE,
        sees=sees,
        may=may_edge,
        tag=TAG,
        many=topology.edges.create_all,
    )
    return [
        resource_routes.build(nodes, topology.nodes, resources, gate),
        resource_routes.build(edges, topology.edges, resources, gate),
    ]
