"""Every route of the contract, on a platform: the hot ones as plain ASGI, all of them in FastAPI and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wattline.contracts.hop import documents, errors, health, query_operations, query_scores, query_telemetry, stream
from wattline.contracts.hop.bodies import GridEvent, Outage, Score, Telemetry
from wattline.contracts.hop.devices import Devices
from wattline.contracts.hop.door import JSON, LINES, Door
from wattline.contracts.hop.errors import PREFIX
from wattline.contracts.hop.examples import BATCH, EVENT, OUTAGE, SCORE, TELEMETRY
from wattline.contracts.hop.feed import Feed
from wattline.contracts.hop.frames import Framer
from wattline.contracts.hop.gate import Gate
from wattline.contracts.hop.intake import Intake
from wattline.contracts.hop.operations import OperationsWriter
from wattline.contracts.hop.places import Places
from wattline.contracts.hop.telemetry import TelemetryWriter
from wattline.platform import Platform


@dataclass(frozen=True, eq=False)
class HopContract:
    """What the application mounts (`wattline.app.Contract`); `feed` is the live stream's memory."""

    hot: Mapping[str, ASGIApp]
    routers: Sequence[tuple[str, APIRouter]]
    feed: Feed
    prefixes: Sequence[str] = (f"{PREFIX}/",)
    for_devices: Collection[str] = ()
    around: Callable[[ASGIApp], ASGIApp] | None = None

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a failure under /api."""
        return errors.failed(request, error)


class _Handed(Response):
    """Hands a FastAPI route's request to a plain ASGI callable."""

    def __init__(self, door: Door) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = []
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)


def _add(router: APIRouter, path: str, door: Door, summary: str, answer: Any, body: dict[str, Any], text: str) -> None:
    async def handed(_request: Request) -> Response:
        return _Handed(door)

    handed.__name__ = path.strip("/").replace("/", "_")
    router.add_api_route(
        path,
        handed,
        methods=["POST"],
        summary=summary,
        description=text,
        response_model=answer,
        openapi_extra=body | {"security": [{"APIKeyHeader": []}]},
        tags=["HOP ingest"],
        responses=documents.BODY_REFUSALS,
    )


def build(platform: Platform) -> HopContract:
    """The contract on a running platform."""
    settings, metrics = platform.settings, platform.metrics
    gate = Gate(platform.identity, settings)
    intake = Intake(Devices(platform.registry), settings, platform.clock, metrics)
    telemetry = TelemetryWriter(intake, platform.ingest, metrics)
    operations = OperationsWriter(
        platform.registry,
        Places(platform.registry),
        platform.feeders,
        platform.outages,
        platform.ingest,
        platform.clock,
        settings,
        metrics,
    )
    one, many = settings.max_record_bytes, settings.max_body_bytes
    single = Door(gate, metrics, telemetry.single, access="telemetry:write", most_bytes=one)
    batch = Door(gate, metrics, telemetry.batch, access="telemetry:write", most_bytes=many, media=(JSON, LINES))
    event = Door(gate, metrics, operations.event, access="event:write", most_bytes=one)
    outage = Door(gate, metrics, operations.outage, access="outage:write", most_bytes=one)
    score = Door(gate, metrics, operations.scores, access="ml:write", most_bytes=one)

    router = APIRouter()
    text = documents.written("TelemetryWritten", status=(str, "telemetry written"), substation_id=(str, ...))
    body = documents.body(Telemetry, TELEMETRY)
    _add(router, "/ingest/telemetry", single, "Write a reading", text, body, "One reading of one feeder.")
    _add(router, "/scada/write", single, "Write a reading (v4)", text, body, "Identical to /ingest/telemetry, kept for v4.")
    _add(
        router,
        "/ingest/telemetry/batch",
        batch,
        "Write many readings",
        documents.BatchWritten,
        documents.batch_body(Telemetry, BATCH),
        '1 to 5,000 readings as `{"records": [...]}` or as NDJSON. Refused records are named and the others written;'
        " with `?atomic=true` all are written or none.",
    )
    _add(
        router,
        "/ingest/event",
        event,
        "Write a grid event",
        documents.written("EventWritten", status=(str, "event written"), device_id=(str, ...)),
        documents.body(GridEvent, EVENT),
        "A state change, alarm or operational transition of a device or feeder. The same event again changes nothing.",
    )
    _add(
        router,
        "/ingest/outage",
        outage,
        "Write an outage record",
        documents.written("OutageWritten", status=(str, "outage written"), outage_id=(str, ...)),
        documents.body(Outage, OUTAGE),
        "ACTIVE when an outage begins or changes, RESTORED when it is cleared, with the same outage_id.",
    )
    _add(
        router,
        "/ingest/scores",
        score,
        "Write an anomaly score",
        documents.written("ScoreWritten", status=(str, "score written"), substation_id=(str, ...)),
        documents.body(Score, SCORE),
        "A score of a scoring service outside, kept under its own model_version. Needs the scope ml:write.",
    )
    for module in (query_telemetry, query_scores, query_operations):
        router.include_router(module.build(platform, gate))
    feed = Feed(platform.bus, Framer(platform.registry, settings.scoring_model), platform.clock, metrics, platform.stopping)
    router.include_router(stream.build(feed, gate))
    router.include_router(health.build(platform))
    hot = {
        f"{PREFIX}/ingest/telemetry": single,
        f"{PREFIX}/scada/write": single,
        f"{PREFIX}/ingest/telemetry/batch": batch,
    }
    return HopContract(hot, ((PREFIX, router),), feed)
