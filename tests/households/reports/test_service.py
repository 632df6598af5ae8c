"""Reports on real stores: what they hold, that each is made and mailed once, and whose they are."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.households.reports.conftest import Village, days_of_march, instant
from wattline.households.energy.daily import midnight
from wattline.households.energy.rows import plan, rows
from wattline.households.energy.streams import electric_streams
from wattline.households.reports.service import ReportsFailed
from wattline.model.errors import NotFound, Unavailable
from wattline.notify.model import Kind, Reason, State
from wattline.notify.service import Notify

pytestmark = pytest.mark.asyncio(loop_scope="module")

KWH = 1_000_000
BERLIN = ZoneInfo("Europe/Berlin")


async def summed(village: Village, user: str, first: date, last: date) -> Decimal:
    """The consumption of every row of these days, added up as a reader of the export would."""
    streams = await electric_streams(village.meters, village.tenant, user)
    start, end = midnight(first, BERLIN), midnight(last + timedelta(days=1), BERLIN)
    series = village.spine.pipeline.series
    parts = [part async for part in rows(series, await plan(series, streams, start, end))]
    return sum((Decimal(repr(value)) for part in parts for value in part.consumption.tolist()), Decimal(0))


async def test_a_week_with_a_change_of_the_clocks(village: Village) -> None:
    user = await village.home(goal_kwh="8")
    await village.accounts.set_tariff(village.tenant, user.id, date(2026, 1, 1), Decimal("9.30"), Decimal("0.30"))
    await village.accounts.set_tariff(village.tenant, user.id, date(2026, 3, 30), Decimal("31.00"), Decimal("0.40"))
    uses = [5 * KWH + n for n in range(7)] + [8_123_457, 9 * KWH, None, 7_000_001, 3 * KWH, 8 * KWH, 4 * KWH]
    await village.measured(user, days_of_march(*uses, first=18))
    village.now("2026-04-01T07:00")
    report = await village.reports.process(village.tenant, user.id)

    found = report.content
    assert (report.first_day, report.last_day) == (date(2026, 3, 25), date(2026, 3, 31))
    assert (found["first_day"], found["last_day"], found["days"], found["days_with_data"]) == ("2026-03-25", "2026-03-31", 7, 6)
    # The first reading of a day ends what the last one of the day before began, and here it shows the same.
    assert [day["kwh"] for day in found["daily"]] == [8.123457, 9.0, None, 7.000001, 3.0, 8.0, 4.0]
    assert found["total_kwh"] == 39.123458
    assert Decimal(repr(found["total_kwh"])) == await summed(village, user.id, report.first_day, report.last_day)
    assert found["mean_kwh"] == 6.520576
    assert found["best_day"] == {"day": "2026-03-29", "kwh": 3.0}
    assert found["worst_day"] == {"day": "2026-03-26", "kwh": 9.0}
    assert found["goal"] == {"kwh": 8.0, "met": 4, "exceeded": 2}
    working = Decimal("0.30") * Decimal("27.123458") + Decimal("0.40") * 12
    base = 5 * Decimal("9.30") / 31 + 2 * Decimal("31.00") / 31
    cent = Decimal("0.01")
    assert found["cost"]["working"] == float(working.quantize(cent))
    assert found["cost"]["base"] == float(base.quantize(cent)) == 3.5
    assert found["cost"]["total"] == float((working + base).quantize(cent))
    assert found["previous"]["total_kwh"] == 35.000021
    assert found["previous"]["kwh_change_percent"] == 30.4


async def test_a_period_is_reported_and_mailed_once(village: Village) -> None:
    user = await village.home()
    await village.measured(user, days_of_march(*[KWH] * 31))
    slot = village.now("2026-04-01T06:00")
    await village.reports.process_all(slot)
    await village.reports.process_all(slot)
    await village.process().process_all(slot)
    again = await village.reports.process(village.tenant, user.id)
    assert await village.reports.reports(village.tenant, user.id) == [again]
    (mail,) = await village.mails()
    assert (mail.kind, mail.recipient, mail.state, mail.event_id) == (Kind.REPORT, user.email, State.QUEUED, again.id)
    assert mail.body["total"] == "7,00 kWh"


async def test_processes_that_report_at_once_write_one_report_and_one_mail(village: Village) -> None:
    user = await village.home()
    await village.measured(user, days_of_march(*[KWH] * 31))
    village.now("2026-04-01T06:00")
    made = await asyncio.gather(*(village.process().process(village.tenant, user.id) for _ in range(5)))
    assert len({report.id for report in made}) == 1
    assert len(await village.reports.reports(village.tenant, user.id)) == 1
    assert len(await village.mails()) == 1


async def test_reports_follow_one_another_and_missed_hours_are_made_up(village: Village) -> None:
    user = await village.home(report_days=2, report_hour=6)
    await village.measured(user, days_of_march(*[KWH] * 31))
    await village.measured(user, {date(2026, 4, day): KWH for day in range(1, 12)})
    # Added on the first: its first two whole days end with the second.
    for local, reports in (
        ("2026-04-02T12:00", 0),
        ("2026-04-03T05:00", 0),
        ("2026-04-03T09:00", 1),  # 6, 7 and 8 o'clock were missed
        ("2026-04-04T06:00", 1),
        ("2026-04-05T05:00", 1),
        ("2026-04-05T06:00", 2),
        ("2026-04-10T03:00", 2),  # days were missed; no mail at night
        ("2026-04-10T06:00", 3),
    ):
        await village.reports.process_all(village.now(local))
        found = await village.reports.reports(village.tenant, user.id)
        assert len(found) == len(await village.mails()) == reports, local
    assert [(each.first_day.day, each.last_day.day) for each in found] == [(8, 9), (3, 4), (1, 2)]


async def test_what_the_mail_and_the_report_depend_on_is_one_transaction(village: Village) -> None:
    user = await village.home()
    await village.measured(user, days_of_march(*[KWH] * 31))
    village.now("2026-04-01T06:00")

    class Full(Notify):
        async def letter(self, connection: object, letter: object) -> None:
            raise Unavailable("no room")

    broken = village.process()
    broken._notify = Full(village.database, village.clock)
    with pytest.raises(Unavailable):
        await broken.process(village.tenant, user.id)
    assert await village.reports.reports(village.tenant, user.id) == []
    await village.reports.process(village.tenant, user.id)
    assert len(await village.mails()) == 1


async def test_who_wants_no_mail_has_a_report_all_the_same(village: Village) -> None:
    homes = [
        await village.home(report_mails=False),
        await village.home(email=None),
        await village.home(active=False),
    ]
    for user in homes:
        await village.measured(user, days_of_march(*[KWH] * 31))
    village.now("2026-04-01T06:00")
    for user in homes:
        assert (await village.reports.process(village.tenant, user.id)).content["total_kwh"] == 7.0
    assert await village.mails() == []


async def test_nobody_inactive_is_reported_to_unasked(village: Village) -> None:
    user = await village.home(active=False)
    await village.measured(user, days_of_march(*[KWH] * 31))
    await village.reports.process_all(village.now("2026-04-09T06:00"))
    assert await village.reports.reports(village.tenant, user.id) == []


async def test_without_a_mail_server_the_report_is_there(village: Village) -> None:
    user = await village.home()
    await village.measured(user, days_of_march(*[KWH] * 31))
    village.now("2026-04-01T06:00")
    silent = village.process()
    silent._notify = Notify(village.database, village.clock)
    await silent.process(village.tenant, user.id)
    (mail,) = await village.mails()
    assert (mail.state, mail.reason) == (State.SUPPRESSED, Reason.NO_TRANSPORT)


async def test_a_period_without_data_is_no_report(village: Village) -> None:
    empty, past = await village.home(), await village.home()
    await village.measured(past, days_of_march(*[KWH] * 20))
    slot = village.now("2026-04-09T06:00")
    await village.reports.process_all(slot)
    for user in (empty, past):
        with pytest.raises(NotFound, match="nothing was measured"):
            await village.reports.process(village.tenant, user.id)
        assert await village.reports.reports(village.tenant, user.id) == []
    assert await village.mails() == []
    # What comes late is reported when it is there.
    await village.measured(empty, {date(2026, 4, 5): KWH})
    await village.reports.process_all(slot)
    assert len(await village.reports.reports(village.tenant, empty.id)) == 1


async def test_reports_are_the_households_own(village: Village) -> None:
    user, other = await village.home(), await village.home()
    await village.measured(user, days_of_march(*[KWH] * 31))
    await village.measured(other, days_of_march(*[3 * KWH] * 31))
    village.now("2026-04-01T06:00")
    mine, theirs = [await village.reports.process(village.tenant, each.id) for each in (user, other)]
    assert (mine.content["total_kwh"], theirs.content["total_kwh"]) == (7.0, 21.0)
    assert await village.reports.report(village.tenant, user.id, mine.id) == mine
    for tenant, home in ((village.tenant, other.id), ("elsewhere", user.id)):
        with pytest.raises(NotFound):
            await village.reports.report(tenant, home, mine.id)
    for tenant, home in ((village.tenant, "nobody"), ("elsewhere", user.id)):
        with pytest.raises(NotFound):
            await village.reports.process(tenant, home)
        assert await village.reports.reports(tenant, home) == []


async def test_one_that_fails_stops_no_other(village: Village) -> None:
    homes = [await village.home(report_days=1) for _ in range(3)]
    for user in homes:
        await village.measured(user, {date(2026, 4, day): KWH for day in range(1, 9)})
    failing = village.process()
    tariffs = village.accounts.tariffs

    async def broken(tenant: str, user_id: str) -> list[object]:
        if user_id == homes[1].id:
            raise ZeroDivisionError
        return list(await tariffs(tenant, user_id))

    failing._accounts = type("Broken", (), {"tariffs": staticmethod(broken), "users": village.accounts.users})()
    slot = village.now("2026-04-08T06:00")
    with pytest.raises(ReportsFailed, match="1 of 3"):
        await failing.process_all(slot, village.tenant)
    assert [len(await village.reports.reports(village.tenant, user.id)) for user in homes] == [1, 0, 1]
    await village.reports.process_all(slot, village.tenant)
    assert len(await village.reports.reports(village.tenant, homes[1].id)) == 1


async def test_a_report_that_is_made_while_its_household_goes_is_not_kept(village: Village) -> None:
    user = await village.home()
    await village.measured(user, days_of_march(*[KWH] * 31))
    village.now("2026-04-01T06:00")
    read = await village.accounts.user(village.tenant, user.id)
    await village.accounts.delete_user(village.tenant, user.id)
    late = village.process()
    late._accounts = type("Late", (), {"user": staticmethod(_giving(read)), "tariffs": village.accounts.tariffs})()
    with pytest.raises(NotFound):
        await late.process(village.tenant, user.id)
    assert await village.reports.reports(village.tenant, user.id) == []
    assert await village.mails() == []


def _giving(user: object) -> object:
    async def given(_tenant: str, _user_id: str) -> object:
        return user

    return given


async def test_the_day_is_that_of_the_households_zone(village: Village) -> None:
    user = await village.home(zone="America/New_York", report_days=1, report_mails=False)
    await village.measured(user, {date(2026, 3, day): day * KWH for day in range(27, 32)})
    village.clock.set(village.clock.now().replace(month=4, day=1, hour=3))
    assert village.clock.micros() == instant("2026-04-01T03:00:00+00:00")
    report = await village.reports.process(village.tenant, user.id)
    assert (report.last_day, report.content["total_kwh"]) == (date(2026, 3, 30), 30.0)
