"""POST /alarms/{sensor_id}/acknowledge, /shelve, /unshelve, /out-of-service and /in-service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.mcs.halls import Hall, building

RET = "CDU-01-T-RET"
SHELF = {"operator": "nick.searra", "reason": "Sensor calibration in progress — expected excursion", "duration_hours": 4}


@pytest_asyncio.fixture(loop_scope="session")
async def hall(hall: Hall) -> Hall:
    """A tenant of its own with an active alarm."""
    await hall.limit(RET)
    await hall.judged(RET, 61.7)
    return hall


async def answered(hall: Hall, action: str, body: Any) -> tuple[int, Any]:
    """Status and body of an action on the alarm."""
    answer = await hall.http.post(f"/alarms/{hall.points[RET].id}/{action}", json=body)
    return answer.status_code, answer.json()


async def newest_event(hall: Hall) -> dict[str, Any]:
    """The last thing that was logged."""
    return max((await hall.get("/events"))["events"], key=lambda event: event["id"])


async def test_acknowledge_as_published(hall: Hall) -> None:
    status, alarm = await answered(hall, "acknowledge", {"operator": "nick.searra"})
    assert (status, alarm["state"], alarm["acked_by"], alarm["acked_at"]) == (200, "ACKED", "nick.searra", hall.iso())
    event = await newest_event(hall)
    assert event["event_type"] == "alarm_acked"
    assert event["payload"]["operator"] == "nick.searra"
    assert (event["payload"]["alarm_id"], event["payload"]["sensor_id"]) == (alarm["id"], hall.points[RET].id)


async def test_acknowledging_again_finds_nothing_to_acknowledge(hall: Hall) -> None:
    await answered(hall, "acknowledge", {"operator": "ann"})
    told = {"detail": f"No active alarm for sensor {hall.points[RET].id}"}
    assert await answered(hall, "acknowledge", {"operator": "ann"}) == (404, told)


async def test_acknowledging_what_returned_clears_it(hall: Hall) -> None:
    await hall.judged(RET, 50.0)
    status, alarm = await answered(hall, "acknowledge", {"operator": "ann"})
    assert (status, alarm["state"], alarm["value_at_clear"]) == (200, "CLEARED", 50.0)


async def test_shelve_as_published(hall: Hall) -> None:
    status, alarm = await answered(hall, "shelve", SHELF)
    assert (status, alarm["state"], alarm["shelved_by"]) == (200, "SHELVED", "nick.searra")
    assert (alarm["shelved_at"], alarm["shelved_until"]) == (hall.iso(), hall.iso(4 * 3600))
    assert alarm["shelve_reason"] == SHELF["reason"]
    payload = (await newest_event(hall))["payload"]
    assert {name: payload[name] for name in SHELF} == SHELF
    assert (await answered(hall, "shelve", SHELF))[0] == 404
    assert (await answered(hall, "acknowledge", {"operator": "ann"}))[0] == 404


async def test_eight_hours_unless_said(hall: Hall) -> None:
    _, alarm = await answered(hall, "shelve", {"operator": "ann", "reason": "why"})
    assert alarm["shelved_until"] == hall.iso(8 * 3600)


@pytest.mark.parametrize("state", ["ACTIVE", "ACKED", "RTN_UNACK"])
async def test_what_may_be_shelved(hall: Hall, state: str) -> None:
    if state == "ACKED":
        await answered(hall, "acknowledge", {"operator": "ann"})
    elif state == "RTN_UNACK":
        await hall.judged(RET, 50.0)
    assert (await hall.get("/alarms"))["alarms"][0]["state"] == state
    status, alarm = await answered(hall, "shelve", SHELF)
    assert (status, alarm["state"]) == (200, "SHELVED")


async def test_unshelve_judges_anew(hall: Hall) -> None:
    assert (await answered(hall, "unshelve", {"operator": "ann"}))[0] == 404
    await answered(hall, "shelve", SHELF)
    status, alarm = await answered(hall, "unshelve", {"operator": "ann"})
    assert (status, alarm["state"], alarm["shelved_by"], alarm["shelve_reason"]) == (200, "ACTIVE", None, None)
    await answered(hall, "shelve", SHELF)
    await hall.judged(RET, 50.0)
    status, alarm = await answered(hall, "unshelve", {"operator": "ann"})
    assert (status, alarm["state"]) == (200, "CLEARED")


async def test_out_of_service_also_without_an_alarm(hall: Hall) -> None:
    sensor = hall.points["CDU-01-T-SUP"].id
    away = await hall.post(f"/alarms/{sensor}/out-of-service", operator="ann", reason="replaced")
    assert away == {"sensor_id": sensor, "in_service": False, "alarm": None}
    assert (await hall.get("/alarms/stats"))["out_of_service"] == 1
    back = await hall.post(f"/alarms/{sensor}/in-service", operator="ann")
    assert back == {"sensor_id": sensor, "in_service": True, "alarm": None}


LONG = "x" * 501


@pytest.mark.parametrize(
    ("action", "body", "kind", "field"),
    [
        ("acknowledge", {}, "missing", "operator"),
        ("acknowledge", {"operator": ""}, "string_too_short", "operator"),
        ("acknowledge", {"operator": " "}, "value_error", "operator"),
        ("acknowledge", {"operator": "a\u0000b"}, "value_error", "operator"),
        ("acknowledge", {"operator": "x" * 129}, "string_too_long", "operator"),
        ("acknowledge", {"operator": 5}, "string_type", "operator"),
        ("acknowledge", {"operator": None}, "string_type", "operator"),
        ("shelve", {"operator": "ann"}, "missing", "reason"),
        ("shelve", {"operator": "ann", "reason": "ab"}, "string_too_short", "reason"),
        ("shelve", {"operator": "ann", "reason": "   a   "}, "value_error", "reason"),
        ("shelve", {"operator": "ann", "reason": LONG}, "string_too_long", "reason"),
        ("shelve", SHELF | {"duration_hours": 48}, "less_than_equal", "duration_hours"),
        ("shelve", SHELF | {"duration_hours": 0.4}, "greater_than_equal", "duration_hours"),
        ("shelve", SHELF | {"duration_hours": "x"}, "float_parsing", "duration_hours"),
        ("shelve", SHELF | {"duration_hours": None}, "float_type", "duration_hours"),
        ("unshelve", {}, "missing", "operator"),
        ("out-of-service", {"operator": "ann"}, "missing", "reason"),
        ("in-service", {}, "missing", "operator"),
    ],
)
async def test_bad_bodies(hall: Hall, action: str, body: Any, kind: str, field: str) -> None:
    status, told = await answered(hall, action, body)
    assert status == 422
    assert (told["detail"][0]["type"], told["detail"][0]["loc"]) == (kind, ["body", field])
    assert (await hall.get("/alarms"))["alarms"][0]["state"] == "ACTIVE"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"operator": NaN}', b'{"operator": "\xff"}', b"[" * 5000])
async def test_what_is_no_object(hall: Hall, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await hall.http.post(f"/alarms/{hall.points[RET].id}/acknowledge", content=content, headers=headers)
    assert answer.status_code in (400, 422)
    assert "detail" in answer.json()


async def test_a_duration_that_is_no_number_is_refused(hall: Hall) -> None:
    content = b'{"operator": "ann", "reason": "because", "duration_hours": NaN}'
    headers = {"Content-Type": "application/json"}
    answer = await hall.http.post(f"/alarms/{hall.points[RET].id}/shelve", content=content, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("sensor", ["0", "-1", "2147483648", "99999999999999999999"])
@pytest.mark.parametrize("action", ["acknowledge", "shelve", "unshelve", "out-of-service", "in-service"])
async def test_sensors_that_do_not_exist(hall: Hall, sensor: str, action: str) -> None:
    answer = await hall.http.post(f"/alarms/{sensor}/{action}", json=SHELF)
    assert (answer.status_code, answer.json()) == (404, {"detail": f"No active alarm for sensor {sensor}"})


async def test_a_sensor_that_is_no_number(hall: Hall) -> None:
    answer = await hall.http.post("/alarms/x/acknowledge", json=SHELF)
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "int_parsing")


async def test_the_scope_alarm_write_is_needed(hall: Hall) -> None:
    async with hall.client(await hall.key(["query:read"])) as reader:
        answer = await reader.post(f"/alarms/{hall.points[RET].id}/acknowledge", json={"operator": "ann"})
    assert answer.status_code == 403


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b"", b'{"operator": ""}'])
async def test_the_key_comes_before_the_body(hall: Hall, content: bytes) -> None:
    reader = await hall.key(["query:read"])
    headers = {"Content-Type": "application/json"}
    for secret, status in (("wl_none", 401), (reader, 403)):
        async with hall.client(secret) as client:
            for action in ("acknowledge", "shelve", "unshelve", "out-of-service", "in-service"):
                path = f"/alarms/{hall.points[RET].id}/{action}"
                answer = await client.post(path, content=content, headers=headers)
                assert answer.status_code == status, (action, answer.text)


async def test_a_body_that_is_wrong_counts_as_a_request(tmp_path: Path) -> None:
    async with building(tmp_path, mcs_requests_per_minute=3) as made, Hall(made).open() as hall:
        for status in (422, 404, 422, 429):
            content = b"{" if status == 422 else b'{"operator": "ann"}'
            answer = await hall.http.post(
                "/alarms/1/acknowledge", content=content, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == status
