"""Wrong signatures: many of one key within a minute are an event."""

from __future__ import annotations

import pytest

from wattline.events.service import EventLog
from wattline.metering.model import DeviceKey
from wattline.metering.readings.failures import KIND, SignatureFailures
from wattline.model.clock import ManualClock
from wattline.state.database import Database


def key(number: int, tenant: str = "default") -> DeviceKey:
    return DeviceKey(number, tenant, None, 5, frozenset((5,)), "ab" * 32, None, None, True, 0, None, None)


@pytest.fixture
def log(database: Database) -> EventLog:
    return EventLog(database)


async def told(log: EventLog, tenant: str = "default") -> list[dict[str, object]]:
    events, _ = await log.after(tenant, 0, 100)
    return [event.body for event in events if event.kind == KIND]


async def test_five_within_a_minute_are_told_of_once(database: Database, log: EventLog, clock: ManualClock) -> None:
    failures = SignatureFailures(database, log, clock)
    for _ in range(4):
        await failures.note(key(7))
    assert await told(log) == []
    for _ in range(30):
        await failures.note(key(7))
    assert await told(log) == [{"key_id": 7, "meter_id": 5, "failures": 5, "window_s": 60}]
    clock.advance(60)
    for _ in range(5):
        await failures.note(key(7))
    assert len(await told(log)) == 2


async def test_every_key_is_counted_by_itself_and_slow_failures_are_none(
    database: Database, log: EventLog, clock: ManualClock
) -> None:
    failures = SignatureFailures(database, log, clock)
    for number in range(8):
        await failures.note(key(number))
    for _ in range(20):
        clock.advance(15.1)
        await failures.note(key(9))
    assert await told(log) == []
    for _ in range(5):
        await failures.note(key(1, "stranger"))
    assert len(await told(log, "stranger")) == 1
    assert await told(log) == []
