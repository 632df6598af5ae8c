"""GET /query/ml/latest and /query/ml/trend: the anomaly scores of the model that the settings choose."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from wattline.analytics.model import ANOMALY
from wattline.contracts.hop import chart, documents
from wattline.contracts.hop.answers import streamed, whole
from wattline.contracts.hop.gate import Gate
from wattline.contracts.hop.query_telemetry import Minutes
from wattline.contracts.hop.rows import ScoreRow, TrendRow
from wattline.contracts.hop.seen import SKEW, score_streams
from wattline.contracts.hop.times import spell, spell_all
from wattline.ingest.series import RowSet
from wattline.model.clock import MINUTE, SECOND
from wattline.model.principal import Principal
from wattline.model.record import Row
from wattline.platform import Platform
from wattline.registry.stream import Stream

SCORE_DIGITS, Z_DIGITS, MEAN_DIGITS, DEVIATION_DIGITS, FREQUENCY_DIGITS = 4, 3, 3, 4, 3
COLUMNS = ["anomaly_score", "is_anomaly", "z_score"]


def shown_score(score: float | None, is_anomaly: bool) -> float | None:
    """Four digits; rounding lifts no score over the decision point that it did not reach."""
    if score is None or math.isnan(score):
        return None
    shown = round(score, SCORE_DIGITS)
    if shown >= ANOMALY and not is_anomaly and score < ANOMALY:
        return math.floor(score * 1e4) / 1e4
    return shown


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or math.isnan(value) else round(value, digits)


def score_row(stream: Stream, row: Row) -> ScoreRow:
    """A score as the page shows it."""
    score, flag, z, mean, deviation, latest = row.values
    flagged = bool(flag)
    return ScoreRow(
        stream.device.site.key,
        shown_score(score, flagged),
        flagged,
        _rounded(mean, MEAN_DIGITS),
        _rounded(deviation, DEVIATION_DIGITS),
        _rounded(z, Z_DIGITS),
        _rounded(latest, FREQUENCY_DIGITS),
        spell(row.time),
        stream.device.attributes["model_version"],
        row.status.split(",") if row.status else [],
    )


def build(platform: Platform, gate: Gate) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["HOP queries"], responses=documents.REFUSALS)
    caller = Depends(gate.reader)
    registry, series, clock = platform.registry, platform.series, platform.clock
    shown_model = platform.settings.scoring_model

    @router.get("/query/ml/latest", summary="Latest anomaly score of each substation", response_model=documents.many(ScoreRow))
    async def ml_latest(
        max_age_s: Annotated[int, Query(ge=1, le=86_400, description="Age in seconds up to which a score counts.")] = 300,
        principal: Principal = caller,
    ) -> Response:
        """The newest anomaly score of each substation. From 0.7 on it is an anomaly; `reasons` says what was found."""
        now = clock.micros()
        found = []
        for stream in score_streams(registry, principal, shown_model):
            row = stream.latest
            if row is not None and now - max_age_s * SECOND <= row.time <= now + SKEW:
                found.append(score_row(stream, row))
        return whole(sorted(found, key=lambda row: row.substation_id))

    @router.get("/query/ml/trend", summary="Anomaly scores over time", response_model=documents.many(TrendRow))
    async def ml_trend(minutes: Minutes = 30, principal: Principal = caller) -> Response:
        """Every score of all substations, ascending by time, then substation."""
        streams = sorted(score_streams(registry, principal, shown_model), key=lambda stream: stream.device.site.key)
        keys = {stream.id: stream.device.site.key for stream in streams}
        now = clock.micros()

        def rows(part: RowSet, which: slice) -> list[TrendRow]:
            sites = [keys[stream] for stream in part.stream[which].tolist()]
            times = spell_all(part.time[which].tolist())
            flags = [bool(flag) for flag in part.columns["is_anomaly"][which].tolist()]
            scores = part.columns["anomaly_score"][which].tolist()
            z_scores = chart.plain(part.columns["z_score"][which])
            return [
                TrendRow(time, site, shown_score(score, flag), flag, _rounded(z, Z_DIGITS))
                for time, site, score, flag, z in zip(times, sites, scores, flags, z_scores, strict=True)
            ]

        parts = series.scan(streams, now - minutes * MINUTE, now + SKEW + 1, COLUMNS)
        return await streamed(parts, rows, streams=streams)

    return router
