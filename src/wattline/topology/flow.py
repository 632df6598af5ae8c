"""Power, current and losses in a network, from what is measured at its nodes.

A meter at the grid, a bus, a breaker, a transformer or a meter's own node measures what flows into that node from above; one at
a load, a plant, a battery or a charger measures that thing itself: positive where it takes power. What is not measured is the
sum of what lies behind it. NaN stands for what is not known, and is never counted as zero. A current that is not measured comes
from the apparent power: with the reactive power behind the edge where every part tells it, else as if there were none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.metering.model import Meter
from wattline.topology.measured import Measured
from wattline.topology.model import TERMINALS, Edge, Node
from wattline.topology.network import Ints, Shape
from wattline.topology.plan import Floats
from wattline.topology.sweep import Lines, Swept, swept
from wattline.topology.totals import totals_of

NO_LOSS, I2R, BY_DIFFERENCE = 0, 1, 2
METHODS = ("none", "i2r", "measured")
WIRES = ("bus", "breaker", "transformer")
"""What has nothing of its own: where nothing lies behind it, nothing flows."""
THROUGH = ("grid", "bus", "breaker", "meter")
"""What loses nothing itself: what flows in flows out."""


@dataclass(frozen=True, eq=False)
class Plant:
    """What the documents say of nodes and edges, as columns. `nominal` is V between phase and neutral, NaN where it is
    unknown."""

    source: Ints
    target: Ints
    kinds: NDArray[np.str_]
    phases: Floats
    resistance: Floats
    reactance: Floats
    rating: Floats
    nominal: Floats
    grid: NDArray[np.bool_]
    terminal: NDArray[np.bool_]
    wire: NDArray[np.bool_]
    through: NDArray[np.bool_]
    transformer: NDArray[np.bool_]

    def is_laid_out_as(self, other: Plant) -> bool:
        """Whether the same kinds of nodes are joined in the same way, so that both have the same shapes."""
        pairs = ((self.source, other.source), (self.target, other.target), (self.kinds, other.kinds))
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)


@dataclass(frozen=True, eq=False)
class Flow:
    """`node` is the power through or into each node, W. Of each edge: `power`, W from source to target as it is at the end that
    is farther from the supply, `current` A (the root of the mean square over the phases), `loading` % (of the phase with most),
    `loss` W, `method` (of METHODS). NaN where it is not known. `totals` are those of `totals.totals_of`.
    """

    node: Floats
    power: Floats
    current: Floats
    loading: Floats
    loss: Floats
    method: Ints
    totals: dict[str, float | None]


def plant_of(nodes: Sequence[Node], edges: Sequence[Edge], meters: Sequence[Meter | None]) -> Plant:
    """The columns of a network; `meters` has the meter of each node. Where a node says no voltage, its meter's counts."""
    place = {node.id: index for index, node in enumerate(nodes)}
    kinds = np.array([node.kind for node in nodes], dtype="<U11").reshape(len(nodes))
    nominal = [_nominal(node, meter) for node, meter in zip(nodes, meters, strict=True)]
    return Plant(
        source=np.array([place[edge.source] for edge in edges], np.int64),
        target=np.array([place[edge.target] for edge in edges], np.int64),
        kinds=kinds,
        phases=np.array([edge.phases for edge in edges], np.float64),
        resistance=np.array([edge.resistance for edge in edges], np.float64),
        reactance=np.array([edge.reactance for edge in edges], np.float64),
        rating=np.array([edge.rating_a for edge in edges], np.float64),
        nominal=np.array(nominal, np.float64),
        grid=kinds == "grid",
        terminal=np.isin(kinds, sorted(TERMINALS)),
        wire=np.isin(kinds, WIRES),
        through=np.isin(kinds, THROUGH),
        transformer=kinds == "transformer",
    )


def _nominal(node: Node, meter: Meter | None) -> float | None:
    if node.nominal_voltage is not None or meter is None:
        return node.nominal_voltage
    return meter.nominal_voltage / 3**0.5 if meter.wiring == "3p3w" else meter.nominal_voltage


