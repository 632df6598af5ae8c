"""Households with real stores and a real mail server, whose meters show what a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tests.notify.conftest import SENDER, smtp
from tests.notify.mailbox import Mailbox
from tests.stores import Spine, spine
from wattline.households.accounts.service import Accounts
from wattline.households.anomalies.service import Anomalies
from wattline.households.anomalies.store import Key
from wattline.households.meters.model import Kind
from wattline.households.meters.service import Meters
from wattline.identity.service import Identity
from wattline.model.clock import DAY, MINUTE, SECOND, ManualClock, from_micros, to_micros
from wattline.model.record import Row
from wattline.notify.service import Notify
from wattline.registry.stream import Stream

BERLIN = ZoneInfo("Europe/Berlin")
HALF_HOUR = 30 * MINUTE

Watts = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""The power of a home (W) at times in us."""


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    """A local time as 2026-10-20 03:00, in us."""
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=zone))


def local_hours(times: NDArray[np.int64], zone: ZoneInfo = BERLIN) -> NDArray[np.float64]:
    """The local time of the day, in hours. The offset is looked up for each quarter of an hour."""
    quarters, place = np.unique(times // (15 * MINUTE), return_inverse=True)
    offsets = [from_micros(int(q) * 15 * MINUTE).astimezone(zone).utcoffset() or timedelta() for q in quarters]
    local = times + np.array([round(o.total_seconds()) * SECOND for o in offsets])[place]
    return local % DAY / (3600 * SECOND)


def living(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """A home of about 200 W: a fridge, and cooking with 2 to 4 kW at noon and in the evening."""
    hour = local_hours(times)
    fridge = np.where(times // (15 * MINUTE) % 3 == 0, 90.0, 0.0)
    noon = np.where((hour >= 12.2) & (hour < 12.8), 2200.0, 0.0)
    evening = np.where((hour >= 18.5) & (hour < 18.75), 3900.0, 0.0) + np.where((hour >= 18.75) & (hour < 19.3), 1900.0, 0.0)
    return np.asarray(120.0 + fridge + noon + evening)


def also(watts: Watts, *spans: tuple[int, float, float]) -> Watts:
    """The same with some more power: from when (us), for so many minutes, W."""

    def power(times: NDArray[np.int64]) -> NDArray[np.float64]:
        found = watts(times)
        for start, minutes, more in spans:
            found = found + np.where((times >= start) & (times < start + round(minutes * MINUTE)), more, 0.0)
        return found

    return power


@dataclass
class Street:
    """Homes of tenants, what their meters sent so far, and what looks at it. `restart` is what a new process would build."""

    spine: Spine
    mailbox: Mailbox
    accounts: Accounts
    meters: Meters
    options: dict[str, Any] = field(default_factory=dict)
    sent: dict[Key, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        s = self.spine
        self.notify = Notify(s.database, s.clock, None, smtp(self.mailbox.port), SENDER)
        self.anomalies = self.another()

    def another(self) -> Anomalies:
        """A second process on the same stores."""
        s = self.spine
        return Anomalies(s.database, self.accounts, self.meters, s.pipeline.series, self.notify, s.clock, **self.options)

    async def move_in(
        self, user: str, mac: str, tenant: str = "t", kind: Kind = Kind.DIGITAL_ELECTRICITY, **wishes: Any
    ) -> Key:
        given = {"id": user, "name": user, "email": f"{user}@example.org", **wishes}
        await self.accounts.create_user(tenant, given)
        await self.accounts.set_tariff(tenant, user, date(2020, 1, 1), Decimal("12"), Decimal("0.40"))
        await self.meters.add(tenant, mac, kind)
        await self.meters.assign(tenant, mac, user)
        return Key(tenant, user, mac)

    def stream(self, key: Key) -> Stream:
        found = self.meters.stream(*key)
        assert found is not None
        return found

    async def send(
        self,
        key: Key,
        watts: Watts,
        upto: int,
        every: float = 15,
        since: int | None = None,
        sending: Callable[[int], bool] = lambda time: True,
    ) -> None:
        """Let a meter send what a home used since it sent last, at first since then, one reading every so often, or only at the
        times at which it is `sending`."""
        first, total = self.sent.get(key, (since or 0, 1000.0))
        step = round(every * SECOND)
        edges = np.arange(first, upto + 1, step, dtype=np.int64)
        used = np.concatenate([[0.0], np.cumsum(watts(edges[:-1]))]) * step / (3600 * SECOND) / 1000
        totals = np.round(total + used, 4)
        stream = self.stream(key)
        some = [i for i in range(1 if key in self.sent else 0, len(edges)) if sending(int(edges[i]))]
        for part in range(0, len(some), 20_000):
            rows = [
                Row(stream.id, int(edges[i]), int(edges[i]), (float(totals[i]), None, None, float(totals[i]), None))
                for i in some[part : part + 20_000]
            ]
            await self.spine.pipeline.ingest.submit(rows)
        self.sent[key] = int(edges[-1]), float(totals[-1])

    async def look(self, time: int) -> None:
        """Let it be that time, and do what a server does then."""
        self.spine.clock.set(from_micros(time))
        await self.anomalies.process_all(time // HALF_HOUR * HALF_HOUR)

    async def live(self, key: Key, watts: Watts, upto: int, every: float = 15) -> None:
        """Send and look every half hour until a time."""
        begin = self.sent[key][0] // HALF_HOUR * HALF_HOUR + HALF_HOUR
        for time in range(begin, upto + 1, HALF_HOUR):
            await self.send(key, watts, time, every)
            await self.look(time)


@asynccontextmanager
async def street(directory: Path, clock: ManualClock, mailbox: Mailbox, **options: Any) -> AsyncIterator[Street]:
    async with spine(directory, clock) as s:
        identity = Identity(s.database, clock)
        accounts = Accounts(s.database, s.registry, identity, clock)
        meters = Meters(s.database, s.registry, s.pipeline, clock, ahead=DAY, kept=90 * DAY)
        yield Street(s, mailbox, accounts, meters, options)
