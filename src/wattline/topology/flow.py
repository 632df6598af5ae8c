"""Power, current and losses in a network, from what is measured at its nodes.

A meter at the grid, a bus, a breaker, a transformer or a meter's own node measures what flows into that node from above; one at
a load, a plant, a battery or a charger measures that thing itself: positive where it takes power. What is not measured is the
sum of what lies behind it. NaN stands for what is not known, and is never counted as zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.metering.model import Meter
from wattline.topology.measured import Floats, Measured
from wattline.topology.model import TERMINALS, Edge, Node
from wattline.topology.network import Ints, Shape
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
    phases: Floats
    resistance: Floats
    rating: Floats
    nominal: Floats
    grid: NDArray[np.bool_]
    terminal: NDArray[np.bool_]
    wire: NDArray[np.bool_]
    through: NDArray[np.bool_]
    transformer: NDArray[np.bool_]


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
        phases=np.array([edge.phases for edge in edges], np.float64),
        resistance=np.array([edge.resistance for edge in edges], np.float64),
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
        blocks, edges = len(shape.entry), len(plant.source)
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
        self.inflow = np.full(blocks, np.nan)
        self.out = np.full(blocks, np.nan)
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
        """Up from the ends, then down along lines without a branch."""
        shape = self.shape
        total = np.zeros(len(shape.entry))
        np.add.at(total, shape.block, self.own)
        self.total = total
        for level in reversed(shape.levels):
            self.inflow[level] = np.where(np.isnan(self.entered[level]), total[level], self.entered[level])
            fed = level[shape.above[level] >= 0]
            self._carry(fed)
            np.add.at(total, shape.above[fed], self.out[fed])
        for level in shape.levels[1:]:
            self._carry_down(level[np.isnan(self.inflow[level])])
        return self._flow()

    def _carry(self, blocks: Ints) -> None:
        """The edges that supply these blocks, whose inflow is known or NaN: what each loses, and so what is sent into it."""
        edge, above = self.shape.via[blocks], self.shape.above[blocks]
        arriving = self.inflow[blocks]
        both = np.where(self.passes[above] & self.metered[blocks], self.entered[above], np.nan)
        sure = ~np.isnan(both)
        self._estimate(edge, blocks, arriving)
        loss = np.where(sure, both - arriving, self.edge_loss[edge])
        self.edge_loss[edge] = loss
        self.method[edge] = np.where(sure, BY_DIFFERENCE, self.method[edge])
        self.out[blocks] = arriving + np.where(np.isnan(loss), 0.0, loss)

    def _estimate(self, edge: Ints, blocks: Ints, power: Floats) -> None:
        """The current of edges that carry this power into blocks, measured where that is possible, and the loss I^2 R."""
        plant, shape, measured = self.plant, self.shape, self.measured
        entry = shape.entry[blocks]
        lone = (shape.size[blocks] == 1) & (~plant.terminal[entry] | (shape.children[blocks] == 0)) & ~self.feeding[entry]
        fresh = lone & ~measured.stale[entry]
        factor = np.where(fresh & (measured.factor[entry] > 0), measured.factor[entry], 1.0)
        reckoned = np.abs(power) / (plant.phases[edge] * self.voltage[edge] * factor)
        # A line without a branch carries one current, wherever along it that is measured.
        above, upper = shape.above[blocks], shape.upper[blocks]
        along = self.passes[above] & ~measured.stale[upper]
        shown, highest = (
            np.where(fresh & ~np.isnan(each[entry]), each[entry], np.where(along, each[upper], np.nan))
            for each in (measured.current, measured.highest)
        )
        current = np.where(np.isnan(shown), reckoned, shown)
        self.edge_current[edge] = current
        self.edge_highest[edge] = np.where(np.isnan(highest), current, highest)
        conductors = np.where(plant.phases[edge] == 1, 2.0, plant.phases[edge])
        loss = conductors * current**2 * plant.resistance[edge]
        self.edge_loss[edge] = loss
        self.method[edge] = np.where(np.isnan(loss), NO_LOSS, I2R)

    def _carry_down(self, blocks: Ints) -> None:
        """What flows in where nothing behind is known, but all that is sent down the only line there is."""
        shape = self.shape
        above = shape.above[blocks]
        blocks, above = blocks[self.passes[above]], above[self.passes[above]]
        sent = self.inflow[above]
        self._estimate(shape.via[blocks], blocks, sent)
        loss = self.edge_loss[shape.via[blocks]]
        self.inflow[blocks] = sent - np.where(np.isnan(loss), 0.0, loss)
        self.out[blocks] = sent

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
