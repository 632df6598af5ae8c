"""The OpenAPI document says what the contract does."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from tests.contracts.mcs.halls import Hall
from wattline.contracts.mcs import documents, history, latest, points

PUBLISHED = {
    "/api/v1/sites": "get",
    "/api/v1/sites/{slug}": "get",
    "/api/v1/blocks": "get",
    "/api/v1/blocks/{slug}": "get",
    "/api/v1/equipment/{block_slug}": "get",
    "/api/v1/sensors/{block_slug}": "get",
    "/api/v1/telemetry": "get",
    "/api/v1/telemetry/latest": "get",
    "/api/v1/telemetry/multi": "get",
    "/api/v1/alarms": "get",
    "/api/v1/alarms/{sensor_id}/acknowledge": "post",
    "/api/v1/alarms/{sensor_id}/shelve": "post",
    "/api/v1/alarms/stats": "get",
    "/api/v1/events": "get",
    "/api/v1/billing/kwh": "get",
    "/api/v1/billing/kwht": "get",
    "/api/v1/billing/energy-daily": "get",
    "/api/v1/health": "get",
    "/api/v1/stats": "get",
    "/health": "get",
    "/stats": "get",
}
FREE = {"/api/v1/health", "/health"}
REQUIRED: dict[str, set[str]] = {
    "/api/v1/telemetry": {"start"},
    "/api/v1/telemetry/multi": {"start", "sensor_ids"},
    "/api/v1/billing/kwh": {"start"},
    "/api/v1/billing/kwht": {"start"},
    "/api/v1/billing/energy-daily": {"start"},
}


@pytest.fixture(scope="session")
def documented() -> dict[str, Any]:
    """The document, once it was read."""
    return {}


async def document(hall: Hall, documented: dict[str, Any]) -> dict[str, Any]:
    """The document as it is served."""
    if not documented:
        async with httpx.AsyncClient(base_url=hall.url) as client:
            documented.update((await client.get("/openapi.json")).json())
    return documented


async def test_every_published_endpoint_is_described(hall: Hall, documented: dict[str, Any]) -> None:
    found = await document(hall, documented)
    assert found["openapi"].startswith("3.1")
    for path, method in PUBLISHED.items():
        assert method in found["paths"][path], path
        operation = found["paths"][path][method]
        assert operation["summary"]
        assert operation["description"]
        assert operation["responses"]["200"]["description"]
        assert operation["responses"]["200"]["content"]["application/json"]["schema"]


async def test_every_endpoint_but_health_asks_for_a_key_in_either_form(hall: Hall, documented: dict[str, Any]) -> None:
    found = await document(hall, documented)
    schemes = found["components"]["securitySchemes"]
    assert (schemes["McsApiKey"]["in"], schemes["McsApiKey"]["name"]) == ("header", "X-API-Key")
    assert (schemes["McsBearer"]["type"], schemes["McsBearer"]["scheme"]) == ("http", "bearer")
    for path, method in PUBLISHED.items():
        operation = found["paths"][path][method]
        assert operation.get("security", []) == ([] if path in FREE else [{"McsApiKey": []}, {"McsBearer": []}]), path
        described = set(operation["responses"])
        assert described >= ({"200"} if path in FREE else {"200", "401", "403", "429", "503"}), path


async def test_failures_are_described_in_their_own_shapes(hall: Hall, documented: dict[str, Any]) -> None:
    found = await document(hall, documented)
    shapes = {"422": "McsFaults", "429": "McsTooMany"}
    for path, method in PUBLISHED.items():
        for status, described in found["paths"][path][method]["responses"].items():
            if status != "200":
                schema = described["content"]["application/json"]["schema"]
                assert schema == {"$ref": f"#/components/schemas/{shapes.get(status, 'McsFailure')}"}, (path, status)
    assert "HTTPValidationError" not in found["components"]["schemas"]


async def test_the_required_parameters_are_the_published_ones(hall: Hall, documented: dict[str, Any]) -> None:
    found = await document(hall, documented)
    for path, method in PUBLISHED.items():
        asked = found["paths"][path][method].get("parameters", [])
        required = {each["name"] for each in asked if each["in"] == "query" and each["required"]}
        assert required == REQUIRED.get(path, set()), path


async def test_what_may_be_null_says_so_and_what_is_always_there_is_required(hall: Hall, documented: dict[str, Any]) -> None:
    schemas = (await document(hall, documented))["components"]["schemas"]
    assert '"nullable"' not in msgspec.json.encode(schemas).decode()
    for name in ("Site", "SiteDetail", "Block", "BlockDetail", "Equipment", "Sensor", "TelemetryPoint", "TelemetryResponse"):
        assert schemas[name]["required"] == list(schemas[name]["properties"]), name
    sensor = schemas["Sensor"]["properties"]
    assert {"type": "null"} in sensor["unit"]["anyOf"]
    assert schemas["TelemetryResponse"]["properties"]["tier"]["enum"] == [
        "telemetry", "agg_1min", "agg_5min", "agg_1hour", "agg_1day",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "described"),
    [
        (points.Point, documents.TelemetryPoint),
        (history.History, documents.TelemetryResponse),
        (history.Histories, documents.MultiResponse),
        (latest.JudgedReading, documents.LatestReading),
        (latest.Latest, documents.LatestResponse),
    ],
)
def test_what_is_encoded_is_what_is_described(row: type[msgspec.Struct], described: type[Any]) -> None:
    assert list(row.__struct_fields__) == list(described.model_fields)
