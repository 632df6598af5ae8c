"""Bring the state schema to the newest version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from wattline.model.errors import Unavailable
from wattline.state.database import Database

SCRIPTS = Path(__file__).parent / "migrations"
# Any constant will do, as long as nothing else in the database takes the same advisory lock: "wattline" in ASCII.
ADVISORY_LOCK = 0x776174746C696E65
TURNS = 6
"""How often a database that another process writes to is waited for: on a slow disk a few migrations take their time."""


VERSION = sa.table("alembic_version", sa.column("version_num"))


def _newest() -> str:
    """The newest version that there is: the migrations' files begin with theirs."""
    return max(file.name[:4] for file in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


def _is_newest(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table(VERSION.name):
        return False
    return list(connection.scalars(sa.select(VERSION.c.version_num))) == [_newest()]


def _upgrade(connection: sa.Connection) -> None:
    # Only here: a start that finds everything done saves a tenth of a second.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        # Processes that start together migrate one after another; a SQLite write transaction is exclusive as it is.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def migrate(database: Database) -> None:
    """Apply every migration that this database has not seen, all in one transaction; safe in many processes at once.

    Raises `Unavailable` where another process keeps the database for longer than a migration takes.
    """
    async with database.read() as connection:
        if await connection.run_sync(_is_newest):
            return
    for left in reversed(range(TURNS)):
        try:
            async with database.transaction() as connection:
                await connection.run_sync(_upgrade)
            return
        except Unavailable:
            if not left:
                raise
