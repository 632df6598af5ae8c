"""The bodies of the page, as types that decode straight from JSON. The one place that names their fields and bounds.

Numbers may come as decimal strings. What a type cannot say (finite, no control characters, a time) is said by `fields`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Identifier = Annotated[str, Meta(min_length=1, max_length=128, extra={"plain": True})]
Tag = Annotated[str, Meta(max_length=128, extra={"plain": True})]
Label = Annotated[str, Meta(max_length=256, extra={"plain": True})]
Prose = Annotated[str, Meta(max_length=4000, extra={"prose": True})]
Time = Annotated[str, Meta(max_length=64, extra={"time": True})]
Latitude = Annotated[float, Meta(ge=-90, le=90, extra={"unit": "degrees"})]
Longitude = Annotated[float, Meta(ge=-180, le=180, extra={"unit": "degrees"})]


class Telemetry(msgspec.Struct, gc=False):
    """POST /ingest/telemetry and its alias /scada/write."""

    substation_id: Identifier
    voltage_kv: float
    current_a: float
    power_mw: float
    frequency_hz: Annotated[float, Meta(ge=0, le=100)]
    feeder_id: Identifier | None = None
    device_id: Identifier | None = None
    site_name: Label | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    status_code: Tag | None = None
    timestamp: Time | None = None


class GridEvent(msgspec.Struct, gc=False):
    """POST /ingest/event."""

    device_id: Identifier
    severity: Literal["ALARM", "INFO"]
    event_type: Identifier
    feeder_id: Identifier | None = None
    old_state: Tag | None = None
    new_state: Tag | None = None
    message: Prose | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    timestamp: Time | None = None


class Outage(msgspec.Struct, gc=False):
    """POST /ingest/outage."""

    outage_id: Identifier
    feeder_id: Identifier
    customers_out: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    status: Literal["ACTIVE", "RESTORED"]
    region: Tag | None = None
    mw_interrupted: Annotated[float, Meta(ge=0)] | None = None
    cause: Tag | None = None
    etr_time: Time | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    timestamp: Time | None = None


class Score(msgspec.Struct, gc=False):
    """POST /ingest/scores: the row of /query/ml/latest, from a scoring service outside."""

    substation_id: Identifier
    model_version: Identifier
    anomaly_score: Annotated[float, Meta(ge=0, le=1)]
    is_anomaly: bool
    z_score: float
    baseline_mean: float
    baseline_std: Annotated[float, Meta(ge=0)]
    latest_value: float
    timestamp: Time | None = None
