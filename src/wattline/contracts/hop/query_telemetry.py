"""GET /query/telemetry/latest, /query/telemetry/timeseries, /query/substations and /query/frequency/*."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from wattline.analytics.limits import WARNING_SECONDS, limits_for
from wattline.contracts.hop import chart, documents
from wattline.contracts.hop.answers import streamed, whole
from wattline.contracts.hop.gate import Gate
from wattline.contracts.hop.newest import newest_rows, per_feeder, per_substation
from wattline.contracts.hop.rows import FrequencyLimitsRow, FrequencyRow, LatestRow, SeriesRow, SubstationRow
from wattline.contracts.hop.seen import SKEW, substation_streams, telemetry_streams
from wattline.contracts.hop.times import spell_all
from wattline.ingest.series import RowSet
from wattline.model.clock import HOUR, MINUTE, SECOND
from wattline.model.principal import Principal
from wattline.platform import Platform


def _published_span(minutes: int) -> int:
    if minutes not in chart.SPANS:
        allowed = ", ".join(map(str, chart.SPANS))
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": allowed})
    return minutes


Span = Annotated[
    int,
    AfterValidator(_published_span),
    WithJsonSchema({"type": "integer", "enum": list(chart.SPANS)}),
    Query(description="Lookback window in minutes."),
]
Minutes = Annotated[int, Query(ge=1, le=10_080, description="Lookback window in minutes.")]


def bands(nominal_hz: float) -> FrequencyLimitsRow:
    """The bands of a grid of this nominal frequency, as the answers show them."""
    limits = limits_for(nominal_hz)
    return FrequencyLimitsRow(
        limits.nominal_hz,
        limits.band(limits.normal_hz),
        limits.band(limits.alert_hz),
        limits.band(limits.emergency_hz),
        WARNING_SECONDS,
    )


def build(platform: Platform, gate: Gate) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["HOP queries"], responses=documents.REFUSALS)
    caller = Depends(gate.reader)
    registry, series, clock = platform.registry, platform.series, platform.clock
    nominal_of = platform.settings.nominal_of

    @router.get(
        "/query/telemetry/latest",
        summary="Latest reading of each substation, or feeder",
        response_model=documents.many(LatestRow),
    )
    async def telemetry_latest(
        by: Annotated[Literal["substation", "feeder"], Query(description="One row each of these.")] = "substation",
        max_age_s: Annotated[int, Query(ge=1, le=3600, description="Age in seconds up to which a reading counts.")] = 60,
        principal: Principal = caller,
    ) -> Response:
        """The newest reading of each substation of the last minute. A silent substation is absent.

        `by=feeder` gives a row for each feeder and device, with `feeder_id`, `device_id`, `site_name` and `status_code`.
        """
        streams = telemetry_streams(registry, principal)
        found = await newest_rows(series, streams, clock.micros(), max_age_s * SECOND)
        return whole(per_feeder(found) if by == "feeder" else per_substation(found))

    @router.get(
        "/query/telemetry/timeseries",
        summary="Voltage, power and frequency of a substation over time",
        response_model=documents.many(SeriesRow),
    )
    async def telemetry_timeseries(
        substation_id: Annotated[str, Query(min_length=1, max_length=128, description="Substation to query.")],
        minutes: Span = 30,
        feeder_id: Annotated[str | None, Query(max_length=128, description="Only readings of this feeder.")] = None,
        resolution: Annotated[Literal["auto", "raw"], Query(description="`raw` gives every reading with its source.")] = "auto",
        principal: Principal = caller,
    ) -> Response:
        """Voltage, power and frequency of a substation over time, ascending.

        Up to 2,000 readings come as they were sent; more come as buckets (`X-Downsampled: true`, `X-Bucket-Seconds`) with the
        mean and, in `voltage_kv_min`, `voltage_kv_max` and so on, the extremes, so that no spike is lost.
        """
        streams = substation_streams(registry, principal, substation_id)
        if feeder_id is not None:
            streams = [stream for stream in streams if stream.device.attributes.get("feeder_id") == feeder_id]
        now = clock.micros()
        start, end = now - minutes * MINUTE, now + SKEW + 1
        if resolution == "raw":
            parts = series.scan(streams, start, end, chart.SOURCE_COLUMNS)
            return await streamed(parts, chart.Sources(streams), {"X-Downsampled": "false"})
        if not streams:
            return whole([], {"X-Downsampled": "false"})
        if await series.count(streams, start, end) <= chart.POINTS:
            rows = await series.rows(streams, start, end, chart.COLUMNS)
            return whole(chart.readings(rows, slice(None)), {"X-Downsampled": "false"})
        width = chart.bucket_of(minutes)
        found = await series.downsample(streams, start, end, width, chart.COLUMNS)
        return whole(chart.buckets(found), {"X-Downsampled": "true", "X-Bucket-Seconds": str(width // SECOND)})

    @router.get(
        "/query/frequency/thresholds",
        summary="Frequency readings of all substations",
        response_model=documents.many(FrequencyRow),
    )
    async def frequency_thresholds(minutes: Minutes = 30, principal: Principal = caller) -> Response:
        """Every frequency reading of all substations, ascending. `X-Frequency-Limits` carries the bands to plot."""
        streams = sorted(telemetry_streams(registry, principal), key=lambda stream: stream.device.site.key)
        keys = {stream.id: stream.device.site.key for stream in streams}
        now = clock.micros()

        def rows(part: RowSet, which: slice) -> list[FrequencyRow]:
            times = spell_all(part.time[which].tolist())
            sites = [keys[stream] for stream in part.stream[which].tolist()]
            found = zip(times, sites, chart.plain(part.columns["frequency_hz"][which]), strict=True)
            return [FrequencyRow(*each) for each in found]

        parts = series.scan(streams, now - minutes * MINUTE, now + SKEW + 1, ["frequency_hz"])
        shown = msgspec.json.encode(bands(nominal_of(principal.tenant))).decode()
        return await streamed(parts, rows, {"X-Frequency-Limits": shown}, streams=streams)

    @router.get(
        "/query/frequency/limits", summary="Frequency bands of this grid", response_model=documents.model(FrequencyLimitsRow)
    )
    async def frequency_limits(principal: Principal = caller) -> Response:
        """The frequency bands of this grid: normal, alert, emergency; outside normal for `warning_seconds` is a warning."""
        return whole(bands(nominal_of(principal.tenant)))

    @router.get(
        "/query/substations", summary="Substations heard of in the last hour", response_model=documents.many(SubstationRow)
    )
    async def substations(principal: Principal = caller) -> Response:
        """The substations that sent telemetry of the last hour, by id, with the newest place that was sent for each."""
        since = clock.micros() - HOUR
        found = {}
        for stream in telemetry_streams(registry, principal):
            if stream.latest is not None and stream.latest.time >= since:
                found[stream.device.site.key] = stream.device.site
        return whole([SubstationRow(key, found[key].latitude, found[key].longitude) for key in sorted(found)])

    return router
