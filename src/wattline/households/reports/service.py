"""Making, keeping and mailing reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from wattline.households.accounts.service import Accounts
from wattline.households.meters.service import Meters
from wattline.ingest.series import Series
from wattline.model.clock import Clock
from wattline.notify.service import Notify
from wattline.state.database import Database


@dataclass(frozen=True, slots=True)
class Report:
    """What a household used from `first_day` to `last_day`, both inclusive, in its own days; `content` is its JSON form."""

    tenant: str
    id: str
    user: str
    first_day: date
    last_day: date
    content: Mapping[str, Any]
    created: int


class Reports:
    """A report and its mail are one transaction, and a period ends with one report only."""

    def __init__(
        self, database: Database, accounts: Accounts, meters: Meters, series: Series, notify: Notify, clock: Clock
    ) -> None:
        raise NotImplementedError

    async def process(self, tenant: str, user: str) -> Report:
        """The report of the household's period that ended yesterday: made now, or as it was made. Raises `NotFound`."""
        raise NotImplementedError

    async def process_all(self, slot: int) -> None:
        """Make every report that is due at `slot` (us), also those of hours that were missed."""
        raise NotImplementedError

    async def reports(self, tenant: str, user: str) -> list[Report]:
        """The reports of a household, newest first."""
        raise NotImplementedError

    async def report(self, tenant: str, user: str, report_id: str) -> Report:
        """Raises `NotFound`, also for another household's."""
        raise NotImplementedError
