"""One look at a site: its documents and what flows, as it is sent, and what of it is other than in an earlier look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import SECOND, from_micros
from wattline.topology.columns import numbers, words, woven
from wattline.topology.drawing import LIVE, Drawing
from wattline.topology.flow import METHODS, Flow
from wattline.topology.measured import Measured
from wattline.topology.model import Edge, Node
from wattline.topology.plan import Floats, Ints

DIGITS = 3
"""Decimals of what is told in W, V, A and %."""


_DIRECTIONS = ("forward", "reverse", "none", None)
_BASES = ("measured", "derived", None)
Some = Ints | slice
"""Places of nodes or edges."""
EVERY = slice(None)


@dataclass(frozen=True, eq=False)
class Frame:
    """What was seen at `as_of` (us). `node` and `edge` have a row of figures each, `states` the state of each node."""

    drawing: Drawing
    as_of: int
    node: Floats
    stale: NDArray[np.bool_]
    measured: NDArray[np.bool_]
    age: Floats
    states: Sequence[str]
    edge: Floats
    method: Ints
    totals: Mapping[str, float | None]

    @cached_property
    def etag(self) -> str:
        """Another tag wherever anything but the time and ages would be told otherwise: a weak one."""
        digest = blake2b(digest_size=12)
        digest.update(self.drawing.etag.encode())
        for column in (self.node, self.stale, self.measured, self.edge, self.method):
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update("\0".join(self.states).encode())
        return f'W/"{digest.hexdigest()}"'

    def encoded(self) -> bytes:
        """The whole, as JSON."""
        draw = self.drawing
        return draw.whole(self._nodes(draw.node_heads), self._edges(draw.edge_heads), self.totals, self.as_of)

    def _nodes(self, heads: Sequence[bytes], some: Some = EVERY) -> bytes:
        """What is known of some nodes: the heads of their objects, and what is live. What is not known (NaN) is null.

        `basis` is `measured`, or `derived` from what is measured elsewhere.
        """
        node = self.node[some]
        power_w, voltage_v, current_a, age_s = (numbers(column) for column in (*node.T, self.age[some]))
        known: dict[str, int] = {}
        states = np.array([known.setdefault(state, len(known)) for state in self.states], np.int64)[some]
        basis = np.select([np.isnan(node[:, 0]), self.measured[some]], [2, 0], 1)
        ends = [
            b',"stale":%b,"basis":%b,"state":%b}},' % tuple(map(msgspec.json.encode, (stale, base, state)))
            for state in known
            for stale in (False, True)
            for base in _BASES
        ]
        tails = words((states * 2 + self.stale[some]) * len(_BASES) + basis, ends)
        parts = (b'{"power_w":', power_w, b',"voltage_v":', voltage_v, b',"current_a":', current_a, b',"age_s":', age_s, tails)
        return woven(len(node), heads, *parts)[:-1]

    def _edges(self, heads: Sequence[bytes], some: Some = EVERY) -> bytes:
        """The same of edges: `direction` is `forward` from source to target, `reverse`, `none` where nothing flows."""
        power, *others = self.edge[some].T
        power_w, current_a, loading_pct, loss_w = (numbers(column) for column in (np.abs(power), *others))
        direction = np.select([np.isnan(power), power > 0, power < 0], [3, 0, 1], 2)
        sides = words(direction, [b',"direction":%b,"current_a":' % msgspec.json.encode(each) for each in _DIRECTIONS])
        tails = words(self.method[some], [b',"loss_method":%b}},' % msgspec.json.encode(each) for each in METHODS])
        parts = (b'{"power_w":', power_w, sides, current_a, b',"loading_pct":', loading_pct, b',"loss_w":', loss_w, tails)
        return woven(len(power), heads, *parts)[:-1]

    def since(self, earlier: Frame | None) -> dict[str, Any] | None:
        """What is to be told to who saw `earlier`: the nodes and edges of which more than the age is other, and the totals.

        None where nothing is. `whole` says that the documents changed, or that nothing was seen before: everything is told, and
        the documents are to be asked for again.
        """
        whole = earlier is None or earlier.drawing.version != self.drawing.version
        if whole or earlier is None:
            nodes, edges = np.arange(len(self.node)), np.arange(len(self.edge))
        else:
            other = _other(self.node, earlier.node) | (self.stale != earlier.stale) | (self.measured != earlier.measured)
            if self.states != earlier.states:
                other |= np.array([a != b for a, b in zip(self.states, earlier.states, strict=True)], bool)
            nodes = np.flatnonzero(other)
            edges = np.flatnonzero(_other(self.edge, earlier.edge) | (self.method != earlier.method))
            if not len(nodes) and not len(edges) and self.totals == earlier.totals:
                return None
        draw = self.drawing
        return {
            "site_id": draw.site,
            "whole": whole,
            "nodes": msgspec.Raw(b"[%b]" % self._nodes(_ids(draw.nodes, nodes), nodes)),
            "edges": msgspec.Raw(b"[%b]" % self._edges(_ids(draw.edges, edges), edges)),
            "totals": self.totals,
            "as_of": from_micros(self.as_of),
        }


def _ids(several: Sequence[Node | Edge], places: Ints) -> list[bytes]:
    return [b'{"id":%d%b' % (several[place].id, LIVE) for place in places.tolist()]


def _other(now: Floats, before: Floats) -> NDArray[np.bool_]:
    """Which rows differ; what is unknown both times does not."""
    same: NDArray[np.bool_] = ((now == before) | (np.isnan(now) & np.isnan(before))).all(axis=1)
    return ~same


def frame(draw: Drawing, measured: Measured, flow: Flow, states: Sequence[str], as_of: int) -> Frame:
    """What is told of a site in which this was measured and this flows."""
    never = measured.time < 0
    since = np.maximum(as_of - np.where(never, as_of, measured.time), 0)
    age: Floats = np.where(never, np.nan, since.astype(np.float64) / SECOND)
    node = np.column_stack([flow.node, measured.voltage, measured.highest])
    edge = np.column_stack([flow.power, flow.current, flow.loading, flow.loss])
    return Frame(
        drawing=draw,
        as_of=as_of,
        node=np.round(node, DIGITS) + 0.0,
        stale=measured.stale,
        measured=~np.isnan(measured.power),
        age=np.round(age, DIGITS),
        states=states,
        edge=np.round(edge, DIGITS) + 0.0,
        method=flow.method,
        totals={name: None if value is None else round(value, DIGITS) + 0.0 for name, value in flow.totals.items()},
    )
