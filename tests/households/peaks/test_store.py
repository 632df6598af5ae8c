"""What is kept of peaks, on SQLite and PostgreSQL: compare and set, growth, one row for what became one."""

from __future__ import annotations

import asyncio

import numpy as np
import sqlalchemy as sa

from wattline.households.peaks.detection import Found
from wattline.households.peaks.queries import between, changed_since, one
from wattline.households.peaks.store import Home, Look, Standing, keep, standings
from wattline.households.tables import peaks
from wattline.state.database import Database

HOME, NEIGHBOUR = Home("t", "u", "AA:BB:CC:DD:EE:01"), Home("t", "v", "AA:BB:CC:DD:EE:02")
FIRST, SECOND = Standing(1_800, 1_000), Standing(3_600, None)


def found(start: int, end: int, power: float = 2000.0) -> Found:
    return Found(start, end, power, 150.0, 0.1, np.zeros(0, np.int64), np.zeros(0))


async def keep_all(database: Database, *looks: Look, now: int = 7) -> list[tuple[int, int]]:
    async with database.transaction() as connection:
        changed = await keep(connection, looks, now)
    return [(peak.start, peak.end) for peak, _ in changed]


async def stored(database: Database, home: Home = HOME) -> list[tuple[str, int, int]]:
    async with database.read() as connection:
        return [(each.id, each.start, each.end) for each in await between(connection, home.tenant, home.user, 0, 2**53)]


async def test_a_look_is_kept_with_where_it_leaves_the_home(database: Database) -> None:
    looks = Look(HOME, None, FIRST, [found(1_000, 1_700)]), Look(NEIGHBOUR, None, SECOND, [])
    assert await keep_all(database, *looks) == [(1_000, 1_700)]
    async with database.read() as connection:
        assert await standings(connection, [HOME, NEIGHBOUR]) == {HOME: FIRST, NEIGHBOUR: SECOND}
        assert [each.start for each in await changed_since(connection, HOME, 7)] == [1_000]
        assert await changed_since(connection, HOME, 8) == []
        assert await changed_since(connection, NEIGHBOUR, 0) == []
    assert await stored(database, NEIGHBOUR) == []
    assert await keep_all(database, Look(HOME, FIRST, SECOND, [found(1_000, 1_700)]), now=8) == []
    async with database.read() as connection:
        assert await standings(connection, [HOME]) == {HOME: SECOND}
        assert await changed_since(connection, HOME, 8) == []


async def test_who_looked_from_somewhere_else_writes_nothing(database: Database) -> None:
    await keep_all(database, Look(HOME, None, SECOND, [found(1_000, 1_700)]))
    stale = Look(HOME, None, FIRST, [found(1_000, 1_500)]), Look(HOME, FIRST, SECOND, [found(3_000, 3_500)])
    for look in stale:
        assert await keep_all(database, look) == []
    # In one transaction with somebody's who saw the present.
    assert await keep_all(database, Look(NEIGHBOUR, None, FIRST, [found(5, 9)]), stale[0]) == [(5, 9)]
    assert [row[1:] for row in await stored(database)] == [(1_000, 1_700)]
    async with database.read() as connection:
        assert await standings(connection, [HOME]) == {HOME: SECOND}


async def test_many_who_begin_at_once_write_once(database: Database) -> None:
    look = Look(HOME, None, FIRST, [found(1_000, 1_700), found(100, 400)])
    told = await asyncio.gather(*(keep_all(database, look) for _ in range(4)))
    assert sorted(len(each) for each in told) == [0, 0, 0, 2]
    again = Look(HOME, FIRST, SECOND, [found(1_000, 1_900)])
    told = await asyncio.gather(*(keep_all(database, again) for _ in range(4)))
    assert sorted(len(each) for each in told) == [0, 0, 0, 1]
    assert [row[1:] for row in await stored(database)] == [(100, 400), (1_000, 1_900)]


async def test_a_grown_peak_keeps_its_id_and_takes_in_what_it_grew_over(database: Database) -> None:
    await keep_all(database, Look(HOME, None, FIRST, [found(1_000, 1_300), found(1_500, 1_700), found(100, 300)]))
    before = await stored(database)
    assert await keep_all(database, Look(HOME, FIRST, SECOND, [found(990, 2_500)]), now=9) == [(990, 2_500)]
    assert await stored(database) == [before[0], (before[1][0], 990, 2_500)]
    async with database.read() as connection:
        rows = {row.start: (row.created, row.updated) for row in await connection.execute(sa.select(peaks))}
        assert rows == {100: (7, 7), 990: (7, 9)}
        assert await one(connection, "t", "u", before[1][0]) is not None
        assert await one(connection, "t", "v", before[1][0]) is None
        assert await one(connection, "s", "u", before[1][0]) is None
