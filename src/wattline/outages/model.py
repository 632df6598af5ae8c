"""Outage records and the life of an outage. Pure: no clock, no store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """ACTIVE: customers are out. RESTORED: the outage is cleared."""

    ACTIVE = "ACTIVE"
    RESTORED = "RESTORED"


@dataclass(frozen=True, slots=True)
class OutageRecord:
    """What a utility sent about an outage at one moment.

    `time` is the moment it speaks of and `received` when it reached us, in microseconds since 1970; `time` None where the
    sender gave none: then it is the receipt, and the record is never taken for a repetition. `etr_time` is the estimated time
    to restore as it was sent, `etr` the same in microseconds. `site` is the substation the caller resolved it to. Load in
    megawatts.
    """

    outage_id: str
    feeder_id: str
    customers_out: int
    status: Status
    received: int
    time: int | None = None
    region: str | None = None
    mw_interrupted: float | None = None
    cause: str | None = None
    etr_time: str | None = None
    etr: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    site: str | None = None

    @property
    def happened(self) -> int:
        """The moment it speaks of, as far as we know."""
        return self.received if self.time is None else self.time

    @property
    def customers(self) -> int:
        """Customers without power from this moment on: none after a restore, whatever it says."""
        return 0 if self.status is Status.RESTORED else self.customers_out

    @property
    def identity(self) -> str | None:
        """The same for a record that says exactly the same. None where the sender gave no time."""
        if self.time is None:
            return None
        parts = [
            self.outage_id,
            self.feeder_id,
            self.customers_out,
            self.status.value,
            self.time,
            self.region,
            self.mw_interrupted,
            self.cause,
            self.etr_time,
            self.latitude,
            self.longitude,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def order(record: OutageRecord) -> tuple[int, bool]:
    """Sorts records by time, a restore last at the same instant; a stable sort keeps the order of arrival otherwise."""
    return record.happened, record.status is Status.RESTORED


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where an outage stands after its records. Times in microseconds.

    `started` is the begin of the newest episode and `restored` the end of the newest that ended; an outage that begins again
    after a restore is a new episode, hence one more interruption. `last` is the (time, is a restore) of the newest record.
    """

    active: bool = False
    last: tuple[int, bool] | None = None
    started: int | None = None
    restored: int | None = None
    episodes: int = 0

    def follows(self, record: OutageRecord) -> bool:
        """Whether the record comes after everything so far, so that `after` is exact."""
        return self.last is None or order(record) >= self.last

    def after(self, record: OutageRecord) -> Lifecycle:
        """The life after one more record, which must follow."""
        moved = replace(self, last=order(record))
        if record.status is Status.RESTORED:
            return replace(moved, active=False, restored=record.happened) if self.active else moved
        if self.active:
            return moved
        return replace(moved, active=True, started=record.happened, episodes=self.episodes + 1)


def life(records: Iterable[OutageRecord]) -> Lifecycle:
    """The life that records, given in the order of arrival, add up to."""
    lifecycle = Lifecycle()
    for record in sorted(records, key=order):
        lifecycle = lifecycle.after(record)
    return lifecycle


@dataclass(frozen=True, slots=True)
class ActiveOutage:
    """An outage as it stands: its newest ACTIVE record, when this episode began, and two warnings.

    `stale`: nobody confirmed it within the window. `etr_overdue`: the estimated time to restore has passed.
    """

    record: OutageRecord
    started: int
    stale: bool
    etr_overdue: bool
