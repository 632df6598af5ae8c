"""The tables as the migrations make them, and as the code believes them to be."""

from __future__ import annotations

import sqlalchemy as sa

from wattline.analytics import store
from wattline.analytics.hysteresis import Hysteresis
from wattline.analytics.incidents import Incident, Member
from wattline.state.database import Database

TABLES = (store.passes, store.states, store.incidents, store.members)


async def test_the_migration_makes_the_tables_that_the_code_uses(database: Database) -> None:
    async with database.read() as connection:
        for table in TABLES:
            found = await connection.run_sync(lambda sync, name=table.name: sa.inspect(sync).get_columns(name))
            assert {column["name"]: column["nullable"] for column in found} == {
                column.name: column.nullable for column in table.columns
            }
            key = await connection.run_sync(lambda sync, name=table.name: sa.inspect(sync).get_pk_constraint(name))
            assert key["constrained_columns"] == [column.name for column in table.primary_key]
            indexes = await connection.run_sync(lambda sync, name=table.name: sa.inspect(sync).get_indexes(name))
            assert {index["name"] for index in indexes} == {index.name for index in table.indexes}


async def test_states_are_replaced_and_dropped_by_key(database: Database) -> None:
    first = store.SubstationState(Hysteresis(True, 3, 1), flat=True, incident="x", scored_us=2**60)
    second = store.SubstationState(Hysteresis(False, 0, 1), flat=False, incident=None, scored_us=1)
    one, two = ("utility", "A", "robust-2"), ("utility", "B", "robust-2")
    async with database.transaction() as connection:
        await store.save_states(connection, {one: first, two: first}, ())
        await store.save_states(connection, {one: second}, {two})
        await store.save_states(connection, {}, ())
        assert await store.load_states(connection) == {one: second}


async def test_an_incident_is_read_as_it_was_written(database: Database) -> None:
    incident = Incident("i", "utility", "west", "robust-2", "local", 5, 7, 0.8, ("residual", "step"), None, None)
    incident.members["A"] = Member("A", 5, 0.7, 0.8)
    async with database.transaction() as connection:
        await store.save_incidents(connection, [incident])
        assert await store.select_incidents(connection, store.open_incidents("robust-2")) == [incident]
        incident.members["B"] = Member("B", 7, 0.2, 0.9, cleared_us=9)
        incident.confirmed_us, incident.closed_us, incident.kind = 8, 9, "system"
        await store.save_incidents(connection, [incident])
        assert await store.select_incidents(connection, store.open_incidents("robust-2")) == []
        assert await store.select_incidents(connection, store.untold_incidents()) == [incident]
        await store.note_told(connection, "i", raised=True)
        await store.save_incidents(connection, [incident])
        assert await store.raise_was_told(connection, "i")
        await store.note_told(connection, "i", raised=False)
        assert await store.select_incidents(connection, store.untold_incidents()) == []
