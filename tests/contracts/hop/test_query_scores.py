"""GET /query/ml/latest and /query/ml/trend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.hop.utility import REQUIRED, Utility
from wattline.contracts.hop.query_scores import shown_score

SCORE: dict[str, Any] = {
    "substation_id": "SUB001",
    "model_version": "robust-2",
    "anomaly_score": 0.23406,
    "is_anomaly": False,
    "z_score": 0.58512,
    "baseline_mean": 60.00098,
    "baseline_std": 0.008249,
    "latest_value": 60.0024,
}


async def score(hop: Utility, seconds: float, **changes: Any) -> None:
    """Write a score at a time relative to now, of a substation that exists."""
    name = changes.get("substation_id", "SUB001")
    await hop.send("/ingest/telemetry", {**REQUIRED, "substation_id": name, "timestamp": hop.iso(-3000)})
    await hop.send("/ingest/scores", {**SCORE, **changes, "timestamp": hop.iso(seconds)})


async def test_a_score_has_the_published_form(hop: Utility) -> None:
    await score(hop, -1)
    (row,) = await hop.get("/query/ml/latest")
    published = {
        "substation_id": "SUB001",
        "anomaly_score": 0.2341,
        "is_anomaly": False,
        "baseline_mean": 60.001,
        "baseline_std": 0.0082,
        "z_score": 0.585,
        "latest_value": 60.002,
        "time": hop.shown(-1),
    }
    assert list(row)[:8] == list(published)
    assert row == {**published, "model_version": "robust-2", "reasons": []}


async def test_the_newest_score_of_each_substation_counts_by_id(hop: Utility) -> None:
    for name, value in (("B", 0.2), ("A", 0.1)):
        await score(hop, -61, substation_id=name, anomaly_score=0.9, is_anomaly=True)
        await score(hop, -1, substation_id=name, anomaly_score=value)
    rows = await hop.get("/query/ml/latest")
    assert [(row["substation_id"], row["anomaly_score"]) for row in rows] == [("A", 0.1), ("B", 0.2)]


@pytest.mark.parametrize(("age", "present"), [(300, True), (300.1, False)])
async def test_a_score_counts_for_five_minutes(hop: Utility, age: float, present: bool) -> None:
    await score(hop, -age)
    assert len(await hop.get("/query/ml/latest")) == present
    assert len(await hop.get("/query/ml/latest", max_age_s=400)) == 1


async def test_only_the_chosen_model_is_shown(hop: Utility) -> None:
    await score(hop, -1, model_version="zscore-linear-2.5", anomaly_score=0.9, is_anomaly=True)
    assert await hop.get("/query/ml/latest") == []
    assert await hop.get("/query/ml/trend") == []


async def test_the_platform_s_own_scores_are_shown_with_their_reasons(hop: Utility) -> None:
    records = [{**REQUIRED, "timestamp": hop.iso(-i), "frequency_hz": 60 + (i % 7) / 1000} for i in range(1, 1900)]
    await hop.send("/ingest/telemetry/batch", {"records": records})
    await hop.platform.scoring.run(hop.clock.micros())
    (row,) = await hop.get("/query/ml/latest")
    assert (row["substation_id"], row["model_version"], row["time"]) == ("SUB001", "robust-2", hop.shown())
    assert (row["latest_value"], row["is_anomaly"]) == (60.001, False)
    assert abs(row["baseline_mean"] - 60.003) < 0.001
    assert 0 <= row["anomaly_score"] < 0.7
    records = [{**REQUIRED, "timestamp": hop.iso(i), "frequency_hz": 58.9} for i in range(1, 60)]
    hop.clock.advance(60)
    await hop.send("/ingest/telemetry/batch", {"records": records})
    await hop.platform.scoring.run(hop.clock.micros())
    (row,) = await hop.get("/query/ml/latest")
    assert row["is_anomaly"] is True
    assert row["anomaly_score"] >= 0.7
    assert "limit" in row["reasons"]


async def test_the_trend_is_of_all_substations_by_time_then_id(hop: Utility) -> None:
    for name, seconds, value in (("B", -1, 0.71), ("A", -1, 0.2), ("C", -61, 0.3)):
        await score(hop, seconds, substation_id=name, anomaly_score=value, is_anomaly=value > 0.7)
    rows = await hop.get("/query/ml/trend")
    assert [(row["time"], row["substation_id"], row["anomaly_score"], row["is_anomaly"]) for row in rows] == [
        (hop.shown(-61), "C", 0.3, False),
        (hop.shown(-1), "A", 0.2, False),
        (hop.shown(-1), "B", 0.71, True),
    ]
    assert list(rows[0]) == ["time", "substation_id", "anomaly_score", "is_anomaly", "z_score"]


async def test_the_trend_is_of_30_minutes_unless_told_otherwise(hop: Utility) -> None:
    for seconds in (-1800.1, -1800, -1):
        await score(hop, seconds)
    assert len(await hop.get("/query/ml/trend")) == 2
    assert len(await hop.get("/query/ml/trend", minutes=31)) == 3


@pytest.mark.parametrize(
    ("value", "flag", "shown"),
    [(0.7, True, 0.7), (0.69999, False, 0.6999), (0.69994, False, 0.6999), (0.23414, False, 0.2341), (1.0, True, 1.0)],
)
def test_rounding_lifts_no_score_over_the_decision_point(value: float, flag: bool, shown: float) -> None:
    assert shown_score(value, flag) == shown
    assert (shown_score(value, flag) >= 0.7) == flag
