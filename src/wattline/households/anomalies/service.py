"""Incidents of unusual use and of silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wattline.households.accounts.service import Accounts
from wattline.households.meters.service import Meters
from wattline.ingest.series import Series
from wattline.model.clock import Clock
from wattline.notify.service import Notify
from wattline.state.database import Database


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One incident of a household's meter: from `start` (us) to `end`, None while it lasts.

    `usage`: far more than expected; `silent`: the meter stopped sending. `figures` are those of its mail.
    """

    tenant: str
    id: str
    user: str
    mac: str
    kind: Literal["usage", "silent"]
    start: int
    end: int | None
    figures: Mapping[str, Any]


class Anomalies:
    """Looks at closed half hours, each once and in order. An incident and its mail are one transaction."""

    def __init__(
        self, database: Database, accounts: Accounts, meters: Meters, series: Series, notify: Notify, clock: Clock
    ) -> None:
        raise NotImplementedError

    async def process(self, tenant: str, mac: str) -> list[Anomaly]:
        """Look at what was not looked at, and give the incidents that began or went on. Again is without effect.

        Raises `NotFound` for a meter that is unknown or assigned to nobody.
        """
        raise NotImplementedError

    async def process_all(self, slot: int) -> None:
        """The same for every assigned meter, with what was measured before `slot` (us)."""
        raise NotImplementedError

    async def found(self, tenant: str, user: str, start: int, end: int) -> list[Anomaly]:
        """The incidents of a household that touch [start, end), oldest first."""
        raise NotImplementedError
