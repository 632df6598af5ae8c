"""What a state engine reports, in the domain's few words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from wattline.model.errors import StorageFull, Unavailable, WattlineError

BUSY = "the state database is busy"
AWAY = "the state database cannot be reached"
FULL = "the state database has no room left on its disk"

# PostgreSQL's SQLSTATE codes: disk full; lost serialisation or deadlock; and the classes of a server that is away,
# out of connections, or shutting down.
_POSTGRESQL_FULL = "53100"
_POSTGRESQL_RETRY = frozenset({"40001", "40P01", "55P03"})
_POSTGRESQL_AWAY = ("08", "53", "57")


def _of_sqlite(error: BaseException) -> WattlineError | None:
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    if extended is None:
        return None
    if extended == sqlite3.SQLITE_IOERR_SHMSIZE or extended & 0xFF == sqlite3.SQLITE_FULL:
        return StorageFull(FULL)
    if extended & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable(BUSY)
    if extended & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return Unavailable(AWAY)
    return None


def _of_postgresql(error: sa.exc.DBAPIError) -> WattlineError | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:
        return Unavailable(AWAY) if isinstance(error, sa.exc.OperationalError) else None
    if state == _POSTGRESQL_FULL:
        return StorageFull(FULL)
    if state in _POSTGRESQL_RETRY:
        return Unavailable(BUSY, retry_after=1)
    return Unavailable(AWAY) if state.startswith(_POSTGRESQL_AWAY) else None


def named(error: sa.exc.DBAPIError) -> WattlineError | None:
    """The domain's error for a driver's, or None for one that is a fault of the program and not of its surroundings."""
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    return _of_postgresql(error)


@contextmanager
def named_failures() -> Iterator[None]:
    """Raise `StorageFull` or `Unavailable` in place of the driver's own errors, and everything else as it is."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise Unavailable(BUSY) from error
    except sa.exc.DBAPIError as error:
        named_error = named(error)
        if named_error is None:
            raise
        raise named_error from error
