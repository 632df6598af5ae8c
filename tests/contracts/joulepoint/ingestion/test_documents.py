"""The OpenAPI document of the doors, whose routes hand over to them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter
from starlette.types import ASGIApp

from tests.contracts.joulepoint.ingestion.conftest import BULK, PATH, Meter
from wattline.contracts.joulepoint.energy_data import build
from wattline.metering.fields import NAMES


@pytest.fixture
def routers(hot: dict[str, ASGIApp]) -> list[APIRouter]:
    """The routes of the document beside the doors."""
    return [build(hot)]


async def document(meter: Meter, path: str) -> dict[str, Any]:
    answer = await meter.depot.client.get("/openapi.json")
    found: dict[str, Any] = answer.json()["paths"][path]["post"]
    return found


@pytest.mark.parametrize("path", [PATH, BULK])
async def test_every_path_is_told_of_with_its_failures_and_its_headers(meter: Meter, path: str) -> None:
    told = await document(meter, path)
    assert {"200", "400", "401", "403", "404", "405", "413", "415", "422", "429", "503", "507"} <= told["responses"].keys()
    assert {"X-Device-Key", "X-Signature"} <= {parameter["name"] for parameter in told["parameters"]}
    assert set(NAMES) <= told_fields(told, path)


def told_fields(told: dict[str, Any], path: str) -> set[str]:
    schema = told["requestBody"]["content"]["application/json"]["schema"]
    reading = schema if path == PATH else schema["oneOf"][1]["items"]
    return {*reading["properties"]}


@pytest.mark.parametrize(("path", "status"), [(PATH, 201), (BULK, 200)])
async def test_the_examples_are_taken(meter: Meter, path: str, status: int) -> None:
    example = (await document(meter, path))["requestBody"]["content"]["application/json"]["example"]
    answer = await meter.post(example, path)
    assert answer.status_code == status
    assert len(await meter.stored()) == 1


@pytest.mark.parametrize("path", [PATH, BULK])
async def test_the_routes_of_the_document_hand_over(meter: Meter, hot: dict[str, ASGIApp], path: str) -> None:
    """Where the application does not find the door by its exact path, the route leads to it."""
    doors = dict(hot)
    del hot[path]
    try:
        assert (await meter.post([{}] if path == BULK else {}, path)).json().keys() & {"rejected", "errors"}
        assert (await meter.post({"total_power": 1}, path, headers={"X-Device-Key": "nobody"})).status_code == 401
    finally:
        hot.update(doors)
