"""Who may do what: every route of the contract below the management path, and the gate itself."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from tests.contracts.household.home import MANAGEMENT, Home, opened
from wattline.contracts.household.gate import ADMIN, CRON, ML, READ, Gate, secret_of
from wattline.contracts.household.routes import PREFIX, build
from wattline.model.clock import ManualClock
from wattline.model.errors import NotFound, Unauthenticated
from wattline.platform import Platform

KEYED = [
    ("/ml", "POST", ("ml",)),
    ("/csv_energy", "GET", ("own", "admin")),
    ("/csv_experiment", "GET", ("admin",)),
    ("/mark_peaks", "GET", ("cron",)),
    ("/anomaly", "GET", ("cron",)),
    ("/reports", "GET", ("cron",)),
]
"""Path, method, and the kinds of key that open it."""
SECRET_IN_BODY = [("/process_peaks", "sensor_id"), ("/process_anomaly", "sensor_id"), ("/process_reports", "user_id")]
OPEN = (f"{MANAGEMENT}/device_categories",)
"""Paths that tell nothing of anyone."""
WRONG = "wl_abcdefgh_" + "a" * 40


def managed_routes(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of everything below the management path."""
    return [
        (method.upper(), path)
        for path, operations in document["paths"].items()
        if path.startswith(MANAGEMENT) and path not in OPEN
        for method in operations
    ]


def of_home(path: str, home: Home, user: str) -> str:
    """A path with its parameters filled in."""
    filled = {"user_id": user, "mac": home.mac, "since": "2026-01-01", "device_id": "1"}
    return re.sub(r"{(\w+)}", lambda found: filled.get(found[1], "x"), path)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("abc", "abc"),
        ("Bearer abc", "abc"),
        ("bearer   abc ", "abc"),
        (" abc ", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        (None, None),
        ("Basic abc", "Basic abc"),
    ],
)
def test_a_key_comes_with_bearer_or_without(text: str | None, secret: str | None) -> None:
    assert secret_of(text) == secret


async def test_a_scope_opens_what_it_says_and_nothing_else(home: Home) -> None:
    gate = Gate(home.platform.identity, home.platform.settings)
    opens = {"admin": ADMIN, "ml": ML, "cron": CRON, "own": READ}
    for name, key in home.keys.items():
        for scope in (ADMIN, ML, CRON, READ):
            for text in (key, f"Bearer {key}"):
                if opens[name] == scope:
                    assert (await gate.admit(text, scope)).tenant == home.tenant
                else:
                    with pytest.raises(Unauthenticated):
                        await gate.admit(text, scope)
    for nothing in (None, "", "Bearer", WRONG, "\x00", "\ud800"):
        with pytest.raises(Unauthenticated):
            await gate.admit(nothing, READ)


async def test_a_household_is_seen_by_itself_and_its_administrator(home: Home, neighbour: Home) -> None:
    gate = Gate(home.platform.identity, home.platform.settings)
    for name in ("own", "admin"):
        assert (await gate.household(home.keys[name], home.user)).tenant == home.tenant
    for user in (neighbour.user, "nobody", ""):
        with pytest.raises(NotFound):
            await gate.household(home.keys["own"], user)
    for name in ("ml", "cron"):
        with pytest.raises(Unauthenticated):
            await gate.household(home.keys[name], home.user)


async def test_a_key_of_another_contract_opens_nothing(home: Home) -> None:
    _, everywhere = await home.platform.identity.create(home.tenant, "hop", ["query:read", "telemetry:write"])
    _, limited = await home.platform.identity.create(home.tenant, "hop", ["query:read"], [home.user])
    _, tenant_wide = await home.platform.identity.create(home.tenant, "read", [READ])
    _, small_admin = await home.platform.identity.create(home.tenant, "admin of one", [ADMIN], [home.user])
    for key in (everywhere, limited, tenant_wide, small_admin):
        answers = [
            await home.client.get(f"{MANAGEMENT}{path}", headers={"Authorization": key})
            for path in ("/users", f"/users/{home.user}")
        ]
        assert [answer.status_code for answer in answers] == [401, 401]


