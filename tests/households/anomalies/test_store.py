"""Rows of incidents and how far was looked, on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from wattline.households.anomalies import store
from wattline.households.anomalies.model import Anomaly, id_of
from wattline.households.anomalies.store import Key, Move, Overtaken
from wattline.households.tables import assignments
from wattline.state.database import Database

KEYS = [Key("t", f"home-{n}", f"AA:BB:CC:00:00:{n:02X}") for n in range(5)]


def anomaly(key: Key, start: int, end: int | None = None, kind: str = "usage") -> Anomaly:
    named = id_of(*key, kind, start)  # type: ignore[arg-type]
    return Anomaly(key.tenant, named, key.user, key.mac, kind, start, end, {"reason": "power"})  # type: ignore[arg-type]


async def moved(database: Database, *moves: Move) -> None:
    async with database.transaction() as connection:
        await store.move(connection, moves)


async def test_a_step_is_taken_by_one_process_alone(database: Database) -> None:
    await moved(database, *(Move(key, None, 10 + n % 2) for n, key in enumerate(KEYS)))
    with pytest.raises(Overtaken):
        await moved(database, Move(KEYS[0], None, 20))
    with pytest.raises(Overtaken):
        await moved(database, Move(KEYS[0], 10, 20), Move(KEYS[1], 10, 20))
    await moved(database, Move(KEYS[0], 10, 20), Move(KEYS[1], 11, 20), Move(KEYS[2], 10, 30))
    async with database.read() as connection:
        assert await store.looked_at(connection) == dict(zip(KEYS, (20, 20, 30, 11, 10), strict=True))
        assert await store.looked_at(connection, KEYS[2]) == {KEYS[2]: 30}


async def test_an_incident_is_one_row_that_grows_and_ends_once(database: Database) -> None:
    first = anomaly(KEYS[0], 100)
    async with database.transaction() as connection:
        await store.put(connection, first, 1)
        await store.put(connection, replace(first, end=300, figures={"reason": "power", "power_w": 9.5}), 2)
        await store.end(connection, "t", first.id, 999, 3)
    async with database.read() as connection:
        (row,) = await store.touching(connection, "t", KEYS[0].user, 0, 1000)
    assert (row.end, row.figures) == (300, {"reason": "power", "power_w": 9.5})


async def test_a_silence_is_added_once(database: Database) -> None:
    silent = anomaly(KEYS[0], 100, None, "silent")
    async with database.transaction() as connection:
        assert await store.add(connection, silent, 1)
        assert not await store.add(connection, silent, 2)
        await store.end(connection, "other", silent.id, 150, 3)
    async with database.read() as connection:
        assert await store.recent(connection, "silent") == {KEYS[0]: [silent]}
        assert await store.recent(connection, "usage") == {}


async def test_ranges_are_half_open_and_of_one_household(database: Database) -> None:
    rows = [anomaly(KEYS[0], 100, 200), anomaly(KEYS[0], 300), anomaly(KEYS[1], 100, 200)]
    async with database.transaction() as connection:
        for number, row in enumerate(rows):
            await store.put(connection, row, 10 * number)
    async with database.read() as connection:

        async def starts(start: int, end: int, tenant: str = "t") -> list[int]:
            return [row.start for row in await store.touching(connection, tenant, KEYS[0].user, start, end)]

        assert await starts(0, 100) == []
        assert await starts(0, 101) == [100]
        assert await starts(199, 300) == [100]
        assert await starts(200, 300) == []
        assert await starts(5000, 6000) == [300]
        assert await starts(0, 6000, "other") == []
        assert [row.start for row in await store.changed(connection, KEYS[0], 10)] == [300]
        assert await store.recent(connection, "usage", 150, KEYS[1]) == {KEYS[1]: [rows[2]]}
        assert await store.recent(connection, "usage", 200) == {KEYS[0]: [rows[1]]}


async def test_only_a_meter_that_is_assigned_now_counts(database: Database) -> None:
    values = [
        {"mac": KEYS[0].mac, "tenant": "t", "user": KEYS[0].user, "since": 5, "until": 10},
        {"mac": KEYS[0].mac, "tenant": "t", "user": KEYS[1].user, "since": 10, "until": None},
    ]
    async with database.transaction() as connection:
        await connection.execute(sa.insert(assignments), values)
    async with database.read() as connection:
        assert await store.assigned_since(connection) == {Key("t", KEYS[1].user, KEYS[0].mac): 10}
