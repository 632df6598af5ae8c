"""A look as it is sent: every object is what its columns say, whole and as what became of it."""

from __future__ import annotations

import json
from math import isnan
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.model.clock import from_micros
from wattline.topology.checks import check_edge, check_node
from wattline.topology.drawing import Plain, drawing
from wattline.topology.flow import METHODS
from wattline.topology.frame import Frame
from wattline.topology.model import BREAKER_STATES, edge_of, node_of

NOW = 1_760_000_000_000_000
TOTALS = {"import_w": 1.5, "export_w": None}
FIGURES = st.one_of(st.just(float("nan")), st.integers(-2000, 2000).map(lambda n: n / 8))


def _body(number: int) -> dict[str, Any]:
    return check_node({"kind": "breaker", "name": f'x"{number}é', "position": {"x": number, "y": 0}, "metadata": {"a": []}})


def _cable(number: int) -> dict[str, Any]:
    return check_edge({"source": number, "target": number + 1, "length_m": 12.5}) | {"site_id": "main"}


@st.composite
def _looks(draw: st.DrawFn, size: int) -> Frame:
    def matrix(rows: int, width: int) -> np.ndarray:
        return np.array([[draw(FIGURES) for _ in range(width)] for _ in range(rows)], np.float64).reshape(rows, width)

    def flags() -> np.ndarray:
        return np.array([draw(st.booleans()) for _ in range(size)], bool)

    edges = max(size - 1, 0)
    made = drawing(
        ("one",),
        'ma"in',
        [node_of(n + 1, 1, _body(n + 1)) for n in range(size)],
        [edge_of(100 + n, 1, _cable(n + 1)) for n in range(edges)],
    )
    methods = [draw(st.integers(0, len(METHODS) - 1)) for _ in range(edges)]
    states = [draw(st.sampled_from(BREAKER_STATES)) for _ in range(size)]
    age = matrix(size, 1)[:, 0]
    return Frame(
        made, NOW, matrix(size, 3), flags(), flags(), age, states, matrix(edges, 4), np.array(methods, np.int64), TOTALS
    )


def _value(number: float) -> float | None:
    return None if isnan(number) else float(number)


def _of_node(seen: Frame, n: int) -> dict[str, Any]:
    power, voltage, current = (_value(each) for each in seen.node[n])
    basis = None if power is None else "measured" if seen.measured[n] else "derived"
    state, stale = seen.states[n], bool(seen.stale[n])
    return {"power_w": power, "voltage_v": voltage, "current_a": current, "age_s": _value(seen.age[n]), "stale": stale,
            "basis": basis, "state": state}  # fmt: skip


def _of_edge(seen: Frame, n: int) -> dict[str, Any]:
    power, current, loading, loss = (_value(each) for each in seen.edge[n])
    direction = None if power is None else "forward" if power > 0 else "reverse" if power < 0 else "none"
    return {"power_w": None if power is None else abs(power), "direction": direction, "current_a": current,
            "loading_pct": loading, "loss_w": loss, "loss_method": METHODS[seen.method[n]]}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 6))
def test_every_object_is_what_its_columns_say(data: st.DataObject, size: int) -> None:
    seen, before = data.draw(_looks(size)), data.draw(_looks(size))
    nodes = [{"id": n + 1, **_body(n + 1)} for n in range(size)]
    edges = [{"id": 100 + n, **_cable(n + 1)} for n in range(max(size - 1, 0))]
    rest = {"site_id": 'ma"in', "as_of": from_micros(NOW).isoformat().replace("+00:00", "Z")}
    assert json.loads(seen.encoded()) == rest | {
        "nodes": [node | {"live": _of_node(seen, n)} for n, node in enumerate(nodes)],
        "edges": [edge | {"live": _of_edge(seen, n)} for n, edge in enumerate(edges)],
        "totals": TOTALS,
    }
    assert json.loads(Plain(seen.drawing, NOW).encoded()) == rest | {"nodes": nodes, "edges": edges, "totals": None}
    whole = seen.since(None)
    assert whole is not None
    assert json.loads(bytes(whole["nodes"])) == [{"id": n + 1, "live": _of_node(seen, n)} for n in range(size)]
    told = seen.since(before)
    changed = [n for n in range(size) if _of_node(seen, n) | {"age_s": 0} != _of_node(before, n) | {"age_s": 0}]
    # What is measured may be other where no power is known: then nothing is seen of it.
    listed = [] if told is None else json.loads(bytes(told["nodes"]))
    if before.drawing.version == seen.drawing.version:
        assert set(changed) <= {each["id"] - 1 for each in listed}
        assert all(each["live"] == _of_node(seen, each["id"] - 1) for each in listed)
        if told is not None:
            lines = [n for n in range(len(edges)) if _of_edge(seen, n) != _of_edge(before, n)]
            found = json.loads(bytes(told["edges"]))
            assert set(lines) <= {each["id"] - 100 for each in found}
            assert all(each["live"] == _of_edge(seen, each["id"] - 100) for each in found)
