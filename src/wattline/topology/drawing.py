"""The documents of a site, ready to be sent: what of an answer stays the same while no document changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from wattline.model.clock import from_micros
from wattline.topology.model import Edge, Node

LIVE = b',"live":'


@dataclass(frozen=True, eq=False)
class Drawing:
    """The documents of a site. `version` differs where any of them does, in this process."""

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

    def holds(self, nodes: Sequence[Node], edges: Sequence[Edge]) -> bool:
        """Whether these are its very documents."""
        return _same(self.nodes, nodes) and _same(self.edges, edges)

    def whole(self, nodes: bytes, edges: bytes, totals: Mapping[str, float | None] | None, as_of: int) -> bytes:
        """The JSON of all, from that of the nodes and edges."""
        encode = msgspec.json.encode
        rest = encode({"totals": totals, "as_of": from_micros(as_of)})
        return b'{"site_id":%b,"nodes":[%b],"edges":[%b],%b' % (encode(self.site), nodes, edges, rest[1:])


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
        [node_heads.get((node.id, node.version)) or _head(node) for node in nodes],
        [edge_heads.get((edge.id, edge.version)) or _head(edge) for edge in edges],
    )


@dataclass(frozen=True, slots=True)
class Plain:
    """The documents of a site alone, as of a moment (us)."""

    drawing: Drawing
    as_of: int

    @property
    def etag(self) -> str:
        """That of the documents."""
        return self.drawing.etag

    def encoded(self) -> bytes:
        """The whole, as JSON."""
        draw = self.drawing
        nodes, edges = (
            b",".join([head[: -len(LIVE)] + b"}" for head in heads]) for heads in (draw.node_heads, draw.edge_heads)
        )
        return draw.whole(nodes, edges, None, self.as_of)


def _known(several: Sequence[Node | Edge], heads: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    return {(each.id, each.version): head for each, head in zip(several, heads, strict=True)}


def _head(each: Node | Edge) -> bytes:
    """What never changes while the document stays is encoded once."""
    return msgspec.json.encode({"id": each.id, **each.body})[:-1] + LIVE


def _same(mine: Sequence[Node | Edge], others: Sequence[Node | Edge]) -> bool:
    return len(mine) == len(others) and all(a is b for a, b in zip(mine, others, strict=True))
