"""Time as a value that is passed in, so that every rule about time can be tested without waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exact. A naive time is read as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC time of an integer of microseconds since 1970, exact."""
    return EPOCH + timedelta(microseconds=micros)


class Clock(Protocol):
    """Where the present comes from."""

    def micros(self) -> int:
        """Now, in microseconds since 1970 (UTC)."""
        ...

    def now(self) -> datetime:
        """Now, as an aware UTC datetime."""
        ...


class SystemClock:
    """The machine's clock."""

    def micros(self) -> int:
        return time.time_ns() // 1_000

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved: for tests, simulations and replays."""

    def __init__(self, start: datetime) -> None:
        self._micros = to_micros(start)

    def micros(self) -> int:
        return self._micros

    def now(self) -> datetime:
        return from_micros(self._micros)

    def set(self, moment: datetime) -> None:
        self._micros = to_micros(moment)

    def advance(self, seconds: float) -> None:
        self._micros += round(seconds * SECOND)
