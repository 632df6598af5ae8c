"""Fixtures that any test package may import into its conftest: `clickhouse` and `clickhouse_server`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .endpoint import ClickHouseEndpoint


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseEndpoint]:
    """One server for the whole session, for tests that only store and ask."""
    with ClickHouseEndpoint(tmp_path_factory.mktemp("clickhouse") / "data") as endpoint:
        yield endpoint


@pytest.fixture
def clickhouse(clickhouse_server: ClickHouseEndpoint) -> ClickHouseEndpoint:
    """The session's server, started and healthy, its database empty."""
    clickhouse_server.start()
    clickhouse_server.normal()
    client = clickhouse_server.client(database="default")
    client.command(f"DROP DATABASE IF EXISTS {clickhouse_server.database} SYNC")
    client.command(f"CREATE DATABASE {clickhouse_server.database}")
    client.close()
    return clickhouse_server
