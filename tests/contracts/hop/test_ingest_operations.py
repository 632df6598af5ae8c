"""POST /ingest/event, /ingest/outage and /ingest/scores."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.hop.utility import EVENT, OUTAGE, RESTORE, Utility

SCORE: dict[str, Any] = {
    "substation_id": "SUB001",
    "model_version": "robust-2",
    "anomaly_score": 0.2341,
    "is_anomaly": False,
    "z_score": 0.585,
    "baseline_mean": 60.001,
    "baseline_std": 0.0082,
    "latest_value": 60.002,
}


async def test_the_published_event_is_answered_as_published(hop: Utility) -> None:
    answer = await hop.post("/ingest/event", {**EVENT, "timestamp": hop.iso(-1)})
    assert (answer.status_code, answer.json()) == (200, {"status": "event written", "device_id": "SUB001-FDR002"})
    assert list(answer.json()) == ["status", "device_id"]


async def test_the_published_outage_and_its_restore_are_answered_as_published(hop: Utility) -> None:
    for body in (OUTAGE, RESTORE):
        answer = await hop.post("/ingest/outage", {**body, "timestamp": hop.iso(-1)})
        assert answer.status_code == 200
        assert answer.json() == {"status": "outage written", "outage_id": "OUT-SUB001-FDR002-1749650000"}


@pytest.mark.parametrize("gone", ["device_id", "severity", "event_type"])
async def test_an_event_needs_its_required_fields(hop: Utility, gone: str) -> None:
    answer = await hop.post("/ingest/event", {name: value for name, value in EVENT.items() if name != gone})
    (fault,) = answer.json()["detail"]
    assert (answer.status_code, fault["type"], fault["loc"]) == (422, "missing", ["body", gone])


@pytest.mark.parametrize("gone", ["outage_id", "feeder_id", "customers_out", "status"])
async def test_an_outage_needs_its_required_fields(hop: Utility, gone: str) -> None:
    answer = await hop.post("/ingest/outage", {name: value for name, value in OUTAGE.items() if name != gone})
    (fault,) = answer.json()["detail"]
    assert (answer.status_code, fault["type"], fault["loc"]) == (422, "missing", ["body", gone])


@pytest.mark.parametrize(("value", "status"), [("ALARM", 200), ("INFO", 200), ("alarm", 422), ("WARNING", 422), (1, 422)])
async def test_a_severity_is_alarm_or_info(hop: Utility, value: Any, status: int) -> None:
    assert (await hop.post("/ingest/event", {**EVENT, "severity": value})).status_code == status


async def test_any_event_type_is_taken(hop: Utility) -> None:
    for kind in ("FEEDER_TRIP", "FEEDER_RESTORE", "TAP_CHANGE", "lowercase", "Überlast"):
        await hop.event(event_type=kind)
    assert {row["event_type"] for row in await hop.get("/query/events")} >= {"TAP_CHANGE", "lowercase", "Überlast"}


async def test_an_identical_event_again_is_one_event(hop: Utility) -> None:
    for _ in range(3):
        await hop.event(-5)
    assert len(await hop.get("/query/events")) == 1
    await hop.event(-5, new_state="LOCKED_OUT")
    await hop.event(-4)
    assert len(await hop.get("/query/events")) == 3


async def test_events_without_a_time_are_each_their_own(hop: Utility) -> None:
    for _ in range(2):
        await hop.send("/ingest/event", EVENT)
    rows = await hop.get("/query/events")
    assert [row["time"] for row in rows] == [hop.shown(), hop.shown()]


@pytest.mark.parametrize(("value", "status"), [(847.0, 200), ("847", 200), (0, 200), (847.5, 422), (-1, 422), (True, 422)])
async def test_customers_are_whole_and_not_negative(hop: Utility, value: Any, status: int) -> None:
    answer = await hop.post("/ingest/outage", {**OUTAGE, "customers_out": value})
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["detail"][0]["loc"] == ["body", "customers_out"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "OPEN"), ("status", "active"), ("mw_interrupted", -0.1), ("mw_interrupted", "nan"), ("etr_time", "soon")],
)
async def test_an_outage_with_an_impossible_field_is_422(hop: Utility, name: str, value: Any) -> None:
    answer = await hop.post("/ingest/outage", {**OUTAGE, name: value})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", name])


async def test_a_restore_with_customers_is_taken_and_counts_none(hop: Utility) -> None:
    await hop.outage(-60)
    await hop.outage(-30, status="RESTORED", customers_out=12)
    assert await hop.get("/query/outages/active") == []


async def test_a_restore_may_come_first(hop: Utility) -> None:
    await hop.send("/ingest/outage", {**RESTORE, "timestamp": hop.iso(-10)})
    await hop.outage(-60)
    assert await hop.get("/query/outages/active") == []


@pytest.mark.parametrize("path", ["/ingest/event", "/ingest/outage"])
async def test_the_future_is_refused_and_the_past_is_not(hop: Utility, path: str) -> None:
    body = EVENT if path == "/ingest/event" else OUTAGE
    assert (await hop.post(path, {**body, "timestamp": hop.iso(301)})).status_code == 422
    assert (await hop.post(path, {**body, "timestamp": "1999-12-31T23:59:59Z"})).status_code == 200
    assert (await hop.post(path, {**body, "timestamp": "1969-12-31T23:59:59Z"})).status_code == 422


async def test_a_message_may_have_lines_but_no_other_control_characters(hop: Utility) -> None:
    await hop.event(message="first\nsecond\tthird\r\n")
    assert (await hop.post("/ingest/event", {**EVENT, "message": "a\x00b"})).status_code == 422
    assert (await hop.post("/ingest/event", {**EVENT, "message": "x" * 4_001})).status_code == 422
    (row,) = await hop.get("/query/events")
    assert row["message"] == "first\nsecond\tthird\r\n"


@pytest.mark.parametrize("path", ["/ingest/event", "/ingest/outage"])
async def test_a_body_over_64_kib_is_413(hop: Utility, path: str) -> None:
    answer = await hop.post(path, {**EVENT, **OUTAGE, "surplus": "x" * 65_536})
    assert answer.status_code == 413


async def test_the_substation_of_an_event_is_that_of_its_device(hop: Utility) -> None:
    await hop.telemetry(substation_id="WEST", device_id="RTU-7", feeder_id="F1")
    await hop.telemetry(substation_id="SUB", device_id="d")
    await hop.telemetry(substation_id="SUB-A", device_id="d2")
    places = {}
    for device in ("RTU-7", "SUB-A-F1", "SUB-AB", "SUB", "SUBWAY-1", "elsewhere"):
        await hop.event(device_id=device)
    for row in await hop.get("/query/events"):
        places[row["device_id"]] = row["substation_id"]
    assert places == {
        "RTU-7": "WEST",
        "SUB-A-F1": "SUB-A",
        "SUB-AB": "SUB",
        "SUB": "SUB",
        "SUBWAY-1": None,
        "elsewhere": None,
    }


async def test_a_device_at_two_substations_is_told_apart_by_its_feeder_or_by_its_last_word(hop: Utility) -> None:
    await hop.telemetry(-3, substation_id="A", device_id="RTU", feeder_id="F1")
    await hop.telemetry(-2, substation_id="B", device_id="RTU", feeder_id="F2")
    await hop.event(-1, device_id="RTU", feeder_id="F1")
    await hop.event(0, device_id="RTU", feeder_id="F9")
    assert [row["substation_id"] for row in await hop.get("/query/events")] == ["B", "A"]


async def test_the_substation_of_an_outage_is_its_region_or_its_feeder(hop: Utility) -> None:
    await hop.telemetry(substation_id="A", feeder_id="F1")
    await hop.telemetry(substation_id="B", feeder_id="F1")
    await hop.telemetry(substation_id="B", feeder_id="F2")
    for name, feeder, region in (("1", "F1", "A"), ("2", "F2", "North"), ("3", "F1", None), ("4", "F9", "B")):
        await hop.outage(outage_id=name, feeder_id=feeder, region=region)
    found = {row["outage_id"]: row["substation_id"] for row in await hop.get("/query/outages/active")}
    assert found == {"1": "A", "2": "B", "3": None, "4": "B"}


async def test_a_score_is_written_with_its_own_scope_only(hop: Utility) -> None:
    await hop.telemetry()
    async with hop.limited(scopes={"telemetry:write", "event:write", "outage:write", "query:read"}) as client:
        assert (await client.post("/ingest/scores", json=SCORE)).status_code == 403
    async with hop.limited(scopes={"ml:write"}) as client:
        answer = await client.post("/ingest/scores", json={**SCORE, "timestamp": hop.iso(-1)})
        assert (answer.status_code, answer.json()) == (200, {"status": "score written", "substation_id": "SUB001"})
    (row,) = await hop.get("/query/ml/latest")
    assert (row["anomaly_score"], row["time"]) == (0.2341, hop.shown(-1))


@pytest.mark.parametrize(
    ("name", "value"), [("anomaly_score", 1.01), ("anomaly_score", -0.1), ("is_anomaly", 2), ("z_score", "nan")]
)
async def test_an_impossible_score_is_422(hop: Utility, name: str, value: Any) -> None:
    await hop.telemetry()
    answer = await hop.post("/ingest/scores", {**SCORE, name: value})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", name])


async def test_a_score_of_a_substation_that_never_reported_is_422(hop: Utility) -> None:
    answer = await hop.post("/ingest/scores", SCORE)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "substation_id"])
