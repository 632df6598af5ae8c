"""Where the records of durable work are kept: with the state, and never in its tables."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from wattline.state.sqlite import open_sqlite

FILE = "jobs.db"
SCHEMA = "wattline_jobs"


def records_url(state: sa.URL | str) -> sa.URL:
    """The database of job records for a state database.

    Beside a SQLite file lies `jobs.db`, because a long state transaction must not hold up the bookkeeping and the other
    way round. On PostgreSQL it is a schema (`wattline_jobs`) of the same database. The driver is a synchronous one.
    """
    url = sa.make_url(state)
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ValueError("durable work needs a state database in a file")
        return sa.URL.create("sqlite", database=str(Path(url.database).absolute().with_name(FILE)))
    return url.set(drivername="postgresql+psycopg")


def prepare(url: sa.URL) -> None:
    """Make a SQLite file ready: its directory, and the write-ahead log, which a file keeps once it is set."""
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        open_sqlite(path).close()
