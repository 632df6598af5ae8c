"""Bring the state schema to the newest version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from wattline.state.database import Database

SCRIPTS = Path(__file__).parent / "migrations"


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def migrate(database: Database) -> None:
    """Apply every migration that this database has not seen, all in one transaction."""
    async with database.transaction() as connection:
        await connection.run_sync(_upgrade)
