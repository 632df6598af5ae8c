"""Every id in every path and body, of others, of what is gone, and of what never can be one: there is no such thing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from .town import Town

IMPOSSIBLE = [
    "\0",
    "a\0b",
    "\ud800",
    "home\udfff",
    "x" * 10_000,
    "9" * 5_000,
    str(2**63),
    str(2**64),
    "-1",
    "0",
    "1e3",
    "..",
    "../..",
    "../users",
    "a/../b",
    "%2e%2e%2f",
    "١٢٣",
    "１２",
    "ﬀ:ﬀ:ﬀ:ﬀ:ﬀ:ﬀ",
    "\u202egnp.exe",
    "' OR '1'='1",
    "*",
    "null",
    "{}",
    " ",
]
"""Texts that are no id of anything."""
ANSWERS = {400, 404}


def encoded(text: str) -> str:
    """A text as one segment of a path, whatever it holds."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="").replace(".", "%2E")


def routes(user: str, mac: str, peak: str, device: str, report: str, experiment: str) -> list[tuple[str, str, Any]]:
    """Every route with an id in its path, and a body that would do."""
    at = f"/users/{user}"
    return [
        ("GET", at, None),
        ("PATCH", at, {"report_days": 2}),
        ("POST", f"{at}/tokens", {}),
        ("GET", f"{at}/tariffs", None),
        ("PUT", f"{at}/tariffs/2026-02-01", {"base_price": 1, "working_price": 0.3}),
        ("DELETE", f"{at}/tariffs/2026-01-01", None),
        ("GET", f"{at}/peaks", None),
        ("GET", f"{at}/peaks/{peak}", None),
        ("PUT", f"{at}/peaks/{peak}/devices", {"devices": []}),
        ("DELETE", f"{at}/peaks/{peak}", None),
        ("GET", f"{at}/devices", None),
        ("POST", f"{at}/devices", {"name": "Oven", "category": "oven"}),
        ("GET", f"{at}/devices/{device}", None),
        ("PATCH", f"{at}/devices/{device}", {"name": "Pot"}),
        ("DELETE", f"{at}/devices/{device}", None),
        ("GET", f"{at}/reports", None),
        ("GET", f"{at}/reports/{report}", None),
        ("GET", f"{at}/anomalies", None),
        ("GET", f"/sensors/{mac}", None),
        ("PATCH", f"/sensors/{mac}", {"limit_kwh_minute": 0.7}),
        ("POST", f"/sensors/{mac}/assign", {"user_id": None}),
        ("POST", f"/sensors/{mac}/swap", {"initial": 1.0}),
        ("DELETE", f"/sensors/{mac}", None),
        ("GET", f"/experiments/{experiment}", None),
        ("GET", f"/experiments/{experiment}/participants", None),
        ("PUT", f"/experiments/{experiment}/participants/{user}", {}),
        ("DELETE", f"/experiments/{experiment}/participants/{user}", None),
        ("DELETE", at, None),
    ]


def good(town: Town) -> dict[str, str]:
    """The ids of the household that is attacked."""
    things = town.things[town.home.user]
    return {
        "user": town.home.user,
        "mac": town.home.mac,
        "peak": things.peak,
        "device": str(things.device),
        "report": things.report,
        "experiment": things.experiment,
    }


def misplaced(town: Town) -> list[dict[str, str]]:
    """The same with one id of somebody else, or of what is gone."""
    mine, found = good(town), []
    for other in (town.neighbour, town.stranger):
        theirs = town.things[other.user]
        found += [mine | {"peak": theirs.peak}, mine | {"device": str(theirs.device)}, mine | {"report": theirs.report}]
    theirs = town.things[town.stranger.user]
    found += [mine | {"user": town.stranger.user}, mine | {"mac": town.stranger.mac}, mine | {"experiment": theirs.experiment}]
    return [*found, mine | {"user": town.gone}, mine | {"mac": town.removed}]


async def snapshot(town: Town) -> list[str]:
    """What an administrator of each household sees of it."""
    seen = []
    for home in town.homes:
        for path in ("", "/tariffs", "/peaks", "/devices", "/reports"):
            seen.append((await home.call("GET", f"/users/{home.user}{path}")).text)
        seen.append((await home.call("GET", f"/sensors/{home.mac}")).text)
        seen.append((await home.call("GET", "/experiments")).text)
        seen.append((await home.call("GET", f"/experiments/{town.things[home.user].experiment}/participants")).text)
    return seen


async def test_what_is_not_ones_own_is_not_there(town: Town) -> None:
    before = await snapshot(town)
    mine = good(town)
    for ids in misplaced(town):
        (changed,) = [name for name in ids if ids[name] != mine[name]]
        marks = {name: f"<{name}>" for name in ids}
        for (method, path, body), (_, template, _) in zip(routes(**ids), routes(**marks), strict=True):
            if f"<{changed}>" in template:
                answer = await town.home.call(method, path, json=body)
                assert (answer.status_code, answer.json()["status"]) == (404, 404), (method, path, answer.text)
    assert await snapshot(town) == before


