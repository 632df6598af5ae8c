"""The migrated schema is the one that the code describes, however often and from wherever it is migrated."""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import wattline
from wattline.state.database import Database
from wattline.state.migrate import SCRIPTS, migrate
from wattline.state.tables import metadata

MIGRATE = """
import asyncio, sys
from wattline.state.database import Database
from wattline.state.migrate import migrate

async def main():
    database = Database(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await migrate(database)
    await database.close()

asyncio.run(main())
"""


def import_every_table() -> None:
    """Load each module that hangs a table on the metadata; a package keeps its tables in `store` or `tables`."""
    for module in pkgutil.walk_packages(wattline.__path__, "wattline."):
        if module.name.rpartition(".")[2] in {"store", "tables"}:
            importlib.import_module(module.name)


def newest() -> str | None:
    return ScriptDirectory(str(SCRIPTS)).get_current_head()


async def version(database: Database) -> str:
    async with database.read() as connection:
        return (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar_one()


async def schema(database: Database) -> list[tuple[str, ...]]:
    def look(connection: sa.Connection) -> list[tuple[str, ...]]:
        inspector = sa.inspect(connection)
        return [
            (table, column["name"], str(column["type"]), str(column["nullable"]))
            for table in sorted(inspector.get_table_names())
            for column in inspector.get_columns(table)
        ]

    async with database.read() as connection:
        return await connection.run_sync(look)


def differences(connection: sa.Connection) -> list[object]:
    options = {"target_metadata": metadata, "compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


async def test_the_migrated_schema_is_the_one_in_the_code(database: Database) -> None:
    import_every_table()
    assert {"api_keys", "events", "event_chains"} <= metadata.tables.keys()
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_difference_would_be_found(database: Database) -> None:
    import_every_table()
    async with database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE event_chains ADD COLUMN colour TEXT")
    async with database.read() as connection:
        [found] = await connection.run_sync(differences)
    assert found[0] == "remove_column"  # type: ignore[index]


async def test_migrating_again_changes_nothing(database: Database) -> None:
    before = await schema(database)
    await migrate(database)
    await migrate(database)
    assert await version(database) == newest()
    assert await schema(database) == before


async def test_a_failed_migration_leaves_nothing_behind(empty_database_url: sa.URL) -> None:
    database = Database(empty_database_url)
    async with database.transaction() as connection:
        await connection.exec_driver_sql("CREATE TABLE event_chains (tenant TEXT)")
    with pytest.raises(sa.exc.DBAPIError, match="event_chains"):
        await migrate(database)
    assert {row[0] for row in await schema(database)} == {"event_chains"}
    async with database.transaction() as connection:
        await connection.exec_driver_sql("DROP TABLE event_chains")
    await migrate(database)
    assert await version(database) == newest()
    await database.close()


async def test_processes_that_start_together_migrate_once(empty_database_url: sa.URL) -> None:
    address = empty_database_url.render_as_string(hide_password=False)
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, address, env=environment, **pipes) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    outcomes = await asyncio.gather(*(asyncio.wait_for(process.communicate(b"go\n"), 60) for process in processes))
    assert [(process.returncode, errors.decode()) for process, (_, errors) in zip(processes, outcomes, strict=True)] == [
        (0, "")
    ] * len(processes)
    database = Database(empty_database_url)
    assert await version(database) == newest()
    await database.close()
