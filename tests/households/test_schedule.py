"""What households do without being asked, on real jobs: everyone at the half hour, once, and what was missed is made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.households.anomalies.street import HALF_HOUR, Street, also, at, living
from tests.households.crew import crew
from tests.households.worker import WORKS
from tests.jobs.moments import Moments
from tests.notify.mailbox import Mailbox
from tests.stores import spine
from wattline.households.service import Households
from wattline.households.tables import anomalies, peaks, progress, reports, users
from wattline.identity.service import Identity
from wattline.jobs.service import Jobs
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, from_micros
from wattline.notify.service import Notify

START = at("2026-09-01 00:00")
FIRST = START + 4 * DAY + 6 * HOUR
WAIT = 30


@dataclass
class Town:
    """Households with a process that works for them; `street` lets them live."""

    households: Households
    street: Street
    moments: Moments

    def __post_init__(self) -> None:
        self.done: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        for name in WORKS:
            self._tell(getattr(self.households, name), name)

    def _tell(self, service: object, name: str) -> None:
        really = service.process_all  # type: ignore[attr-defined]

        async def told(slot: int) -> None:
            try:
                await really(slot)
            finally:
                self.done.put_nowait((name, slot))

        service.process_all = told  # type: ignore[attr-defined]

    def at(self, time: int) -> None:
        self.moments.clock.set(from_micros(time))
        self.moments.advance(0)

    async def next(self, number: int) -> set[tuple[str, int]]:
        """What ends next, so many runs of work."""
        return {await asyncio.wait_for(self.done.get(), WAIT) for _ in range(number)}

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Jobs]:
        """A process that is there for a while."""
        jobs = Jobs(self.households.accounts._database.url, self.moments.clock, sleep=self.moments.sleep)
        self.households.schedule(jobs)
        await jobs.launch()
        try:
            yield jobs
        finally:
            await jobs.stop()

    async def live(self, upto: int) -> None:
        for number in range(2):
            user = f"home-{number}"
            mac = f"02:00:00:00:00:{number:02X}"
            night = at("2026-09-05 07:10"), 25, 9000.0
            key = next((each for each in self.street.sent if each.user == user), None)
            if key is None:
                key = await self.street.move_in(user, mac, report_days=1, report_hour=0)
            await self.street.send(key, also(living, night), upto, every=60, since=START)

    async def rows(self, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
        async with self.street.spine.database.read() as connection:
            return list(await connection.execute(sa.select(table).order_by(*table.primary_key.columns)))


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Two homes that lived for days; it is just before a half hour."""
    moments = Moments()
    moments.clock.set(from_micros(START))
    async with spine(tmp_path, moments.clock) as s:
        notify = Notify(s.database, moments.clock)
        parts = s.database, s.registry, Identity(s.database, moments.clock), s.pipeline, notify, moments.clock
        households = Households(*parts, ahead=HOUR, kept=90 * DAY, token_seconds=3600, grace_seconds=300)
        await households.meters.load()
        made = Town(households, Street(s, Mailbox(), households.accounts, households.meters), moments)
        await made.live(FIRST - SECOND)
        moments.clock.set(from_micros(FIRST - 30 * SECOND))
        yield made


def all_at(slot: int) -> set[tuple[str, int]]:
    return {(name, slot) for name in WORKS}


async def test_everyone_is_looked_at_at_the_half_hour_and_what_was_missed_is_made_up(town: Town) -> None:
    async with town.process():
        town.at(FIRST + SECOND)
        assert await town.next(3) == all_at(FIRST)
        town.at(FIRST + HALF_HOUR + SECOND)
        assert await town.next(2) == {("peaks", FIRST + HALF_HOUR), ("anomalies", FIRST + HALF_HOUR)}
    upto = {(row.work, row.user): row.upto for row in await town.rows(progress) if row.work in ("peaks", "anomalies")}
    assert upto == {(work, user): FIRST for work in ("peaks", "anomalies") for user in ("home-0", "home-1")}
    first = await town.rows(peaks)
    assert [len([row for row in first if row.user == user]) for user in ("home-0", "home-1")] == [8, 8]
    assert len(await town.rows(reports)) == 2

    # Away for five hours, in which there was the unusual use, and over the time of no report.
    later = FIRST + 5 * HOUR + 40 * MINUTE
    await town.live(later)
    town.moments.clock.set(from_micros(later))
    async with town.process():
        slot = later // HALF_HOUR * HALF_HOUR + HALF_HOUR
        town.at(slot + SECOND)
        assert await town.next(3) == all_at(slot)
    upto = {(row.work, row.user): row.upto for row in await town.rows(progress) if row.work in ("peaks", "anomalies")}
    assert set(upto.values()) == {later // HALF_HOUR * HALF_HOUR}
    new = [row for row in await town.rows(peaks) if row.id not in {each.id for each in first}]
    assert {row.user for row in new} == {"home-0", "home-1"}
    assert all(abs(row.start - at("2026-09-05 07:10")) < 2 * MINUTE for row in new)
    assert sorted((row.user, row.kind) for row in await town.rows(anomalies)) == [("home-0", "usage"), ("home-1", "usage")]
    # Of the same day: none that was made already.
    assert len(await town.rows(reports)) == 2


async def test_a_household_that_fails_stops_no_other(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    async with town.street.spine.database.transaction() as connection:
        broken = sa.update(users).where(users.c.id == "home-0").values(zone="Nowhere/At All")
        await connection.execute(broken)
    async with town.process() as jobs:
        town.at(FIRST + SECOND)
        assert await town.next(3) == all_at(FIRST)
        assert {row.user for row in await town.rows(reports)} == {"home-1"}
        assert {row.user for row in await town.rows(progress) if row.work == "anomalies"} == {"home-1"}
        # Peaks do not depend on the zone.
        assert {row.user for row in await town.rows(peaks)} == {"home-0", "home-1"}
        async with town.street.spine.database.transaction() as connection:
            await connection.execute(sa.update(users).values(zone="Europe/Berlin"))
        town.at(FIRST + HOUR + SECOND)
        assert await town.next(3) == all_at(FIRST + HOUR)
        assert {row.user for row in await town.rows(reports)} == {"home-0", "home-1"}
        assert {row.user for row in await town.rows(progress) if row.work == "anomalies"} == {"home-0", "home-1"}
    failures = {job.name: job.failures for job in jobs.periodics}
    assert failures == {"household-peaks": 0, "household-anomalies": 0, "household-reports": 1}


async def test_two_processes_on_one_database_do_each_half_hour_once(database_url: sa.URL, tmp_path: Path) -> None:
    async with crew(database_url.render_as_string(hide_password=False), 1) as hands:
        directories = [tmp_path / name for name in ("one", "other")]
        for directory in directories:
            directory.mkdir()
        workers = [await hands.start(directory, FIRST - MINUTE) for directory in directories]
        slots = [FIRST, FIRST + HALF_HOUR, FIRST + HOUR]
        for slot in slots:
            due = {name for name in WORKS if name != "reports" or slot % HOUR == 0}
            for worker in workers:
                await worker.tell(f"at {slot + SECOND}")
            while {name for worker in workers for name, at_slot in worker.ended if at_slot == slot} < due:
                waits = [asyncio.create_task(worker.until("end")) for worker in workers]
                _, waiting = await asyncio.wait(waits, timeout=WAIT, return_when=asyncio.FIRST_COMPLETED)
                for wait in waiting:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
        for worker in workers:
            await worker.end()
        begun = sorted(each for worker in workers for each in worker.begun)
    assert begun == sorted((name, slot) for slot in slots for name in WORKS if name != "reports" or slot % HOUR == 0)
