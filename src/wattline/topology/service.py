"""The topology of sites: written as resources, looked at as a graph with what flows in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from wattline.ingest.series import Series
from wattline.metering.service import Metering
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, Clock
from wattline.model.record import Quality
from wattline.resources.service import Resources
from wattline.topology.flow import Plant, plant_of, solve
from wattline.topology.frame import Drawing, Frame, drawing, frame, plain
from wattline.topology.held import Held, Place
from wattline.topology.keepers import Edges, Nodes
from wattline.topology.measured import Plan, newest, of_history, plan_of
from wattline.topology.model import CONDUCTING, Edge, Node, edge_of, node_of
from wattline.topology.network import Shape, shape_of


class Breaker(Protocol):
    """A breaker as protection knows it: by the meter that told of it and its name there; `closed`, `open` or `tripped`."""

    @property
    def meter(self) -> int:
        """The meter's id."""
        ...

    @property
    def breaker(self) -> str:
        """Its name, `main` where the meter has one only."""
        ...

    @property
    def state(self) -> str:
        """Its state."""
        ...


BreakerStates = Callable[[str], Iterable[Breaker]]
"""The breakers of a tenant."""
MAIN_BREAKER = "main"
LOOK_BACK = (5 * MINUTE, HOUR, DAY)
"""How far before a moment its readings are looked for, one after the other for what is still missing."""
AT_ONCE = 20_000
"""Sensors of one query."""


@dataclass(eq=False)
class _Site:
    """What was made of a site's documents, and holds until one of them changes."""

    drawing: Drawing
    plan: Plan
    plant: Plant
    planned: int
    shape: tuple[frozenset[int], Shape] | None = None


