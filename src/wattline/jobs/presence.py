"""Which workers are alive: each holds a lock that its operating system or its database lets go of when it dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa


class Presence(Protocol):
    """One worker's lock, and a look at the others'. Used from one thread."""

    # Whether a lock is lost only by dying. A database session can also be lost by a fault of the network.
    certain: bool

    def claim(self, worker: str) -> None:
        """Be alive under this name, again if the lock was lost meanwhile."""
        ...

    def is_dead(self, worker: str) -> bool:
        """Whether nobody holds this worker's lock."""
        ...

    def release(self) -> None:
        """Give up the lock."""
        ...


class FilePresence:
    """Locked files in a directory beside the records, for workers of one machine."""

    certain = True

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: int | None = None
        self._path: Path | None = None

    def claim(self, worker: str) -> None:
        if self._held is not None:
            return
        self._directory.mkdir(exist_ok=True)
        self._path = self._directory / worker
        self._held = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_dead(self, worker: str) -> bool:
        path = self._directory / worker
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            path.unlink(missing_ok=True)
            return True
        finally:
            os.close(descriptor)

    def release(self) -> None:
        if self._held is not None and self._path is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None


class DatabasePresence:
    """Session-level advisory locks of PostgreSQL."""

    certain = False

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        self._session: sa.Connection | None = None

    def claim(self, worker: str) -> None:
        if self._session is not None:
            try:
                self._session.execute(sa.text("SELECT 1"))
            except sa.exc.DBAPIError:
                self._session.close()
                self._session = None
            else:
                return
        session = self._engine.connect()
        session.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _lock_key(worker)})
        self._session = session

    def is_dead(self, worker: str) -> bool:
        key = {"key": _lock_key(worker)}
        with self._engine.connect() as connection:
            free = bool(connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one())
            if free:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), key)
        return free

    def release(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
        self._engine.dispose()


def _lock_key(worker: str) -> int:
    return int.from_bytes(hashlib.sha256(f"wattline worker {worker}".encode()).digest()[:8], "big", signed=True)


def open_presence(url: sa.URL) -> Presence:
    """The presence that belongs to a database of job records."""
    if url.get_backend_name() == "sqlite":
        return FilePresence(Path(str(url.database)).with_suffix(".workers"))
    return DatabasePresence(url)
