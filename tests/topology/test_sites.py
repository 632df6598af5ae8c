"""What is made again of a site where one of its documents changes."""

from __future__ import annotations

from typing import Any

from wattline.topology.checks import check_edge, check_node
from wattline.topology.drawing import drawing
from wattline.topology.last_rows import LastRows
from wattline.topology.model import Edge, Node, edge_of, node_of
from wattline.topology.plan import Planner
from wattline.topology.sites import Site, site_of


class NoMeters:
    """A tenant without meters."""

    def find(self, tenant: str, number: int) -> None:
        return None

    def channel(self, meter: object, field: str) -> None:
        return None


def _documents(size: int) -> tuple[list[Node], list[Edge]]:
    nodes = [node_of(n, 1, check_node({"kind": "bus" if n else "grid", "name": f"n{n}"})) for n in range(size)]
    bodies = [check_edge({"source": n or 10**6, "target": n + 1}) | {"source": n, "site_id": "main"} for n in range(size - 1)]
    return nodes, [edge_of(1000 + n, 1, body) for n, body in enumerate(bodies)]


def _site(nodes: list[Node], edges: list[Edge], former: Site | None) -> Site:
    planner = Planner("t", NoMeters(), LastRows(), {})
    planner.add(nodes)
    draw = drawing((1, 1), "main", [*nodes], [*edges], None if former is None else former.drawing)
    made = site_of(draw, planner if former is None else former, 0, former)
    made.shape_in(made.states)
    return made


def _changed(node: Node, **values: Any) -> Node:
    return node_of(node.id, node.version + 1, {**node.body, **values})


def test_only_the_changed_document_is_encoded_again() -> None:
    nodes, edges = _documents(30)
    before = _site(nodes, edges, None)
    nodes[7] = _changed(nodes[7], name="other")
    after = _site(nodes, edges, before)
    same = [a is b for a, b in zip(before.drawing.node_heads, after.drawing.node_heads, strict=True)]
    assert same == [n != 7 for n in range(30)]
    assert b'"other"' in after.drawing.node_heads[7]
    assert all(a is b for a, b in zip(before.drawing.edge_heads, after.drawing.edge_heads, strict=True))
    assert after.drawing.etag != before.drawing.etag
    assert after.shape is before.shape
    assert after.plan is before.plan


def test_what_is_joined_otherwise_has_another_shape() -> None:
    nodes, edges = _documents(30)
    before = _site(nodes, edges, None)
    assert before.shape is not None
    opened = [*nodes]
    opened[7] = _changed(nodes[7], state="out_of_service")
    after = _site(opened, edges, before)
    assert after.shape is not None
    assert after.shape[1].dead.tolist() == [n == 7 for n in range(30)]
    fewer = _site(nodes, edges[:-1], before)
    assert fewer.shape is not None
    assert len(fewer.shape[1].live) == 28
    other = [*nodes]
    other[29] = _changed(nodes[29], kind="load")
    assert _site(other, edges, before).shape is not before.shape


def test_another_meter_at_a_node_is_looked_up_again() -> None:
    nodes, edges = _documents(3)
    site = _site(nodes, edges, None)
    assert site.has_meters_of((2, 1), nodes)
    assert not site.has_meters_of((2, 2), nodes)
    nodes[1] = _changed(nodes[1], meter_id=5)
    assert not site.has_meters_of((2, 1), nodes)
