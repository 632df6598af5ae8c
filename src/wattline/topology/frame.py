"""One look at a site: its documents and what flows, as it is sent, and what of it is other than in an earlier look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import repeat
from operator import add
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import SECOND, from_micros
from wattline.topology.flow import METHODS, Flow
from wattline.topology.measured import Measured
from wattline.topology.model import Edge, Node
from wattline.topology.plan import Floats

DIGITS = 3
"""Decimals of what is told in W, V, A and %."""


class NodeLive(msgspec.Struct, gc=False):
    """What is known of a node now. `basis` is `measured`, or `derived` from what is measured elsewhere; NaN is sent as null."""

    power_w: float
    voltage_v: float
    current_a: float
    age_s: float
    stale: bool
    basis: str | None
    state: str


class EdgeLive(msgspec.Struct, gc=False):
    """What is known of an edge now. `direction` is `forward` from source to target, `reverse`, `none` where nothing flows."""

    power_w: float
    direction: str | None
    current_a: float
    loading_pct: float
    loss_w: float
    loss_method: str


class ShownNode(msgspec.Struct, gc=False):
    """A node as it is sent, but for what is live."""

    id: int
    site_id: str
    kind: str
    name: str | None
    external_id: str | None
    meter_id: int | None
    rating_va: float | None
    nominal_voltage: float | None
    position: Mapping[str, float] | None
    state: str
    breaker_id: str | None
    metadata: Mapping[str, Any]


class ShownEdge(msgspec.Struct, gc=False):
    """An edge as it is sent, but for what is live."""

    id: int
    site_id: str
    source: int
    target: int
    kind: str
    name: str | None
    external_id: str | None
    length_m: float | None
    r_ohm_per_km: float | None
    x_ohm_per_km: float | None
    rating_a: float | None
    phases: int
    meshed: bool
    metadata: Mapping[str, Any]


class ShownLive(msgspec.Struct, gc=False):
    """What became of one node or edge since an earlier look."""

    id: int
    live: NodeLive | EdgeLive


@dataclass(frozen=True, eq=False)
class Drawing:
    """The documents of a site, ready to be sent. `version` differs where any of them does, in this process."""

    version: tuple[Any, ...]
    site: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    node_heads: Sequence[bytes]
    """The JSON of each node up to and with the name of its last field, `live`."""
    edge_heads: Sequence[bytes]

    @cached_property
    def etag(self) -> str:
        """Another tag wherever a document is another."""
        digest = blake2b(len(self.nodes).to_bytes(8, "big"), digest_size=12)
        for several in (self.nodes, self.edges):
            for column in ([each.id for each in several], [each.version for each in several]):
                digest.update(np.array(column, np.int64).tobytes())
        return f'W/"{digest.hexdigest()}"'


def drawing(
    version: tuple[Any, ...], site: str, nodes: Sequence[Node], edges: Sequence[Edge], former: Drawing | None = None
) -> Drawing:
    """A site of these nodes and edges. What `former` has in the same versions is not encoded again."""
    node_heads = {} if former is None else _known(former.nodes, former.node_heads)
    edge_heads = {} if former is None else _known(former.edges, former.edge_heads)
    return Drawing(
        version,
        site,
        nodes,
        edges,
        [node_heads.get((node.id, node.version)) or _head(node, _NODE_FIELDS, ShownNode) for node in nodes],
        [edge_heads.get((edge.id, edge.version)) or _head(edge, _EDGE_FIELDS, ShownEdge) for edge in edges],
    )


def _known(several: Sequence[Node | Edge], heads: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    return {(each.id, each.version): head for each, head in zip(several, heads, strict=True)}


_NODE_FIELDS = tuple("site" if name == "site_id" else name for name in ShownNode.__struct_fields__)
_EDGE_FIELDS = tuple("site" if name == "site_id" else name for name in ShownEdge.__struct_fields__)
_LIVE = b',"live":'
_DIRECTIONS = ("forward", "reverse", "none", None)
_BASES = ("measured", "derived", None)
Some = NDArray[np.int64] | slice
"""Places of nodes or edges."""
EVERY = slice(None)


def _head(each: Node | Edge, fields: Sequence[str], kind: Callable[..., ShownNode | ShownEdge]) -> bytes:
    """What never changes while the document stays is encoded once."""
    return msgspec.json.encode(kind(*(getattr(each, name) for name in fields)))[:-1] + _LIVE


def _whole(site: str, nodes: bytes, edges: bytes, totals: Mapping[str, float | None] | None, as_of: int) -> bytes:
    encode = msgspec.json.encode
    rest = encode({"totals": totals, "as_of": from_micros(as_of)})
    return b'{"site_id":%b,"nodes":[%b],"edges":[%b],%b' % (encode(site), nodes, edges, rest[1:])


def _objects(heads: Iterable[bytes], lives: Iterable[bytes]) -> bytes:
    joined = b"},".join(map(add, heads, lives))
    return joined + b"}" if joined else b""


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
    method: NDArray[np.int64]
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

    def _node_lives(self, some: Some = EVERY) -> list[NodeLive]:
        power = self.node[some, 0]
        basis = np.select([np.isnan(power), self.measured[some]], [2, 0], 1).tolist()
        states = self.states if isinstance(some, slice) else [self.states[n] for n in some.tolist()]
        rows = zip(self.node[some].tolist(), self.age[some].tolist(), self.stale[some].tolist(), basis, states, strict=True)
        return [NodeLive(p, v, c, age, stale, _BASES[base], state) for (p, v, c), age, stale, base, state in rows]

    def _edge_lives(self, some: Some = EVERY) -> list[EdgeLive]:
        power = self.edge[some, 0]
        directions = np.select([np.isnan(power), power > 0, power < 0], [3, 0, 1], 2).tolist()
        sizes = np.abs(power).tolist()
        rows = zip(sizes, directions, self.edge[some, 1:].tolist(), self.method[some].tolist(), strict=True)
        return [
            EdgeLive(size, _DIRECTIONS[direction], current, loading, loss, METHODS[method])
            for size, direction, (current, loading, loss), method in rows
        ]

    def encoded(self) -> bytes:
        """The whole, as JSON."""
        draw, encoder = self.drawing, msgspec.json.Encoder()
        nodes, edges = (encoder.encode_lines(lives).split(b"\n") for lives in (self._node_lives(), self._edge_lives()))
        found = _objects(draw.node_heads, nodes), _objects(draw.edge_heads, edges)
        return _whole(draw.site, *found, self.totals, self.as_of)

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
            "nodes": [
                ShownLive(draw.nodes[n].id, live) for n, live in zip(nodes.tolist(), self._node_lives(nodes), strict=True)
            ],
            "edges": [
                ShownLive(draw.edges[e].id, live) for e, live in zip(edges.tolist(), self._edge_lives(edges), strict=True)
            ],
            "totals": self.totals,
            "as_of": from_micros(self.as_of),
        }


def _shown(several: Sequence[Node | Edge], places: NDArray[np.int64], lives: Sequence[NodeLive | EdgeLive]) -> list[ShownLive]:
    return [ShownLive(several[place].id, live) for place, live in zip(places.tolist(), lives, strict=True)]


def _other(now: Floats, before: Floats) -> NDArray[np.bool_]:
    """Which rows differ; what is unknown both times does not."""
    same: NDArray[np.bool_] = ((now == before) | (np.isnan(now) & np.isnan(before))).all(axis=1)
    return ~same


def frame(draw: Drawing, measured: Measured, flow: Flow, states: Sequence[str], as_of: int) -> Frame:
    """What is told of a site in which this was measured and this flows."""
    never = measured.time < 0
    since = np.maximum(as_of - np.where(never, as_of, measured.time), 0)
    age: Floats = np.where(never, np.nan, since.astype(np.float64) / SECOND)
    node = np.column_stack([flow.node, measured.voltage, np.where(np.isnan(measured.highest), np.nan, measured.highest)])
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


def plain(draw: Drawing, as_of: int) -> bytes:
    """The documents alone, as JSON."""
    every = draw.node_heads, draw.edge_heads
    nodes, edges = (_objects((head[: -len(_LIVE)] for head in heads), repeat(b"")) for heads in every)
    return _whole(draw.site, nodes, edges, None, as_of)
