"""Households, sensors and experiments over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contracts.household.home import Home, new_mac
from wattline.households.meters.model import Measurement, Refused
from wattline.model.clock import DAY, SECOND, ManualClock, from_micros


def iso(micros: int) -> str:
    """A time as JSON has it."""
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def refused(answer: httpx.Response, status: int) -> str:
    """The words of a failure, which has the contract's shape."""
    body = answer.json()
    assert (answer.status_code, body["status"], set(body)) == (status, status, {"error", "status"})
    assert isinstance(body["error"], str)
    return str(body["error"])


async def test_a_household_is_added_changed_shown_and_forgotten(home: Home) -> None:
    made = await home.call("POST", "/users", json={"name": "Jansen", "email": "j@example.org", "goal_kwh": 7.25})
    assert made.status_code == 201
    user = made.json()
    assert len(user["id"]) == 30
    assert user == {
        "id": user["id"],
        "name": "Jansen",
        "firstname": None,
        "lastname": None,
        "email": "j@example.org",
        "active": True,
        "zone": "Europe/Berlin",
        "language": "de",
        "anomaly_mails": True,
        "report_mails": True,
        "report_days": 3,
        "report_hour": 6,
        "quiet_from": None,
        "quiet_to": None,
        "goal_kwh": 7.25,
        "r_squared": None,
        "created_at": iso(home.platform.clock.micros()),
    }
    path = f"/users/{user['id']}"
    assert (await home.call("GET", path)).json() == user
    changes = {"quiet_from": 22, "quiet_to": 6, "goal_kwh": "8.5", "active": False, "email": None}
    changed = await home.call("PATCH", path, json=changes)
    assert changed.json() == user | changes | {"goal_kwh": 8.5}
    assert (await home.call("DELETE", path)).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert refused(await home.call(method, path, json={}), 404) == "no such household"
    refused(await home.call("POST", "/users", json={"id": user["id"]}), 409)


async def test_households_are_listed_in_pages(home: Home, neighbour: Home, stranger: Home) -> None:
    pages = [(await home.call("GET", f"/users?limit=1&offset={offset}")).json() for offset in (0, 1, 2)]
    assert [[user["id"] for user in page["users"]] for page in pages] == [[home.user], [neighbour.user], []]
    assert {(page["total"], page["limit"]) for page in pages} == {(2, 1)}
    assert stranger.user not in (await home.call("GET", "/users")).text


async def test_a_household_says_itself_what_it_wishes_and_nothing_else(home: Home) -> None:
    path = f"/users/{home.user}"
    wishes = {
        "zone": "Asia/Tokyo",
        "language": "en",
        "anomaly_mails": False,
        "report_mails": False,
        "report_days": 7,
        "report_hour": 20,
        "quiet_from": 21,
        "quiet_to": 7,
        "goal_kwh": 5.0,
    }
    answer = await home.call("PATCH", path, key="own", json=wishes)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in wishes} == wishes
    before = (await home.call("GET", path, key="own")).json()
    for field in ({"email": "thief@example.org"}, {"active": True}, {"name": "x"}, {"firstname": "x", "language": "de"}):
        refused(await home.call("PATCH", path, key="own", json=field), 403)
    assert (await home.call("GET", path, key="own")).json() == before


async def test_a_token_is_shown_once_and_ends_when_it_is_said(home: Home) -> None:
    path = f"/users/{home.user}/tokens"
    answers = [await home.call("POST", path), await home.call("POST", path, json={"valid_days": 2})]
    assert [answer.status_code for answer in answers] == [201, 201]
    ends = [None, iso(home.platform.clock.micros() + 2 * DAY)]
    assert [answer.json()["expires_at"] for answer in answers] == ends
    for answer in answers:
        shown = await home.call("GET", f"/users/{home.user}", key=None, headers={"Authorization": answer.json()["token"]})
        assert shown.json()["id"] == home.user
    for days in (0, 3651, "2", 1.5, True):
        assert "valid_days" in refused(await home.call("POST", path, json={"valid_days": days}), 400)
    refused(await home.call("POST", "/users/nobody/tokens"), 404)
    await home.call("DELETE", f"/users/{home.user}")
    for answer in answers:
        gone = await home.call("GET", f"/users/{home.user}", key=None, headers={"Authorization": answer.json()["token"]})
        refused(gone, 401)