async def test_a_token_opens_its_own_household_and_no_other(town: Town) -> None:
    before = await snapshot(town)
    for other in (town.neighbour, town.stranger):
        ids = good(town) | {"user": other.user}
        for method, path, body in routes(**ids):
            answer = await town.home.call(method, path, key="own", json=body)
            assert answer.status_code in (401, 404), (method, path, answer.text)
        answer = await town.home.call("GET", "/csv_energy", key="own", managed=False, params={"user_id": other.user})
        assert answer.status_code == 404
    assert await snapshot(town) == before


async def test_what_cannot_be_an_id_is_refused_and_never_breaks_anything(town: Town) -> None:
    before = await snapshot(town)
    mine = good(town)
    for name in mine:
        for text in IMPOSSIBLE:
            marks = {each: f"<{each}>" for each in mine}
            ids = mine | {name: encoded(text)}
            for (method, path, body), (_, template, _) in zip(routes(**ids), routes(**marks), strict=True):
                if f"<{name}>" not in template:
                    continue
                answer = await town.home.call(method, path, json=body)
                assert answer.status_code in {*ANSWERS, 405, 413}, (method, path[:100], answer.status_code, answer.text[:300])
                assert answer.json()["status"] == answer.status_code
                assert len(answer.content) < 1000, answer.text[:300]
    assert await snapshot(town) == before


async def test_ids_in_bodies_and_queries(town: Town) -> None:
    before = await snapshot(town)
    home, mine = town.home, town.things[town.home.user]
    for text in [*IMPOSSIBLE, town.stranger.user, town.gone, 7, None, [], {}, True, 1.5, 2**70]:
        raw = json.dumps(text)
        for path, body, key in (
            ("/process_peaks", f'{{"sensor_id": {raw}, "secret": "{home.keys["cron"]}"}}', None),
            ("/process_anomaly", f'{{"sensor_id": {raw}, "secret": "{home.keys["cron"]}"}}', None),
            ("/process_reports", f'{{"user_id": {raw}, "secret": "{home.keys["cron"]}"}}', None),
            ("/process_reports", f'{{"user_id": "{home.user}", "secret": {raw}}}', None),
            ("/token", f'{{"sensor_id": {raw}}}', None),
            ("/token", f'{{"sensor_id": "{home.mac}", "secret": {raw}}}' if text else '{"sensor_id": ""}', None),
            ("/sensor_input", f'{{"access_token": {raw}, "value": 1}}', None),
            ("/script_accepted", f'{{"access_token": {raw}}}', None),
            ("/ml", f'{{"sensor_id": {raw}, "data": []}}', "ml"),
            ("/api/v1/household/users", f'{{"id": {raw}, "name": "\\ud800"}}', "admin"),
            ("/api/v1/household/experiments", f'{{"id": {raw}, "name": "\\u0000"}}', "admin"),
            ("/api/v1/household/sensors", f'{{"sensor_id": {raw}, "limit_kwh_minute": -1}}', "admin"),
        ):
            headers = {"Content-Type": "application/json"}
            answer = await home.call("POST", path, key=key, managed=False, content=body, headers=headers)
            if path == "/token" and answer.status_code in (200, 429):
                continue
            assert answer.status_code in (400, 401, 404, 413), (path, raw[:60], answer.status_code, answer.text[:300])
        if not isinstance(text, str) or not text.isalnum() or not text.isascii():
            path = f"/users/{home.user}/peaks/{mine.peak}/devices"
            answer = await home.call(
                "PUT", path, content=f'{{"devices": [{raw}]}}', headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in (400, 404), (raw, answer.text)
        if text is not None:
            answer = await home.call(
                "POST",
                f"/sensors/{home.mac}/assign",
                content=f'{{"user_id": {raw}}}',
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code in (400, 404), (raw[:60], answer.text)
        if isinstance(text, str):
            for path, name, key in (("/csv_energy", "user_id", "admin"), ("/csv_experiment", "experiment_id", "admin")):
                answer = await home.client.get(
                    f"{path}?{name}={encoded(text)}", headers={"Authorization": f"Bearer {home.keys[key]}"}
                )
                assert answer.status_code in (400, 404), (path, text[:60], answer.text[:300])
    assert await snapshot(town) == before


DAYS = ["0000-01-01", "0001-01-01", "9999-12-31", "1999-12-31", "2200-01-01", "2026-02-29", "2026-1-1", "\0", "x" * 9999]
DAYS += ["２０２６-01-01"]


async def test_days_that_no_prices_begin_on(town: Town) -> None:
    for day in DAYS:
        for method, statuses in (("PUT", {400}), ("DELETE", ANSWERS)):
            path = f"/users/{town.home.user}/tariffs/{encoded(day)}"
            answer = await town.home.call(method, path, json={"base_price": 1, "working_price": 0.3})
            assert answer.status_code in statuses, (method, day[:20], answer.text)
