"""How a SQLite file is opened: write-ahead log, full synchronisation, a patient lock."""

from __future__ import annotations

import sqlite3
from pathlib import Path

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON")


def apply_pragmas(connection: sqlite3.Connection) -> None:
    """Make commits durable against power loss and let readers run beside a writer."""
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open a database file in autocommit mode; the caller writes BEGIN and COMMIT. Usable from any one thread at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    apply_pragmas(connection)
    return connection
