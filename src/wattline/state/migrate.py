"""Bring the state schema to the newest version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from wattline.model.errors import Unavailable
from wattline.state.database import Database

SCRIPTS = Path(__file__).parent / "migrations"
# Any constant will do, as long as nothing else in the database takes the same advisory lock: "wattline" in ASCII.
ADVISORY_LOCK = 0x776174746C696E65
TURNS = 6
"""How often a database that another process writes to is waited for: on a slow disk a few migrations take their time."""


def _upgrade(connection: sa.Connection) -> None:
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
    for left in reversed(range(TURNS)):
        try:
            async with database.transaction() as connection:
                await connection.run_sync(_upgrade)
            return
        except Unavailable:
            if not left:
                raise
