"""Each limit of a reading, and of what is configured: at it, beyond it, and what it is not made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.contracts.joulepoint.promises.conftest import ENERGY, READING, Yard
from wattline.metering.fields import NAMES

LIMITS = {
    **dict.fromkeys(("total_power", "power_a", "power_b", "power_c", "reactive_power"), (-1e9, 1e9)),
    "apparent_power": (0, 1e9),
    **dict.fromkeys(("total_energy", "energy_export", "reactive_energy"), (0, 1e12)),
    **dict.fromkeys((f"voltage_{name}" for name in ("a", "b", "c", "ab", "bc", "ca")), (0, 1e6)),
    **dict.fromkeys((f"current_{name}" for name in "abcn"), (-1e6, 1e6)),
    "frequency": (0, 100),
    **dict.fromkeys(("power_factor", "pf_a", "pf_b", "pf_c"), (-1, 1)),
    **dict.fromkeys((f"thd_{kind}_{phase}" for kind in "vi" for phase in "abc"), (0, 1000)),
    "temperature": (-273.15, 1e6),
}


async def refused(yard: Yard, body: bytes | dict[str, Any]) -> list[tuple[str, str]]:
    """The faults that a reading is refused for; none where it is taken."""
    answer = await yard.send(body)
    if answer.status_code in (200, 201):
        return []
    assert answer.status_code == 422, answer.text
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


def test_every_field_has_its_limits_here() -> None:
    assert set(LIMITS) == set(NAMES)


@pytest.mark.parametrize("name", LIMITS)
async def test_a_field_reaches_to_its_limits_and_is_a_finite_number(shared: Yard, name: str) -> None:
    low, high = LIMITS[name]
    for value in (low, high):
        assert await refused(shared, {name: value}) == []
    for beyond in (low - max(abs(low) * 1e-6, 1e-6), high + abs(high) * 1e-6):
        assert await refused(shared, {name: beyond}) == [(f"/{name}", "out_of_range")]
    for text in (b"NaN", b"Infinity", b"-Infinity", b"1e999"):
        assert await refused(shared, b'{"%s":%s}' % (name.encode(), text)) == [(f"/{name}", "not_finite")]
    for odd in (True, "1", [1], {"W": 1}):
        assert await refused(shared, {name: odd}) == [(f"/{name}", "type")]


async def test_a_time_is_at_most_5_minutes_ahead_and_450_days_ago(yard: Yard) -> None:
    for taken in (yard.at(minutes=-5), yard.at(days=450)):
        assert await refused(yard, {"total_power": 1, "timestamp": taken}) == []
    for late, code in ((timedelta(minutes=-5, milliseconds=-1), "future"), (timedelta(days=450, milliseconds=1), "too_old")):
        stamp = (yard.depot.clock.now() - late).isoformat()
        assert await refused(yard, {"total_power": 1, "timestamp": stamp}) == [("/timestamp", code)]


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30T00:00:00Z", "2026-06-11", 1781188320, True, ""])
async def test_a_time_is_one_of_rfc_3339(shared: Yard, text: object) -> None:
    assert await refused(shared, {"total_power": 1, "timestamp": text}) == [("/timestamp", "bad_timestamp")]


async def test_a_strict_meter_wants_an_offset(yard: Yard) -> None:
    local = yard.at(minutes=1).removesuffix("Z")
    assert await refused(yard, {"total_power": 1, "timestamp": local}) == []
    await yard.ask("PATCH", f"{ENERGY}/meters/{yard.meter}", json={"reading": "strict"})
    assert await refused(yard, {"total_power": 2, "timestamp": local}) == [("/timestamp", "bad_timestamp")]


async def test_a_reading_has_one_measurement_at_least_and_32_extra_at_most(yard: Yard) -> None:
    assert await refused(yard, {"timestamp": yard.at()}) == [("", "no_measurement")]
    extra = {f"x{number}": number for number in range(32)}
    assert await refused(yard, {"total_power": 1, "extra": extra}) == []
    assert await refused(yard, {"total_power": 1, "extra": {**extra, "more": 1}}) == [("/extra", "too_many")]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("meters", {}),
        ("groups", {}),
        ("accounts", {"currency": "EUR"}),
        ("tariffs", {"currency": "EUR", "timezone": "UTC", "energy": {"periods": [[{"rate": "0.1"}]]}}),
    ],
)
async def test_a_name_has_1_to_200_characters(shared: Yard, kind: str, body: dict[str, Any]) -> None:
    for name in ("x", "x" * 200):
        await shared.ask("POST", f"{ENERGY}/{kind}", 201, json={**body, "name": name})
    for wrong in ("", "x" * 201, 7):
        told = await shared.ask("POST", f"{ENERGY}/{kind}", 422, json={**body, "name": wrong})
        assert [each["pointer"] for each in told["errors"]] == ["/name"]


async def test_metadata_has_8_kib_at_most(yard: Yard) -> None:
    room = 8 * 1024 - len('{"m":""}')
    await yard.made("meters", metadata={"m": "x" * room})
    told = await yard.ask("POST", f"{ENERGY}/meters", 422, json={"name": "x", "metadata": {"m": "x" * (room + 1)}})
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == [("/metadata", "too_long")]


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        ({"sag_v_threshold": 0.1}, {"/sag_v_threshold", "/interruption_threshold"}),
        ({"sag_v_threshold": 1.0}, {"/sag_v_threshold"}),
        ({"swell_v_threshold": 2.1}, {"/swell_v_threshold"}),
        ({"sag_v_threshold": 0.99, "hysteresis_pct": 2}, {"/sag_v_threshold", "/hysteresis_pct"}),
        ({"swell_v_threshold": 1.01, "hysteresis_pct": 2}, {"/swell_v_threshold", "/hysteresis_pct"}),
        ({"thd_pct_threshold": 0}, {"/thd_pct_threshold"}),
        ({"thd_pct_threshold": 100.1}, {"/thd_pct_threshold"}),
        ({"imbalance_pct_threshold": 0}, {"/imbalance_pct_threshold"}),
    ],
)
async def test_thresholds_that_cannot_be_name_every_field_of_the_rule(
    shared: Yard, wrong: dict[str, float], pointers: set[str]
) -> None:
    told = await shared.ask("POST", f"{ENERGY}/pq/config", 422, json={"meter_id": shared.meter, **wrong})
    assert {each["pointer"] for each in told["errors"]} == pointers


async def test_a_body_of_one_reading_is_bounded(yard: Yard) -> None:
    most = yard.depot.platform.settings.max_record_bytes
    body = b'{"total_power":1}'
    assert (await yard.send(body.ljust(most))).status_code == 201
    assert (await yard.send(body.ljust(most + 1))).status_code == 413


async def test_a_rate_may_be_as_text_alone(yard: Yard) -> None:
    """Money is a decimal as text: a number of JSON is not one."""
    body = {"name": "t", "currency": "EUR", "timezone": "UTC", "energy": {"periods": [[{"rate": 0.1}]]}}
    told = await yard.ask("POST", f"{ENERGY}/tariffs", 422, json=body)
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == [("/energy/periods/0/0/rate", "type")]


async def test_the_path_of_a_reading_knows_post_alone(yard: Yard) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = await yard.depot.call(method, READING)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
