"""The rows of every answer: names and order of their keys as the page shows them, additions last."""

from __future__ import annotations

import msgspec


class LatestRow(msgspec.Struct):
    """A substation's newest reading."""

    substation_id: str
    frequency_hz: float | None
    voltage_kv: float | None
    current_a: float | None
    power_mw: float | None
    latitude: float | None
    longitude: float | None
    time: str


class FeederRow(LatestRow):
    """A feeder's newest reading (`by=feeder`)."""

    feeder_id: str | None
    device_id: str | None
    site_name: str | None
    status_code: str | None


class SeriesRow(msgspec.Struct):
    """One reading of a chart."""

    time: str
    voltage_kv: float | None
    power_mw: float | None
    frequency_hz: float | None


class SourceRow(SeriesRow):
    """One reading and where it came from (`resolution=raw`)."""

    current_a: float | None
    feeder_id: str | None
    device_id: str | None


class BucketRow(SeriesRow):
    """The mean of a bucket of time that begins at `time`, and its extremes."""

    voltage_kv_min: float | None
    voltage_kv_max: float | None
    power_mw_min: float | None
    power_mw_max: float | None
    frequency_hz_min: float | None
    frequency_hz_max: float | None


class ScoreRow(msgspec.Struct):
    """A substation's newest anomaly score."""

    substation_id: str
    anomaly_score: float | None
    is_anomaly: bool
    baseline_mean: float | None
    baseline_std: float | None
    z_score: float | None
    latest_value: float | None
    time: str
    model_version: str
    reasons: list[str]


class TrendRow(msgspec.Struct):
    """One score of the history."""

    time: str
    substation_id: str
    anomaly_score: float | None
    is_anomaly: bool
    z_score: float | None


class FrequencyRow(msgspec.Struct):
    """One frequency reading."""

    time: str
    substation_id: str
    frequency_hz: float | None


class SubstationRow(msgspec.Struct):
    """A substation that sent telemetry lately, and where it stands."""

    substation_id: str
    latitude: float | None
    longitude: float | None


class EventRow(msgspec.Struct):
    """One grid event."""

    time: str
    device_id: str | None
    feeder_id: str | None
    severity: str | None
    event_type: str | None
    old_state: str | None
    new_state: str | None
    message: str | None
    latitude: float | None
    longitude: float | None
    id: str
    substation_id: str | None


class OutageRow(msgspec.Struct):
    """One outage as it stands."""

    outage_id: str
    feeder_id: str
    region: str | None
    customers_out: int
    mw_interrupted: float | None
    cause: str | None
    etr_time: str | None
    time: str
    started_at: str
    stale: bool
    etr_overdue: bool
    latitude: float | None
    longitude: float | None
    substation_id: str | None


class AlertRow(msgspec.Struct):
    """One line of the alert ledger: a mail to one recipient, or why there was none."""

    id: int
    time: str
    kind: str
    substation_id: str | None
    subject: str
    recipient: str
    state: str
    reason: str | None
    attempts: int
    updated_at: str
    error: str | None


class ReliabilityRow(msgspec.Struct):
    """The indices of IEEE Std 1366 over a span: minutes and counts per customer served; null where they cannot be told."""

    start: str
    end: str
    customers_served: int | None
    interruptions: int
    momentary: int
    cmi: float
    ci: int
    cmo: int
    saidi: float | None
    saifi: float | None
    caidi: float | None
    maifi: float | None


class FrequencyLimitsRow(msgspec.Struct):
    """Frequency bands in hertz, lowest and highest value of each."""

    nominal_hz: float
    normal_hz: tuple[float, float]
    alert_hz: tuple[float, float]
    emergency_hz: tuple[float, float]
    warning_seconds: int


class HealthRow(msgspec.Struct):
    """The state of the service."""

    status: str
    version: str
    database: str
    timestamp: str