async def test_prices_are_set_by_day_listed_and_taken_back(home: Home) -> None:
    path = f"/users/{home.user}/tariffs"
    assert (await home.call("GET", path)).json() == {"user_id": home.user, "tariffs": []}
    await home.call("PUT", f"{path}/2026-05-01", json={"base_price": 13, "working_price": 0.31})
    answer = await home.call("PUT", f"{path}/2026-01-01", json={"base_price": "12.90", "working_price": "0.3149"})
    rows = [
        {"since": "2026-01-01", "base_price": 12.9, "working_price": 0.3149},
        {"since": "2026-05-01", "base_price": 13.0, "working_price": 0.31},
    ]
    assert answer.json() == {"user_id": home.user, "tariffs": rows}
    assert (await home.call("DELETE", f"{path}/2026-05-01")).status_code == 204
    refused(await home.call("DELETE", f"{path}/2026-05-01"), 404)
    assert (await home.call("GET", path)).json()["tariffs"] == rows[:1]


@pytest.mark.parametrize(
    ("since", "body", "named"),
    [
        ("2026-02-30", {"base_price": 1, "working_price": 1}, "since"),
        ("20260201", {"base_price": 1, "working_price": 1}, "since"),
        ("1999-12-31", {"base_price": 1, "working_price": 1}, "since"),
        ("2026-02-01", {"base_price": -1, "working_price": 1}, "base_price"),
        ("2026-02-01", {"base_price": 1}, "working_price"),
        ("2026-02-01", {"base_price": 1, "working_price": 10.01}, "working_price"),
        ("2026-02-01", {"base_price": 1, "working_price": "0.0000001"}, "working_price"),
        ("2026-02-01", {"base_price": None, "working_price": 1}, "base_price"),
        ("2026-02-01", {"base_price": "1e-400", "working_price": 1}, "base_price"),
        ("2026-02-01", {"base_price": 1, "working_price": 1, "currency": "EUR"}, "currency"),
    ],
)
async def test_impossible_prices_are_refused_by_name(home: Home, since: str, body: dict[str, Any], named: str) -> None:
    assert named in refused(await home.call("PUT", f"/users/{home.user}/tariffs/{since}", json=body), 400)
    assert (await home.call("GET", f"/users/{home.user}/tariffs")).json()["tariffs"] == []


async def test_a_sensor_is_added_changed_and_removed_and_never_shows_its_secret(home: Home) -> None:
    mac = new_mac()
    written = mac.lower().replace(":", "-")
    body = {"sensor_id": written, "type": "analog_electricity", "script": "375", "secret": "hush hush", "limit_kwh_minute": 1}
    made = await home.call("POST", "/sensors", json=body)
    assert made.status_code == 201
    sensor = made.json()
    assert sensor == {
        "sensor_id": mac,
        "type": "analog_electricity",
        "user_id": None,
        "script_id": sensor["script_id"],
        "needs_script": True,
        "has_secret": True,
        "limit_kwh_minute": 1.0,
        "created_at": iso(home.platform.clock.micros()),
    }
    listed = (await home.call("GET", "/sensors")).json()
    assert (listed["total"], {each["sensor_id"] for each in listed["sensors"]}) == (2, {home.mac, mac})
    page = (await home.call("GET", "/sensors?limit=1&offset=1")).json()
    assert (page["total"], len(page["sensors"])) == (2, 1)

    refused(await home.call("POST", "/sensors", json={"sensor_id": mac}), 409)
    changed = await home.call("PATCH", f"/sensors/{written}", json={"secret": None, "limit_kwh_minute": 0.5, "script": ">D"})
    assert (changed.json()["has_secret"], changed.json()["limit_kwh_minute"]) == (False, 0.5)
    full = (await home.call("GET", f"/sensors/{mac}")).json()
    assert (full["script"], full["newest"], full["assignments"], full["refusals"]) == (">D", None, [], [])
    assert "hush" not in made.text + str(listed) + str(full) + changed.text

    assert (await home.call("DELETE", f"/sensors/{mac}")).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        refused(await home.call(method, f"/sensors/{mac}", json={}), 404)


