"""Both forms of the telemetry store: the engine in this process, and a server reached by HTTP."""

from __future__ import annotations

import pytest

from tests.clickhouse.fixture import clickhouse, clickhouse_server
from tests.stores import fresh_telemetry_url

__all__ = ["clickhouse", "clickhouse_server"]


@pytest.fixture(params=["embedded", "server"])
def telemetry_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty telemetry store."""
    if request.param == "embedded":
        return fresh_telemetry_url()
    url: str = request.getfixturevalue("clickhouse").url
    return url
