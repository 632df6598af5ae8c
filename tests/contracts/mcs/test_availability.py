"""GET /blocks/{slug}/availability."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.mcs.halls import Hall

pytestmark = pytest.mark.asyncio(loop_scope="session")

RET, SUP = "CDU-01-T-RET", "CDU-01-T-SUP"
PATH = "/blocks/block-01/availability"


async def outage(hall: Hall, tag: str, seconds: float, priority: str = "P1") -> None:
    """The sensor is in alarm for so long."""
    await hall.limit(tag, {"H": {"value": 10.0, "priority": priority}})
    await hall.judged(tag, 11.0)
    hall.clock.advance(seconds - 1)
    await hall.judged(tag, 1.0)


async def test_two_alarms_at_once_are_one_outage(hall: Hall) -> None:
    begun = hall.iso()
    for tag in (RET, SUP):
        await hall.limit(tag, {"H": {"value": 10.0, "priority": "P1"}})
        await hall.judged(tag, 11.0)
    down_since = hall.iso(-1)
    hall.clock.advance(598)
    await hall.judged(RET, 1.0)
    hall.clock.advance(299)
    await hall.judged(SUP, 1.0)
    until = hall.iso()
    hall.clock.advance(100_000)
    found = await hall.get(PATH, start=begun, end=hall.iso())
    assert found == {
        "block_slug": "block-01",
        "site_slug": "baldwinsville",
        "start": begun,
        "end": hall.iso(),
        "availability_class": "B",
        "target_percent": 99.9,
        "availability_percent": 99.108,
        "elapsed_minutes": 1681.6833,
        "downtime_minutes": 15.0,
        "excluded_minutes": 0.0,
        "budget_minutes": 1.6817,
        "budget_used": pytest.approx(8.9196, abs=1e-4),
        "breach_warning": True,
        "budget_exhausted": True,
        "credit_percent": 10,
        "outages": [{"start": down_since, "end": until, "minutes": 15.0}],
    }


async def test_an_open_alarm_is_down_until_now_also_in_a_range_that_is_not_over(hall: Hall) -> None:
    begun = hall.iso()
    await hall.limit(RET, {"H": {"value": 10.0, "priority": "P0"}})
    await hall.judged(RET, 11.0)
    hall.clock.advance(599)
    found = await hall.get(PATH, start=begun, end=hall.iso(86_400 * 30))
    assert found["elapsed_minutes"] == 10.0
    assert found["downtime_minutes"] == 9.9833
    assert found["outages"][0]["end"] == hall.iso()


async def test_maintenance_that_was_announced_in_time_is_no_downtime(hall: Hall) -> None:
    begun = hall.iso()
    await outage(hall, RET, 600)
    asked: dict[str, Any] = {"start": begun, "end": hall.iso(3600)}
    window = f"{begun}/{hall.iso(3600)}"
    early = await hall.get(PATH, **asked, maintenance=f"{window}/{hall.iso(-49 * 3600)}")
    assert (early["downtime_minutes"], early["excluded_minutes"], early["credit_percent"]) == (0.0, 10.0, 0)
    late = await hall.get(PATH, **asked, maintenance=[f"{window}/{hall.iso(-47 * 3600)}"] * 2)
    assert (late["downtime_minutes"], late["excluded_minutes"]) == (10.0, 0.0)


@pytest.mark.parametrize(("name", "target"), [("A", 99.0), ("B", 99.9), ("C", 99.99)])
async def test_the_classes(hall: Hall, name: str, target: float) -> None:
    found = await hall.get(PATH, **{"class": name, "start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"})
    assert (found["availability_class"], found["target_percent"]) == (name, target)
    assert found["budget_minutes"] == pytest.approx(44_640 * (100 - target) / 100, abs=1e-4)
    assert (found["availability_percent"], found["credit_percent"], found["outages"]) == (100.0, 0, [])


async def test_a_promise_of_ones_own_and_the_class_that_a_block_is_registered_with(hall: Hall) -> None:
    month = {"start": "2026-02-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"}
    own = await hall.get(PATH, **month, target="99.95")
    assert (own["availability_class"], own["target_percent"], own["budget_minutes"]) == (None, 99.95, 20.16)
    put = hall.platform.registry.put_block
    await put(hall.tenant, "baldwinsville", "block-01", config={"availability_class": "C"})
    assert (await hall.get(PATH, **month))["availability_class"] == "C"
    await put(hall.tenant, "baldwinsville", "block-01", config={"availability_class": ["C"]})
    assert (await hall.get(PATH, **month))["availability_class"] == "B"


async def test_a_block_is_named_in_full_where_several_sites_have_it(hall: Hall) -> None:
    await hall.build("elsewhere")
    await outage(hall, RET, 60)
    asked = {"start": hall.iso(-3600), "end": hall.iso()}
    assert (await hall.http.get(PATH, params=asked)).status_code == 409
    here = await hall.get("/blocks/baldwinsville/block-01/availability", **asked)
    there = await hall.get("/blocks/elsewhere/block-01/availability", **asked)
    assert (here["downtime_minutes"], there["downtime_minutes"]) == (1.0, 0.0)
    assert (await hall.get("/blocks/elsewhere/block-01"))["site_slug"] == "elsewhere"


async def test_another_tenants_alarms_and_blocks_are_not_there(hall: Hall, other: Hall) -> None:
    await outage(other, RET, 60)
    asked = {"start": hall.iso(-3600), "end": hall.iso()}
    assert (await hall.get(PATH, **asked))["downtime_minutes"] == 0.0
    theirs = other.points[RET].block.id
    assert (await hall.http.get(f"/blocks/{theirs}/availability", params=asked)).status_code == 404


@pytest.mark.parametrize(
    ("parameters", "status", "field"),
    [
        ({}, 422, "start"),
        ({"class": "D"}, 422, "class"),
        ({"class": ""}, 422, "class"),
        ({"target": "101"}, 422, "target"),
        ({"target": "nan"}, 422, "target"),
        ({"target": "1e-999999"}, 422, "target"),
        ({"maintenance": "yesterday"}, 422, "maintenance"),
        ({"maintenance": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z/2025-01-01T00:00:00Z"}, 422, "maintenance"),
        ({"maintenance": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"}, 422, "maintenance"),
        ({"maintenance": ["a"] * 101}, 422, "maintenance"),
        ({"start": "2026-02-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, 400, None),
        ({"start": "2024-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, 400, None),
    ],
)
async def test_what_makes_no_sense_is_refused(hall: Hall, parameters: dict[str, Any], status: int, field: str | None) -> None:
    given = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"} | parameters if parameters else {}
    answer = await hall.http.get(PATH, params=given)
    assert answer.status_code == status, answer.text
    if field is not None:
        assert answer.json()["detail"][0]["loc"][:2] == ["query", field]


async def test_an_unknown_block_is_not_found(hall: Hall) -> None:
    answer = await hall.http.get("/blocks/nowhere/availability", params={"start": hall.iso(-60)})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Block 'nowhere' not found"})