@pytest.mark.parametrize(
    "body",
    [
        {"script": "x" * 666},
        {"script": "ok", "limit_kwh_minute": 0},
        {"script": "ok", "secret": ""},
        {"script": "ok", "limit_kwh_minute": "1"},
        {"script": "ok", "limit_kwh_minute": True},
        {"script": "ok", "limit_kwh_minute": None},
        {"script": 375},
        {"script": "a\x00"},
        {"script": "ok", "user_id": "someone"},
    ],
)
async def test_of_a_refused_change_nothing_is_done(home: Home, body: dict[str, Any]) -> None:
    refused(await home.call("PATCH", f"/sensors/{home.mac}", json=body), 400)
    full = (await home.call("GET", f"/sensors/{home.mac}")).json()
    assert (full["script"], full["has_secret"], full["limit_kwh_minute"]) == (None, False, 0.6)


async def test_a_sensor_of_another_tenant_does_not_exist(home: Home, stranger: Home) -> None:
    path = f"/sensors/{stranger.mac}"
    calls = [
        await home.call("GET", path),
        await home.call("PATCH", path, json={"secret": "mine"}),
        await home.call("POST", f"{path}/assign", json={"user_id": home.user}),
        await home.call("POST", f"{path}/assign", json={"user_id": None}),
        await home.call("POST", f"{path}/swap", json={"initial": 0}),
        await home.call("DELETE", path),
    ]
    missing = await home.call("GET", f"/sensors/{new_mac()}")
    assert {refused(answer, 404) for answer in calls} == {refused(missing, 404)}
    assert (await stranger.call("GET", path)).json()["user_id"] == stranger.user
    refused(await home.call("GET", "/sensors/no-address"), 400)


async def test_a_sensor_moves_from_one_household_to_another(home: Home, neighbour: Home) -> None:
    path = f"/sensors/{home.mac}"
    refused(await home.call("POST", f"{path}/assign", json={"user_id": neighbour.user}), 409)
    refused(await home.call("POST", f"{path}/assign", json={"user_id": "nobody"}), 404)
    refused(await home.call("POST", f"{path}/assign", json={}), 400)
    refused(await home.call("POST", f"{path}/assign", json={"user_id": home.user, "initial": -1}), 400)
    begun = home.platform.clock.micros()
    assert (await home.call("POST", f"/sensors/{neighbour.mac}/assign", json={"user_id": None})).json()["user_id"] is None
    moved = await home.call("POST", f"{path}/assign", json={"user_id": neighbour.user, "initial": 20})
    assert moved.json()["user_id"] == neighbour.user
    history = (await home.call("GET", path)).json()["assignments"]
    assert [each["user_id"] for each in history] == [home.user, neighbour.user]
    assert [each["until"] for each in history] == [iso(begun), None]


async def test_a_sensor_in_full_shows_its_newest_reading_and_what_was_refused(home: Home) -> None:
    meters = home.households.meters
    meter = meters.meter(home.tenant, home.mac)
    now = home.platform.clock.micros()
    await meters.take(meter, Measurement(100.0, analog=False, value_current=250.0, time=now - 60 * SECOND))
    await meters.take(meter, Measurement(100.25, analog=False, value_current=260.0, time=now))
    with pytest.raises(Refused):
        await meters.take(meter, Measurement(99.0, analog=False, time=now + SECOND))
    full = (await home.call("GET", f"/sensors/{home.mac}")).json()
    newest = full["newest"]
    assert (newest["time"], newest["value"], newest["value_current"]) == (iso(now), 100.25, 260.0)
    (told,) = full["refusals"]
    assert (told["time"], told["value"], told["count"]) == (iso(now + SECOND), 99.0, 1)
    assert told["reason"]


