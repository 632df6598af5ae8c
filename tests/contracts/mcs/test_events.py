"""GET /events and /events/verify."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.contracts.mcs.halls import Hall
from wattline.model.clock import SECOND

DAY = 86_400


async def log(hall: Hall, seconds: float = 0, **parts: Any) -> None:
    """An event at a time relative to now."""
    now = hall.clock.micros()
    usual = {"kind": "mode_change", "site": "baldwinsville", "subject": "block-01"}
    async with hall.platform.database.transaction() as connection:
        await hall.platform.events.append(
            connection, tenant=hall.tenant, time=now + round(seconds * SECOND), received=now, **{**usual, **parts}
        )


async def ids(hall: Hall, **parameters: Any) -> list[int]:
    """The ids of the events that answer a question."""
    return [event["id"] for event in (await hall.get("/events", **parameters))["events"]]


async def test_an_event_has_the_five_published_keys_and_then_its_place_in_the_chain(hall: Hall) -> None:
    payload = {"from": "REJECT", "to": "EXPORT", "trigger": "auto:temp_stabilised", "operator": None}
    await log(hall, -60, body=payload)
    page = await hall.get("/events")
    assert list(page) == ["total", "events"]
    (event,) = page["events"]
    assert list(event) == ["id", "block_id", "event_type", "payload", "created_at", "seq", "hash", "block_slug", "site_slug"]
    (logged, _) = await hall.platform.events.after(hall.tenant, 0, 1)
    assert event == {
        "id": 1,
        "block_id": hall.points["P-MSB-TOTAL"].block.id,
        "event_type": "mode_change",
        "payload": payload,
        "created_at": hall.iso(-60),
        "seq": 1,
        "hash": logged[0].hash,
        "block_slug": "block-01",
        "site_slug": "baldwinsville",
    }


async def test_the_last_day_unless_said_and_both_ends_within(hall: Hall) -> None:
    for seconds in (-DAY - 1, -DAY, -10, 0, 1):
        await log(hall, seconds)
    assert await ids(hall) == [4, 3, 2]
    assert await ids(hall, start=hall.iso(-10), end=hall.iso(1)) == [5, 4, 3]
    assert await ids(hall, start=hall.iso(-10), end=hall.iso(-10)) == [3]
    assert await ids(hall, start=hall.iso(-2 * DAY)) == [4, 3, 2, 1]
    assert await ids(hall, end=hall.iso(-10)) == [3, 2]
    assert await ids(hall, start=hall.iso(1), end=hall.iso(0)) == []


@pytest.mark.parametrize("name", ["event_type", "type"])
async def test_types_are_separated_by_commas_under_either_name(hall: Hall, name: str) -> None:
    await log(hall, kind="mode_change")
    await log(hall, kind="alarm", event_type="alarm_raised")
    await log(hall, kind="operator_action")
    assert await ids(hall, **{name: "mode_change, alarm_raised"}) == [2, 1]
    assert await ids(hall, **{name: "operator_action"}) == [3]
    assert await ids(hall, **{name: "nonsense,\x00"}) == []
    assert await ids(hall, **{name: ""}) == [3, 2, 1]


async def test_blocks_by_slug_by_full_name_and_by_number(hall: Hall) -> None:
    second = (await hall.build("syracuse", "block-01"))["P-MSB-TOTAL"].block
    first = hall.points["P-MSB-TOTAL"].block
    await log(hall)
    await log(hall, site="syracuse")
    await log(hall, subject=None)
    assert await ids(hall) == [3, 2, 1]
    for block, expected in ((first, [1]), (second, [2])):
        full = f"{block.site.key}/{block.slug}"
        for parameters in ({"block_slug": full}, {"block_id": full}, {"block_id": str(block.id)}):
            assert await ids(hall, **parameters) == expected
    assert await hall.get("/events", block_slug="zz") == {"total": 0, "events": []}
    assert (await hall.http.get("/events?block_slug=block-01")).status_code == 409
    shown = (await hall.get("/events"))["events"]
    assert [event["block_id"] for event in shown] == [None, second.id, first.id]


async def test_pages(hall: Hall) -> None:
    for _ in range(7):
        await log(hall)
    page = await hall.get("/events", limit=3, offset=3)
    assert (page["total"], [event["id"] for event in page["events"]]) == (7, [4, 3, 2])
    assert await ids(hall, offset=7) == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=-1", "offset=9223372036854775808", "start=x", "end=x"])
async def test_impossible_parameters(hall: Hall, query: str) -> None:
    answer = await hall.http.get(f"/events?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


async def test_a_key_sees_events_of_its_sites_alone(hall: Hall) -> None:
    await hall.build("syracuse", "block-01")
    await log(hall)
    await log(hall, site="syracuse")
    await log(hall, site=None, subject=None)
    async with hall.client(await hall.key(sites=["syracuse"])) as limited:
        assert [event["id"] for event in (await limited.get("/events")).json()["events"]] == [2]
        assert [event["id"] for event in (await limited.get("/events?block_slug=block-01")).json()["events"]] == [2]
        assert (await limited.get("/events?block_slug=baldwinsville/block-01")).json()["total"] == 0
        assert (await limited.get("/events/verify")).status_code == 403


async def test_a_site_that_is_one_block_has_all_events_of_the_site(hall: Hall) -> None:
    await hall.build("SUB001", "SUB001")
    await hall.build("SUB001", "annex")
    body = {"device_id": "SUB001-FDR002", "feeder_id": "FDR002", "severity": "ALARM", "event_type": "FEEDER_TRIP"}
    answer = await hall.http.post(
        f"{hall.url}/api/ingest/event", json={**body, "substation_id": "SUB001", "timestamp": hall.iso()}
    )
    assert answer.status_code == 200, answer.text
    await log(hall, site="SUB001", subject=None)
    await log(hall, site="SUB001", subject="annex")
    await log(hall)
    shown = (await hall.get("/events"))["events"]
    assert [(each["event_type"], each["site_slug"], each["block_slug"]) for each in shown] == [
        ("mode_change", "baldwinsville", "block-01"),
        ("mode_change", "SUB001", "annex"),
        ("mode_change", "SUB001", "SUB001"),
        ("FEEDER_TRIP", "SUB001", "SUB001"),
    ]
    for block in ("SUB001", "annex", "block-01"):
        expected = [each["id"] for each in shown if each["block_slug"] == block]
        assert await ids(hall, block_slug=block) == expected


async def test_the_chain_is_proved_and_tampering_found(hall: Hall) -> None:
    for _ in range(3):
        await log(hall, body={"n": 1})
    found = await hall.get("/events/verify")
    newest = (await hall.get("/events"))["events"][0]
    assert found == {
        "valid": True,
        "events_checked": 3,
        "last_hash": newest["hash"],
        "broken_at": None,
        "reason": None,
    }
    async with hall.platform.database.transaction() as connection:
        rules = (await connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type='trigger'"))).all()
        for rule in rules:
            await connection.execute(sa.text(f"DROP TRIGGER {rule.name}"))
        changed = sa.text("UPDATE events SET body = :body WHERE tenant = :tenant AND sequence = 2")
        await connection.execute(changed, {"body": '{"n":2}', "tenant": hall.tenant})
        for rule in rules:
            await connection.exec_driver_sql(rule.sql)
    found = await hall.get("/events/verify")
    assert (found["valid"], found["events_checked"], found["broken_at"]) == (False, 1, 2)
    assert found["reason"]
