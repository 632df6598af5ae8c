"""The states of breakers at an earlier moment, from the events of protection, on both engines."""

from __future__ import annotations

from wattline.quality.protection import store
from wattline.quality.protection.model import Kind, ProtectionEvent, Report, State
from wattline.state.database import Database


async def _told(
    database: Database,
    time: int,
    kind: Kind,
    *,
    says: State | None,
    then: State | None,
    name: str = "main",
    tenant: str = "t",
    cause: str | None = None,
) -> None:
    report = Report(kind, time, breaker=name, state=says, cause=cause)
    async with database.transaction() as connection:
        await store.insert(connection, ProtectionEvent(0, tenant, 5, report, then, None, False, False))


async def test_the_last_state_that_was_told_by_then_counts(database: Database) -> None:
    await _told(database, 10, "breaker_state", says="closed", then="closed")
    # A trip that does not say its state; an alarm that has none, whose cause looks as if.
    await _told(database, 20, "trip_overcurrent", says=None, then="tripped")
    await _told(database, 25, "earth_leakage_alarm", says=None, then=None, cause='"state":"open"')
    await _told(database, 30, "arc_fault", says="open", then="open", cause='"state":null')
    await _told(database, 30, "breaker_state", says="closed", then="closed", name="Q1")
    await _told(database, 15, "breaker_state", says="open", then="open", tenant="u")
    expected = {5: {}, 10: {"main": "closed"}, 29: {"main": "tripped"}, 30: {"main": "open", "Q1": "closed"}}
    for moment, states in expected.items():
        async with database.read() as connection:
            found = await store.breakers_at(connection, "t", moment)
        assert {each.breaker: each.state for each in found} == states