async def test_every_managed_route_asks_for_a_key_before_it_reads_a_body(home: Home, neighbour: Home) -> None:
    document = (await home.client.get("/openapi.json")).json()
    routes = managed_routes(document)
    assert len(routes) >= 15
    for method, template in routes:
        path = of_home(template, home, home.user)
        for header in (None, WRONG, "Bearer " + home.keys["ml"], home.keys["cron"]):
            headers = {"Content-Type": "application/json"} | ({} if header is None else {"Authorization": header})
            answer = await home.client.request(method, path, headers=headers, content=b"{no json")
            assert (answer.status_code, answer.json()["status"]) == (401, 401), (method, template, header)
            assert answer.headers["www-authenticate"] == "Bearer"
        foreign = of_home(template, home, neighbour.user)
        answer = await home.client.request(method, foreign, headers={"Authorization": home.keys["own"]}, content=b"{no json")
        assert answer.status_code in (401, 404), (method, template)


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize(("path", "method", "opens"), KEYED)
async def test_work_and_exports_ask_for_a_key_of_their_own_kind(
    home: Home, stranger: Home, prefix: str, path: str, method: str, opens: tuple[str, ...]
) -> None:
    keys = {name: key for name, key in home.keys.items() if name not in opens}
    for header in (None, "", WRONG, f"Bearer {WRONG}", *keys.values(), *(f"Bearer {key}" for key in keys.values())):
        headers = {} if header is None else {"Authorization": header}
        answer = await home.client.request(method, f"{prefix}{path}", headers=headers, content=b"{no json")
        assert (answer.status_code, answer.json()["status"]) == (401, 401), header
    answer = await home.call(method, f"{prefix}{path}", managed=False, key=opens[0], content=b"{no json")
    assert answer.status_code != 401


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize(("path", "name"), SECRET_IN_BODY)
async def test_work_for_one_asks_for_the_secret_of_the_timer(home: Home, prefix: str, path: str, name: str) -> None:
    of = home.user if name == "user_id" else home.mac
    wrong = [None, "", WRONG, 7, [], "\ud800", *(key for kind, key in home.keys.items() if kind != "cron")]
    bodies: list[dict[str, Any]] = [{name: of}, *({name: of, "secret": secret} for secret in wrong)]
    for body in bodies:
        content = json.dumps(body)
        answer = await home.client.post(f"{prefix}{path}", content=content, headers={"Content-Type": "application/json"})
        if "\\ud800" in content:
            assert answer.status_code in (400, 401)
        else:
            assert (answer.status_code, answer.json()["status"]) == (401, 401), body
    answer = await home.client.post(f"{prefix}{path}", json={name: of, "secret": home.keys["cron"]})
    assert answer.status_code in (200, 404)


async def test_a_foreign_household_is_as_one_that_does_not_exist(home: Home, neighbour: Home, stranger: Home) -> None:
    for key in ("own", "admin"):
        answers = [await home.call("GET", f"/users/{user}", key=key) for user in (stranger.user, "nobody", "%00", "a%2Fb")]
        answers += [await home.call("PATCH", f"/users/{stranger.user}", key=key, json={})]
        if key == "own":
            answers += [await home.call("GET", f"/users/{neighbour.user}", key=key)]
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.text for answer in answers if answer.json()["error"] == "no such household"} == {answers[0].text}
    assert (await stranger.call("GET", f"/users/{stranger.user}", key="own")).status_code == 200


