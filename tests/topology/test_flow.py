"""Flow, losses and totals, against a balance of power that walks the tree node by node."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.model.record import NEVER
from wattline.topology import sweep, totals
from wattline.topology.checks import check_edge, check_node
from wattline.topology.flow import Flow, plant_of, solve
from wattline.topology.measured import Measured
from wattline.topology.model import CONDUCTING, Edge, Node, edge_of, node_of
from wattline.topology.network import shape_of

VOLTS = 230.0


def _node(number: int, kind: str, **more: Any) -> Node:
    return node_of(number, 1, check_node({"kind": kind, "nominal_voltage": VOLTS, **more}))


def _edge(number: int, source: int, target: int, ohm: float | None = 0.05, **more: Any) -> Edge:
    cable = {} if ohm is None else {"length_m": 1000, "r_ohm_per_km": ohm}
    return edge_of(number, 1, check_edge({"source": source, "target": target, **cable, **more}) | {"site_id": "main"})


def _solved(nodes: list[Node], edges: list[Edge], power: list[float | None], **columns: list[float | None]) -> Flow:
    values = np.array(power, np.float64)
    rest = {
        name: np.array(columns.get(name, [None] * len(nodes)), np.float64)
        for name in ("reactive", "voltage", "current", "highest", "factor")
    }
    times = np.where(np.isnan(values), NEVER, 0).astype(np.int64)
    measured = Measured(
        values,
        rest["reactive"],
        rest["voltage"],
        rest["current"],
        rest["highest"],
        rest["factor"],
        times,
        np.zeros(len(nodes), bool),
    )
    dead = [node.id for node in nodes if node.state not in CONDUCTING]
    return solve(plant_of(nodes, edges, [None] * len(nodes)), shape_of(nodes, edges, dead), measured)


class Tree:
    """The oracle: one grid, terminals at the leaves, cables with a resistance, walked by recursion."""

    def __init__(self, parents: list[int], leaves: list[float | None], ohms: list[float | None], phases: list[int]) -> None:
        self.parents, self.leaves, self.ohms, self.phases = parents, leaves, ohms, phases
        self.children: dict[int, list[int]] = {}
        for child, parent in enumerate(parents, 1):
            self.children.setdefault(parent, []).append(child)
        self.arriving: dict[int, float | None] = {}
        self.loss: dict[int, float | None] = {}
        self.total = self.into(0)

    def into(self, node: int) -> float | None:
        """What flows into a node, None where a part is not known."""
        below = self.children.get(node, [])
        if not below:
            return self.leaves[node]
        parts = []
        for child in below:
            arriving = self.arriving[child] = self.into(child)
            ohm, phases = self.ohms[child], self.phases[child]
            loss = None
            if arriving is not None and ohm is not None:
                current = abs(arriving) / (phases * VOLTS)
                loss = (3 if phases == 3 else 2) * current**2 * ohm
            self.loss[child] = loss
            parts.append(None if arriving is None else arriving + (loss or 0.0))
        return None if None in parts else sum(part for part in parts if part is not None)


@st.composite
def _trees(draw: st.DrawFn) -> tuple[Tree, list[bool]]:
    size = draw(st.integers(2, 25))
    parents = [draw(st.integers(0, child - 1)) for child in range(1, size)]
    leaves = [draw(st.one_of(st.none(), st.integers(-9000, 9000).map(float))) for _ in range(size)]
    if draw(st.booleans()):
        leaves = [each if each is not None else 50.0 for each in leaves]
    ohms = [draw(st.one_of(st.none(), st.sampled_from((0.0, 0.01, 0.2)))) for _ in range(size)]
    phases = [draw(st.sampled_from((1, 3))) for _ in range(size)]
    return Tree(parents, leaves, ohms, phases), [draw(st.booleans()) for _ in range(size)]


@settings(max_examples=200, deadline=None)
@given(_trees(), st.randoms(use_true_random=False))
def test_random_trees_are_as_the_balance_of_power_has_them(drawn: tuple[Tree, list[bool]], chance: Any) -> None:
    tree, turned = drawn
    size = len(tree.parents) + 1
    numbers = chance.sample(range(1, 1000), size)
    kinds = ["grid"] + ["load" if n not in tree.children else "transformer" for n in range(1, size)]
    nodes = [_node(numbers[n], kinds[n]) for n in range(size)]
    edges = []
    for child in range(1, size):
        ends = (numbers[tree.parents[child - 1]], numbers[child])
        source, target = reversed(ends) if turned[child] else ends
        edges.append(_edge(child, source, target, tree.ohms[child], phases=tree.phases[child]))
    order = chance.sample(range(size), size)
    flow = _solved(
        [nodes[n] for n in order], edges, [tree.leaves[n] if n not in tree.children and n > 0 else None for n in order]
    )
    for child in range(1, size):
        arriving, loss = tree.arriving[child], tree.loss[child]
        sign = -1 if turned[child] else 1
        assert flow.power[child - 1] == pytest.approx(np.nan if arriving is None else sign * arriving, nan_ok=True)
        assert flow.loss[child - 1] == pytest.approx(np.nan if loss is None else loss, nan_ok=True)
    if tree.total is None:
        assert flow.totals["import_w"] is None
        assert flow.totals["unaccounted_w"] is None
    else:
        assert flow.totals["import_w"] == pytest.approx(max(tree.total, 0.0))
        assert flow.totals["unaccounted_w"] == pytest.approx(0.0, abs=1e-6)
        assert flow.totals["load_w"] == pytest.approx(
            sum(max(tree.leaves[n] or 0.0, 0.0) for n in range(1, size) if n not in tree.children)
        )


@settings(max_examples=100, deadline=None)
@given(
    _trees(), st.lists(st.integers(-9000, 9000), min_size=25, max_size=25), st.lists(st.booleans(), min_size=25, max_size=25)
)
def test_import_less_all_that_is_known_is_unaccounted(
    drawn: tuple[Tree, list[bool]], readings: list[int], metered: list[bool]
) -> None:
    """Whatever is metered within: the totals balance, and at every metered node what flows in is that reading."""
    tree, _ = drawn
    size = len(tree.parents) + 1
    nodes = [_node(n + 1, "grid" if n == 0 else "bus" if n in tree.children else "load") for n in range(size)]
    edges = [_edge(child, parent + 1, child + 1, tree.ohms[child]) for child, parent in enumerate(tree.parents, 1)]
    power = [float(readings[n]) if metered[n] or n == 0 else None for n in range(size)]
    flow = _solved(nodes, edges, power)
    totals = flow.totals
    assert totals["import_w"] == pytest.approx(max(power[0] or 0.0, 0.0))
    for child in range(1, size):
        if power[child] is not None:
            assert flow.power[child - 1] == pytest.approx(power[child])
    if totals["load_w"] is not None:
        known = float(np.nansum(flow.loss))
        assert (totals["loss_w"] or 0.0) == pytest.approx(known)
        assert totals["generation_w"] is not None
        balance = (power[0] or 0.0) + totals["generation_w"] - totals["load_w"] - known
        assert totals["unaccounted_w"] == pytest.approx(balance, abs=1e-6)


def test_both_ends_metered_is_the_difference() -> None:
    nodes = [_node(1, "grid"), _node(2, "meter"), _node(3, "load")]
    flow = _solved(nodes, [_edge(1, 1, 2), _edge(2, 2, 3)], [9100.0, 9050.0, None])
    assert flow.loss[0] == pytest.approx(50.0)
    assert flow.method.tolist() == [2, 1]
    assert flow.loss[1] == pytest.approx(3 * (9050 / 690) ** 2 * 0.05)
    assert flow.node[2] == pytest.approx(9050 - flow.loss[1])
    assert flow.totals["unaccounted_w"] == pytest.approx(0.0, abs=1e-9)


def test_a_single_phase_has_two_conductors() -> None:
    flow = _solved([_node(1, "grid"), _node(2, "load")], [_edge(1, 1, 2, 0.1, phases=1)], [None, 2300.0])
    assert flow.current[0] == pytest.approx(10.0)
    assert flow.loss[0] == pytest.approx(2 * 100 * 0.1)


def test_measured_current_counts_before_power() -> None:
    nodes = [_node(1, "grid"), _node(2, "load")]
    edges = [_edge(1, 1, 2, 0.1, rating_a=20)]
    flow = _solved(nodes, edges, [None, 6000.0], current=[None, 12.0], highest=[None, 15.0])
    assert (flow.current[0], flow.loading[0]) == (12.0, 75.0)
    assert flow.loss[0] == pytest.approx(3 * 144 * 0.1)
    weak = _solved(nodes, edges, [None, 6900.0], factor=[None, 0.5])
    assert weak.current[0] == pytest.approx(20.0)


def test_an_open_breaker_parts_its_side() -> None:
    nodes = [
        _node(1, "grid"),
        _node(2, "bus"),
        _node(3, "breaker", state="tripped"),
        _node(4, "bus"),
        _node(5, "load"),
        _node(6, "load"),
    ]
    edges = [_edge(1, 1, 2), _edge(2, 2, 3), _edge(3, 3, 4), _edge(4, 4, 5), _edge(5, 2, 6)]
    flow = _solved(nodes, edges, [1000.0, None, None, None, None, 990.0])
    assert flow.power.tolist() == pytest.approx([990 + flow.loss[4], 0.0, 0.0, 0.0, 990.0])
    assert flow.totals["load_w"] == 990.0


def test_an_island_with_a_battery_feeds_itself() -> None:
    nodes = [_node(1, "grid"), _node(2, "breaker", state="open"), _node(3, "bus"), _node(4, "load"), _node(5, "battery")]
    edges = [_edge(1, 1, 2), _edge(2, 2, 3), _edge(3, 3, 4, 0.0), _edge(4, 3, 5, 0.0)]
    flow = _solved(nodes, edges, [None, None, None, 400.0, -400.0])
    assert flow.power.tolist() == [0.0, 0.0, 400.0, -400.0]
    assert flow.totals["generation_w"] == 400.0
    unknown = _solved(nodes, edges, [None, None, None, None, None])
    assert unknown.totals["load_w"] is None


def test_in_a_mesh_nothing_is_made_up() -> None:
    nodes = [_node(1, "grid"), _node(2, "bus"), _node(3, "bus"), _node(4, "load")]
    edges = [_edge(1, 1, 2), _edge(2, 1, 3), _edge(3, 2, 3, meshed=True), _edge(4, 3, 4)]
    flow = _solved(nodes, edges, [4100.0, None, None, 4000.0])
    assert np.isnan(flow.power[:3]).all()
    assert flow.power[3] == 4000.0
    assert flow.totals["unaccounted_w"] == pytest.approx(100 - flow.loss[3])


def test_two_feeders_share_a_load() -> None:
    nodes = [_node(1, "grid"), _node(2, "bus"), _node(3, "grid"), _node(4, "load")]
    edges = [_edge(1, 1, 2, 0.0), _edge(2, 2, 3, 0.0), _edge(3, 2, 4, 0.0)]
    flow = _solved(nodes, edges, [600.0, None, 400.0, 1000.0])
    assert flow.power.tolist() == [600.0, -400.0, 1000.0]
    assert (flow.totals["import_w"], flow.totals["load_w"], flow.totals["unaccounted_w"]) == (1000.0, 1000.0, 0.0)


def test_an_empty_site_and_a_lone_node() -> None:
    empty = _solved([], [], [])
    assert set(empty.totals.values()) == {None}
    lone = _solved([_node(1, "meter")], [], [None])
    assert np.isnan(lone.node).all()
    grid = _solved([_node(1, "grid")], [], [None])
    assert grid.totals["import_w"] is None


def test_a_long_line_is_one_pass() -> None:
    """Ten thousand nodes in a line: as many levels, and each loses a little."""
    size = 10_000
    nodes = [_node(1, "grid"), *(_node(n, "bus") for n in range(2, size)), _node(size, "load")]
    edges = [_edge(n, n, n + 1, 1e-5) for n in range(1, size)]
    flow = _solved(nodes, edges, [None] * (size - 1) + [6900.0])
    arriving = 6900.0
    for number in range(size - 1, 0, -1):
        assert flow.power[number - 1] == pytest.approx(arriving)
        arriving += 3 * (arriving / 690) ** 2 * 1e-5
    assert flow.totals["import_w"] == pytest.approx(arriving)
    assert flow.totals["unaccounted_w"] == pytest.approx(0.0, abs=1e-6)
    down = _solved(nodes, edges, [6900.0] + [None] * (size - 1))
    assert down.node[-1] == pytest.approx(6900 - np.sum(down.loss))


@settings(max_examples=150, deadline=None)
@given(_trees(), st.lists(st.booleans(), min_size=25, max_size=25), st.randoms(use_true_random=False))
def test_level_by_level_is_as_block_by_block(drawn: tuple[Tree, list[bool]], metered: list[bool], chance: Any) -> None:
    """A wide network and a deep one are added up in two ways, which must not differ."""
    tree, turned = drawn
    size = len(tree.parents) + 1
    kinds = ("grid", "bus", "meter", "load", "pv", "breaker", "transformer")
    nodes = [_node(n + 1, "grid" if n == 0 else chance.choice(kinds)) for n in range(size)]
    edges = [
        _edge(child, *((child + 1, parent + 1) if turned[child] else (parent + 1, child + 1)), tree.ohms[child])
        for child, parent in enumerate(tree.parents, 1)
    ]
    columns = {
        name: [chance.choice((None, chance.uniform(0.1, 50))) if metered[n] else None for n in range(size)]
        for name in ("reactive", "current", "factor")
    }
    found = []
    for narrow in (0, 10**9):
        with patch.object(sweep, "NARROW", narrow), patch.object(totals, "NARROW", narrow):
            found.append(_solved(nodes, edges, tree.leaves, **columns))
    wide, deep = found
    for name in ("node", "power", "current", "loading", "loss", "method"):
        assert getattr(wide, name) == pytest.approx(getattr(deep, name), nan_ok=True), name
    assert wide.totals == pytest.approx(deep.totals, nan_ok=True)


def test_reactive_power_adds_up_where_every_part_tells_it() -> None:
    nodes = [_node(1, "grid"), _node(2, "bus"), _node(3, "load"), _node(4, "load"), _node(5, "bus")]
    edges = [_edge(1, 1, 2, 0.0), _edge(2, 2, 3, 0.0), _edge(3, 2, 4, 0.0), _edge(4, 1, 5, 0.0)]
    power = [None, None, 3000.0, 3900.0, None]
    known = _solved(nodes, edges, power, reactive=[None, None, 4000.0, -1000.0, None])
    assert known.current[:3] == pytest.approx(np.hypot([6900, 3000, 3900], [3000, 4000, 1000]) / 690)
    # One part that does not tell it: of the sum nothing is known but the power.
    partly = _solved(nodes, edges, power, reactive=[None, None, 4000.0, None, None])
    assert partly.current[:3] == pytest.approx([10.0, 5000 / 690, 3900 / 690])
    metered = _solved(nodes, edges, [None, 6900.0, 3000.0, 3900.0, None], reactive=[None, 6900.0, None, None, None])
    assert metered.current[0] == pytest.approx(10 * 2**0.5)


def test_a_cable_takes_reactive_power_too() -> None:
    nodes = [_node(1, "grid"), _node(2, "bus"), _node(3, "load")]
    edges = [_edge(1, 1, 2, 0.0), _edge(2, 2, 3, 0.1, x_ohm_per_km=0.2)]
    flow = _solved(nodes, edges, [None, None, 6900.0], reactive=[None, None, 0.0])
    assert flow.current[1] == pytest.approx(10.0)
    assert flow.current[0] == pytest.approx(np.hypot(6900 + 3 * 100 * 0.1, 3 * 100 * 0.2) / 690)
