"""Every node and edge that is there, by site: what a writer looks at, and what a graph is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from wattline.resources.model import Resource
from wattline.resources.service import Resources
from wattline.topology.model import Edge, Node, edge_of, node_of

Place = tuple[str, str]
"""A tenant and the key of a site."""
NO_NODES: Mapping[int, Node] = {}
NO_EDGES: Mapping[int, Edge] = {}


class Held:
    """Follows the resources. A node or an edge never changes its site."""

    def __init__(self, resources: Resources) -> None:
        self._nodes: dict[Place, dict[int, Node]] = {}
        self._edges: dict[Place, dict[int, Edge]] = {}
        self._edges_of: dict[int, set[int]] = {}
        self._at_meter: dict[tuple[str, int], set[int]] = {}
        self._changes: Counter[Place] = Counter()
        self._meters_changed: Counter[str] = Counter()
        resources.on_change("node", self._take_node)
        resources.on_change("edge", self._take_edge)
        resources.on_change("meter", self._take_meter)

    def version(self, place: Place) -> tuple[int, int]:
        """Other than before where anything of the site, or any meter of the tenant, may have changed in this process's view."""
        return self._changes[place], self._meters_changed[place[0]]

    def nodes(self, place: Place) -> Mapping[int, Node]:
        """The nodes of a site, by id; not to be written to."""
        return self._nodes.get(place, NO_NODES)

    def edges(self, place: Place) -> Mapping[int, Edge]:
        """The edges of a site, by id; not to be written to."""
        return self._edges.get(place, NO_EDGES)

    def edges_at(self, node: int) -> Iterable[int]:
        """The ids of the edges that end at a node."""
        return self._edges_of.get(node, ())

    def nodes_with(self, tenant: str, meter: int) -> Iterable[int]:
        """The ids of the nodes whose meter this is."""
        return self._at_meter.get((tenant, meter), ())

    def _take_meter(self, resource: Resource) -> None:
        self._meters_changed[resource.tenant] += 1

    def _take_node(self, resource: Resource) -> None:
        node = node_of(resource.id, resource.version, resource.body)
        place = (resource.tenant, node.site)
        here = self._nodes.setdefault(place, {})
        former = here.pop(node.id, None)
        if former is not None and former.meter_id is not None:
            self._at_meter[resource.tenant, former.meter_id].discard(node.id)
        if resource.removed is None:
            here[node.id] = node
            if node.meter_id is not None:
                self._at_meter.setdefault((resource.tenant, node.meter_id), set()).add(node.id)
        self._changes[place] += 1

    def _take_edge(self, resource: Resource) -> None:
        edge = edge_of(resource.id, resource.version, resource.body)
        place = (resource.tenant, edge.site)
        here = self._edges.setdefault(place, {})
        former = here.pop(edge.id, None)
        for end in () if former is None else (former.source, former.target):
            self._edges_of[end].discard(edge.id)
        if resource.removed is None:
            here[edge.id] = edge
            for end in (edge.source, edge.target):
                self._edges_of.setdefault(end, set()).add(edge.id)
        self._changes[place] += 1
