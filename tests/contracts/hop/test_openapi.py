"""The OpenAPI document says what the contract does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.hop.utility import EVENT, OUTAGE, TELEMETRY, Utility
from wattline.contracts.hop import examples

PUBLISHED = {
    "/api/ingest/telemetry": "post",
    "/api/scada/write": "post",
    "/api/ingest/event": "post",
    "/api/ingest/outage": "post",
    "/api/query/telemetry/latest": "get",
    "/api/query/telemetry/timeseries": "get",
    "/api/query/ml/latest": "get",
    "/api/query/ml/trend": "get",
    "/api/query/events": "get",
    "/api/query/outages/active": "get",
    "/api/query/frequency/thresholds": "get",
    "/api/query/substations": "get",
    "/api/health": "get",
}
ADDED = {
    "/api/ingest/telemetry/batch": "post",
    "/api/ingest/scores": "post",
    "/api/query/frequency/limits": "get",
    "/api/query/alerts": "get",
    "/api/query/reliability": "get",
    "/api/stream": "get",
}


async def document(hop: Utility) -> dict[str, Any]:
    """The document as it is served."""
    found: dict[str, Any] = (await hop.client.get("http://test/openapi.json")).json()
    return found


async def test_every_endpoint_is_described_and_no_other(hop: Utility) -> None:
    found = await document(hop)
    assert found["openapi"].startswith("3.1")
    described = {
        path: methods
        for path, methods in found["paths"].items()
        if path.startswith(("/api/ingest", "/api/query", "/api/scada", "/api/stream", "/api/health"))
    }
    assert {path: next(iter(methods)) for path, methods in described.items()} == PUBLISHED | ADDED


async def test_every_endpoint_but_health_asks_for_the_key(hop: Utility) -> None:
    found = await document(hop)
    assert found["components"]["securitySchemes"]["APIKeyHeader"]["name"] == "X-API-Key"
    for path, method in (PUBLISHED | ADDED).items():
        operation = found["paths"][path][method]
        assert operation.get("security", []) == ([] if path == "/api/health" else [{"APIKeyHeader": []}]), path
        assert ("401" in operation["responses"]) == (path != "/api/health")


@pytest.mark.parametrize(
    ("path", "published"),
    [("/api/ingest/telemetry", TELEMETRY), ("/api/ingest/event", EVENT), ("/api/ingest/outage", OUTAGE)],
)
async def test_bodies_have_the_published_fields(hop: Utility, path: str, published: dict[str, Any]) -> None:
    operation = (await document(hop))["paths"][path]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == set(published) | {"timestamp"}
    required = {
        "/api/ingest/telemetry": ["substation_id", "voltage_kv", "current_a", "power_mw", "frequency_hz"],
        "/api/ingest/event": ["device_id", "severity", "event_type"],
        "/api/ingest/outage": ["outage_id", "feeder_id", "customers_out", "status"],
    }[path]
    assert schema["required"] == required
    assert {"200", "401", "403", "413", "415", "422", "500", "503", "507"} <= set(operation["responses"])


async def test_the_choices_of_minutes_are_listed(hop: Utility) -> None:
    parameters = (await document(hop))["paths"]["/api/query/telemetry/timeseries"]["get"]["parameters"]
    (minutes,) = (each["schema"] for each in parameters if each["name"] == "minutes")
    assert (minutes["enum"], minutes["default"]) == ([5, 15, 30, 60, 360, 1440, 10080], 30)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ingest/telemetry", examples.TELEMETRY),
        ("/ingest/telemetry/batch", examples.BATCH),
        ("/ingest/event", examples.EVENT),
        ("/ingest/outage", examples.OUTAGE),
        ("/ingest/scores", examples.SCORE),
    ],
)
async def test_every_example_works(hop: Utility, path: str, body: dict[str, Any]) -> None:
    await hop.telemetry()
    await hop.send(path, body)
