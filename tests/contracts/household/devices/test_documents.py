"""What the OpenAPI document says of these routes, and that they work when they are reached as it has them."""

from __future__ import annotations

import json
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from wattline.contracts.household import devices
from wattline.contracts.household.device_documents import ROUTES, documented
from wattline.contracts.household.device_json import reading, script_accepted, token_request
from wattline.metrics import Metrics

from .asking import reading as sent_reading
from .asking import token_of
from .served import Served, application

READERS = {"/token": token_request, "/sensor_input": reading, "/script_accepted": script_accepted}


@pytest.fixture
def app(served: Served) -> FastAPI:
    """The documented routes and nothing else."""
    made = FastAPI()
    hot = cast(Any, application(served.meters, Metrics())).hot
    doors: dict[str, ASGIApp] = {path: hot[path] for path in devices.PATHS}
    made.include_router(documented(doors))
    return made


def test_every_route_tells_its_messages_and_failures(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    assert tuple(paths) == devices.PATHS
    for path, said in paths.items():
        operation = said["post"]
        assert "message " in operation["description"]
        assert set(operation["requestBody"]["content"]) == {"application/x-protobuf", "application/json"}
        assert {"200", "400", "401", "405", "413", "503", "507"} <= set(operation["responses"])
        assert operation["tags"] == ["Household devices"]
        assert ("429" in operation["responses"]) is (path == "/token")


@pytest.mark.parametrize("path", devices.PATHS)
def test_the_example_is_read_as_it_stands(path: str) -> None:
    READERS[path](json.dumps(ROUTES[path][-1]).encode())


async def test_the_route_behind_the_hot_one_is_the_same_door(served: Served, app: FastAPI) -> None:
    token = await token_of(served, served.digital)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://home") as client:
        answer = await client.post("/sensor_input", content=sent_reading(token, 3.5))
    assert (answer.status_code, answer.content) == (200, b"\x08\xc8\x01")
    assert [each.value for _, each in served.taken] == [3.5]
