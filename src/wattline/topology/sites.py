"""What is made of a site's documents once, and holds until one of them changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from wattline.metering.model import Meter
from wattline.model.clock import SECOND
from wattline.topology.drawing import Drawing, drawing
from wattline.topology.flow import Plant, plant_of
from wattline.topology.held import Held, Place
from wattline.topology.last_rows import LastRows
from wattline.topology.model import CONDUCTING, Edge, Node
from wattline.topology.network import Shape, shape_of
from wattline.topology.plan import Meters, OwnStreams, Plan, Planner

TURN = 500
"""Nodes that are looked at before others get their turn."""


@dataclass(eq=False)
class Site:
    """A site in columns. `planned` is when its meters were looked up (us)."""

    drawing: Drawing
    plan: Plan
    plant: Plant
    planned: int
    meters: Sequence[Meter | None]
    """The meter of each node."""
    states: Sequence[str]
    """The state of each node by its document."""
    breakers: Sequence[int]
    """The places of the breakers."""
    shape: tuple[bytes, Shape] | None = None

    def shape_in(self, states: Sequence[str]) -> Shape:
        """The shape of the site in these states, made again only where another node conducts."""
        conducting = bytes([state in CONDUCTING for state in states])
        if self.shape is None or self.shape[0] != conducting:
            nodes = self.drawing.nodes
            dead = [node.id for node, conducts in zip(nodes, conducting, strict=True) if not conducts]
            self.shape = conducting, shape_of(nodes, self.drawing.edges, dead)
        return self.shape[1]

    def has_meters_of(self, version: Sequence[int], nodes: Sequence[Node]) -> bool:
        """Whether in another version its nodes, in order, would have the same meters, unchanged."""
        if self.plan.waiting or self.drawing.version[-1] != version[-1]:
            return False
        return [node.meter_id for node in nodes] == [node.meter_id for node in self.drawing.nodes]


def site_of(draw: Drawing, planner: Planner | Site, now: int, former: Site | None) -> Site:
    """A site, all of whose nodes the planner knows, or which has the meters of another site.

    Its shape is that of `former` where nothing is joined otherwise; with the same documents and meters it is a copy of it.
    """
    if former is not None and planner is former and draw is former.drawing:
        return replace(former)
    plan = planner.plan if isinstance(planner, Site) else planner.done()
    plant = plant_of(draw.nodes, draw.edges, planner.meters)
    states = [node.state for node in draw.nodes]
    breakers = [place for place, node in enumerate(draw.nodes) if node.kind == "breaker"]
    made = Site(draw, plan, plant, now, planner.meters, states, breakers)
    if former is not None and former.plant.is_laid_out_as(plant):
        made.shape = former.shape
    return made


class Sites:
    """Every site that was looked at. Methods run on the event loop."""

    def __init__(self, held: Held, meters: Meters, last: LastRows) -> None:
        self._held = held
        self._meters = meters
        self._last = last
        self._sites: dict[Place, Site] = {}
        self._streams: OwnStreams = {}
        self._turns: WeakValueDictionary[Place, asyncio.Lock] = WeakValueDictionary()

    def kept(self, place: Place) -> Site | None:
        """A site as it was when somebody looked at it last."""
        return self._sites.get(place)

    def _known(self, place: Place, now: int) -> Site | None:
        known = self._sites.get(place)
        if known is None or known.drawing.version != self._held.version(place):
            return None
        # A meter may be configured before the device that it reads is registered.
        return None if known.plan.waiting and now - known.planned > SECOND else known

    def now(self, place: Place, now: int) -> Site:
        """A site as it is, made at once where it is another than before."""
        known = self._known(place, now)
        if known is not None:
            return known
        version, nodes, edges = self._documents(place)
        former = self._sites.get(place)
        planner: Planner | Site | None = former if former is not None and former.has_meters_of(version, nodes) else None
        if planner is None:
            planner = Planner(place[0], self._meters, self._last, self._streams)
            planner.add(nodes)
        draw = drawing(version, place[1], nodes, edges, None if former is None else former.drawing)
        return self._keep(place, site_of(draw, planner, now, former))

    async def ready(self, place: Place, now: int) -> Site:
        """The same, made in turns and aside of the event loop, for one caller at a time: as it was when its turn began."""
        lock = self._turns.setdefault(place, asyncio.Lock())
        async with lock:
            known = self._known(place, now)
            if known is not None:
                return known
            version, nodes, edges = self._documents(place)
            former = self._sites.get(place)
            planner = await self.planner(place, version, nodes)
            return self._keep(place, await asyncio.to_thread(_made, version, place[1], nodes, edges, planner, now, former))

    async def planner(self, place: Place, version: Sequence[int], nodes: Sequence[Node]) -> Planner | Site:
        """What knows the meters of nodes, looked up in turns: the site itself where it still has the same."""
        former = self._sites.get(place)
        if former is not None and former.has_meters_of(version, nodes):
            return former
        planner = Planner(place[0], self._meters, self._last, self._streams)
        for first in range(0, len(nodes), TURN):
            planner.add(nodes[first : first + TURN])
            await asyncio.sleep(0)
        return planner

    def _documents(self, place: Place) -> tuple[tuple[int, int], list[Node], list[Edge]]:
        version = self._held.version(place)
        nodes = sorted(self._held.nodes(place).values(), key=_by_id)
        return version, nodes, sorted(self._held.edges(place).values(), key=_by_id)

    def _keep(self, place: Place, site: Site) -> Site:
        if site.drawing.nodes:
            self._sites[place] = site
        else:
            self._sites.pop(place, None)
        return site


def _made(
    version: tuple[int, int],
    site: str,
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    planner: Planner | Site,
    now: int,
    former: Site | None,
) -> Site:
    draw = drawing(version, site, nodes, edges, None if former is None else former.drawing)
    made = site_of(draw, planner, now, former)
    made.shape_in(made.states)
    return made


def _by_id(each: Node | Edge) -> int:
    return each.id
