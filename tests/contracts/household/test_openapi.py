"""The document: every route of the contract, at both of its places, with its key and its failures."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from tests.contracts.household.home import MANAGEMENT, Home
from wattline.app import Front
from wattline.contracts import flux, hop, mcs
from wattline.contracts.household.routes import CRON, PAGE, PREFIX, PREFIXES, build
from wattline.platform import Platform

METHODS = dict.fromkeys(PAGE, "post") | {"/csv_energy": "get", "/csv_experiment": "get"} | dict.fromkeys(CRON, "get")
OF_DEVICES = ("/token", "/sensor_input", "/script_accepted")
KEY_IN_BODY = ("/process_peaks", "/process_anomaly", "/process_reports")
PUBLISHED = {
    "/sensor_input": {"200", "400", "401"},
    "/token": {"200", "401"},
    "/script_accepted": {"200", "404"},
    "/ml": {"200", "500"},
    "/csv_energy": {"200", "404"},
    "/csv_experiment": {"200", "404"},
    "/process_peaks": {"200", "404"},
    "/process_anomaly": {"200", "404"},
    "/process_reports": {"200", "500"},
}
TAGS = {"Household devices", "Household data", "Household work", "Household management"}
Operation = dict[str, Any]


@pytest.fixture
async def operations(home: Home) -> dict[tuple[str, str], Operation]:
    """The contract's operations by method and path."""
    document = (await home.client.get("/openapi.json")).json()
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        if path.startswith(PREFIXES)
        for method, operation in methods.items()
        if TAGS.intersection(operation.get("tags", ()))
    }


async def test_every_published_path_is_documented_at_both_places_with_its_answers(
    operations: dict[tuple[str, str], Operation],
) -> None:
    for path, statuses in PUBLISHED.items():
        for place in (path, f"{PREFIX}{path}"):
            operation = operations[METHODS[path], place]
            assert statuses <= set(operation["responses"]), place
    for path in CRON:
        assert {("get", path), ("get", f"{PREFIX}{path}")} <= set(operations)


async def test_every_operation_is_told_in_words_with_a_key_and_no_422(operations: dict[tuple[str, str], Operation]) -> None:
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    for (method, path), operation in operations.items():
        assert operation["summary"], path
        assert operation["description"], path
        assert set(operation["tags"]) <= TAGS, path
        assert "422" not in operation["responses"], (method, path)
        bare = path.removeprefix(PREFIX)
        if bare not in (*KEY_IN_BODY, "/token", "/household/device_categories"):
            assert operation.get("security"), (method, path)


async def test_every_path_tells_an_unknown_method_in_the_shape_of_a_failure(
    home: Home, operations: dict[tuple[str, str], Operation]
) -> None:
    for path in {path for _, path in operations}:
        if path.removeprefix(PREFIX) in OF_DEVICES:
            continue
        answer = await home.call("TRACE", path.replace("{", "").replace("}", ""), managed=False)
        allowed = sorted(method.upper() for method, known in operations if known == path)
        assert (answer.status_code, answer.json()["status"]) == (405, 405), path
        assert answer.headers["allow"] == ", ".join(allowed), path


def test_no_path_of_another_contract_is_taken(shared: tuple[Platform, ASGIApp]) -> None:
    platform, app = shared
    assert isinstance(app, Front)
    others = [each.build(platform) for each in (hop, mcs, flux)]
    paths = {path for contract in others for path in contract.hot}
    for contract in others:
        for prefix, router in contract.routers:
            paths |= set(_paths(router.routes, prefix))
    assert len(paths) > 40
    ours = build(platform)
    assert not [path for path in paths if path.startswith(tuple(ours.prefixes))]
    for path in (*PAGE, *CRON):
        assert {path, f"{PREFIX}{path}"} <= set(ours.prefixes)
    assert f"{MANAGEMENT}/" in ours.prefixes


def _paths(routes: list[Any], prefix: str) -> list[str]:
    found = []
    for route in routes:
        if isinstance(route, APIRoute) or hasattr(route, "path"):
            found.append(prefix + route.path)
        elif hasattr(route, "original_router"):
            found += _paths(route.original_router.routes, prefix + route.include_context.prefix)
    return found
