"""POST /process_reports, GET /reports and the reports of a household over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.contracts.household.home import Home
from tests.households.energy.register_rows import Reading
from wattline.households.meters.model import LAYOUT
from wattline.model.clock import MINUTE, to_micros
from wattline.notify import store as ledger

BERLIN = ZoneInfo("Europe/Berlin")


async def measured(home: Home, days: int = 5) -> datetime:
    """A reading every half hour of the local days that ended yesterday, at 48 Wh each; gives today's midnight."""
    stream = await home.platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    today = home.platform.clock.now().astimezone(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = to_micros(today - timedelta(days=days)), to_micros(today)
    times = range(start, end, 30 * MINUTE)
    await home.platform.ingest.submit([Reading(time, n * 48_000).row(stream) for n, time in enumerate(times)])
    return today


async def process(home: Home, body: Any = None, path: str = "/process_reports", **given: Any) -> httpx.Response:
    sent = {"user_id": home.user, "secret": home.keys["cron"], **given} if body is None else body
    return await home.call("POST", path, key=None, managed=False, json=sent)


async def mails(home: Home) -> list[str]:
    async with home.platform.database.read() as connection:
        return [each.event_id for each in await ledger.select(connection) if each.site == home.user]


async def test_a_report_is_made_once_and_read_by_its_household(home: Home) -> None:
    today = await measured(home)
    answer = await process(home)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["status"], body["statusMessage"]) == (200, "Report created")
    report = body["report"]
    assert (report["user_id"], report["days"], report["zone"]) == (home.user, 3, "Europe/Berlin")
    assert report["last_day"] == (today - timedelta(days=1)).date().isoformat()
    assert report["total_kwh"] == 3 * 48 * 0.048
    assert report["cost"] is None
    assert report["previous"]["days_with_data"] == 2

    assert (await process(home)).json() == body
    assert (await process(home, path="/api/v1/process_reports")).json() == body
    camel = {"userId": home.user, "secret": home.keys["cron"]}
    assert (await process(home, camel)).json() == body
    assert await mails(home) == [report["id"]]

    for key in ("own", "admin"):
        listed = await home.call("GET", f"/users/{home.user}/reports", key=key)
        assert listed.json() == {"user_id": home.user, "reports": [report]}
        assert (await home.call("GET", f"/users/{home.user}/reports/{report['id']}", key=key)).json() == report


async def test_the_sum_of_a_report_is_that_of_the_export(home: Home) -> None:
    await measured(home)
    report = (await process(home)).json()["report"]
    days = {"start": report["first_day"], "end": report["last_day"]}
    answer = await home.call("GET", "/csv_energy", key="own", managed=False, params=days)
    used = sum(round(float(line.split(",")[1]) * 1e6) for line in answer.text.splitlines()[1:])
    assert used == round(report["total_kwh"] * 1e6) > 0


async def test_prices_make_costs(home: Home) -> None:
    await measured(home)
    prices = {"base_price": "30.00", "working_price": "0.25"}
    await home.call("PUT", f"/users/{home.user}/tariffs/2026-01-01", json=prices)
    cost = (await process(home)).json()["report"]["cost"]
    assert cost["working"] == pytest.approx(1.73)
    # The clock of the shared platform goes on, into a month of 30 days or 31.
    assert cost["base"] in (3.0, 2.9, 2.97, 2.94)
    assert cost["total"] == pytest.approx(cost["working"] + cost["base"], abs=0.011)


async def test_a_wrong_secret_is_401_before_anything_else(home: Home) -> None:
    for secret in ("wrong", "", None, 5, home.keys["own"], home.keys["admin"], home.keys["ml"]):
        for body in ({"secret": secret}, {"secret": secret, "user_id": home.user}, {"secret": secret, "user_id": 3}):
            answer = await process(home, body)
            assert (answer.status_code, answer.json()["status"]) == (401, 401)
    assert (
        await home.call("POST", "/process_reports", key="cron", managed=False, json={"user_id": home.user})
    ).status_code == 401
    assert (await home.call("GET", "/reports", key="own", managed=False)).status_code == 401
    assert (await home.call("GET", "/reports", key=None, managed=False)).status_code == 401


async def test_what_is_not_there_is_404(home: Home, stranger: Home) -> None:
    assert (await process(home, user_id="nobody")).status_code == 404
    await measured(stranger)
    assert (await process(home, user_id=stranger.user)).status_code == 404
    assert await mails(stranger) == []
    # Nothing was measured here.
    assert (await process(home)).status_code == 404


@pytest.mark.parametrize("user_id", [None, 5, "", [], {}, "x" * 5000])
async def test_what_is_no_household_is_400(home: Home, user_id: Any) -> None:
    answer = await process(home, user_id=user_id)
    assert (answer.status_code, "user_id" in answer.json()["error"]) == (400, True)


async def test_everyone_due_of_the_tenant_is_reported_to(home: Home, neighbour: Home, stranger: Home) -> None:
    home.platform.clock.advance(4 * 86_400)  # type: ignore[attr-defined]
    for each in (home, neighbour, stranger):
        await measured(each)
    hour = home.platform.clock.now().astimezone(BERLIN).hour
    for each in (home, neighbour, stranger):
        await each.households.accounts.change_user(each.tenant, each.user, {"report_hour": hour})
    for path in ("/reports", "/api/v1/reports", "/reports"):
        answer = await home.call("GET", path, key="cron", managed=False)
        assert (answer.status_code, answer.json()["status"]) == (200, 200)
    assert [len(await mails(each)) for each in (home, neighbour, stranger)] == [1, 1, 0]


async def test_a_failure_is_500(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.platform.clock.advance(4 * 86_400)  # type: ignore[attr-defined]
    await measured(home)
    await home.households.accounts.change_user(home.tenant, home.user, {"report_hour": 0})

    async def broken(*_: Any) -> Any:
        raise ZeroDivisionError("division of weber@example.org")

    monkeypatch.setattr(home.households.reports, "_make", broken)
    for answer in (await home.call("GET", "/reports", key="cron", managed=False), await process(home)):
        assert (answer.status_code, answer.json()["status"]) == (500, 500)
        assert "weber" not in answer.text


async def test_nobody_sees_another_households_reports(home: Home, neighbour: Home, stranger: Home) -> None:
    await measured(home)
    report = (await process(home)).json()["report"]["id"]
    for other in (neighbour, stranger):
        assert (await other.call("GET", f"/users/{home.user}/reports", key="own")).status_code == 404
        assert (await other.call("GET", f"/users/{other.user}/reports/{report}", key="own")).status_code == 404
        assert (await other.call("GET", f"/users/{home.user}/reports/{report}", key="own")).status_code == 404
    assert (await stranger.call("GET", f"/users/{home.user}/reports")).status_code == 404
    for key in (None, "cron", "ml"):
        assert (await home.call("GET", f"/users/{home.user}/reports", key=key)).status_code == 401
    assert (await home.call("GET", "/users/nobody/reports")).status_code == 404
