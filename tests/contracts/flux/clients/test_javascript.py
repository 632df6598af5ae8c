"""The JavaScript client against a started server: every scenario of node/scenarios is a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.contracts.flux.clients.driver import HERE, Driver, javascript, scenarios

SCENARIOS = scenarios(HERE / "node" / "scenarios", r"^export async function (\w+)\(", ".mjs")


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver(javascript())
    yield driver
    driver.close()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_javascript(driver: Driver, context: Mapping[str, object], scenario: str) -> None:
    driver.play(scenario, context)
