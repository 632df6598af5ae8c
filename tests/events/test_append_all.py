"""Many events at once: the same log as one by one, in far fewer statements, whole or not at all."""

from __future__ import annotations

import asyncio
import itertools
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattline.events.model import Entry, Event
from wattline.events.service import ADDED_AT_ONCE, EventLog
from wattline.events.store import MOST_NAMED
from wattline.model.errors import Invalid
from wattline.state.database import Database

entries = st.builds(
    Entry,
    tenant=st.sampled_from(["acme", "north", "süd"]),
    kind=st.sampled_from(["a", "b"]),
    time=st.integers(0, 10**17),
    received=st.integers(0, 10**17),
    subject=st.none() | st.sampled_from(["FDR001", "FDR002"]),
    body=st.dictionaries(st.sampled_from(["x", "ü"]), st.integers() | st.floats(allow_nan=False, allow_infinity=False)),
    identity=st.none() | st.sampled_from(["1", "2", "3"]),
)


def entry(number: int, tenant: str = "acme", identity: str | None = None) -> Entry:
    return Entry(tenant, "a", number, number, body={"number": number}, identity=identity)


async def put(database: Database, log: EventLog, wanted: list[Entry]) -> list[Event | None]:
    async with database.transaction() as connection:
        return await log.append_all(connection, wanted)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(entries, max_size=12), min_size=1, max_size=3))
async def test_the_outcome_is_that_of_one_by_one(database: Database, log: EventLog, batches: list[list[Entry]]) -> None:
    prefix = uuid.uuid4().hex
    known: set[tuple[str, str, str]] = set()
    expected: dict[str, list[Entry]] = {}
    for batch in batches:
        own = [Entry(f"{prefix}-{e.tenant}", *(getattr(e, name) for name in Entry.__slots__[1:])) for e in batch]
        found = await put(database, log, own)
        for wanted, event in zip(own, found, strict=True):
            key = None if wanted.identity is None else (wanted.tenant, wanted.kind, wanted.identity)
            assert (event is None) == (key in known)
            if event is not None:
                assert {name: getattr(event, name) for name in Entry.__slots__} == {
                    name: getattr(wanted, name) for name in Entry.__slots__
                }
                expected.setdefault(wanted.tenant, []).append(wanted)
            if key is not None:
                known.add(key)
    for tenant, wanted in expected.items():
        logged, through = await log.after(tenant, 0, 1000)
        assert [(event.time, event.body) for event in logged] == [(each.time, each.body) for each in wanted]
        assert [event.sequence for event in logged] == [*range(1, len(wanted) + 1)]
        assert through == len(wanted)
        assert (await log.verify(tenant)).sound


async def test_more_than_one_statement_holds(database: Database, log: EventLog) -> None:
    count = 2 * max(ADDED_AT_ONCE, MOST_NAMED) + 1
    found = await put(database, log, [entry(number, identity=str(number)) for number in range(count)])
    assert [event.sequence for event in found if event is not None] == [*range(1, count + 1)]
    again = await put(database, log, [entry(number, identity=str(number)) for number in range(count + 1)])
    assert again[:-1] == [None] * count
    assert again[-1] is not None
    assert again[-1].sequence == count + 1
    verification = await log.verify("acme")
    assert (verification.sound, verification.checked) == (True, count + 1)


async def test_nothing_is_nothing(database: Database, log: EventLog) -> None:
    assert await put(database, log, []) == []
    await put(database, log, [entry(1, identity="x")])
    assert await put(database, log, [entry(2, identity="x"), entry(3, identity="x")]) == [None, None]
    assert await log.last_sequence("acme") == 1


async def test_one_that_is_refused_refuses_all(database: Database, log: EventLog) -> None:
    async with database.transaction() as connection:
        with pytest.raises(Invalid, match="tenant"):
            await log.append_all(connection, [entry(1), entry(2, tenant="")])
    assert await log.last_sequence("acme") == 0


async def test_it_goes_on_where_one_event_ended(database: Database, log: EventLog) -> None:
    async with database.transaction() as connection:
        await log.append(connection, tenant="acme", kind="a", time=1, received=1)
        first, second = await log.append_all(connection, [entry(2), entry(3)])
        await log.append(connection, tenant="acme", kind="a", time=4, received=4)
    assert first is not None
    assert second is not None
    assert second.previous_hash == first.hash
    assert (await log.verify("acme")).checked == 4


async def test_the_statements_do_not_grow_with_the_events(database: Database, log: EventLog) -> None:
    statements: list[str] = []

    @sa.event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    await put(database, log, [entry(0)])
    counts = []
    for number in (1, ADDED_AT_ONCE):
        statements.clear()
        await put(database, log, [entry(each, identity=f"{number}-{each}") for each in range(number)])
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 5


async def test_two_that_name_their_tenants_the_other_way_round_do_not_wait_for_each_other(
    database: Database, log: EventLog
) -> None:
    other = Database(database.url)
    batches = [[entry(1, "acme"), entry(2, "north")], [entry(3, "north"), entry(4, "acme")]]
    stores = itertools.cycle([(database, log), (other, EventLog(other))])
    async with asyncio.timeout(60):
        await asyncio.gather(*(put(*next(stores), batches[number % 2]) for number in range(20)))
    await other.close()
    assert (await log.verify("acme")).checked == (await log.verify("north")).checked == 20
