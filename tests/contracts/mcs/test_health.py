"""GET /health and /stats, at the root and under /api/v1."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.contracts.mcs.halls import LIMITS, Hall, building
from wattline import __version__
from wattline.contracts.mcs.stats import pretty, tier_state
from wattline.contracts.mcs.tiers import TIERS
from wattline.model.clock import DAY, HOUR, MINUTE


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
async def test_health_has_the_published_form_and_asks_no_key(hall: Hall, path: str) -> None:
    async with httpx.AsyncClient(base_url=hall.url) as client:
        found = await client.get(path)
    assert found.status_code == 200
    body = found.json()
    assert list(body) == ["status", "version", "db_connected", "redis_connected", "uptime_seconds"]
    assert (body["status"], body["version"]) == ("ok", __version__)
    assert (body["db_connected"], body["redis_connected"]) == (True, True)
    assert body["uptime_seconds"] == round(body["uptime_seconds"], 1) > 0


async def test_while_a_store_is_away_health_is_degraded_and_still_200(tmp_path: Path) -> None:
    async with building(tmp_path, telemetry_url="http://127.0.0.1:9/none") as made:
        async with httpx.AsyncClient(base_url=made.url) as client:
            found = await client.get("/health")
        assert found.status_code == 200
        assert (found.json()["status"], found.json()["db_connected"]) == ("degraded", False)
        async with Hall(made).open() as hall:
            stats = await hall.get("/stats")
            assert stats["telemetry"] == dict.fromkeys(stats["telemetry"])
            assert stats["alarms"]["active"] == 0
            answer = await hall.http.get(
                "/telemetry", params={"sensor_id": hall.points["P-MSB-TOTAL"].id, "start": hall.iso(-9)}
            )
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0


async def test_stats_have_the_published_form(hall: Hall) -> None:
    for at in (-4000, -3000, -10):
        await hall.read("CDU-01-T-SUP", 1.0, at)
    await hall.limit("CDU-01-T-SUP", LIMITS)
    await hall.judged("CDU-01-T-SUP", 70.0)
    await hall.platform.pipeline.writer.flush()
    hall.platform.dead_letters.add(hall.tenant, "microlink/x", b"{", "PARSE_ERROR", "no JSON")
    hall.clock.advance(10)
    found = await hall.get("/stats")
    assert list(found) == ["telemetry", "aggregates", "alarms", "dead_letter_24h"]
    assert list(found["telemetry"]) == ["rows_last_hour", "table_size", "oldest_in_window", "newest_in_window"]
    assert found["telemetry"]["rows_last_hour"] == 3
    assert (found["telemetry"]["oldest_in_window"], found["telemetry"]["newest_in_window"]) == (hall.iso(-3011), hall.iso(-10))
    assert found["telemetry"]["table_size"].split()[1] in ("bytes", "kB", "MB")
    assert [row["view_name"] for row in found["aggregates"]] == ["agg_1min", "agg_5min", "agg_1hour", "agg_1day"]
    assert all(list(row) == ["view_name", "last_refreshed_to", "refresh_lag", "status"] for row in found["aggregates"])
    assert found["alarms"] == {"active": 1, "acked": 0, "shelved": 0, "suppressed": 0, "rtn_unack": 0}
    assert found["dead_letter_24h"] == 1
    async with httpx.AsyncClient(base_url=hall.url) as client:
        at_root = await client.get("/stats", headers={"X-API-Key": hall.secret})
    assert at_root.json().keys() == found.keys()


async def test_stats_tell_how_far_the_tiers_are(hall: Hall) -> None:
    await hall.platform.pipeline.rollup.advance()
    hall.clock.advance(30)
    found = {row["view_name"]: row for row in (await hall.get("/stats"))["aggregates"]}
    watermark = hall.platform.series.watermark
    behind = (hall.clock.micros() - watermark) // 1_000_000
    assert found["agg_1min"]["refresh_lag"] == f"0:{behind // 60:02d}:{behind % 60:02d}"
    assert {row["status"] for row in found.values()} == {"OK"}


def test_a_tier_is_late_by_what_could_have_been_computed() -> None:
    now = 1_000 * DAY
    for tier in TIERS[1:]:
        for overdue, status in ((9, "OK"), (11, "WARNING"), (31, "CRITICAL")):
            watermark = now - tier.width - overdue * MINUTE
            aligned = watermark // tier.width * tier.width
            found = tier_state(tier, watermark, aligned + tier.width + overdue * MINUTE)
            assert found.status == status, (tier.name, overdue)
        assert tier_state(tier, 0, now).status == "CRITICAL"
    assert tier_state(TIERS[3], now, now + HOUR + MINUTE).refresh_lag == "1:01:00"


def test_sizes_are_told_as_people_read_them() -> None:
    sizes = {
        0: "0 bytes",
        10_239: "10239 bytes",
        10_240: "10 kB",
        16_384: "16 kB",
        10 * 1024**2: "10 MB",
        5 * 1024**4: "5120 GB",
    }
    assert {size: pretty(size) for size in sizes} == sizes
