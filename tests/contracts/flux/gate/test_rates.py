"""How often a caller may ask, who shares a limit with whom, and what every answer tells of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from wattline.model.clock import SECOND, ManualClock
from wattline.state.database import Database

from .desk import ORIGIN, Desk

TIERS = [("anon", 60, 100), ("authenticated", 300, 500), ("service_role", 1000, 2000), ("besscontroller", 300, 500)]


def told(found: httpx.Response) -> tuple[int, int, int, int]:
    """Limit, remaining, reset and burst."""
    names = ("limit", "remaining", "reset", "burst")
    limit, remaining, reset, burst = (int(found.headers[f"x-ratelimit-{name}"]) for name in names)
    return limit, remaining, reset, burst


@pytest.mark.parametrize(("role", "rate", "burst"), TIERS)
async def test_the_published_tiers(desk: Desk, role: str, rate: int, burst: int) -> None:
    key, now = await desk.key(role), desk.clock.micros() // SECOND
    for spent in range(1, burst + 1):
        found = await desk.ask(key)
        assert found.status_code == 200
        full = -(-60 * spent // rate)
        assert told(found) == (rate, burst - spent, now + full, burst)
    found = await desk.ask(key)
    assert found.status_code == 429
    assert told(found) == (rate, 0, now + 60 * burst // rate, burst)
    assert found.headers["retry-after"] == "1"
    body = found.json()
    assert body.keys() == {"code", "details", "hint", "message"}
    assert (body["code"], body["message"]) == ("429", "Too many requests")
    desk.clock.advance(60)
    answers = [(await desk.ask(key)).status_code for _ in range(rate + 1)]
    assert answers == [200] * min(rate, burst) + [429] * (rate + 1 - min(rate, burst))


async def test_a_slow_rate_tells_how_long_to_wait(database: Database, clock: ManualClock) -> None:
    desk = Desk(database, clock, flux_anon_requests_per_minute=4, flux_anon_burst=1)
    key = await desk.key()
    assert (await desk.ask(key)).status_code == 200
    clock.advance(1.5)
    found = await desk.ask(key)
    assert (found.status_code, found.headers["retry-after"]) == (429, "14")
    assert told(found) == (4, 0, clock.micros() // SECOND + 14, 1)
    clock.advance(14)
    assert (await desk.ask(key)).status_code == 200


async def spend(desk: Desk, count: int, *given: Any, **more: Any) -> list[int]:
    """What is left after each of so many requests."""
    return [told(await desk.ask(*given, **more))[1] for _ in range(count)]


async def test_an_anon_key_has_a_limit_at_each_address(desk: Desk) -> None:
    key, other = await desk.key(), await desk.key()
    assert await spend(desk, 2, key) == [99, 98]
    assert await spend(desk, 2, key, address="192.0.2.8") == [99, 98]
    assert await spend(desk, 1, other) == [99]
    assert await spend(desk, 1, key) == [97]


async def test_other_keys_have_one_limit_wherever_they_are_used(desk: Desk) -> None:
    key, other = await desk.key("authenticated"), await desk.key("authenticated")
    assert await spend(desk, 2, key) == [499, 498]
    assert await spend(desk, 1, key, address="192.0.2.8") == [497]
    assert await spend(desk, 1, other) == [499]


async def test_users_of_one_key_have_a_limit_each(desk: Desk) -> None:
    anon = await desk.key()
    for sub in ("ann", "bob"):
        assert await spend(desk, 2, anon, await desk.token(role="authenticated", sub=sub)) == [499, 498]
    later = await desk.token(role="authenticated", sub="ann", session=2)
    assert await spend(desk, 1, anon, later) == [497]
    assert await spend(desk, 1, anon) == [99]
    assert await spend(desk, 1, anon, await desk.token(role="service_role", sub="ann")) == [1999]
    assert await spend(desk, 1, anon, await desk.token(role="authenticated", sub=5)) == [499]


async def test_users_of_the_same_name_in_two_tenants_are_two(desk: Desk) -> None:
    for tenant in ("north", "south"):
        key = await desk.key(tenant=tenant)
        assert await spend(desk, 1, key, await desk.token(tenant, role="authenticated", sub="ann")) == [499]


async def test_a_bad_token_is_counted_for_its_key(desk: Desk) -> None:
    key = await desk.key()
    assert await spend(desk, 2, key, "x.y.z") == [99, 98]
    assert await spend(desk, 1, key) == [97]


async def test_an_address_may_not_try_keys_for_ever(desk: Desk) -> None:
    key = await desk.key()
    for left in range(99, -1, -1):
        found = await desk.ask("sb_secret_x" if left % 2 else None)
        assert (found.status_code, told(found)[1]) == (401, left)
    found = await desk.ask("sb_secret_x")
    assert (found.status_code, found.headers["retry-after"]) == (429, "1")
    assert (await desk.ask(address="192.0.2.8")).status_code == 401
    assert (await desk.ask(key)).status_code == 200


async def test_a_preflight_and_every_other_options_is_free(desk: Desk) -> None:
    key = await desk.key()
    assert await spend(desk, 1, key) == [99]
    for _ in range(200):
        found = await desk.ask(key, method="OPTIONS")
        assert (found.status_code, told(found)[1]) == (200, 99)
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    assert (await desk.ask(method="OPTIONS", **asked)).status_code == 200
    assert await spend(desk, 1, key) == [98]


async def test_limits_can_be_lifted(database: Database, clock: ManualClock) -> None:
    desk = Desk(database, clock, flux_rate_limits="off")
    key = await desk.key()
    for _ in range(150):
        found = await desk.ask(key)
        assert found.status_code == 200
        assert not [name for name in found.headers if name.startswith("x-ratelimit")]
    assert (await desk.ask()).status_code == 401


async def test_a_clock_that_is_set_back_gives_nothing_back(desk: Desk) -> None:
    key = await desk.key()
    await spend(desk, 100, key)
    desk.clock.advance(-3600)
    found = await desk.ask(key)
    assert found.status_code == 429
    assert told(found)[2] == desk.clock.micros() // SECOND + 100


async def test_open_callers_have_the_service_limit_each_at_its_address(database: Database, clock: ManualClock) -> None:
    desk = Desk(database, clock, open=True)
    assert await spend(desk, 2) == [1999, 1998]
    assert await spend(desk, 1, address="192.0.2.8") == [1999]


async def test_a_handshake_costs_one_and_a_full_caller_opens_none(desk: Desk) -> None:
    key = await desk.key()
    await spend(desk, 98, key)
    await desk.open(f"apikey={key}")
    assert await spend(desk, 1, key) == [0]
    refused = await desk.refused(f"apikey={key}")
    assert (refused.status, refused.headers, refused.body) == (429, {"Retry-After": "1"}, b'{"error":"Too many requests"}')
    for _ in range(100):
        assert (await desk.refused()).status == 401
    assert (await desk.refused()).status == 429
