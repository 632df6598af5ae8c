"""The devices of a household over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.household.home import Home

KETTLE = {"name": "Kettle", "category": "kettle"}


async def add(home: Home, key: str = "own", **fields: Any) -> dict[str, Any]:
    answer = await home.call("POST", f"/users/{home.user}/devices", key=key, json={**KETTLE, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_household_manages_its_devices_with_its_own_token(home: Home) -> None:
    path = f"/users/{home.user}/devices"
    empty = await home.call("GET", path, key="own")
    assert empty.json() == {"devices": [], "r_squared": None, "quality": None}
    kettle = await add(home)
    assert kettle == {
        "id": kettle["id"],
        "name": "Kettle",
        "category": "kettle",
        "power_w": None,
        "estimated": True,
        "sigma_w": None,
        "weekly_hours": None,
        "rating": None,
    }
    changed = await home.call("PATCH", f"{path}/{kettle['id']}", key="own", json={"power_w": 2600, "name": "Big kettle"})
    assert changed.status_code == 200
    assert changed.json() == kettle | {"name": "Big kettle", "power_w": 2600.0, "estimated": False, "rating": 5}
    assert (await home.call("GET", f"{path}/{kettle['id']}", key="own")).json() == changed.json()
    assert (await home.call("GET", path, key="own")).json()["devices"] == [changed.json()]
    gone = await home.call("DELETE", f"{path}/{kettle['id']}", key="own")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await home.call("GET", f"{path}/{kettle['id']}", key="own")).status_code == 404
    assert (await home.call("DELETE", f"{path}/{kettle['id']}", key="own")).status_code == 404


async def test_a_power_that_is_sent_with_a_new_device_is_kept(home: Home) -> None:
    made = await add(home, power_w=1900.5)
    assert (made["power_w"], made["estimated"], made["rating"]) == (1900.5, False, 3)


async def test_an_administrator_manages_any_household_of_its_tenant(home: Home, neighbour: Home) -> None:
    made = await add(home, key="admin")
    path = f"/users/{home.user}/devices/{made['id']}"
    assert (await neighbour.call("GET", path, key="admin")).json() == made
    assert (await neighbour.call("PATCH", path, key="admin", json={"name": "Theirs"})).json()["name"] == "Theirs"


async def test_nobody_else_sees_or_touches_them(home: Home, neighbour: Home, stranger: Home) -> None:
    """Not the neighbour under the one's name, nor under its own, nor another tenant's administrator."""
    made = await add(home)
    body = {"name": "Mine"}
    for user in (home.user, neighbour.user):
        for method, part in (("GET", None), ("PATCH", body), ("DELETE", None)):
            answer = await neighbour.call(method, f"/users/{user}/devices/{made['id']}", key="own", json=part)
            assert answer.status_code == 404, (user, method)
            assert answer.json()["status"] == 404
    for user in (home.user, stranger.user):
        for method, part in (("GET", None), ("PATCH", body), ("DELETE", None)):
            answer = await stranger.call(method, f"/users/{user}/devices/{made['id']}", key="admin", json=part)
            assert answer.status_code == 404, (user, method)
    for key, caller in (("own", neighbour), ("admin", stranger)):
        assert (await caller.call("GET", f"/users/{home.user}/devices", key=key)).status_code == 404
        assert (await caller.call("POST", f"/users/{home.user}/devices", key=key, json=KETTLE)).status_code == 404
    # An administrator's key finds a device only in its own household.
    assert (await home.call("GET", f"/users/{neighbour.user}/devices/{made['id']}")).status_code == 404
    assert (await home.call("GET", f"/users/{home.user}/devices", key="own")).json()["devices"] == [made]


@pytest.mark.parametrize("key", [None, "ml", "cron"])
async def test_without_a_key_that_opens_it_there_is_a_401(home: Home, key: str | None) -> None:
    for method, path in (
        ("GET", f"/users/{home.user}/devices"),
        ("POST", f"/users/{home.user}/devices"),
        ("GET", f"/users/{home.user}/devices/1"),
        ("PATCH", f"/users/{home.user}/devices/1"),
        ("DELETE", f"/users/{home.user}/devices/1"),
    ):
        answer = await home.call(method, path, key=key, content=b"no json")
        assert answer.status_code == 401, (method, path)
        assert answer.json()["status"] == 401


NO_DEVICES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"{}",
    b'{"name": "Kettle"}',
    b'{"category": "kettle"}',
    b'{"name": "", "category": "kettle"}',
    b'{"name": null, "category": "kettle"}',
    b'{"name": "Kettle", "category": "boiler"}',
    b'{"name": "Kettle", "category": "kettle", "power_w": "2000"}',
    b'{"name": "Kettle", "category": "kettle", "power_w": -1}',
    b'{"name": "Kettle", "category": "kettle", "power_w": NaN}',
    b'{"name": "Kettle", "category": "kettle", "power_w": 1e999}',
    b'{"name": "Kettle", "category": "kettle", "power_w": 1' + b"0" * 400 + b"}",
    b'{"name": "Kettle", "category": "kettle", "estimated": false}',
    b'{"name": "Kettle", "category": "kettle", "estimated": true, "power_w": 2000}',
    b'{"name": "Kettle", "category": "kettle", "user": "home-1"}',
    b'{"name": "a\\u0000b", "category": "kettle"}',
    b'{"name": "a\\ud800", "category": "kettle"}',
    b'{"name": "\xff", "category": "kettle"}',
]


async def test_what_makes_no_device_is_a_400_that_says_why(home: Home) -> None:
    headers = {"Content-Type": "application/json"}
    for body in NO_DEVICES:
        answer = await home.call("POST", f"/users/{home.user}/devices", key="own", content=body, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (400, 400), body
        assert answer.json()["error"]
    assert (await home.call("GET", f"/users/{home.user}/devices", key="own")).json()["devices"] == []


async def test_ids_that_are_none(home: Home) -> None:
    for wrong, status in (("0", 404), ("-1", 404), (str(2**63), 404), (str(10**30), 404), ("one", 400), ("1.5", 400)):
        answer = await home.call("GET", f"/users/{home.user}/devices/{wrong}", key="own")
        assert answer.status_code == status, wrong
    for user in ("nobody", "x" * 400, "a%00b", "%ff"):
        assert (await home.call("GET", f"/users/{user}/devices")).status_code == 404


async def test_the_kinds_of_devices_are_told_to_everybody(home: Home) -> None:
    answer = await home.call("GET", "/device_categories", key=None)
    assert answer.status_code == 200
    kinds = answer.json()["categories"]
    assert len(kinds) == 27
    assert kinds[5] == {
        "name": "kettle",
        "group": "kitchen",
        "titles": {"de": "Wasserkocher", "en": "Kettle"},
        "typical_w": 1500.0,
        "min_w": 1200.0,
        "max_w": 2500.0,
    }
