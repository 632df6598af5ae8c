"""Filters made up at random, through the server: the rows that come are those that a row-by-row evaluation keeps."""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.flux.clients.brute import Condition, Group
from tests.contracts.flux.clients.grammar import conditions, groups, parameter
from tests.contracts.flux.clients.project import Project
from tests.contracts.flux.clients.specimens import TABLES, Specimens

EXAMPLES = 60


@pytest.fixture(scope="module", params=sorted(TABLES))
def specimens(request: pytest.FixtureRequest, flux: Project) -> Specimens:
    """The rows of a table, inserted."""
    made = TABLES[request.param](random.Random())
    with flux.http() as client:
        found = client.post(f"/{made.table}", json=list(made.rows))
    assert found.status_code == 201, found.text
    return made


@pytest.fixture(scope="module")
def asking(flux: Project) -> Iterator[httpx.Client]:
    """One connection for all requests."""
    with flux.http() as client:
        yield client


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_filters(specimens: Specimens, asking: httpx.Client, data: st.DataObject) -> None:
    part = conditions(specimens.known) | groups(specimens.known)
    parts: list[Condition | Group] = data.draw(st.lists(part, min_size=1, max_size=3))
    parameters = [("select", "id"), specimens.fence, *map(parameter, parts)]
    found = asking.get(f"/{specimens.table}", params=parameters)
    assert found.status_code == 200, (parameters, found.text)
    wanted = [row["id"] for row in specimens.rows if all(part.holds(row) is True for part in parts)]
    assert sorted(row["id"] for row in found.json()) == sorted(wanted), parameters


@settings(max_examples=EXAMPLES // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_orders_and_windows(specimens: Specimens, asking: httpx.Client, data: st.DataObject) -> None:
    operands = sorted(specimens.known, key=lambda each: each.written)
    chosen = data.draw(st.lists(st.sampled_from(operands), min_size=1, max_size=3, unique=True))
    order = [(operand, data.draw(st.booleans()), data.draw(st.sampled_from((None, True, False)))) for operand in chosen]
    ends = {None: "", True: ".nullsfirst", False: ".nullslast"}
    written = ",".join(f"{operand.written}{'.desc' if down else ''}{ends[first]}" for operand, down, first in order)
    offset, limit = data.draw(st.integers(0, 45)), data.draw(st.none() | st.integers(0, 45))
    window = [("offset", str(offset))] if limit is None else [("offset", str(offset)), ("limit", str(limit))]
    found = asking.get(f"/{specimens.table}", params=[("select", "id"), specimens.fence, ("order", written), *window])
    assert found.status_code == 200, found.text
    wanted = list(specimens.rows)
    for operand, down, first in reversed(order):
        empty = [row for row in wanted if operand.of(row) is None]
        rest = sorted((row for row in wanted if operand.of(row) is not None), key=operand.of, reverse=down)
        wanted = [*empty, *rest] if (down if first is None else first) else [*rest, *empty]
    by_id = {row["id"]: row for row in specimens.rows}
    ids = [row["id"] for row in found.json()]
    assert len(set(ids)) == len(ids)
    end = None if limit is None else offset + limit
    keys = [[operand.of(by_id[ident]) for operand in chosen] for ident in ids]
    assert keys == [[operand.of(row) for operand in chosen] for row in wanted[offset:end]]