async def test_a_swap_keeps_what_was_used(home: Home, shared_clock: ManualClock) -> None:
    meters, clock = home.households.meters, home.platform.clock
    meter = meters.meter(home.tenant, home.mac)
    now = clock.micros()
    await meters.take(meter, Measurement(45_000.0, analog=False, time=now - 120 * SECOND))
    await meters.take(meter, Measurement(45_000.5, analog=False, time=now - 60 * SECOND))
    before = (await home.call("GET", f"/sensors/{home.mac}")).json()["newest"]["total"]
    assert (await home.call("POST", f"/sensors/{home.mac}/swap", json={"initial": 3})).status_code == 200
    shared_clock.advance(60)
    await meters.take(meter, Measurement(3.25, analog=False, time=clock.micros()))
    newest = (await home.call("GET", f"/sensors/{home.mac}")).json()["newest"]
    assert (newest["value"], newest["total"]) == (3.25, pytest.approx(before + 0.25))
    for initial in (-1, "3", None, True, 1e300):
        refused(await home.call("POST", f"/sensors/{home.mac}/swap", json={"initial": initial}), 400)
    await home.call("POST", f"/sensors/{home.mac}/assign", json={"user_id": None})
    refused(await home.call("POST", f"/sensors/{home.mac}/swap", json={"initial": 3}), 409)


async def test_a_forgotten_household_frees_its_sensor(home: Home) -> None:
    assert (await home.call("DELETE", f"/users/{home.user}")).status_code == 204
    full = (await home.call("GET", f"/sensors/{home.mac}")).json()
    assert full["user_id"] is None
    refused(await home.call("POST", f"/sensors/{home.mac}/assign", json={"user_id": home.user}), 404)


async def test_an_experiment_has_participants(home: Home, neighbour: Home, stranger: Home) -> None:
    made = await home.call("POST", "/experiments", json={"name": "Study"})
    assert made.status_code == 201
    study = made.json()
    assert (study["name"], len(study["id"])) == ("Study", 30)
    assert (await home.call("GET", "/experiments")).json() == {"experiments": [study]}
    assert (await home.call("GET", f"/experiments/{study['id']}")).json() == study
    path = f"/experiments/{study['id']}/participants"
    new = await home.call("PUT", f"{path}/{home.user}")
    expected = {
        "user_id": home.user,
        "status": "registered",
        "number": 0,
        "installed": None,
        "deinstalled": None,
        "gets_paid": False,
        "uses_prolific": False,
    }
    assert new.json() == expected
    changes = {"status": "installation", "installed": "2026-05-01", "gets_paid": True}
    assert (await home.call("PUT", f"{path}/{home.user}", json=changes)).json() == expected | changes
    await home.call("PUT", f"{path}/{neighbour.user}", json={"number": 1})
    listed = (await home.call("GET", path)).json()
    assert [each["user_id"] for each in listed["participants"]] == sorted([home.user, neighbour.user])
    assert (await home.call("DELETE", f"{path}/{neighbour.user}")).status_code == 204

    for body in (
        {"status": "gone"},
        {"installed": 1},
        {"installed": "2026-13-01"},
        {"deinstalled": "2026-04-30"},
        {"number": "1"},
    ):
        assert next(iter(body)) in refused(await home.call("PUT", f"{path}/{home.user}", json=body), 400)
    refused(await home.call("DELETE", f"{path}/{neighbour.user}"), 404)
    refused(await home.call("PUT", f"{path}/{stranger.user}"), 404)
    refused(await home.call("GET", "/experiments/none"), 404)
    refused(await home.call("GET", "/experiments/none/participants"), 404)
    refused(await stranger.call("GET", path), 404)
    refused(await home.call("POST", "/experiments", json={"name": "Again", "id": study["id"]}), 409)
    refused(await home.call("POST", "/experiments", json={"name": ""}), 400)
    assert (await stranger.call("GET", "/experiments")).json() == {"experiments": []}
