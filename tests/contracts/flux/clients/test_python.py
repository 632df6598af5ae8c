"""The Python clients against a started server: every scenario of python/scenarios is a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.contracts.flux.clients.driver import HERE, Driver, python, scenarios

SCENARIOS = scenarios(HERE / "python" / "scenarios", r"^(?:async )?def ([a-z]\w+)\(", ".py")


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver(python())
    yield driver
    driver.close()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_python(driver: Driver, context: Mapping[str, object], scenario: str) -> None:
    driver.play(scenario, context)
