"""Making, keeping and mailing reports."""

from __future__ import annotations

import hashlib

import structlog

from wattline.billing.days import zone_named
from wattline.households.accounts import store as accounts_store
from wattline.households.accounts.model import User
from wattline.households.accounts.service import NO_HOUSEHOLD, Accounts
from wattline.households.energy.daily import daily_use
from wattline.households.energy.streams import electric_streams
from wattline.households.meters.service import Meters
from wattline.households.reports import store
from wattline.households.reports.figures import content
from wattline.households.reports.letter import letter_of
from wattline.households.reports.model import Period, Report
from wattline.households.reports.schedule import before, due, period
from wattline.ingest.series import Series
from wattline.model.clock import Clock
from wattline.model.errors import NotFound, Unavailable
from wattline.notify.service import Notify
from wattline.state.database import Database

__all__ = ["Report", "Reports", "ReportsFailed"]

NOTHING = "nothing was measured in this period"
ID_LENGTH = 30
_log = structlog.get_logger(__name__)


class ReportsFailed(Exception):
    """Some reports could not be made; the others were."""


class Reports:
    """A report and its mail are one transaction, and a period ends with one report only."""

    def __init__(
        self, database: Database, accounts: Accounts, meters: Meters, series: Series, notify: Notify, clock: Clock
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._meters = meters
        self._series = series
        self._notify = notify
        self._clock = clock

    async def process(self, tenant: str, user: str) -> Report:
        """The report of the household's period that ended yesterday: made now, or as it was made.

        Raises `NotFound`, also where nothing was measured in the period: then nothing is kept or mailed.
        """
        found = await self._accounts.user(tenant, user)
        wanted = period(found, self._clock.micros())
        async with self._database.read() as connection:
            made = await store.ending(connection, tenant, user, wanted.last)
        made = made or await self._make(found, wanted)
        if made is None:
            raise NotFound(NOTHING)
        return made

    async def process_all(self, slot: int, tenant: str | None = None) -> None:
        """Make every report that is due at `slot` (us), also those of hours that were missed; of a tenant, or of all.

        One that fails stops no other. Raises `ReportsFailed` in the end, and `Unavailable` at once.
        """
        users = await self._accounts.users(tenant)
        async with self._database.read() as connection:
            reported = await store.newest_days(connection)
        failed = 0
        for user in users:
            try:
                if user.active and due(user, reported.get((user.tenant, user.id)), slot):
                    await self._make(user, period(user, slot))
            except Unavailable:
                raise
            except NotFound:
                # Deleted since it was read.
                continue
            except Exception as error:
                failed += 1
                _log.error("a report could not be made", household=user.id, reason=type(error).__name__)
        if failed:
            raise ReportsFailed(f"{failed} of {len(users)} households have no report")

    async def reports(self, tenant: str, user: str) -> list[Report]:
        """The reports of a household, newest first."""
        async with self._database.read() as connection:
            return await store.of_user(connection, tenant, user)

    async def report(self, tenant: str, user: str, report_id: str) -> Report:
        """Raises `NotFound`, also for another household's."""
        found = None
        # A store may choke on a text that no report has for its id.
        if report_id.isascii() and report_id.isalnum():
            async with self._database.read() as connection:
                found = await store.one(connection, tenant, user, report_id)
        if found is None:
            raise NotFound("no such report")
        return found

    async def _make(self, user: User, wanted: Period) -> Report | None:
        """The report of a period, kept and mailed once; None without data."""
        streams = await electric_streams(self._meters, user.tenant, user.id)
        zone, earlier = zone_named(user.zone), before(wanted)
        days = await daily_use(self._series, streams, earlier.first, wanted.last, zone)
        now, then = days[earlier.days :], days[: earlier.days]
        if all(day.kwh is None for day in now):
            return None
        tariffs = await self._accounts.tariffs(user.tenant, user.id)
        made = Report(
            tenant=user.tenant,
            id=_id_of(user, wanted),
            user=user.id,
            first_day=wanted.first,
            last_day=wanted.last,
            content=content(user, now, then, tariffs),
            created=self._clock.micros(),
        )
        return await self._keep(made)

    async def _keep(self, made: Report) -> Report:
        async with self._database.transaction() as connection:
            # Held until the end, so that nobody who is deleted now is written to afterwards.
            user = await accounts_store.user(connection, made.tenant, made.user, hold=True)
            if user is None:
                raise NotFound(NO_HOUSEHOLD)
            if await store.insert(connection, made):
                letter = letter_of(made, user, self._clock.micros())
                if letter is not None:
                    await self._notify.letter(connection, letter)
            kept = await store.ending(connection, made.tenant, made.user, made.last_day)
        self._notify.nudge()
        return kept or made


def _id_of(user: User, wanted: Period) -> str:
    """The same in every process: a report that two of them make at once is one."""
    text = f"{user.tenant}\n{user.id}\n{wanted.last.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]
