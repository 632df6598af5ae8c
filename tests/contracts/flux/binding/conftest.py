"""A PostgreSQL with every relation of the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.flux.binding.planner import TYPES, Planner
from tests.postgres import PostgresServer
from wattline.contracts.flux.tables import RELATIONS


@pytest.fixture(scope="session")
def planner(postgres: PostgresServer) -> Iterator[Planner]:
    """A connection to it."""
    made = Planner(postgres.create("flux_binding"), TYPES, *RELATIONS.values())
    yield made
    made.connection.close()
