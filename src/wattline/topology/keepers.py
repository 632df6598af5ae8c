"""Writing nodes and edges: what each must fit."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from wattline.metering.checks_references import References
from wattline.metering.keeping import GIVEN_BACK, Keeping
from wattline.model.errors import Conflict, Fault, Faulty
from wattline.resources.model import Kind, Resource
from wattline.resources.service import Resources
from wattline.topology.checks import check_edge, check_node
from wattline.topology.held import Held, Place
from wattline.topology.loops import closes_loop
from wattline.topology.model import CONDUCTING

MOST_AT_ONCE = 10_000
"""Nodes or edges of one request."""
TURN = 500
"""Documents that are read before others get their turn."""
LOOP = "closes a loop that no open breaker interrupts; say meshed if that is meant"


class Several(Keeping):
    """Documents that are also made many at a time. A subclass reads each by itself, then fits all to what else there is."""

    def __init__(self, resources: Resources, references: References, held: Held) -> None:
        super().__init__(resources, references)
        self._held = held

    @abstractmethod
    def read(self, body: object) -> dict[str, Any]:
        """The body to store, every default filled in. Raises `Faulty`."""

    @abstractmethod
    def fit(self, tenant: str, bodies: Sequence[dict[str, Any]], former: Resource | None) -> None:
        """Look at new bodies, or at one that is to follow `former`, beside what is committed; fills in what follows from it.

        Raises `Conflict`, or `Faulty` with pointers that begin with the place in `bodies`.
        """

    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        result = self.read(body)
        try:
            self.fit(tenant, [result], known)
        except Faulty as error:
            raise Faulty([fault._replace(pointer=fault.pointer.removeprefix("/0")) for fault in error.faults]) from None
        return result

    async def create_all(self, tenant: str, bodies: Sequence[object]) -> list[Resource]:
        """New resources, all or none; a fault's pointer begins with the place in the list. Raises `Faulty`, `Conflict`."""
        if not 1 <= len(bodies) <= MOST_AT_ONCE:
            raise Faulty([Fault("", "out_of_range", f"must have 1 to {MOST_AT_ONCE} items")])
        read: list[dict[str, Any]] = []
        faults: list[Fault] = []
        for index, body in enumerate(bodies):
            plain = {name: body[name] for name in body if name not in GIVEN_BACK} if isinstance(body, Mapping) else body
            try:
                read.append(self.read(plain))
            except Faulty as error:
                faults += [fault._replace(pointer=f"/{index}{fault.pointer}") for fault in error.faults]
            if index % TURN == TURN - 1:
                await asyncio.sleep(0)
        if faults:
            raise Faulty(faults)
        async with self._resources.writing() as writer:
            self.fit(tenant, read, None)
            return await writer.insert_all(tenant, self.kind, read)

    def _missing(self, tenant: str, bodies: Sequence[Mapping[str, Any]]) -> list[Fault]:
        return [
            fault._replace(pointer=f"/{index}{fault.pointer}")
            for index, body in enumerate(bodies)
            for fault in self._references.missing(tenant, self.kind, body)
        ]


def _stays(former: Resource | None, body: Mapping[str, Any]) -> None:
    if former is not None and former.body["site_id"] != body["site_id"]:
        raise Faulty([Fault("/0/site_id", "immutable", "the site of a node or an edge cannot be changed")])


class Nodes(Several):
    """Nodes: their meter exists and is at no other node; none is removed while an edge or a limit refers to it."""

    kind: Kind = "node"

    def read(self, body: object) -> dict[str, Any]:
        return check_node(body)

    def fit(self, tenant: str, bodies: Sequence[dict[str, Any]], former: Resource | None) -> None:
        faults = self._missing(tenant, bodies)
        if faults:
            raise Faulty(faults)
        mine = {former.id} if former is not None else set()
        taken: set[int] = set()
        for body in bodies:
            _stays(former, body)
            meter = body["meter_id"]
            if meter is None:
                continue
            if meter in taken or {*self._held.nodes_with(tenant, meter)} - mine:
                raise Conflict(f"the meter {meter} is at another node already")
            taken.add(meter)
        if former is not None:
            self._check_loops(tenant, former, bodies[0])

    def _check_loops(self, tenant: str, former: Resource, body: Mapping[str, Any]) -> None:
        """A breaker that closes for good may close a loop."""
        if body["state"] not in CONDUCTING or former.body["state"] in CONDUCTING:
            return
        place = (tenant, body["site_id"])
        mine = sorted(self._held.edges_at(former.id))
        edges = self._held.edges(place)
        rest = [(edge.source, edge.target) for edge in edges.values() if not edge.meshed and edge.id not in mine]
        new = [
            (number, {"source": e.source, "target": e.target, "meshed": e.meshed}) for number in mine if (e := edges[number])
        ]
        if closes_loop(rest, new, dead_nodes(self._held, place) - {former.id}):
            raise Faulty([Fault("/0/state", "loop", f"conducting, this node {LOOP}")])


class Edges(Several):
    """Edges: both ends are nodes of one site, and none closes a loop unless it is meshed or an open breaker is in it."""

    kind: Kind = "edge"

    def read(self, body: object) -> dict[str, Any]:
        return check_edge(body)

    def fit(self, tenant: str, bodies: Sequence[dict[str, Any]], former: Resource | None) -> None:
        faults = self._missing(tenant, bodies)
        if faults:
            raise Faulty(faults)
        by_site: dict[str, list[int]] = {}
        for index, body in enumerate(bodies):
            fault = self._place(tenant, body)
            if fault is not None:
                faults.append(fault._replace(pointer=f"/{index}{fault.pointer}"))
            else:
                by_site.setdefault(body["site_id"], []).append(index)
                _stays(former, body)
        if faults:
            raise Faulty(faults)
        for site, indices in by_site.items():
            place = (tenant, site)
            mine = None if former is None else former.id
            held = self._held.edges(place).values()
            rest = [(edge.source, edge.target) for edge in held if not edge.meshed and edge.id != mine]
            closing = closes_loop(rest, [(index, bodies[index]) for index in indices], dead_nodes(self._held, place))
            faults += [Fault(f"/{index}/target", "loop", LOOP) for index in closing]
        if faults:
            raise Faulty(faults)

    def _place(self, tenant: str, body: dict[str, Any]) -> Fault | None:
        """Put an edge at the site of its nodes."""
        source, target = (self._resources.get(tenant, "node", body[end]).body["site_id"] for end in ("source", "target"))
        if source != target:
            return Fault("/target", "other_site", "the source is a node of another site")
        if body["site_id"] not in (None, source):
            return Fault("/site_id", "other_site", "the nodes are of another site")
        body["site_id"] = source
        return None


def dead_nodes(held: Held, place: Place) -> set[int]:
    """The nodes of a site that carry no current, by their documents."""
    return {node.id for node in held.nodes(place).values() if node.state not in CONDUCTING}
