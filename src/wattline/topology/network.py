"""The shape of a site's network: which way each part is supplied, and what lies behind each edge.

Nodes that are joined by more than one way form a block, all others are a block of their own; between blocks there is exactly
one way, so that blocks are trees. In a radial site every block is one node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.topology.model import TERMINALS, Edge, Node

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NOTHING = -1


@dataclass(frozen=True, eq=False)
class Shape:
    """Arrays over blocks, in which -1 stands for none. A block's number is greater than that of the block that supplies it.

    `block` is the block of each node, `entry` the node at which a block is supplied. `via` is the edge from the block above,
    which is `above`; `upper` is the node there. `levels` holds the blocks by their depth, the roots first. `children` counts
    the blocks below, `size` the nodes of a block. `live` says of each edge whether both its ends conduct, `dead` of each node
    that it does not, `cut` that open breakers part it from the grid and from all else that could feed it.
    """

    block: Ints
    entry: Ints
    above: Ints
    via: Ints
    upper: Ints
    levels: Sequence[Ints]
    children: Ints
    size: Ints
    live: Bools
    dead: Bools
    cut: Bools


SOURCES = frozenset({"grid", "pv", "battery"})
"""What can feed a network."""


def shape_of(nodes: Sequence[Node], edges: Sequence[Edge], dead: Iterable[int]) -> Shape:
    """The shape of a network in which the nodes with the ids of `dead` carry no current."""
    place = {node.id: index for index, node in enumerate(nodes)}
    ends = [(place[edge.source], place[edge.target]) for edge in edges]
    off = np.zeros(len(nodes), bool)
    off[[place[number] for number in dead if number in place]] = True
    live = np.array([not (off[a] or off[b]) for a, b in ends], bool).reshape(len(edges))
    order, supplied = _supply_first(nodes, ends)
    walk = _Walk(len(nodes), [pair if live[e] else None for e, pair in enumerate(ends)])
    cut = np.zeros(len(nodes), bool)
    for node in order:
        part = walk.start(node)
        if node in supplied and not any(nodes[each].kind in SOURCES for each in part):
            cut[part] = True
    return _blocks(walk, live, off, cut)


def _adjacent(count: int, ends: Sequence[tuple[int, int] | None]) -> list[list[tuple[int, int]]]:
    found: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for edge, pair in enumerate(ends):
        if pair is not None:
            found[pair[0]].append((pair[1], edge))
            found[pair[1]].append((pair[0], edge))
    return found


def _supply_first(nodes: Sequence[Node], ends: Sequence[tuple[int, int]]) -> tuple[list[int], set[int]]:
    """The nodes by their distance from the grid, as if every breaker were closed: so an island begins behind its breaker.

    What is joined to no grid begins at a node that no edge leads to. Also which nodes are joined to the grid like that.
    """
    targets = {b for _, b in ends}
    ranked = sorted(range(len(nodes)), key=lambda n: (nodes[n].kind != "grid", n in targets, nodes[n].kind in TERMINALS, n))
    around = _adjacent(len(nodes), ends)
    seen: set[int] = set()
    order: list[int] = []

    def spread(start: Iterable[int]) -> None:
        queue = [n for n in start if n not in seen]
        while queue:
            seen.update(queue)
            order.extend(queue)
            queue = list(dict.fromkeys(other for n in queue for other, _ in around[n] if other not in seen))

    grids = sum(node.kind == "grid" for node in nodes)
    spread(ranked[:grids])
    supplied = set(order)
    for n in ranked[grids:]:
        spread([n])
    return order, supplied


class _Walk:
    """A walk in depth, which finds the edges that are the only way (bridges), without recursion."""

    def __init__(self, count: int, ends: Sequence[tuple[int, int] | None]) -> None:
        self.around = _adjacent(count, ends)
        self.number = [NOTHING] * count
        self.low = [0] * count
        self.above = [NOTHING] * count
        self.via = [NOTHING] * count
        self.order: list[int] = []

    def start(self, root: int) -> list[int]:
        """Visit everything that is joined to a node: what was not visited before."""
        if self.number[root] != NOTHING:
            return []
        first = len(self.order)
        self._enter(root)
        stack = [(root, iter(self.around[root]))]
        while stack:
            node, rest = stack[-1]
            for other, edge in rest:
                if edge == self.via[node]:
                    continue
                if self.number[other] == NOTHING:
                    self.above[other], self.via[other] = node, edge
                    self._enter(other)
                    stack.append((other, iter(self.around[other])))
                    break
                self.low[node] = min(self.low[node], self.number[other])
            else:
                stack.pop()
                if stack:
                    over = stack[-1][0]
                    self.low[over] = min(self.low[over], self.low[node])
        return self.order[first:]

    def _enter(self, node: int) -> None:
        self.number[node] = self.low[node] = len(self.order)
        self.order.append(node)

    def is_bridge(self, node: int) -> bool:
        """Whether the edge by which a node was reached is the only way to it."""
        return self.via[node] != NOTHING and self.low[node] == self.number[node]


def _blocks(walk: _Walk, live: Bools, dead: Bools, cut: Bools) -> Shape:
    count = len(walk.order)
    block = np.full(count, NOTHING, np.int64)
    entry: list[int] = []
    depth: list[int] = []
    above, via, upper = [], [], []
    for node in walk.order:
        over = walk.above[node]
        if over != NOTHING and not walk.is_bridge(node):
            block[node] = block[over]
            continue
        block[node] = len(entry)
        entry.append(node)
        via.append(walk.via[node])
        upper.append(over)
        above.append(NOTHING if over == NOTHING else int(block[over]))
        depth.append(0 if over == NOTHING else depth[above[-1]] + 1)
    parents = np.array(above, np.int64)
    depths = np.array(depth, np.int64)
    by_depth = np.argsort(depths, kind="stable")
    bounds = np.searchsorted(depths[by_depth], np.arange(1 + (int(depths.max()) if len(depths) else -1)))
    return Shape(
        block=block,
        entry=np.array(entry, np.int64),
        above=parents,
        via=np.array(via, np.int64),
        upper=np.array(upper, np.int64),
        levels=np.split(by_depth, bounds[1:]) if len(depths) else [],
        children=np.bincount(parents[parents >= 0], minlength=len(entry)),
        size=np.bincount(block, minlength=len(entry)),
        live=live,
        dead=dead,
        cut=cut,
    )