class Solver:
    """One solution: `solve` once."""

    def __init__(self, plant: Plant, shape: Shape, measured: Measured) -> None:
        self.plant, self.shape, self.measured = plant, shape, measured
        self.known = np.where(measured.stale | shape.dead, np.nan, measured.power)
        # A feeder of the grid that hangs below another feeds the network like any plant.
        root = np.zeros(len(shape.block), bool)
        root[shape.entry[shape.above < 0]] = True
        self.feeding = plant.grid & ~root
        self.last = (shape.size == 1) & (shape.children == 0)
        # What a meter at the end of a line measures goes to what nobody drew: it counts as a load.
        self.ending = np.zeros(len(shape.block), bool)
        self.ending[shape.entry[self.last]] = True
        self.own = self._own()
        # One node, and power goes in at one place: what is measured there is what flows in.
        entry = shape.entry
        at_entry = ~plant.terminal[entry] & ~self.feeding[entry]
        self.entered = np.where(at_entry, self.known[entry], np.nan)
        # What flows in at a lower end, where that is measured.
        self.metered = ~np.isnan(self.entered) | (self.last & ~np.isnan(self.known[entry]))
        single = (shape.size == 1) & (shape.children == 1) & plant.through[entry] & ~self.feeding[entry]
        self.passes = single & ~shape.dead[entry]
        edges = len(plant.source)
        self.edge_loss = np.full(edges, np.nan)
        self.edge_current = np.full(edges, np.nan)
        self.edge_highest = np.full(edges, np.nan)
        self.method = np.zeros(edges, np.int64)
        self.voltage = self._voltages()

    def _own(self) -> Floats:
        """What each node takes for itself, NaN where that is not known."""
        plant, dead = self.plant, self.shape.dead
        own = np.zeros(len(dead))
        own[plant.terminal] = self.known[plant.terminal]
        ends = self.ending & ~plant.terminal
        # What an open breaker took off takes nothing; of what nobody drew nothing is known.
        nothing = plant.wire | self._loses_edges()
        own[ends] = np.where(nothing[ends] & np.isnan(self.known[ends]), 0.0, self.known[ends])
        own[plant.grid] = np.where(self.ending & np.isnan(self.known) & ~nothing, np.nan, 0.0)[plant.grid]
        own[self.feeding] = -self.known[self.feeding]
        own[dead | (self.shape.cut & np.isnan(self.known))] = 0.0
        return own

    def _own_reactive(self) -> Floats:
        """The reactive power that each node takes for itself, NaN where that is not known."""
        plant, told, unknown = self.plant, self.measured.reactive, np.isnan(self.known)
        reactive = np.where(plant.terminal | (self.ending & ~unknown), told, 0.0)
        reactive[self.feeding] = -told[self.feeding]
        reactive[np.isnan(self.own)] = np.nan
        reactive[self.shape.dead | (self.shape.cut & unknown)] = 0.0
        return reactive

    def _loses_edges(self) -> NDArray[np.bool_]:
        """Which nodes have an edge that carries nothing because its other end does not conduct."""
        plant, idle = self.plant, ~self.shape.live
        found = np.zeros(len(self.shape.dead), bool)
        found[plant.source[idle]] = found[plant.target[idle]] = True
        return found

    def _voltages(self) -> Floats:
        """V between phase and neutral of each edge: that of its lower end, but not across a transformer."""
        plant, shape = self.plant, self.shape
        at = np.where(np.isnan(self.measured.voltage) | self.measured.stale, plant.nominal, self.measured.voltage)
        lower = plant.target.copy()
        below = shape.via >= 0
        lower[shape.via[below]] = shape.entry[below]
        upper = plant.source + plant.target - lower
        turned = plant.transformer[lower] & ~plant.transformer[upper]
        first, second = np.where(turned, upper, lower), np.where(turned, lower, upper)
        found = np.where(np.isnan(at[first]), at[second], at[first])
        return np.where(found > 0, found, np.nan)

    def solve(self) -> Flow:
        """Sum up what is known, block by block."""
        shape = self.shape
        blocks = len(shape.entry)
        own = np.bincount(shape.block, self.own, blocks).astype(np.float64)
        own_reactive = np.bincount(shape.block, self._own_reactive(), blocks).astype(np.float64)
        found = swept(self._lines(), own, own_reactive)
        self.inflow = found.inflow
        self._tell_edges(found)
        return self._flow()

    def _lines(self) -> Lines:
        """What is known of each block and the edge that supplies it before anything is added up."""
        plant, shape, measured = self.plant, self.shape, self.measured
        entry, above, edge, fed = shape.entry, shape.above, shape.via, shape.above >= 0
        lone = (shape.size == 1) & (~plant.terminal[entry] | (shape.children == 0)) & ~self.feeding[entry]
        fresh = lone & ~measured.stale[entry]
        reactive = np.where(np.isnan(self.entered), np.nan, measured.reactive[entry])
        factor = np.where(
            fresh & np.isnan(measured.reactive[entry]) & (measured.factor[entry] > 0), measured.factor[entry], np.nan
        )
        # A line without a branch carries one current, wherever along it that is measured.
        along = fed & self.passes[above] & ~measured.stale[shape.upper]
        self.shown, self.highest = (
            np.where(fresh & ~np.isnan(each[entry]), each[entry], np.where(along, each[shape.upper], np.nan))
            for each in (measured.current, measured.highest)
        )
        phases = np.where(fed, plant.phases[edge], np.nan) if len(plant.phases) else np.full(len(entry), np.nan)
        conductors = np.where(phases == 1, 2.0, phases)
        voltage, ohms, reactance = (
            np.where(fed, each[edge], np.nan) if len(each) else np.full(len(entry), np.nan)
            for each in (self.voltage, plant.resistance, plant.reactance)
        )
        return Lines(
            above=above,
            levels=shape.levels,
            power=self.entered,
            reactive=reactive,
            shown=self.shown,
            factor=factor,
            base=phases * voltage,
            ohms=conductors * ohms,
            reactance=conductors * reactance,
            sent=np.where(fed & self.passes[above] & self.metered, self.entered[above], np.nan),
            passes=self.passes,
        )

    def _tell_edges(self, found: Swept) -> None:
        below = np.flatnonzero(self.shape.via >= 0)
        edge, current, loss = self.shape.via[below], found.current[below], found.loss[below]
        highest = self.highest[below]
        self.edge_current[edge], self.edge_loss[edge] = current, loss
        self.edge_highest[edge] = np.where(np.isnan(highest), current, highest)
        self.method[edge] = np.where(found.measured[below], BY_DIFFERENCE, np.where(np.isnan(loss), NO_LOSS, I2R))

    def _flow(self) -> Flow:
        plant, shape = self.plant, self.shape
        power = np.where(shape.live, np.nan, 0.0)
        below = np.flatnonzero(shape.via >= 0)
        edge = shape.via[below]
        sign = np.where(plant.target[edge] == shape.entry[below], 1.0, -1.0)
        power[edge] = sign * self.inflow[below]
        self._within_blocks(power)
        idle = ~shape.live
        self.edge_current[idle] = self.edge_highest[idle] = 0.0
        node = self._nodes()
        loading = 100.0 * self.edge_highest / plant.rating
        totals = totals_of(shape, plant.grid, self.feeding, self.own, self.inflow, self.edge_loss)
        return Flow(node, power, self.edge_current, loading, self.edge_loss, self.method, totals)

    def _within_blocks(self, power: Floats) -> None:
        """In a loop an edge is known only where a meter stands at its target, and no other edge leads there."""
        plant, shape = self.plant, self.shape
        leads = np.bincount(plant.target[shape.live], minlength=len(shape.block))
        inner = shape.live & (shape.block[plant.source] == shape.block[plant.target])
        inner &= (leads[plant.target] == 1) & ~plant.terminal[plant.target] & ~plant.grid[plant.target]
        power[inner] = self.known[plant.target[inner]]

    def _nodes(self) -> Floats:
        """What is shown of each node: what was measured there, else what flows through it, or into it."""
        shape, plant = self.shape, self.plant
        node = np.where(np.isnan(self.measured.power), np.nan, self.measured.power)
        single = shape.size == 1
        entry = shape.entry[single]
        # Of a thing that passes power on, what it takes itself is told, and not what goes on behind it.
        through = np.where(plant.terminal[entry] & (shape.children[single] > 0), np.nan, self.inflow[single])
        through = np.where(self.feeding[entry], -through, through)
        node[entry] = np.where(np.isnan(node[entry]), through, node[entry])
        return node


def solve(plant: Plant, shape: Shape, measured: Measured) -> Flow:
    """What flows where."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return Solver(plant, shape, measured).solve()
