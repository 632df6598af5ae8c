"""The proof: whatever is changed behind the store's back is found, and nothing else is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.chain import BLOCK, Break, total, verify_all
from wattline.events.model import GENESIS
from wattline.events.service import EventLog
from wattline.events.store import chains, events
from wattline.state.database import Database

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

letters = st.characters(exclude_categories=["Cs"])
labels = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(letters, max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(letters, max_size=8), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.text(letters, max_size=8), values, max_size=4)


async def unprotect(connection: AsyncConnection) -> None:
    """What someone with the rights of the owner can do: switch the refusals off."""
    if connection.dialect.name == "sqlite":
        found = await connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in found.all():
            await connection.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


@pytest.fixture
def tenants() -> itertools.count[int]:
    """Numbers for the names of tenants: the examples of a property share one database and no chain."""
    return itertools.count()


async def fill(database: Database, log: EventLog, tenant: str, count: int) -> None:
    """A chain of that many events, every column of which holds something in some row."""
    async with database.transaction() as connection:
        for number in range(count):
            await log.append(
                connection,
                tenant=tenant,
                kind="hop.grid_event",
                time=1_000_000 + number,
                received=2_000_000 + number,
                site="SUB001" if number % 2 else None,
                device="SUB001-FDR002",
                subject="FDR002",
                event_type="FEEDER_TRIP",
                severity="ALARM",
                body={"message": "Überstrom", "latitude": 45.5231, "number": number},
                identity=f"trip-{number}" if number % 3 else None,
            )


@EXAMPLES
@given(data=st.data())
async def test_whatever_is_logged_forms_a_sound_chain(
    database: Database, log: EventLog, tenants: itertools.count[int], data: st.DataObject
) -> None:
    names = [f"{name}{next(tenants)}" for name in ("acme", "north", "süd")]
    expected: dict[str, list[Any]] = {name: [] for name in names}
    identities: set[tuple[str, str, str]] = set()

    class WithdrawnError(Exception):
        pass

    for _ in range(data.draw(st.integers(1, 5), label="transactions")):
        logged: list[tuple[str, Any]] = []
        seen: set[tuple[str, str, str]] = set()
        try:
            async with database.transaction() as connection:
                for tenant in sorted(data.draw(st.lists(st.sampled_from(names), max_size=6), label="tenants")):
                    kind, identity = data.draw(labels), data.draw(st.none() | st.sampled_from("ab"))
                    body = data.draw(bodies)
                    event = await log.append(
                        connection,
                        tenant=tenant,
                        kind=kind,
                        time=data.draw(st.integers(0, 10**17)),
                        received=0,
                        site=data.draw(st.none() | labels),
                        body=body,
                        identity=identity,
                    )
                    known = identity is not None and (tenant, kind, identity) in identities | seen
                    assert (event is None) == known
                    if event is not None:
                        logged.append((tenant, body))
                        if identity is not None:
                            seen.add((tenant, kind, identity))
                if data.draw(st.booleans(), label="withdrawn"):
                    raise WithdrawnError
        except WithdrawnError:
            continue
        identities |= seen
        for tenant, body in logged:
            expected[tenant].append(body)
    for tenant in names:
        verification = await log.verify(tenant)
        assert verification.sound, verification
        assert verification.checked == len(expected[tenant])
        found = (await log.query(tenant, limit=1000)).events
        in_order = sorted(found, key=lambda event: event.sequence)
        assert [event.sequence for event in in_order] == [*range(1, len(in_order) + 1)]
        assert [event.body for event in in_order] == expected[tenant]


def changed_number(data: st.DataObject, value: int) -> int:
    """The number with one of its eight bytes changed."""
    raw = bytearray(value.to_bytes(8, "big", signed=True))
    place = data.draw(st.integers(0, 7), label="byte")
    raw[place] ^= data.draw(st.integers(1, 255), label="flip")
    return int.from_bytes(raw, "big", signed=True)


def changed_text(data: st.DataObject, value: str | None, is_sqlite: bool) -> bytes:
    """The UTF-8 of the text with one byte changed; PostgreSQL takes only what is UTF-8 still."""
    raw = bytearray((value or "").encode())
    place, flip = data.draw(st.integers(0, 9999), label="byte"), data.draw(st.integers(1, 255), label="flip")
    if not raw:
        return b"x"
    raw[place % len(raw)] ^= flip if is_sqlite else flip % 128 or 1
    if not is_sqlite:
        assume(0 not in raw)
        try:
            raw.decode()
        except UnicodeDecodeError:
            assume(False)
    return bytes(raw)


@settings(EXAMPLES, max_examples=120)
@given(data=st.data())
async def test_one_changed_byte_anywhere_is_found(
    database: Database, log: EventLog, tenants: itertools.count[int], data: st.DataObject
) -> None:
    number = next(tenants)
    tenant = f"acme-{number}-{number}"  # No single byte makes one example's tenant another's.
    count = data.draw(st.integers(1, 4), label="events")
    await fill(database, log, tenant, count)
    table = data.draw(st.sampled_from([events, events, events, chains]), label="table")
    sequence = data.draw(st.integers(1, count), label="sequence") if table is events else count
    row = (table.c.tenant == tenant) & (table.c.sequence == sequence)
    column = data.draw(st.sampled_from([*table.c]), label="column")
    assert (await log.verify(tenant)).sound
    try:
        async with database.transaction() as connection:
            await unprotect(connection)
            value = (await connection.execute(sa.select(column).where(row))).scalar_one()
            new: Any
            if isinstance(column.type, sa.BigInteger):
                new = changed_number(data, value)
            else:
                raw = changed_text(data, value, database.is_sqlite)
                new = sa.cast(sa.literal(raw, sa.LargeBinary), sa.Text) if database.is_sqlite else raw.decode()
            await connection.execute(table.update().where(row).values({column.name: new}))
    except sa.exc.IntegrityError:
        assume(False)  # The change made one row the same as another.
    verification = await log.verify(tenant)
    assert verification.broken is not None
    assert verification.broken.sequence <= sequence + 1
    assert verification.checked < sequence or table is chains


@EXAMPLES
@given(data=st.data())
async def test_a_missing_event_is_found_wherever_it_was(
    database: Database, log: EventLog, tenants: itertools.count[int], data: st.DataObject
) -> None:
    tenant = f"acme{next(tenants)}"
    count = data.draw(st.integers(1, 5), label="events")
    await fill(database, log, tenant, count)
    removed = data.draw(st.sets(st.integers(1, count), min_size=1), label="removed")
    async with database.transaction() as connection:
        await unprotect(connection)
        await connection.execute(events.delete().where(events.c.tenant == tenant, events.c.sequence.in_(sorted(removed))))
    verification = await log.verify(tenant)
    assert verification.broken is not None
    assert verification.broken.sequence == min(removed)
    assert verification.checked == min(removed) - 1


@pytest.mark.parametrize("kept", [0, 1, 4])
async def test_a_cut_tail_is_found_by_the_head(database: Database, log: EventLog, kept: int) -> None:
    await fill(database, log, "acme", 5)
    async with database.transaction() as connection:
        await unprotect(connection)
        await connection.execute(events.delete().where(events.c.sequence > kept))
    assert (await log.verify("acme")).broken == Break(
        kept + 1, "the log ends before this event, its head says that the last is 5"
    )


TAMPERING = {
    "head gone": ("DELETE FROM event_chains", Break(3, "the head of the chain is missing")),
    "head moved on": (
        "UPDATE event_chains SET sequence = 4",
        Break(4, "the log ends before this event, its head says that the last is 4"),
    ),
    "other head": ("UPDATE event_chains SET hash = 'x'", Break(3, "the head of the chain has another hash")),
    "body": ("UPDATE events SET body = '{}' WHERE sequence = 2", Break(2, "the hash is not that of the content")),
    "spaces": (
        "UPDATE events SET body = body || ' ' WHERE sequence = 2",
        Break(2, "the body is not in its canonical form"),
    ),
    "no json": ("UPDATE events SET body = '{' WHERE sequence = 2", Break(2, "the event cannot be read")),
    "nan": ("UPDATE events SET body = '{\"a\":NaN}' WHERE sequence = 2", Break(2, "the event cannot be read")),
    "hash": ("UPDATE events SET hash = 'x' WHERE sequence = 2", Break(2, "the hash is not that of the content")),
    "link": (
        "UPDATE events SET previous_hash = 'x' WHERE sequence = 2",
        Break(2, "previous_hash is not the hash of the event before"),
    ),
    "renumbered": ("UPDATE events SET sequence = 9 WHERE sequence = 2", Break(2, "the event is missing")),
    "moved to another tenant": ("UPDATE events SET tenant = 'north' WHERE sequence = 2", Break(2, "the event is missing")),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_the_first_fault_is_named(database: Database, log: EventLog, name: str) -> None:
    statement, fault = TAMPERING[name]
    await fill(database, log, "acme", 3)
    async with database.transaction() as connection:
        await unprotect(connection)
        await connection.exec_driver_sql(statement)
    verification = await log.verify("acme")
    assert verification.broken == fault
    assert verification.checked == (fault.sequence - 1 if statement.startswith("UPDATE events") else 3)


async def test_two_exchanged_events_are_found(database: Database, log: EventLog) -> None:
    await fill(database, log, "acme", 4)
    async with database.transaction() as connection:
        await unprotect(connection)
        for old, new in ((2, 99), (3, 2), (99, 3)):
            await connection.execute(events.update().where(events.c.sequence == old).values(sequence=new))
    broken = (await log.verify("acme")).broken
    assert broken is not None
    assert broken.sequence == 2


async def test_every_tenant_is_verified(database: Database, log: EventLog) -> None:
    assert await verify_all(database) == []
    assert await total(database) == 0
    for tenant, count in (("north", 2), ("acme", 3), ("süd", 1)):
        await fill(database, log, tenant, count)
    found = await verify_all(database)
    assert [(each.tenant, each.checked, each.sound) for each in found] == [
        ("acme", 3, True),
        ("north", 2, True),
        ("süd", 1, True),
    ]
    assert found[0].last_hash == (await log.query("acme")).events[0].hash
    assert await total(database) == 6
    async with database.transaction() as connection:
        await unprotect(connection)
        await connection.exec_driver_sql("UPDATE events SET tenant = 'ghost' WHERE tenant = 'north' AND sequence = 1")
    assert [(each.tenant, each.sound) for each in await verify_all(database)] == [
        ("acme", True),
        ("ghost", False),
        ("north", False),
        ("süd", True),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_name_that_is_no_text_is_a_fault_and_no_crash(database: Database, log: EventLog) -> None:
    await fill(database, log, "acme", 2)
    async with database.transaction() as connection:
        await unprotect(connection)
        await connection.exec_driver_sql("UPDATE events SET tenant = CAST(x'ff61' AS TEXT) WHERE sequence = 2")
        await connection.exec_driver_sql("UPDATE events SET body = CAST(x'ff61' AS TEXT) WHERE sequence = 1")
    found = await verify_all(database)
    assert [(each.tenant, each.broken) for each in found] == [
        ("acme", Break(1, "the event cannot be read")),
        (r"b'\xffa'", Break(1, "the name of the tenant cannot be read")),
    ]


async def test_progress_counts_every_event(database: Database, log: EventLog) -> None:
    await fill(database, log, "acme", BLOCK + 5)
    await fill(database, log, "north", 1)
    steps: list[int] = []
    await verify_all(database, steps.append)
    assert steps == [BLOCK, 5, 1]
    assert sum(steps) == await total(database)


async def test_a_tenant_without_events_is_sound(log: EventLog) -> None:
    verification = await log.verify("nobody")
    assert (verification.sound, verification.checked, verification.last_hash) == (True, 0, GENESIS)