async def test_an_open_server_asks_for_no_key_but_refuses_a_good_one_for_something_else(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with opened(tmp_path, clock, open=True) as (platform, app):
        households = platform.households
        await households.accounts.create_user("default", {"id": "u"})
        await households.accounts.create_user("other", {"id": "v"})
        token = await households.accounts.issue_token("default", "u")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://home") as client:
            assert (await client.get(f"{MANAGEMENT}/users")).json()["total"] == 1
            assert (await client.get(f"{MANAGEMENT}/users/u")).status_code == 200
            assert (await client.get(f"{MANAGEMENT}/users/v")).status_code == 404
            assert (await client.get(f"{MANAGEMENT}/users", headers={"Authorization": token})).status_code == 401
            assert (await client.get(f"{MANAGEMENT}/users", headers={"Authorization": WRONG})).status_code == 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the body must be a JSON object"),
        (b"null", "the body must be a JSON object"),
        (b"[]", "the body must be a JSON object"),
        (b"7", "the body must be a JSON object"),
        (b"{no json", "the body is not JSON"),
        (b"\xff\xfe", ""),
        (b"[" * 50_000, ""),
        (b'{"report_hour": ' + b"9" * 5000 + b"}", ""),
        (b'{"goal_kwh": NaN}', "goal_kwh"),
        (b'{"goal_kwh": true}', "goal_kwh"),
        (b'{"goal_kwh": "1e999999999"}', "goal_kwh"),
        (b'{"report_hour": "6"}', "report_hour"),
        (b'{"report_hour": 6.0}', "report_hour"),
        (b'{"report_hour": 24}', "report_hour"),
        (b'{"active": 1}', "active"),
        (b'{"zone": null}', "zone"),
        (b'{"name": "\\ud800"}', "name"),
        (b'{"name": "a\\u0000"}', "name"),
        (b'{"tenant": "other"}', "there is no field tenant"),
        (b'{"email": "someone@example.org, b@example.org"}', "email"),
    ],
)
async def test_a_bad_body_is_a_400_that_names_the_field_and_changes_nothing(home: Home, content: bytes, words: str) -> None:
    before = (await home.call("GET", f"/users/{home.user}")).json()
    answer = await home.call("PATCH", f"/users/{home.user}", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (400, 400), answer.text
    assert words in answer.json()["error"]
    assert "someone@" not in answer.text
    assert (await home.call("GET", f"/users/{home.user}")).json() == before


async def test_a_body_that_is_too_large_is_refused_however_it_comes(home: Home) -> None:
    async def chunks() -> Any:
        for _ in range(40):
            yield b" " * 4096

    headers = {"Content-Type": "application/json"}
    whole = await home.call("PATCH", f"/users/{home.user}", content=b" " * 200_000, headers=headers)
    chunked = await home.call("PATCH", f"/users/{home.user}", content=chunks(), headers=headers)
    work = await home.call("POST", "/process_peaks", managed=False, key=None, content=chunks())
    for answer in (whole, chunked, work):
        assert (answer.status_code, answer.json()) == (413, {"error": "the body is too large", "status": 413})


@pytest.mark.parametrize(
    ("path", "named"),
    [("/users?limit=0", "limit"), ("/users?limit=1001", "limit"), ("/users?offset=-1", "offset"), ("/users?limit=x", "limit")],
)
async def test_a_bad_query_is_a_400_that_names_the_parameter(home: Home, path: str, named: str) -> None:
    answer = await home.call("GET", path)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert named in answer.json()["error"]


async def test_paths_and_methods_that_are_not_there_are_told_in_the_same_shape(home: Home) -> None:
    for path in ("/", "/nothing", "/users/a/b/c", f"/users/{home.user}/tokens/x"):
        answer = await home.call("GET", path)
        assert (answer.status_code, answer.json()["status"]) == (404, 404), path
    for method, path, allow in (
        ("PUT", "/users", "GET, POST"),
        ("POST", f"/users/{home.user}", "DELETE, GET, PATCH"),
        ("OPTIONS", "/experiments", "GET, POST"),
    ):
        answer = await home.call(method, path)
        assert (answer.status_code, answer.headers["allow"], answer.json()["status"]) == (405, allow, 405)


async def test_what_nobody_foresaw_is_a_500_without_words_and_a_log_line_without_secrets(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = "someone@example.org and a token"

    async def break_down(*_: Any) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(home.households.accounts, "page", break_down)
    with caplog.at_level(logging.DEBUG, "wattline"):
        answer = await home.call("GET", "/users")
    assert (answer.status_code, answer.json()) == (500, {"error": "the server could not do this", "status": 500})
    assert "RuntimeError" in caplog.text
    assert "break_down" in caplog.text
    assert "someone@" not in caplog.text


async def test_no_log_line_holds_who_lives_there_or_what_opens_doors(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    person = {"id": f"{home.user}-2", "name": "Secretname", "email": "secret.person@example.org", "firstname": "Hushhush"}
    with caplog.at_level(logging.DEBUG, "wattline"):
        await home.call("POST", "/users", json=person)
        await home.call("POST", "/users", json=person)
        await home.call("POST", "/users", json={"email": "secret.person@@example.org"})
        token = (await home.call("POST", f"/users/{person['id']}/tokens")).json()["token"]
        await home.call("GET", f"/users/{person['id']}", key=None, headers={"Authorization": token})
        await home.call("DELETE", f"/users/{person['id']}")
    for word in ("Secretname", "secret.person", "Hushhush", token, home.keys["admin"]):
        assert word not in caplog.text


async def test_a_browser_of_an_allowed_origin_may_ask_and_read(tmp_path: Path, clock: ManualClock) -> None:
    async with (
        opened(tmp_path, clock, cors_origins=["https://app.example.org"]) as (_, app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://home") as client,
    ):
        asks = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
        ours = await client.options(f"{MANAGEMENT}/users/u", headers={"Origin": "https://app.example.org", **asks})
        theirs = await client.options(f"{MANAGEMENT}/users/u", headers={"Origin": "https://evil.example.org", **asks})
        read = await client.get(f"{MANAGEMENT}/users", headers={"Origin": "https://app.example.org"})
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (200, "https://app.example.org")
    assert "PATCH" in ours.headers["access-control-allow-methods"]
    assert (theirs.status_code, "access-control-allow-origin" in theirs.headers) == (400, False)
    assert read.status_code == 401
    assert "Content-Disposition" in read.headers["access-control-expose-headers"]


async def test_an_answer_that_breaks_off_is_left_unfinished(shared: tuple[Platform, ASGIApp]) -> None:
    """A client must be able to tell half a file from a whole one."""
    platform, _ = shared
    sent = []

    async def breaking(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("someone@example.org")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    around = build(platform).around
    assert around is not None
    await around(breaking)({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"] is True
    assert "someone" not in json.dumps([str(message) for message in sent])
