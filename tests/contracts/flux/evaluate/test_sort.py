"""Orders against PostgreSQL's."""

from __future__ import annotations

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.contracts.flux.evaluate.oracle import column
from tests.contracts.flux.evaluate.specimens import REFS, TABLE
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.evaluate.sort import positions, sorted_columns
from wattline.contracts.flux.expression import Ref, Sort

TERMS = st.lists(st.builds(Sort, REFS, st.booleans(), st.booleans()), min_size=1, max_size=3)


@given(TERMS)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_come_in_postgresqls_order(specimens: psycopg.Connection, terms: list[Sort]) -> None:
    listed = [
        sql.SQL("{} {} NULLS {}").format(
            column(term.ref),
            sql.SQL("DESC" if term.descending else "ASC"),
            sql.SQL("FIRST" if term.nulls_first else "LAST"),
        )
        for term in terms
    ]
    statement = sql.SQL("SELECT row FROM specimens ORDER BY {}, row").format(sql.SQL(", ").join(listed))
    assert positions(TABLE, terms).to_pylist() == [row[0] for row in specimens.execute(statement)]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("terms", [1, 2])
def test_equal_rows_stay_as_they_come(descending: bool, terms: int) -> None:
    values = np.random.default_rng(7).integers(0, 3, 50_000)
    term = (pa.array(values), Sort(Ref("x", Type.INT8), descending))
    order = sorted_columns([term] * terms).to_numpy()
    assert order.tolist() == sorted(range(len(values)), key=lambda place: -values[place] if descending else values[place])
