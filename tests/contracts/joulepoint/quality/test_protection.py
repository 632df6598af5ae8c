"""Protection events and breakers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.quality.conftest import BREAKERS, PROTECTION, Meter, meter_in


async def breakers(meter: Meter) -> list[dict[str, Any]]:
    answer = await meter.depot.call("GET", BREAKERS, params={"meter_id": meter.id})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


async def listed(meter: Meter, **query: Any) -> list[dict[str, Any]]:
    answer = await meter.depot.call("GET", PROTECTION, params={"meter_id": meter.id, **query})
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["results"]))


async def test_a_trip_is_kept_told_and_moves_its_breaker(depot: Depot, meter: Meter) -> None:
    body = {
        "kind": "trip_earth_leakage",
        "breaker_id": "Q1",
        "prev_state": "closed",
        "current_a": 12.5,
        "leakage_ma": 34.0,
        "threshold": 30,
        "cause": "leakage on L2",
        "timestamp": meter.at(-30),
        "source_event_id": "t-1",
    }
    made = await meter.told(PROTECTION, body, 201)
    assert (made["state"], made["prev_state"], made["sequence_gap"], made["late"]) == ("tripped", "closed", False, False)
    assert {name: made[name] for name in body} == body
    assert (await meter.told(PROTECTION, body, 200))["id"] == made["id"]
    await meter.told(PROTECTION, {**body, "leakage_ma": 35.0}, 409)
    assert await listed(meter) == [made]
    assert await meter.logged("protection.event") == [made]
    (breaker,) = await breakers(meter)
    assert (breaker["breaker_id"], breaker["state"], breaker["age_s"]) == ("Q1", "tripped", 30.0)
    assert (await depot.call("GET", f"{PROTECTION}/{made['id']}")).json() == made


async def test_a_breaker_goes_round_and_what_it_cannot_do_is_marked(meter: Meter) -> None:
    gaps = []
    for number, state in enumerate(("closed", "tripped", "open", "closed", "open", "tripped", "closed", "closed")):
        body = {"kind": "breaker_state", "state": state, "timestamp": meter.at(number - 60)}
        gaps.append((await meter.told(PROTECTION, body, 201))["sequence_gap"])
    assert gaps == [False, False, False, False, False, True, True, False]


async def test_a_state_before_that_is_not_the_known_one_is_a_gap(meter: Meter) -> None:
    await meter.told(PROTECTION, {"kind": "breaker_state", "state": "closed", "timestamp": meter.at(-9)}, 201)
    body = {"kind": "breaker_state", "state": "closed", "prev_state": "open", "timestamp": meter.at(-8)}
    assert (await meter.told(PROTECTION, body, 201))["sequence_gap"] is True


async def test_what_comes_late_is_kept_and_moves_nothing(meter: Meter) -> None:
    await meter.told(PROTECTION, {"kind": "breaker_state", "state": "open", "timestamp": meter.at(-10)}, 201)
    late = await meter.told(PROTECTION, {"kind": "breaker_state", "state": "closed", "timestamp": meter.at(-20)}, 201)
    assert (late["late"], late["sequence_gap"]) == (True, False)
    assert [each["state"] for each in await breakers(meter)] == ["open"]


async def test_an_alarm_of_leakage_leaves_the_breaker_as_it_is(meter: Meter) -> None:
    await meter.told(PROTECTION, {"kind": "breaker_state", "state": "closed", "timestamp": meter.at(-10)}, 201)
    alarm = await meter.told(PROTECTION, {"kind": "earth_leakage_alarm", "leakage_ma": 28.0}, 201)
    assert (alarm["state"], alarm["prev_state"]) == (None, "closed")
    assert [each["state"] for each in await breakers(meter)] == ["closed"]


async def test_readings_move_the_main_breaker(meter: Meter) -> None:
    volts = {"voltage_a": 230}
    await meter.readings({**volts, "breaker_state": "closed"}, {**volts, "breaker_state": "closed"})
    assert await listed(meter) == []
    (breaker,) = await breakers(meter)
    assert (breaker["breaker_id"], breaker["state"], breaker["age_s"]) == ("main", "closed", 0.0)
    await meter.readings(volts, {**volts, "breaker_state": "tripped"}, {**volts, "breaker_state": "closed"})
    first, second = await listed(meter, kind="breaker_state", breaker_id="main")
    assert (first["state"], first["prev_state"], first["cause"], first["sequence_gap"]) == (
        "tripped",
        "closed",
        "reading",
        False,
    )
    assert (second["state"], second["prev_state"], second["sequence_gap"]) == ("closed", "tripped", True)
    assert await listed(meter, **{"from": second["timestamp"]}) == [second]
    assert await listed(meter, to=second["timestamp"]) == [first]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/kind"),
        ({"kind": "trip"}, "/kind"),
        ({"kind": "breaker_state"}, "/state"),
        ({"kind": "arc_fault", "state": "ajar"}, "/state"),
        ({"kind": "arc_fault", "leakage_ma": -1}, "/leakage_ma"),
        ({"kind": "arc_fault", "breaker_id": ""}, "/breaker_id"),
        ({"kind": "arc_fault", "timestamp": "2036-01-01T00:00:00Z"}, "/timestamp"),
        ({"kind": "arc_fault", "timestamp": "2026-06-01T00:00:00"}, "/timestamp"),
        ({"kind": "arc_fault", "colour": "red"}, "/colour"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_by_its_place(meter: Meter, body: dict[str, Any], pointer: str) -> None:
    answer = await meter.told(PROTECTION, body, 422)
    assert [error["pointer"] for error in answer["errors"]] == [pointer]


async def test_another_tenant_sees_nothing(depot: Depot, stranger: Depot) -> None:
    meter = await meter_in(depot)
    made = await meter.told(PROTECTION, {"kind": "trip_overcurrent"}, 201)
    for path in (f"{PROTECTION}/{made['id']}", f"{PROTECTION}?meter_id={meter.id}", f"{BREAKERS}?meter_id={meter.id}"):
        assert (await stranger.call("GET", path)).status_code == 404
    for path in (PROTECTION, BREAKERS):
        assert (await stranger.call("GET", path)).json()["results"] == []
        assert (await depot.call("GET", path)).json()["count"] == 1