class Topology:
    """Nodes and edges of every site. `breakers` tells what protection knows; where it is silent the document's state counts."""

    def __init__(
        self,
        resources: Resources,
        metering: Metering,
        series: Series,
        clock: Clock,
        breakers: BreakerStates | None = None,
    ) -> None:
        self._resources = resources
        self._meters = metering.meters
        self._series = series
        self._clock = clock
        self._breakers = breakers
        self._held = Held(resources)
        self._sites: dict[Place, _Site] = {}
        for end in ("source", "target"):
            metering.references.add("edge", (end,), "node")
        self.nodes = Nodes(resources, metering.references, self._held)
        self.edges = Edges(resources, metering.references, self._held)

    def has_known(self, tenant: str, site: str) -> bool:
        """Whether a site has nodes, or had some since this process began."""
        return self._held.version((tenant, site))[0] > 0

    def look(self, tenant: str, site: str) -> Frame:
        """The site now; a site without a node is empty. `Frame.since` tells what changed since another look."""
        now = self._clock.micros()
        known = self._site((tenant, site), now)
        nodes = known.drawing.nodes
        told = [] if self._breakers is None else list(self._breakers(tenant))
        states = _states(nodes, told)
        measured = newest(known.plan, len(nodes), now)
        return frame(known.drawing, measured, solve(known.plant, _shape(known, states), measured), states, now)

    async def look_back(self, tenant: str, site: str, moment: int) -> Frame:
        """The site as it was at a moment (us): its documents then, and the newest readings of the day before. Breakers are in
        the state of their documents then. Raises `Unavailable`."""
        known = await self._site_at(tenant, site, moment)
        plan, nodes = known.plan, known.drawing.nodes
        measured = of_history(plan, len(nodes), await self._readings(plan, moment), moment)
        states = [node.state for node in nodes]
        return frame(known.drawing, measured, solve(known.plant, _shape(known, states), measured), states, moment)

    def documents(self, tenant: str, site: str) -> tuple[str, Callable[[], bytes]]:
        """The site's nodes and edges without figures: their ETag, and what encodes them as JSON."""
        now = self._clock.micros()
        return _plain(self._site((tenant, site), now).drawing, now)

    async def documents_at(self, tenant: str, site: str, moment: int) -> tuple[str, Callable[[], bytes]]:
        """The same as they were at a moment (us)."""
        return _plain((await self._site_at(tenant, site, moment)).drawing, moment)

    def _site(self, place: Place, now: int) -> _Site:
        version = self._held.version(place)
        known = self._sites.get(place)
        # A meter may be configured before the device that it reads is registered.
        again = known is not None and known.plan.waiting and now - known.planned > SECOND
        if known is None or known.drawing.version != version or again:
            nodes = sorted(self._held.nodes(place).values(), key=_by_id)
            edges = sorted(self._held.edges(place).values(), key=_by_id)
            known = self._made(place[0], drawing(version, place[1], nodes, edges), now)
            if nodes:
                self._sites[place] = known
            else:
                self._sites.pop(place, None)
        return known

    def _made(self, tenant: str, draw: Drawing, now: int) -> _Site:
        meters = [None if node.meter_id is None else self._meters.find(tenant, node.meter_id) for node in draw.nodes]
        return _Site(draw, plan_of(tenant, draw.nodes, self._meters), plant_of(draw.nodes, draw.edges, meters), now)

    async def _site_at(self, tenant: str, site: str, moment: int) -> _Site:
        nodes = [
            node_of(each.id, each.version, each.body)
            for each in await self._resources.at(tenant, "node", moment)
            if each.body["site_id"] == site
        ]
        there = {node.id for node in nodes}
        edges = [
            edge_of(each.id, each.version, each.body)
            for each in await self._resources.at(tenant, "edge", moment)
            # Two reads may see two moments of a clock that stood still meanwhile.
            if each.body["site_id"] == site and {each.body["source"], each.body["target"]} <= there
        ]
        versions = tuple((n.id, n.version) for n in nodes), tuple((e.id, e.version) for e in edges)
        return self._made(tenant, drawing(("at", hash(versions)), site, nodes, edges), moment)

    async def _readings(self, plan: Plan, moment: int) -> dict[int, tuple[int, float]]:
        """The newest good reading of each sensor up to a moment: (time, value), by its id."""
        waiting = {
            channel.stream.sensor_ids[channel.column]: channel.stream
            for term in plan.terms
            for channel in term.channels
            if channel is not None
        }
        found: dict[int, tuple[int, float]] = {}
        end = moment + 1
        for back in LOOK_BACK:
            start = max(moment - back, 0)
            sensors = sorted(waiting)
            for first in range(0, len(sensors), AT_ONCE):
                some = sensors[first : first + AT_ONCE]
                streams = list({waiting[sensor].id: waiting[sensor] for sensor in some}.values())
                raw = await self._series.newest(streams, some, start, end)
                good = raw.quality < Quality.BAD
                times, values = raw.time[good].tolist(), raw.value[good].tolist()
                found |= zip(raw.sensor[good].tolist(), zip(times, values, strict=True), strict=True)
            # A stream that has any reading here has none that counts further back.
            heard = {waiting[sensor].id for sensor in sensors if sensor in found}
            waiting = {sensor: stream for sensor, stream in waiting.items() if stream.id not in heard}
            end = start
            if not waiting:
                break
        return found


def _plain(draw: Drawing, as_of: int) -> tuple[str, Callable[[], bytes]]:
    return draw.etag, partial(plain, draw, as_of)


def _by_id(each: Node | Edge) -> int:
    return each.id


def _states(nodes: Sequence[Node], told: Sequence[Breaker]) -> list[str]:
    """The state of each node: of a breaker what protection says of it, if anything.

    A breaker with a meter is the one that this meter tells of, one without is that which alone has its name.
    """
    if not told:
        return [node.state for node in nodes]
    exact = {(each.meter, each.breaker): each.state for each in told}
    by_name: dict[str, list[str]] = {}
    for each in told:
        by_name.setdefault(each.breaker, []).append(each.state)
    found = []
    for node in nodes:
        state = None
        if node.kind == "breaker" and node.meter_id is not None:
            state = exact.get((node.meter_id, node.breaker_id or node.external_id or MAIN_BREAKER))
            state = state or exact.get((node.meter_id, MAIN_BREAKER))
        elif node.kind == "breaker":
            named = by_name.get(node.breaker_id or node.external_id or "", [])
            state = named[0] if len(named) == 1 else None
        found.append(state or node.state)
    return found


def _shape(known: _Site, states: Sequence[str]) -> Shape:
    """The shape of a site in these states, made again only where a state changed."""
    nodes = known.drawing.nodes
    dead = frozenset(node.id for node, state in zip(nodes, states, strict=True) if state not in CONDUCTING)
    if known.shape is None or known.shape[0] != dead:
        known.shape = dead, shape_of(nodes, known.drawing.edges, dead)
    return known.shape[1]
