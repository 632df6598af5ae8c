"""GET /alarms, /alarms/history and /alarms/stats."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.mcs.halls import Building, Hall
from tests.contracts.mcs.published import ALARM_KEYS
from wattline.alarms.model import STATES

ADDED = ["transition_count", "alarm_id", "sensor_tag", "description", "unit", "equipment_tag", "limit", "out_of_service"]
STATS = [
    "standing",
    "acked",
    "shelved",
    "suppressed",
    "raised_last_hour",
    "avg_response_seconds_24h",
    "isa_18_2_target_per_hour",
    "compliant",
]
RET, SUP, MSB, PDU = "CDU-01-T-RET", "CDU-01-T-SUP", "P-MSB-TOTAL", "PDU-R01-KW"


async def four(hall: Hall) -> None:
    """An alarm in each of four states: RET P0 ACTIVE, SUP P1 ACKED, MSB P2 RTN_UNACK, PDU P2 CLEARED."""
    for tag, priority in ((RET, "P0"), (SUP, "P1"), (MSB, "P2"), (PDU, "P2")):
        await hall.limit(tag, {"H": {"value": 10.0, "priority": priority}})
        await hall.judged(tag, 11.0)
    for tag in (SUP, PDU):
        await hall.post(f"/alarms/{hall.points[tag].id}/acknowledge", operator="ann")
    for tag in (MSB, PDU):
        await hall.judged(tag, 1.0)


async def tags(hall: Hall, path: str = "/alarms", **parameters: Any) -> list[str]:
    """The tags of the alarms that answer a question."""
    return [alarm["tag"] for alarm in (await hall.get(path, **parameters))["alarms"]]


async def test_an_alarm_has_the_24_published_keys_filled_and_then_what_was_added(hall: Hall) -> None:
    await hall.limit(RET)
    await hall.judged(RET, 61.7)
    raised = hall.iso()
    hall.clock.advance(127.3)
    await hall.post(f"/alarms/{hall.points[RET].id}/acknowledge", operator="nick.searra")
    page = await hall.get("/alarms")
    assert list(page) == ["total", "standing", "alarms"]
    (alarm,) = page["alarms"]
    assert list(alarm) == ALARM_KEYS + ADDED
    assert len(ALARM_KEYS) == 24
    assert isinstance(alarm["id"], int)
    assert alarm == {
        **dict.fromkeys(["value_at_clear", "cleared_at", "shelved_at", "shelved_by", "shelved_until"]),
        **dict.fromkeys(["shelve_reason", "suppressed_by_alarm_id"]),
        "id": alarm["id"],
        "sensor_id": hall.points[RET].id,
        "priority": "P0",
        "state": "ACKED",
        "site_id": "baldwinsville",
        "block_id": "block-01",
        "subsystem": "thermal-l1",
        "tag": RET,
        "value_at_raise": 61.7,
        "threshold_value": 60.0,
        "threshold_direction": "HIGH",
        "raised_at": raised,
        "acked_at": hall.iso(),
        "acked_by": "nick.searra",
        "last_value": 61.7,
        "last_seen": raised,
        "response_time_seconds": 127.3,
        "transition_count": 2,
        "alarm_id": alarm["id"],
        "sensor_tag": RET,
        "description": "Return temperature",
        "unit": "°C",
        "equipment_tag": "CDU-01",
        "limit": "HH",
        "out_of_service": False,
    }


async def test_without_a_state_all_that_is_not_cleared_by_priority_then_newest(hall: Hall) -> None:
    await four(hall)
    page = await hall.get("/alarms")
    assert (page["total"], page["standing"]) == (3, 2)
    assert [(alarm["tag"], alarm["state"]) for alarm in page["alarms"]] == [
        (RET, "ACTIVE"),
        (SUP, "ACKED"),
        (MSB, "RTN_UNACK"),
    ]
    assert await tags(hall, "/alarms/history") == [RET, SUP, PDU, MSB]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"state": "CLEARED"}, [PDU]),
        ({"state": "active, acked"}, [RET, SUP]),
        ({"state": " Rtn_Unack "}, [MSB]),
        ({"state": "ACKNOWLEDGED"}, []),
        ({"state": "ACTIVE,nonsense"}, [RET]),
        ({"state": ","}, []),
        ({"state": ""}, [RET, SUP, MSB]),
        ({"state": ",".join(STATES)}, [RET, SUP, PDU, MSB]),
        ({"priority": "p1,P2"}, [SUP, MSB]),
        ({"priority": "P9"}, []),
        ({"priority": "P2", "state": "CLEARED"}, [PDU]),
        ({"block_slug": "block-01"}, [RET, SUP, MSB]),
        ({"block_slug": "baldwinsville/block-01"}, [RET, SUP, MSB]),
        ({"block_id": "block-01"}, [RET, SUP, MSB]),
        ({"block_slug": "zz"}, []),
        ({"block_slug": "\x00"}, []),
        ({"site_slug": "baldwinsville"}, [RET, SUP, MSB]),
        ({"site_slug": "zz"}, []),
        ({"site_slug": "\x00"}, []),
        ({"sensor_id": "99999999999999999999"}, []),
        ({"limit": "1"}, [RET]),
        ({"limit": "1", "offset": "1"}, [SUP]),
        ({"offset": "3"}, []),
        ({"offset": str(2**63 - 1)}, []),
    ],
)
async def test_filters(hall: Hall, parameters: dict[str, str], expected: list[str]) -> None:
    await four(hall)
    assert await tags(hall, **parameters) == expected


async def test_totals_ignore_the_page_and_obey_the_filter(hall: Hall) -> None:
    await four(hall)
    page = await hall.get("/alarms", limit=1, priority="P0,P1")
    assert (page["total"], page["standing"], len(page["alarms"])) == (2, 1, 1)
    assert await hall.get("/alarms", block_slug="zz") == {"total": 0, "standing": 0, "alarms": []}


async def test_a_range_of_raises_is_half_open(hall: Hall) -> None:
    await four(hall)
    raised = {alarm["tag"]: alarm["raised_at"] for alarm in (await hall.get("/alarms/history"))["alarms"]}
    assert await tags(hall, "/alarms/history", start=raised[SUP], end=raised[PDU]) == [SUP, MSB]
    assert await tags(hall, start=raised[PDU]) == []
    assert await tags(hall, end=raised[SUP]) == [RET]
    assert await tags(hall, "/alarms/history", sensor_id=hall.points[PDU].id) == [PDU]
    naive = raised[MSB].removesuffix("Z")
    assert await tags(hall, start=naive) == [MSB]


@pytest.mark.parametrize(
    ("query", "status", "loc"),
    [
        ("limit=1001", 422, ["query", "limit"]),
        ("limit=0", 422, ["query", "limit"]),
        ("offset=-1", 422, ["query", "offset"]),
        ("offset=9223372036854775808", 422, ["query", "offset"]),
        ("start=yesterday", 422, ["query", "start"]),
        ("sensor_id=x", 422, ["query", "sensor_id"]),
        ("start=2026-02-02T00:00:00Z&end=2026-02-02T00:00:00Z", 400, None),
        ("start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59Z", 200, None),
    ],
)
async def test_impossible_parameters(hall: Hall, query: str, status: int, loc: list[str] | None) -> None:
    for path in ("/alarms", "/alarms/history"):
        answer = await hall.http.get(f"{path}?{query}")
        assert answer.status_code == status, answer.text
        if loc is not None:
            assert answer.json()["detail"][0]["loc"] == loc
        elif status == 400:
            assert answer.json() == {"detail": "end must be after start"}


async def test_the_422_of_a_limit_is_the_published_one(hall: Hall) -> None:
    answer = await hall.http.get("/alarms?limit=1001")
    assert answer.json() == {
        "detail": [
            {
                "type": "less_than_equal",
                "loc": ["query", "limit"],
                "msg": "Input should be less than or equal to 1000",
                "input": "1001",
                "ctx": {"le": 1000},
            }
        ]
    }


async def test_equal_slugs_of_two_sites_never_mix(hall: Hall) -> None:
    await hall.limit(RET)
    await hall.judged(RET, 61.0)
    hall.points["elsewhere"] = (await hall.build("syracuse", "block-01"))[RET]
    await hall.limit("elsewhere")
    await hall.judged("elsewhere", 62.0)
    for site in ("baldwinsville", "syracuse"):
        for parameters in ({"block_slug": f"{site}/block-01"}, {"site_slug": site}):
            (alarm,) = (await hall.get("/alarms", **parameters))["alarms"]
            assert alarm["site_id"] == site
    answer = await hall.http.get("/alarms?block_slug=block-01")
    assert (answer.status_code, "syracuse/block-01" in answer.text) == (409, True)


async def test_a_key_sees_its_sites_and_no_tenant_sees_another(hall: Hall, served: Building) -> None:
    await hall.limit(RET)
    await hall.judged(RET, 61.0)
    async with hall.client(await hall.key(sites=["syracuse"])) as limited, Hall(served).open() as other:
        for client in (limited, other.http):
            assert (await client.get("/alarms/history")).json()["total"] == 0
            assert (await client.get("/alarms?site_slug=baldwinsville")).json()["total"] == 0
            assert (await client.get("/alarms/stats")).json()["standing"] == 0
            answer = await client.post(f"/alarms/{hall.points[RET].id}/acknowledge", json={"operator": "x"})
            told = {"detail": f"No active alarm for sensor {hall.points[RET].id}"}
            assert (answer.status_code, answer.json()) == (404, told)


async def test_the_eight_published_figures_and_what_was_added(hall: Hall) -> None:
    await four(hall)
    found = await hall.get("/alarms/stats")
    assert list(found)[:8] == STATS
    assert {name: found[name] for name in STATS} == {
        "standing": 2,
        "acked": 1,
        "shelved": 0,
        "suppressed": 0,
        "raised_last_hour": 4,
        "avg_response_seconds_24h": 1.0,
        "isa_18_2_target_per_hour": 6,
        "compliant": True,
    }
    assert found["raised_24h"] == 4
    assert found["priority_counts_24h"] == {"P0": 1, "P1": 1, "P2": 2, "P3": 0}
    assert {each["tag"] for each in found["top"]} == {RET, SUP, MSB, PDU}
    assert found["response_by_priority_24h"]["P1"] == {"target_seconds": 900, "acked": 1, "met": 1, "share_met": 1.0}


async def test_alarms_that_were_dealt_with_quickly_count_as_much_as_those_that_stand(hall: Hall) -> None:
    await hall.limit(RET)
    for _ in range(7):
        await hall.judged(RET, 61.0)
        hall.clock.advance(10)
        await hall.post(f"/alarms/{hall.points[RET].id}/acknowledge", operator="ann")
        await hall.judged(RET, 1.0)
    found = await hall.get("/alarms/stats")
    assert (found["standing"], found["raised_last_hour"], found["compliant"]) == (0, 7, False)
    assert found["avg_response_seconds_24h"] == 10.0
    hall.clock.advance(3600)
    assert (await hall.get("/alarms/stats"))["compliant"] is True


async def test_figures_of_one_block_and_of_none(hall: Hall) -> None:
    await hall.build(block="block-02")
    await hall.limit(RET)
    await hall.judged(RET, 61.0)
    assert (await hall.get("/alarms/stats", block_slug="block-01"))["standing"] == 1
    for nowhere in ("block-02", "zz"):
        found = await hall.get("/alarms/stats", block_slug=nowhere)
        assert {name: found[name] for name in STATS} == {
            **dict.fromkeys(STATS[:5], 0),
            "avg_response_seconds_24h": 0.0,
            "isa_18_2_target_per_hour": 6,
            "compliant": True,
        }
