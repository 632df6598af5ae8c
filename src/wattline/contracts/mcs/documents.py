"""What the answers hold, and what the OpenAPI document says of them. Keys and their order are the page's, additions last."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Json = dict[str, Any]


class McsFailure(BaseModel):
    """What went wrong."""

    detail: str = Field(description="In words.")


class McsFault(BaseModel):
    """What is wrong with one field."""

    type: str
    loc: list[str | int] = Field(description="Where: query, path or body, then the field.")
    msg: str
    input: Any = Field(description="What was sent there; null where it is missing.")
    ctx: Json | None = Field(default=None, description="The bound that it breaks.")


class McsFaults(BaseModel):
    """Every fault of a request."""

    detail: list[McsFault]


class McsTooMany(BaseModel):
    """The key has asked too often."""

    detail: str
    retry_after_seconds: int


_REFUSALS: dict[int, dict[str, Any]] = {
    400: {"model": McsFailure, "description": "The request makes no sense: an end before the start, a body that is not UTF-8."},
    401: {"model": McsFailure, "description": "No key, or one that is not valid now."},
    403: {"model": McsFailure, "description": "The key lacks the scope."},
    404: {"model": McsFailure, "description": "There is no such thing, or the key does not include it."},
    409: {"model": McsFailure, "description": "A name that several things bear; the detail tells how to name one in full."},
    413: {"model": McsFailure, "description": "The body is too large."},
    422: {"model": McsFaults, "description": "The request failed validation; field-level detail."},
    429: {"model": McsTooMany, "description": "The key asks too often; `Retry-After` says when to come again."},
    503: {"model": McsFailure, "description": "A store is away; `Retry-After` says when to come again."},
    507: {"model": McsFailure, "description": "The disk is full; nothing was written."},
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that asks for a key: what every one may answer, and these statuses (413: it reads a body)."""
    usual = {401, 403, 429, 503} | ({400} if 413 in statuses else set())
    return {status: _REFUSALS[status] for status in sorted(usual.union(statuses))}


class Site(BaseModel):
    """A site."""

    id: int
    slug: str
    name: str
    region: str | None
    status: str = Field(description="active, commissioning or decommissioned.")
    latitude: float | None = Field(description="Degrees.")
    longitude: float | None = Field(description="Degrees.")
    block_count: int
    total_capacity_mw: float = Field(description="Of all its blocks, in MW.")


class SiteDetail(Site):
    """A site in full."""

    config: Json | None
    created_at: datetime | None
    timezone: str = Field(description="Added: IANA name of its local time.")


class _PublishedBlock(BaseModel):
    id: int
    slug: str
    site_slug: str
    site_name: str
    capacity_mw: float
    status: str = Field(description="active, commissioning, standby or decommissioned.")
    commissioned_at: datetime | None
    sensor_count: int


class _PublishedBlockDetail(_PublishedBlock):
    config: Json | None
    equipment_count: int


class _LiveBlock(BaseModel):
    thermal_mode: str | None = Field(description="Added: the mode that its controller said last, such as EXPORT.")
    thermal_mode_since: datetime | None = Field(description="Added.")
    alarms_standing: int = Field(description="Added: alarms that ask for an operator now (ACTIVE and RTN_UNACK).")


# Fields come base by base from the last to the first: what is published, then what was added.
class Block(_LiveBlock, _PublishedBlock):
    """A block."""


class BlockDetail(_LiveBlock, _PublishedBlockDetail):
    """A block in full."""


class Equipment(BaseModel):
    """A piece of equipment."""

    id: int
    tag: str
    type: str
    subsystem: str
    block_slug: str
    metadata: Json | None
    sensor_count: int


class AlarmThreshold(BaseModel):
    """One alarm limit."""

    value: float
    priority: Literal["P0", "P1", "P2", "P3"]
    delay_s: float


class Sensor(BaseModel):
    """A sensor as it is registered."""

    id: int
    tag: str
    description: str | None
    unit: str | None
    subsystem: str
    equipment_tag: str
    block_slug: str
    range_min: float | None
    range_max: float | None
    poll_rate_ms: int | None
    alarm_thresholds: dict[str, AlarmThreshold] | None = Field(
        description="By level: HH, H, L, LL; or P0_high to P3_low where a point schedule set them."
    )


