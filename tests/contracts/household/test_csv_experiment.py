"""GET /csv_experiment: who takes part and what they used, for an administrator alone."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tests.contracts.household.home import Home
from tests.households.energy.register_rows import Reading
from wattline.households.meters.model import LAYOUT
from wattline.model.clock import DAY, HOUR, to_micros

HEADER = (
    "firstname,lastname,email,token,status,number,installation_date,deinstallation_date,"
    "total_kwh,days_with_data,mean_kwh_per_day"
)
BERLIN = ZoneInfo("Europe/Berlin")


async def download(home: Home, key: str | None = "admin", **parameters: Any) -> httpx.Response:
    return await home.call("GET", "/csv_experiment", key=key, managed=False, params=parameters)


def lines(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.text.splitlines()[0] == HEADER
    return list(csv.DictReader(io.StringIO(answer.text)))


async def experiment(home: Home, **part: Any) -> str:
    """An experiment in which the household takes part."""
    made = await home.households.accounts.create_experiment(home.tenant, "Winter")
    await home.households.accounts.put_participant(home.tenant, made.id, home.user, part)
    return made.id


async def used(home: Home, first: datetime, kwh: list[int]) -> None:
    """A reading at noon of each local day, and that much more on the register than the day before."""
    stream = await home.platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    start, total, readings = to_micros(first), 10**9, []
    for n, used in enumerate(kwh):
        total += used * 1_000_000
        readings.append(Reading(start + n * DAY, total).row(stream))
    await home.platform.ingest.submit(readings)


async def test_who_takes_part_and_what_they_used(home: Home) -> None:
    accounts = home.households.accounts
    await accounts.change_user(home.tenant, home.user, {"firstname": "Anna, Maria", "lastname": "Weiß"})
    named = await experiment(
        home, status="installation", number=1, installed=date(2026, 5, 2), deinstalled=date(2026, 5, 4), gets_paid=True
    )
    await used(home, datetime(2026, 5, 1, 12, tzinfo=BERLIN), [7, 1, 2, 4, 9, 9])
    before = await accounts.participants(home.tenant, named)
    answer = await download(home, experiment_id=named)
    assert answer.headers["content-type"] == "text/csv"
    assert answer.headers["content-disposition"].startswith("attachment; filename=export_experiment_")
    assert answer.text.splitlines()[1] == (
        f"Anna  Maria,Weiß,weber@example.org,{home.user.replace('-', '')},installation,1,2026-05-02,2026-05-04,7,3,2.333333"
    )
    assert answer.text.endswith("\n")
    # Nothing is changed by reading.
    assert await accounts.participants(home.tenant, named) == before
    twin = await home.call("GET", "/api/v1/csv_experiment", managed=False, params={"experiment_id": named})
    assert twin.text == answer.text


async def test_who_is_not_installed_counts_from_the_first_row_to_now(home: Home) -> None:
    named = await experiment(home)
    (line,) = lines(await download(home, experiment_id=named))
    assert (line["total_kwh"], line["days_with_data"], line["mean_kwh_per_day"]) == ("", "0", "")
    today = home.platform.clock.now().astimezone(BERLIN).replace(hour=0)
    await used(home, today, [3])
    (line,) = lines(await download(home, experiment_id=named))
    assert (line["total_kwh"], line["days_with_data"], line["status"]) == ("0", "1", "registered")


async def test_no_name_is_a_formula(home: Home) -> None:
    accounts = home.households.accounts
    await accounts.change_user(home.tenant, home.user, {"firstname": "=cmd|' /C calc'!A0", "lastname": '@SUM(1;2) "x"'})
    (line,) = lines(await download(home, experiment_id=await experiment(home)))
    assert line["firstname"] == "'=cmd|' /C calc'!A0"
    assert line["lastname"] == '\'@SUM(1;2) "x"'


async def test_who_may_not_and_what_is_not_there(home: Home, stranger: Home) -> None:
    named = await experiment(home)
    for key in (None, "own", "cron", "ml"):
        assert (await download(home, key, experiment_id=named)).status_code == 401
        assert (await download(home, key)).status_code == 401
    for parameters in ({}, {"experiment_id": ""}, {"experiment_id": [named, named]}):
        answer = await download(home, **parameters)
        assert (answer.status_code, "experiment_id" in answer.json()["error"]) == (400, True)
    assert (await download(home, experiment_id="nothing")).status_code == 404
    assert (await download(stranger, experiment_id=named)).status_code == 404
    empty = await home.households.accounts.create_experiment(home.tenant, "Empty")
    assert (await download(home, experiment_id=empty.id)).status_code == 404


async def test_participants_come_in_order_and_only_with_their_own(home: Home, neighbour: Home) -> None:
    named = await experiment(home)
    await home.households.accounts.put_participant(home.tenant, named, neighbour.user, {})
    at = home.platform.clock.micros()
    for factor, each in ((1, home), (5, neighbour)):
        stream = await each.platform.registry.register(each.tenant, each.user, each.mac, LAYOUT)
        rows = [Reading(at - n * HOUR, (10 - n) * factor * 10**6).row(stream) for n in (3, 2, 1)]
        await each.platform.ingest.submit(rows)
    found = {line["token"]: line["total_kwh"] for line in lines(await download(home, experiment_id=named))}
    assert found == {home.user.replace("-", ""): "2", neighbour.user.replace("-", ""): "10"}
