"""Appending: the caller's transaction, sequences without a gap, identities, and what a chain cannot hold."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from wattline.events.model import GENESIS, LATEST_TIME, Event
from wattline.events.service import EventLog
from wattline.events.store import events
from wattline.model.clock import ManualClock, from_micros
from wattline.model.errors import Invalid
from wattline.state.database import Database

Write = Callable[..., Awaitable[Event | None]]

TRIP = {
    "site": "SUB001",
    "device": "SUB001-FDR002",
    "subject": "FDR002",
    "event_type": "FEEDER_TRIP",
    "severity": "ALARM",
    "body": {"old_state": "CLOSED", "new_state": "OPEN", "message": "Überstrom — FDR002", "latitude": 45.5231},
    "identity": "trip-1",
}


async def test_an_event_reads_back_as_it_was_returned(write: Write, log: EventLog, clock: ManualClock) -> None:
    event = await write(**TRIP)
    assert event is not None
    assert (event.tenant, event.sequence, event.previous_hash) == ("acme", 1, GENESIS)
    assert {name: getattr(event, name) for name in TRIP} == TRIP
    assert (await log.query("acme")).events == (event,)


async def test_the_hash_can_be_recomputed_from_an_exported_event_alone(write: Write) -> None:
    await write(tenant="acme", kind="a")
    event = await write(**TRIP)
    assert event is not None
    exported = {name: getattr(event, name) for name in Event.__slots__ if name != "hash"}
    text = json.dumps(exported, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode("utf-8")).hexdigest() == event.hash


def test_the_hash_is_pinned() -> None:
    """Computed with sha256sum from the text below: a hash in a log must mean the same in every later version."""
    from wattline.events.model import canonical, digest

    fields = {"b": [1.5, 1e22, 0.1, -0.0], "a": {"ü": None, "z": True}, "€": "\u0000\n"}
    assert canonical(fields) == '{"a":{"z":true,"ü":null},"b":[1.5,1e+22,0.1,-0.0],"€":"\\u0000\\n"}'
    assert digest(fields) == "7dae3ca2136e7d1193ff5347c1363b01623723c8e9425d847e0b69e51cd3f0b9"


async def test_each_tenant_has_its_own_chain(write: Write) -> None:
    written = [await write(tenant=tenant) for tenant in ("acme", "north", "acme", "north", "acme")]
    assert [(event.tenant, event.sequence) for event in written if event] == [
        ("acme", 1),
        ("north", 1),
        ("acme", 2),
        ("north", 2),
        ("acme", 3),
    ]
    assert written[2] is not None
    assert written[0] is not None
    assert written[2].previous_hash == written[0].hash


async def test_an_event_of_a_failed_transaction_never_was(
    database: Database, log: EventLog, write: Write, clock: ManualClock
) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            now = clock.micros()
            await log.append(connection, tenant="acme", kind="a", time=now, received=now, identity="x")
            raise Invalid("the state change failed")

    with pytest.raises(Invalid, match="state change"):
        await fail()
    assert (await log.query("acme")).events == ()
    assert await log.last_sequence("acme") == 0
    event = await write(kind="a", identity="x")
    assert event is not None
    assert event.sequence == 1
    assert (await log.verify("acme")).sound


async def test_an_identity_is_logged_once_per_tenant_and_kind(write: Write, log: EventLog) -> None:
    assert await write(**TRIP) is not None
    assert await write(**TRIP) is None
    assert await write(**{**TRIP, "body": {"other": 1}}) is None
    assert await write(**{**TRIP, "kind": "hop.outage"}) is not None
    assert await write(**{**TRIP, "tenant": "north"}) is not None
    assert await write(**{**TRIP, "identity": None}) is not None
    assert await write(**{**TRIP, "identity": None}) is not None
    assert await log.last_sequence("acme") == 4
    assert (await log.verify("acme")).sound


async def test_several_events_in_one_transaction(database: Database, log: EventLog) -> None:
    async with database.transaction() as connection:
        for number in range(5):
            await log.append(connection, tenant="acme", kind="a", time=number, received=number, identity=str(number % 4))
    assert [event.sequence for event in (await log.query("acme")).events] == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"tenant": ""}, "tenant"),
        ({"kind": "a\x00b"}, "kind"),
        ({"site": "x" * 513}, "site"),
        ({"device": "\ud800"}, "device"),
        ({"subject": 7}, "subject"),
        ({"identity": ""}, "identity"),
        ({"time": -1}, "time"),
        ({"time": 1.5}, "time"),
        ({"time": True}, "time"),
        ({"received": LATEST_TIME + 1}, "received"),
        ({"body": {"x": math.nan}}, "body"),
        ({"body": {"x": math.inf}}, "body"),
        ({"body": {"x": b"raw"}}, "body"),
        ({"body": {"x": "\udfff"}}, "body"),
        ({"body": {"x": 1, 2: 3}}, "body"),
        ({"body": {"x": "y" * 262_144}}, "body"),
    ],
)
async def test_what_a_chain_cannot_hold_is_refused_and_nothing_is_written(
    write: Write, log: EventLog, parts: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await write(**parts)
    assert caught.value.field == field
    assert await log.last_sequence("acme") == 0


def test_the_last_time_is_the_end_of_the_calendar() -> None:
    assert from_micros(LATEST_TIME).isoformat() == "9999-12-31T23:59:59.999999+00:00"


CHANGES = {
    "update": "UPDATE events SET severity = 'INFO'",
    "delete": "DELETE FROM events",
    "move the head back": "UPDATE event_chains SET sequence = 0",
    "rename the chain": "UPDATE event_chains SET tenant = 'other', sequence = sequence + 1",
    "delete the head": "DELETE FROM event_chains",
}
POSTGRESQL_CHANGES = {
    "truncate": "TRUNCATE events",
    "truncate the heads": "TRUNCATE event_chains",
    "upsert": "INSERT INTO events SELECT * FROM events ON CONFLICT (tenant, sequence) DO UPDATE SET severity = 'INFO'",
}
_COPY = "INSERT OR REPLACE INTO events (rowid, {columns}) SELECT {values} FROM events"
_NAMES = [column.name for column in events.c]
SQLITE_CHANGES = {
    "replace": "INSERT OR REPLACE INTO events SELECT * FROM events",
    "replace by identity": _COPY.format(
        columns=", ".join(_NAMES), values=", ".join(["9", *("7" if name == "sequence" else name for name in _NAMES)])
    ),
    "replace by row": _COPY.format(
        columns=", ".join(_NAMES),
        values=", ".join(
            ["rowid", *({"sequence": "7", "identity": "'other'"}.get(name, name) for name in _NAMES)],
        ),
    ),
    "upsert": "INSERT INTO events SELECT * FROM events WHERE 1 ON CONFLICT DO UPDATE SET severity = 'INFO'",
    "replace the head": "INSERT OR REPLACE INTO event_chains VALUES ('acme', 0, '')",
}


async def refused(database: Database, log: EventLog, statement: str) -> None:
    async def change() -> None:
        async with database.transaction() as connection:
            await connection.exec_driver_sql(statement)

    with pytest.raises(sa.exc.IntegrityError, match="append-only"):
        await change()
    assert (await log.verify("acme")).sound


@pytest.mark.parametrize("change", CHANGES)
async def test_the_store_refuses_to_change_the_past(database: Database, write: Write, log: EventLog, change: str) -> None:
    await write(**TRIP)
    await refused(database, log, CHANGES[change])


@pytest.mark.parametrize("change", POSTGRESQL_CHANGES)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_postgresql_refuses(database: Database, write: Write, log: EventLog, change: str) -> None:
    await write(**TRIP)
    await refused(database, log, POSTGRESQL_CHANGES[change])


@pytest.mark.parametrize("change", SQLITE_CHANGES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_refuses(database: Database, write: Write, log: EventLog, change: str) -> None:
    await write(**TRIP)
    await refused(database, log, SQLITE_CHANGES[change])
