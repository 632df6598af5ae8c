"""Telling others of every new or changed row of the ledger, after its commit."""

from __future__ import annotations

from collections.abc import Callable

from wattline.model.clock import MINUTE, Clock
from wattline.notify import store
from wattline.notify.model import Alert
from wattline.notify.tables import ledger
from wattline.state.database import Database

REACH_BACK = MINUTE


class Changes:
    """Looks for rows that changed since it looked last. Begins with what changes from now on."""

    def __init__(self, database: Database, clock: Clock, tell: Callable[[Alert], None]) -> None:
        self._database = database
        self._tell = tell
        self._clock = clock
        self._since = clock.micros()
        self._told: set[tuple[int, int, str]] = set()

    async def announce(self) -> None:
        """Tell of each change once, in the order of the changes.

        A change is stamped before it is committed, so each look reaches back over the last minute again.
        """
        async with self._database.read() as connection:
            changed = await store.select(connection, ledger.c.updated >= self._since)
        for alert in sorted(changed, key=lambda alert: (alert.updated, alert.id)):
            mark = (alert.id, alert.updated, alert.state)
            if mark not in self._told:
                self._told.add(mark)
                self._tell(alert)
        self._since = max(self._since, self._clock.micros() - REACH_BACK)
        self._told = {mark for mark in self._told if mark[1] >= self._since}