class TelemetryPoint(BaseModel):
    """A bucket, or one reading as sent (the tier `telemetry`), in the sensor's unit."""

    bucket: datetime = Field(description="Begin of the bucket, or the time of the reading.")
    val_avg: float | None = Field(description="Mean of the usable readings (GOOD and UNCERTAIN); null where all were BAD.")
    val_min: float | None
    val_max: float | None
    val_last: float | None
    sample_count: int = Field(description="Readings received, BAD ones too.")
    quality_ratio: float | None = Field(description="Share of GOOD among the readings received.")


Tier = Literal["telemetry", "agg_1min", "agg_5min", "agg_1hour", "agg_1day"]

_POINT: dict[str, JsonValue] = {
    "bucket": "2026-02-21T06:00:00Z",
    "val_avg": 32.14,
    "val_min": 31.8,
    "val_max": 32.6,
    "val_last": 32.2,
    "sample_count": 12,
    "quality_ratio": 1.0,
}
_WINDOW: dict[str, JsonValue] = {"start": "2026-02-21T06:00:00Z", "end": "2026-02-21T12:00:00Z"}
_SENSOR: dict[str, JsonValue] = {"sensor_id": 42, "sensor_tag": "CDU-01-T-SUP", "unit": "°C"}


class TelemetryResponse(BaseModel):
    """The history of one sensor, ascending. Of a long answer `point_count` comes after `data`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_SENSOR, "tier": "agg_1min", **_WINDOW, "point_count": 360, "data": [_POINT]}]}
    )

    sensor_id: int
    sensor_tag: str
    unit: str | None
    tier: Tier = Field(description="Which tier the points are from.")
    start: datetime
    end: datetime
    point_count: int
    data: list[TelemetryPoint]


class MultiResponse(BaseModel):
    """The history of several sensors, by their ids as text."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tier": "agg_1min", **_WINDOW, "sensors": {"42": [_POINT], "43": []}}]}
    )

    tier: Tier
    start: datetime
    end: datetime
    sensors: dict[str, list[TelemetryPoint]]


class LatestReading(BaseModel):
    """The newest reading of one sensor."""

    sensor_id: int
    tag: str
    subsystem: str
    unit: str | None
    value: float
    quality: Literal[0, 1, 2] = Field(description="0 GOOD, 1 UNCERTAIN, 2 BAD.")
    timestamp: datetime
    stale: bool | None = Field(default=None, description="With `include_stale`: whether it is older than an hour.")


class LatestResponse(BaseModel):
    """The newest readings of a block."""

    block_slug: str
    sensor_count: int = Field(description="How many readings there are.")
    readings: list[LatestReading]


class HealthResponse(BaseModel):
    """Whether the platform works."""

    status: Literal["ok", "degraded"]
    version: str
    db_connected: bool = Field(description="Whether the telemetry store and the state store answer and the journal has room.")
    redis_connected: bool = Field(description="Whether live messages travel.")
    uptime_seconds: float = Field(description="Of this process.")


class TelemetryStatistics(BaseModel):
    """What is stored; a figure that cannot be told now is null."""

    rows_last_hour: int | None
    table_size: str | None = Field(description="Of all readings as sent, on disk.")
    oldest_in_window: datetime | None = Field(description="The oldest reading of the last hour.")
    newest_in_window: datetime | None


class TierStatistics(BaseModel):
    """How far a tier is computed; what follows is computed when it is asked for."""

    view_name: Tier
    last_refreshed_to: datetime | None
    refresh_lag: str | None = Field(description="How long ago that is: `0:01:10`.")
    status: Literal["OK", "WARNING", "CRITICAL"] = Field(description="WARNING when overdue by 10 min, CRITICAL by 30 min.")


class AlarmStatistics(BaseModel):
    """Alarms by state."""

    active: int | None
    acked: int | None
    shelved: int | None
    suppressed: int | None
    rtn_unack: int | None


class StatsResponse(BaseModel):
    """Figures of the platform, each told for itself."""

    telemetry: TelemetryStatistics
    aggregates: list[TierStatistics]
    alarms: AlarmStatistics
    dead_letter_24h: int | None = Field(description="Messages of the last 24 h that could not be taken in.")
