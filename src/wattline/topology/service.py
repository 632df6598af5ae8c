"""The topology of sites: written as resources, looked at as a graph with what flows in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from wattline.ingest.series import Series
from wattline.metering.service import Metering
from wattline.model.clock import Clock
from wattline.model.record import Row
from wattline.resources.model import Resource
from wattline.resources.service import Resources
from wattline.topology.breakers import Breaker, states_of
from wattline.topology.drawing import Drawing, Plain, drawing
from wattline.topology.flow import solve
from wattline.topology.frame import Frame, frame
from wattline.topology.held import Held
from wattline.topology.keepers import Edges, Nodes
from wattline.topology.last_rows import LastRows
from wattline.topology.measured import Measured, newest, of_history, rows_of
from wattline.topology.model import Edge, Node, edge_of, node_of
from wattline.topology.past import Past
from wattline.topology.sites import Site, Sites, site_of

Document = TypeVar("Document", Node, Edge)
BreakerStates = Callable[[str], Iterable[Breaker]]
"""The breakers of a tenant."""
BreakerStatesAt = Callable[[str, int], Awaitable[Iterable[Breaker]]]
"""The breakers of a tenant as they were at a moment (us)."""


class Topology:
    """Nodes and edges of every site. `breakers` and `breakers_at` tell what protection knows, or knew; where it is silent the
    document's state counts. `heard` is to be called with every committed row."""

    def __init__(
        self,
        resources: Resources,
        metering: Metering,
        series: Series,
        clock: Clock,
        breakers: BreakerStates | None = None,
        breakers_at: BreakerStatesAt | None = None,
    ) -> None:
        self._resources = resources
        self._meters = metering.meters
        self._clock = clock
        self._breakers = breakers
        self._breakers_at = breakers_at
        self._held = Held(resources)
        self._last = LastRows()
        self._past = Past(series)
        self._sites = Sites(self._held, self._meters, self._last)
        for end in ("source", "target"):
            metering.references.add("edge", (end,), "node")
        self.nodes = Nodes(resources, metering.references, self._held)
        self.edges = Edges(resources, metering.references, self._held)

    def heard(self, rows: Sequence[Row]) -> None:
        """Rows were committed: of the streams that some site reads the newest values are kept."""
        self._last.heard(rows)

    def has_known(self, tenant: str, site: str) -> bool:
        """Whether a site has nodes, or had some since this process began."""
        return self._held.version((tenant, site))[0] > 0

    def look(self, tenant: str, site: str) -> Frame:
        """The site now, at once; one without a node is empty. `Frame.since` tells what changed since another look.

        A site of thousands that nobody has looked at before is made in this call, unless `prepare` was awaited.
        """
        now = self._clock.micros()
        known = self._sites.now((tenant, site), now)
        rows = rows_of(known.plan)
        return _seen(known, self._states(tenant, known), newest(known.plan, rows, len(known.states), now), now)

    async def prepare(self, tenant: str, site: str) -> None:
        """Make a site ready for `look`, in turns and aside of the event loop."""
        if self.has_known(tenant, site):
            await self._sites.ready((tenant, site), self._clock.micros())

    async def seen(self, tenant: str, site: str) -> Frame:
        """The same without a pause for anybody else: all that takes long is done in turns, or aside of the event loop.

        Also what memory lacks of streams that told no power lately is looked up, once. Raises `Unavailable`.
        """
        known = await self._sites.ready((tenant, site), self._clock.micros())
        await self._past.recall(known.plan, self._clock.micros())
        states, rows, now = self._states(tenant, known), rows_of(known.plan), self._clock.micros()

        def made() -> Frame:
            return _seen(known, states, newest(known.plan, rows, len(states), now), now)

        return await asyncio.to_thread(made)

    def _states(self, tenant: str, site: Site) -> Sequence[str]:
        told = [] if self._breakers is None else self._breakers(tenant)
        return states_of(site, told)

    async def look_back(self, tenant: str, site: str, moment: int) -> Frame:
        """The site as it was at a moment (us): its documents, its breakers and the newest readings then, however old.

        Meters count as they are configured now. Raises `Unavailable`.
        """
        draw = await self._drawing_at(tenant, site, moment)
        place = tenant, site
        planner = await self._sites.planner(place, self._held.version(place), draw.nodes)
        known = await asyncio.to_thread(site_of, draw, planner, moment, self._sites.kept(place))
        told = [] if self._breakers_at is None else await self._breakers_at(tenant, moment)
        found = await self._past.newest(known.plan, moment)
        states = states_of(known, told)

        def made() -> Frame:
            return _seen(known, states, of_history(known.plan, len(states), found, moment), moment)

        return await asyncio.to_thread(made)

    async def documents(self, tenant: str, site: str) -> Plain:
        """The site's nodes and edges without figures."""
        now = self._clock.micros()
        return Plain((await self._sites.ready((tenant, site), now)).drawing, now)

    async def documents_at(self, tenant: str, site: str, moment: int) -> Plain:
        """The same as they were at a moment (us)."""
        return Plain(await self._drawing_at(tenant, site, moment), moment)

    async def _drawing_at(self, tenant: str, site: str, moment: int) -> Drawing:
        nodes = await self._resources.at(tenant, "node", moment)
        edges = await self._resources.at(tenant, "edge", moment)
        place = tenant, site
        held_nodes, held_edges = dict(self._held.nodes(place)), dict(self._held.edges(place))
        former = self._sites.kept(place)
        return await asyncio.to_thread(_drawn, site, nodes, edges, held_nodes, held_edges, former)


def _drawn(
    site: str,
    nodes: Sequence[Resource],
    edges: Sequence[Resource],
    held_nodes: dict[int, Node],
    held_edges: dict[int, Edge],
    former: Site | None,
) -> Drawing:
    """A site of documents of another time; what is in the same version now is not read again."""
    some = [_as_held(each, held_nodes) or node_of(each.id, each.version, each.body) for each in nodes if _is_at(each, site)]
    there = {node.id for node in some}
    joined = [
        _as_held(each, held_edges) or edge_of(each.id, each.version, each.body)
        for each in edges
        # Two reads may see two moments of a clock that stood still meanwhile.
        if _is_at(each, site) and each.body["source"] in there and each.body["target"] in there
    ]
    if former is not None and former.drawing.holds(some, joined):
        return former.drawing
    return drawing(("at",), site, some, joined, None if former is None else former.drawing)


def _as_held(resource: Resource, held: dict[int, Document]) -> Document | None:
    known = held.get(resource.id)
    return known if known is not None and known.version == resource.version else None


def _is_at(resource: Resource, site: str) -> bool:
    return bool(resource.body["site_id"] == site)


def _seen(site: Site, states: Sequence[str], measured: Measured, now: int) -> Frame:
    return frame(site.drawing, measured, solve(site.plant, site.shape_in(states), measured), states, now)
