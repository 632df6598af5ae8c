"""GET /query/events, /query/outages/active, /query/alerts and /query/reliability."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contracts.hop.utility import RESTORE, Utility

EVENTS = "/query/events"
ACTIVE = "/query/outages/active"


async def follow(hop: Utility, path: str, **parameters: Any) -> list[list[Any]]:
    """Every page of a list, by its Link headers."""
    pages = []
    answer = await hop.client.get(path, params=parameters)
    while True:
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        if "next" not in answer.links:
            return pages
        answer = await hop.client.get(httpx.URL("http://test").join(answer.links["next"]["url"]))


async def test_an_event_has_every_field_that_was_sent(hop: Utility) -> None:
    await hop.event(-1)
    (row,) = await hop.get(EVENTS)
    published = {
        "time": hop.shown(-1),
        "device_id": "SUB001-FDR002",
        "feeder_id": "FDR002",
        "severity": "ALARM",
        "event_type": "FEEDER_TRIP",
        "old_state": "CLOSED",
        "new_state": "OPEN",
        "message": "Overcurrent protection operated — FDR002",
        "latitude": 45.5231,
        "longitude": -122.6765,
    }
    assert list(row)[:10] == list(published)
    assert {name: row[name] for name in published} == published


async def test_what_an_event_did_not_say_is_null(hop: Utility) -> None:
    await hop.send("/ingest/event", {"device_id": "D", "severity": "INFO", "event_type": "T"})
    (row,) = await hop.get(EVENTS)
    assert [row[name] for name in ("feeder_id", "old_state", "new_state", "message", "latitude", "longitude")] == [None] * 6


async def test_events_come_most_recent_first_whatever_order_they_came_in(hop: Utility) -> None:
    for seconds in (-20, -5, -60, -1):
        await hop.event(seconds)
    assert [row["time"] for row in await hop.get(EVENTS)] == [hop.shown(s) for s in (-1, -5, -20, -60)]


async def test_events_are_of_30_minutes_and_the_edge_is_inside(hop: Utility) -> None:
    for seconds in (-1800.1, -1800, -60):
        await hop.event(seconds)
    assert len(await hop.get(EVENTS)) == 2
    assert len(await hop.get(EVENTS, minutes=31)) == 3
    assert len(await hop.get(EVENTS, minutes=1)) == 1


async def test_at_most_100_events_and_a_link_to_the_rest(hop: Utility) -> None:
    for i in range(100):
        await hop.event(-200 + i, message=str(i))
    assert [len(page) for page in await follow(hop, EVENTS)] == [100]
    await hop.event(-1, message="100")
    pages = await follow(hop, EVENTS, minutes=60)
    assert [len(page) for page in pages] == [100, 1]
    assert [row["message"] for page in pages for row in page] == [str(i) for i in range(100, -1, -1)]


async def test_events_that_arrive_meanwhile_move_no_page(hop: Utility) -> None:
    for i in range(101):
        await hop.event(-200 + i, message=str(i))
    answer = await hop.client.get(EVENTS)
    await hop.event(-1, message="new")
    rest = await hop.client.get(httpx.URL("http://test").join(answer.links["next"]["url"]))
    assert [row["message"] for row in rest.json()] == ["0"]


async def test_a_cursor_that_is_none_is_422(hop: Utility) -> None:
    answer = await hop.client.get(EVENTS, params={"before": "nonsense"})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "before"])


async def test_events_may_be_of_one_severity_or_feeder(hop: Utility) -> None:
    await hop.event(-3, feeder_id="F1", severity="INFO")
    await hop.event(-2, feeder_id="F1")
    await hop.event(-1, feeder_id="F2")
    assert [row["time"] for row in await hop.get(EVENTS, feeder_id="F1")] == [hop.shown(-2), hop.shown(-3)]
    assert [row["time"] for row in await hop.get(EVENTS, severity="ALARM")] == [hop.shown(-1), hop.shown(-2)]
    assert await hop.get(EVENTS, severity="INFO", feeder_id="F2") == []
    assert (await hop.client.get(EVENTS, params={"severity": "LOUD"})).status_code == 422


async def test_an_outage_is_no_event(hop: Utility) -> None:
    await hop.outage(-1)
    assert await hop.get(EVENTS) == []


async def test_an_active_outage_has_the_published_form(hop: Utility) -> None:
    await hop.outage(-60)
    (row,) = await hop.get(ACTIVE)
    published = {
        "outage_id": "OUT-SUB001-FDR002-1749650000",
        "feeder_id": "FDR002",
        "region": "SUB001",
        "customers_out": 847,
        "mw_interrupted": 12.4,
        "cause": "STORM",
        "etr_time": "2026-06-11T16:00:00Z",
        "time": hop.shown(-60),
    }
    assert list(row)[:8] == list(published)
    assert {name: row[name] for name in published} == published
    assert (row["started_at"], row["stale"]) == (hop.shown(-60), False)


async def test_a_restored_outage_is_not_active(hop: Utility) -> None:
    await hop.outage(-300)
    await hop.send("/ingest/outage", {**RESTORE, "timestamp": hop.iso(-1)})
    assert await hop.get(ACTIVE) == []


@pytest.mark.parametrize(("minutes", "present"), [(119.9, True), (120, True), (120.1, False)])
async def test_active_records_are_of_the_last_2_hours(hop: Utility, minutes: float, present: bool) -> None:
    await hop.outage(-minutes * 60)
    assert len(await hop.get(ACTIVE)) == present


async def test_a_long_outage_is_not_forgotten(hop: Utility) -> None:
    await hop.outage(-8000)
    assert await hop.get(ACTIVE) == []
    (row,) = await hop.get(ACTIVE, include_stale=True)
    assert row["stale"] is True
    await hop.outage(-1)
    (row,) = await hop.get(ACTIVE)
    assert (row["stale"], row["started_at"]) == (False, hop.shown(-8000))


async def test_there_is_one_row_an_outage_from_its_newest_record(hop: Utility) -> None:
    await hop.outage(-300)
    await hop.outage(-100, customers_out=300)
    await hop.outage(-200, customers_out=600)
    (row,) = await hop.get(ACTIVE)
    assert (row["customers_out"], row["time"], row["started_at"]) == (300, hop.shown(-100), hop.shown(-300))


async def test_a_late_record_reopens_nothing_and_a_newer_one_does(hop: Utility) -> None:
    await hop.outage(-300)
    await hop.outage(-100, status="RESTORED", customers_out=0)
    await hop.outage(-200)
    assert await hop.get(ACTIVE) == []
    await hop.outage(-50)
    (row,) = await hop.get(ACTIVE)
    assert row["started_at"] == hop.shown(-50)


async def test_the_window_of_outages_may_be_chosen(hop: Utility) -> None:
    await hop.outage(-601)
    assert await hop.get(ACTIVE, window_minutes=10) == []
    assert len(await hop.get(ACTIVE, window_minutes=11)) == 1
    for value in (0, 10_081):
        assert (await hop.client.get(ACTIVE, params={"window_minutes": value})).status_code == 422


async def test_the_literal_reading_shows_restored_outages_too(hop: Utility) -> None:
    await hop.outage(-300)
    await hop.send("/ingest/outage", {**RESTORE, "timestamp": hop.iso(-1)})
    (row,) = await hop.get(ACTIVE, compat="literal")
    assert row["outage_id"] == "OUT-SUB001-FDR002-1749650000"
    assert (await hop.client.get(ACTIVE, params={"compat": "other"})).status_code == 422


async def test_the_ledger_tells_what_became_of_a_trip(hop: Utility) -> None:
    await hop.platform.notify.add_recipient(hop.tenant, "control@example.org")
    await hop.telemetry()
    await hop.event(-1)
    (row,) = await hop.get("/query/alerts")
    assert {name: row[name] for name in ("kind", "substation_id", "subject", "recipient", "state", "reason")} == {
        "kind": "trip",
        "substation_id": "SUB001",
        "subject": "FDR002",
        "recipient": "control@example.org",
        "state": "suppressed",
        "reason": "no_transport",
    }
    assert await hop.get("/query/alerts", kind="restore") == []
    assert len(await hop.get("/query/alerts", kind="trip", state="suppressed", feeder_id="FDR002")) == 1


async def test_the_ledger_is_paged(hop: Utility) -> None:
    for i in range(103):
        await hop.event(-1, feeder_id=f"F{i}")
    pages = await follow(hop, "/query/alerts", minutes=5)
    assert [len(page) for page in pages] == [100, 3]
    identifiers = [row["id"] for page in pages for row in page]
    assert identifiers == sorted(set(identifiers), reverse=True)


async def test_the_worked_example_of_the_reliability_indices(hop: Utility) -> None:
    await hop.outage(-4400)
    await hop.send("/ingest/outage", {**RESTORE, "timestamp": hop.iso(-20)})
    found = await hop.get("/query/reliability", customers_served=10_000)
    assert (found["cmi"], found["ci"], found["interruptions"]) == (61_831, 847, 1)
    assert (round(found["saidi"], 2), round(found["saifi"], 4), found["caidi"]) == (6.18, 0.0847, 73)
    assert (await hop.get("/query/reliability"))["saidi"] is None
