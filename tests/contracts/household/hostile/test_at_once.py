"""Many callers at once: nothing is lost that was acknowledged, nothing is done twice, nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import httpx
import sqlalchemy as sa
from starlette.types import ASGIApp

from tests.contracts.household.home import Home, move_in, new_mac
from wattline.households import tables
from wattline.ingest.series import LATEST
from wattline.model.clock import DAY, HOUR, SECOND, ManualClock
from wattline.model.record import Row
from wattline.notify.tables import ledger
from wattline.platform import Platform

from .town import use

AT_ONCE = 10
PATIENCE = 60
Both = tuple[Platform, ASGIApp, ManualClock]


async def together(*work: Coroutine[Any, Any, httpx.Response]) -> list[httpx.Response]:
    """The answers to requests that are made at once."""
    return await asyncio.wait_for(asyncio.gather(*work), PATIENCE)


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def count(platform: Platform, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    async with platform.database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(table).where(*where))).scalar_one())


async def token_of(home: Home) -> str:
    answer = await home.client.post("/token", json={"sensor_id": home.mac})
    token: str = answer.raise_for_status().json()["access_token"]
    return token


async def send(home: Home, token: str, value: float, time: int) -> httpx.Response:
    body = {"value": value, "timestamp": time // 1000}
    return await home.client.post("/sensor_input", json=body, headers={"Authorization": token})


async def kettle(home: Home, now: int) -> None:
    """A reading every 15 s for the last 12 hours: 200 W, and 2 kW more for five minutes of each."""
    stream = home.households.meters.stream(home.tenant, home.user, home.mac)
    assert stream is not None
    rows, total = [], 2000.0
    for at in range(12 * 240):
        watts = 2200 if 100 <= at % 240 < 120 else 200
        total += watts * 15 / 3.6e6
        rows.append(Row(stream.id, now - 12 * HOUR + at * 15 * SECOND, now, (total, None, watts, total, None), 0))
    await home.platform.pipeline.ingest.submit(rows)


async def test_the_same_work_ten_times_at_once_is_done_once(home: Home, both: Both) -> None:
    platform, _, clock = both
    await use(home, clock.micros())
    clock.advance(2 * DAY // SECOND)
    await kettle(home, clock.micros())
    secret = home.keys["cron"]
    for path, name, value in (
        ("/process_peaks", "sensor_id", home.mac),
        ("/process_anomaly", "sensor_id", home.mac),
        ("/process_reports", "user_id", home.user),
    ):
        sent = [home.client.post(path, json={name: value, "secret": secret}) for _ in range(AT_ONCE)]
        crowd = [home.call("GET", each, key="cron", managed=False) for each in ("/mark_peaks", "/anomaly", "/reports")]
        answers = await together(*sent, *crowd)
        assert len({answer.text for answer in answers[:AT_ONCE]}) == 1, [answer.text for answer in answers]
        assert set(statuses(answers)) <= {200, 404}, [answer.text for answer in answers]
        if path != "/process_anomaly":
            assert answers[0].status_code == 200, answers[0].text
    mine = (tables.reports.c.tenant == home.tenant, tables.reports.c.user == home.user)
    assert await count(platform, tables.reports, *mine) == 1
    assert await count(platform, ledger, ledger.c.tenant == home.tenant, ledger.c.kind == "report") == 1
    found = (await home.call("GET", f"/users/{home.user}/peaks")).json()["peaks"]
    assert len(found) >= 10
    assert len({each["start"] for each in found}) == len(found)
    # What is taken away while everybody looks stays away.
    gone = [home.call("DELETE", f"/users/{home.user}/peaks/{each['id']}") for each in found]
    clock.advance(HOUR // 2 // SECOND)
    busy = [home.client.post("/process_peaks", json={"sensor_id": home.mac, "secret": secret}) for _ in range(5)]
    answers = await together(*gone, *busy, *(home.call("DELETE", f"/users/{home.user}/peaks/{found[0]['id']}"),))
    assert set(statuses(answers)) <= {204, 404, 200}, [answer.text for answer in answers]
    left = (await home.call("GET", f"/users/{home.user}/peaks")).json()["peaks"]
    assert not {each["start"] for each in left} & {each["start"] for each in found}


async def test_of_many_who_make_the_same_one_does(home: Home) -> None:
    mac, user = new_mac(), f"{home.user}-twin"
    for path, body in (
        ("/users", {"id": user, "name": "Twin"}),
        ("/sensors", {"sensor_id": mac}),
        ("/experiments", {"id": user, "name": "Twin"}),
    ):
        answers = await together(*(home.call("POST", path, json=body) for _ in range(AT_ONCE)))
        assert statuses(answers) == {201: 1, 409: AT_ONCE - 1}, [answer.text for answer in answers]
    for method, path, body in (
        ("PUT", f"/users/{user}/tariffs/2026-01-01", {"base_price": 1, "working_price": 0.2}),
        ("PUT", f"/experiments/{user}/participants/{user}", {"number": 1}),
        ("PATCH", f"/users/{user}", {"report_days": 3}),
        ("POST", f"/sensors/{mac}/assign", {"user_id": user}),
        ("PATCH", f"/sensors/{mac}", {"script": "75"}),
    ):
        answers = await together(*(home.call(method, path, json=body) for _ in range(AT_ONCE)))
        assert statuses(answers) == {200: AT_ONCE}, (path, [answer.text for answer in answers])
    rivals = [new_mac() for _ in range(AT_ONCE)]
    for each in rivals:
        (await home.call("POST", "/sensors", json={"sensor_id": each, "type": "gas"})).raise_for_status()
    answers = await together(*(home.call("POST", f"/sensors/{each}/assign", json={"user_id": user}) for each in rivals))
    assert statuses(answers) == {200: 1, 409: AT_ONCE - 1}, [answer.text for answer in answers]
    answers = await together(*(home.call("DELETE", f"/users/{user}") for _ in range(AT_ONCE)))
    assert statuses(answers) == {204: 1, 404: AT_ONCE - 1}, [answer.text for answer in answers]


async def test_no_reading_is_lost_while_the_meter_changes_hands(home: Home, both: Both) -> None:
    platform, app, clock = both
    other = await move_in(platform, app, tenant=home.tenant)
    await home.call("DELETE", f"/sensors/{other.mac}")
    now = clock.micros()
    clock.advance(HOUR // SECOND)
    token = await token_of(home)
    taken: set[int] = set()

    async def device() -> None:
        for at in range(40):
            time = now + at * 15 * SECOND
            answer = await send(home, token, 1000 + at * 0.01, time)
            assert answer.status_code in (200, 400, 404), answer.text
            if answer.status_code == 200:
                taken.add(time)

    async def clerk() -> None:
        for number in range(6):
            user = (other.user, home.user, None)[number % 3]
            answer = await home.call("POST", f"/sensors/{home.mac}/assign", json={"user_id": user})
            assert answer.status_code == 200, answer.text
            answer = await home.call("POST", f"/sensors/{home.mac}/swap", json={"initial": 1000.0})
            assert answer.status_code in (200, 409), answer.text

    await asyncio.wait_for(asyncio.gather(device(), clerk()), PATIENCE)
    assert taken
    stored: set[int] = set()
    for user in (home.user, other.user):
        stream = home.households.meters.stream(home.tenant, user, home.mac)
        if stream is not None:
            found = await platform.pipeline.series.rows([stream], 0, LATEST, ("value",))
            assert len(set(found.time.tolist())) == len(found.time)
            stored |= set(found.time.tolist())
    assert taken <= stored
    await other.client.aclose()


async def test_nobody_is_assigned_to_who_is_deleted_meanwhile(home: Home) -> None:
    for _ in range(3):
        user, mac = (await home.call("POST", "/users", json={"name": "Short"})).json()["id"], new_mac()
        await home.call("POST", "/sensors", json={"sensor_id": mac})
        assign = [home.call("POST", f"/sensors/{mac}/assign", json={"user_id": user}) for _ in range(3)]
        answers = await together(
            *assign,
            home.call("DELETE", f"/users/{user}"),
            *(home.call("PATCH", f"/users/{user}", json={"name": "Secret"}) for _ in range(3)),
            home.call("POST", f"/users/{user}/tokens", json={}),
        )
        assert set(statuses(answers)) <= {200, 201, 204, 404}, [answer.text for answer in answers]
        assert (await home.call("GET", f"/sensors/{mac}")).json()["user_id"] is None
        assert home.households.meters.of_user(home.tenant, user) == []
        site = home.platform.registry.site(home.tenant, user)
        assert site is None or site.name is None
        issued = answers[-1]
        if issued.status_code == 201:
            answer = await home.client.get("/csv_energy", headers={"Authorization": issued.json()["token"]})
            assert answer.status_code == 401


async def test_who_is_deleted_while_a_report_is_made_gets_none(home: Home, both: Both) -> None:
    platform, _, clock = both
    await use(home, clock.micros())
    await home.call("PATCH", f"/users/{home.user}", json={"email": "gone@example.org"})
    body = {"user_id": home.user, "secret": home.keys["cron"]}
    answers = await together(
        *(home.client.post("/process_reports", json=body) for _ in range(3)),
        *(home.call("PATCH", f"/users/{home.user}", json={"report_days": days}) for days in (1, 2, 7)),
        home.call("DELETE", f"/users/{home.user}"),
        *(home.client.post("/process_reports", json=body) for _ in range(3)),
    )
    assert set(statuses(answers)) <= {200, 204, 404}, [answer.text for answer in answers]
    async with platform.database.read() as connection:
        rows = (await connection.execute(sa.select(ledger).where(ledger.c.tenant == home.tenant))).all()
    assert all("gone@" not in str(tuple(row)) for row in rows)


async def test_a_flood_of_token_requests_is_slowed_and_leaves_little(home: Home) -> None:
    known, wrong = {"sensor_id": home.mac}, {"sensor_id": "00:00:00:00:00:00"}
    answers = await together(*(home.client.post("/token", json=known) for _ in range(100)))
    assert set(statuses(answers)) == {200, 429}
    assert statuses(answers)[200] <= 12
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) > 0
    assert await count(home.platform, tables.tokens, tables.tokens.c.mac == home.mac) <= 12
    answers = await together(*(home.client.post("/token", json=wrong) for _ in range(200)))
    assert statuses(answers) == {401: 200}


async def test_a_removed_meter_leaves_no_token_to_its_next_owner(home: Home, both: Both) -> None:
    platform, app, _ = both
    stranger = await move_in(platform, app)
    for _ in range(3):
        token = await token_of(home)
        sent = [home.client.post("/token", json={"sensor_id": home.mac}) for _ in range(3)]
        answers = await together(*sent, home.call("DELETE", f"/sensors/{home.mac}"))
        tokens = [token, *(answer.json()["access_token"] for answer in answers[:3] if answer.status_code == 200)]
        (await stranger.call("POST", "/sensors", json={"sensor_id": home.mac})).raise_for_status()
        (await stranger.call("DELETE", f"/sensors/{stranger.mac}"))
        (await stranger.call("POST", f"/sensors/{home.mac}/assign", json={"user_id": stranger.user})).raise_for_status()
        for each in tokens:
            answer = await home.client.post("/sensor_input", json={"value": 5.0}, headers={"Authorization": each})
            assert answer.status_code == 401
        (await stranger.call("DELETE", f"/sensors/{home.mac}")).raise_for_status()
        (await home.call("POST", "/sensors", json={"sensor_id": home.mac})).raise_for_status()
        (await home.call("POST", f"/sensors/{home.mac}/assign", json={"user_id": home.user})).raise_for_status()
    await stranger.client.aclose()
