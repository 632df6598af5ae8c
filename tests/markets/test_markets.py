"""Market data: batches as PostgreSQL itself would decide them, and reads that touch what they need."""

from __future__ import annotations

import math
import random
import uuid
from typing import Any

import numpy as np
import sqlalchemy as sa

from wattline.changes.service import ChangeLog
from wattline.markets import store
from wattline.markets.model import Signal, Told
from wattline.markets.selection import AnyOf, Bound, By, Missing, OneOf, Selection, clause, order_by
from wattline.markets.service import Markets
from wattline.model.clock import ManualClock
from wattline.state.database import Database

from ..postgres import PostgresServer

# The rule of the published function, over a table whose rows are numbered as they come.
ORACLE = (
    "CREATE TABLE told (n serial, time bigint, type int, value real, created bigint)",
    """
    CREATE FUNCTION tell(t bigint, k int, v real, now bigint) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE was real;
    BEGIN
        SELECT value INTO was FROM told WHERE time = t AND type = k ORDER BY created DESC, n DESC LIMIT 1;
        IF was IS NULL OR abs(was::float8 - v::float8) > 1e-6 THEN
            INSERT INTO told (time, type, value, created) VALUES (t, k, v, now);
        END IF;
    END $$
    """,
)
TELL = "SELECT tell(CAST(:time AS bigint), CAST(:type AS int), CAST(:value AS real), CAST(:now AS bigint))"
VALUES = [None, 0.0, -0.0, 5e-7, 1e-6, 2e-6, 50.0, 50.000004, 50.00001, math.inf, -math.inf, math.nan]


async def markets(database: Database, clock: ManualClock) -> Markets:
    log = ChangeLog(database, clock)
    await log.load()
    return Markets(database, log, clock)


async def read(made: Markets, wanted: Selection, tenant: str = "north") -> list[tuple[object, ...]]:
    async with made.scan(tenant, wanted) as slices:
        return [tuple(row) async for rows in slices for row in rows]


async def test_a_batch_is_decided_as_postgresql_decides_it(
    database: Database, postgres: PostgresServer, clock: ManualClock
) -> None:
    name = f"oracle_{uuid.uuid4().hex}"
    oracle = Database(postgres.create(name))
    made = await markets(database, clock)
    generator = random.Random(7)
    try:
        async with oracle.transaction() as connection:
            for statement in ORACLE:
                await connection.exec_driver_sql(statement)
        for _ in range(30):
            if generator.random() < 0.6:
                clock.advance(1)
            batch = [
                Told(generator.randrange(2), generator.randrange(2), None if value is None else float(np.float32(value)))
                for value in generator.choices(VALUES, k=generator.randrange(1, 8))
            ]
            await made.insert_batch("north", batch)
            async with oracle.transaction() as connection:
                for each in batch:
                    given = {**each._asdict(), "now": clock.micros()}
                    await connection.execute(sa.text(TELL), given)
        async with oracle.read() as connection:
            expected = list(await connection.exec_driver_sql("SELECT time, type, value, created FROM told ORDER BY n"))
    finally:
        await oracle.close()
        postgres.drop(name)
    found = await read(made, Selection(("time", "type", "value", "created")))
    assert len(found) > 40
    assert [tuple(map(repr, _single(row))) for row in found] == [tuple(map(repr, _single(tuple(row)))) for row in expected]


def _single(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(np.float32(value) if isinstance(value, float) else value for value in row)


async def test_a_selection_names_rows_columns_and_order(database: Database, clock: ManualClock) -> None:
    made = await markets(database, clock)
    rows = [Signal(str(uuid.UUID(int=n)), n, n % 3, None if n % 4 == 0 else float(n), None, 10 - n) for n in range(10)]
    await made.write("north", inserted=rows)
    await made.write("south", inserted=rows[:1])
    assert await read(made, Selection(("time",), (Bound("type", "eq", 1), Bound("time", "gt", 1)))) == [(4,), (7,)]
    assert await read(made, Selection(("time",), (Missing("value"),), (By("time", descending=True),), 2)) == [(8,), (4,)]
    either = AnyOf(((Bound("time", "eq", 3),), (Bound("type", "eq", 0), Bound("time", "gte", 9)), (Bound("time", "lt", 1),)))
    assert await read(made, Selection(("time",), (either,))) == [(0,), (3,), (9,)]
    assert await read(made, Selection(("time",), (OneOf("time", (2, 5)),), (By("created"),))) == [(5,), (2,)]
    assert await read(made, Selection(("value",), (OneOf("value", (1.0, 2.0, 3.0), negated=True), Bound("time", "lt", 6)))) == [
        (5.0,)
    ]
    first = [(None,), (1.0,), (2.0,)]
    assert (await read(made, Selection(("value",), (), (By("value", nulls_first=True),))))[2:5] == first
    assert await made.signals("north", [rows[2].id, rows[1].id, "none"]) == rows[1:3]
    assert len(await read(made, Selection(("time",)), "south")) == 1


async def plan_of(database: Database, query: sa.Select[Any]) -> str:
    """How the database means to answer a query on market data."""
    text = str(query.compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True}))
    if not database.is_sqlite:
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql("ANALYZE market_data")
            await connection.commit()
    async with database.read() as connection:
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        return " ".join(str(row[-1]) for row in await connection.exec_driver_sql(explain + text))


async def test_the_newest_of_a_type_is_found_by_an_index(database: Database, clock: ManualClock) -> None:
    made = await markets(database, clock)
    await made.write("north", inserted=[Signal(str(uuid.UUID(int=n)), n, n % 100, 1.0, None, n) for n in range(20_000)])
    order = (By("time", descending=True), By("created"), By("id"))
    query = sa.select(store.market_data.c.value).where(store.market_data.c.tenant == "north", clause(Bound("type", "eq", 7)))
    assert "ix_market_data_type_time" in await plan_of(database, query.order_by(*order_by(order)).limit(1))
    for times in ([107], range(7, 20_000, 100)):
        assert "ix_market_data_type_time" in await plan_of(database, store.versions_of("north", 7, list(times)))
