"""Every command that does not serve: what it does, what it prints where, and how it fails."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wattline import __version__
from wattline.events.service import EventLog
from wattline.identity.service import Identity
from wattline.model.clock import SystemClock
from wattline.model.errors import Unauthenticated
from wattline.model.principal import Principal
from wattline.state.database import Database

from .conftest import Result

Wattline = Callable[..., Result]
PROMISED_BY_HOP = frozenset({"telemetry:write", "event:write", "outage:write", "query:read"})


def ask(directory: Path, secret: str) -> Principal:
    """Whose key this is, as a server on the same data would find."""

    async def work() -> Principal:
        database = Database(f"sqlite+aiosqlite:///{directory}/data/state.db")
        try:
            return await Identity(database, SystemClock()).authenticate(secret)
        finally:
            await database.close()

    return asyncio.run(work())


def key_id(result: Result) -> str:
    found = re.search(r"key ([0-9a-f]+) of", result.stderr)
    assert found, result.stderr
    return found[1]


def test_the_version_is_printed(wattline: Wattline) -> None:
    assert wattline("version").stdout == f"{__version__}\n"


def test_a_new_key_is_alone_on_standard_output_and_works(wattline: Wattline, tmp_path: Path) -> None:
    made = wattline("key", "create", "--name", "scada", "--tenant", "north")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert made.stdout == f"{secret}\n"
    principal = ask(tmp_path, secret)
    assert (principal.tenant, principal.sites, principal.scopes) == ("north", None, PROMISED_BY_HOP)


def test_a_key_can_be_limited_to_scopes_and_substations(wattline: Wattline, tmp_path: Path) -> None:
    limits = ["--scope", "query:read", "--scope", "ml:write", "--site", "SUB001", "--site", "SUB002"]
    secret = wattline("key", "create", "--name", "historian", *limits, "--expires", "2999-01-31").stdout.strip()
    principal = ask(tmp_path, secret)
    assert principal.scopes == {"query:read", "ml:write"}
    assert principal.sites == frozenset({"SUB001", "SUB002"})
    listed = wattline("key", "list").stdout
    for shown in ("historian", "active", "query:read", "ml:write", "at SUB001", "at SUB002", "2999-01-31 00:00Z"):
        assert shown in listed


def test_the_list_shows_no_secret_and_neither_does_the_store(wattline: Wattline, tmp_path: Path) -> None:
    made = wattline("key", "create", "--name", "scada")
    secret = made.stdout.strip()
    listed = wattline("key", "list", COLUMNS="80").stdout
    assert key_id(made) in listed
    assert secret not in listed
    assert all(secret.encode() not in file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())


def test_a_rotated_key_overlaps_with_its_successor(wattline: Wattline, tmp_path: Path) -> None:
    first = wattline("key", "create", "--name", "scada", "--site", "SUB001")
    second = wattline("key", "rotate", key_id(first), "--overlap", "1")
    assert ask(tmp_path, first.stdout.strip()).sites == frozenset({"SUB001"})
    assert ask(tmp_path, second.stdout.strip()).sites == frozenset({"SUB001"})
    third = wattline("key", "rotate", key_id(second), "--overlap", "0")
    with pytest.raises(Unauthenticated):
        ask(tmp_path, second.stdout.strip())
    assert ask(tmp_path, third.stdout.strip()).tenant == "default"


def test_a_revoked_key_is_refused(wattline: Wattline, tmp_path: Path) -> None:
    made = wattline("key", "create", "--name", "scada")
    assert wattline("key", "revoke", key_id(made)).returncode == 0
    with pytest.raises(Unauthenticated):
        ask(tmp_path, made.stdout.strip())
    assert "revoked" in wattline("key", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("key", "create", "--name", "x", "--scope", "everything"), 2, "no such scope"),
        (("key", "create", "--name", "x", "--expires", "2001-01-01"), 2, "expire"),
        (("key", "create", "--name", "x\x1b[2J"), 2, "control characters"),
        (
            ("key", "create", "--name", "x", "--contract", "flux"),
            2,
            "there are anon, authenticated, service_role, besscontroller",
        ),
        (("key", "create", "--name", "x", "--contract", "flux", "--role", "root"), 2, "no such role: 'root'"),
        (("key", "create", "--name", "x", "--contract", "flux", "--role", "anon", "--site", "S"), 2, "neither"),
        (("key", "create", "--name", "x", "--contract", "flux", "--role", "authenticated", "--opaque"), 2, "opaque keys"),
        (("key", "create", "--name", "x", "--role", "anon"), 2, "--contract flux"),
        (("key", "create", "--name", "x", "--opaque"), 2, "--contract flux"),
        (("key", "revoke", "0123456789abcdef"), 1, "no such key"),
        (("key", "rotate", "0123456789abcdef"), 1, "no such key"),
        (("recipient", "add", "nobody"), 2, "not an e-mail address"),
        (("recipient", "remove", "nobody@example.net"), 1, "nobody@example.net is no recipient"),
        (("key", "list", "--data", "/proc/nowhere"), 1, "/proc/nowhere"),
        (("serve", "--port", "70000"), 2, "port"),
        (("serve", "--open", "--host", "0.0.0.0"), 2, "--open"),
        (("serve", "--host", "0.0.0.0"), 2, "public address"),
        (("serve", "--tls-cert", "cert.pem"), 2, "tls_cert and tls_key"),
    ],
)
def test_a_failure_is_one_line_on_standard_error(wattline: Wattline, arguments: tuple[str, ...], code: int, told: str) -> None:
    failed = wattline(*arguments)
    assert failed.returncode == code
    assert failed.stdout == ""
    assert failed.stderr.startswith("wattline: ")
    assert failed.stderr.count("\n") == 1
    assert told in failed.stderr


@pytest.mark.parametrize(
    ("url", "code"), [("postgresql+psycopg://ops:hunter2@127.0.0.1:1/state", 1), ("mongodb://ops:hunter2@127.0.0.1/state", 2)]
)
def test_a_state_store_that_is_not_there_is_told_in_one_line(wattline: Wattline, url: str, code: int) -> None:
    failed = wattline("key", "list", WATTLINE_STATE_URL=url)
    assert failed.returncode == code
    assert failed.stderr.startswith("wattline: ")
    assert failed.stderr.count("\n") == 1
    assert "hunter2" not in failed.stderr


def test_recipients_come_and_go(wattline: Wattline) -> None:
    assert wattline("recipient", "add", "Room@Example.NET", "--name", "Control room").returncode == 0
    listed = wattline("recipient", "list").stdout
    assert "Room@example.net" in listed
    assert "Control room" in listed
    assert "example.net" not in wattline("recipient", "list", "--tenant", "north").stdout
    assert wattline("recipient", "remove", "Room@example.net").returncode == 0
    assert "example.net" not in wattline("recipient", "list").stdout


def log_some_events(directory: Path) -> None:
    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{directory}/data/state.db")
        log = EventLog(database)
        try:
            async with database.transaction() as connection:
                for number in range(5):
                    await log.append(
                        connection, tenant="default", kind="hop.grid_event", time=number, received=number, body={"n": number}
                    )
        finally:
            await database.close()

    asyncio.run(work())


def test_the_event_log_is_verified(wattline: Wattline, tmp_path: Path) -> None:
    assert "the log is empty" in wattline("events", "verify").stdout
    log_some_events(tmp_path)
    sound = wattline("events", "verify")
    assert (sound.returncode, sound.stdout.startswith("default: 5 events, sound, last hash ")) == (0, True)


def test_a_changed_event_is_found(wattline: Wattline, tmp_path: Path) -> None:
    wattline("events", "verify")
    log_some_events(tmp_path)
    with closing(sqlite3.connect(tmp_path / "data" / "state.db")) as store, store:
        for (name,) in store.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"
        ).fetchall():
            store.execute(f'DROP TRIGGER "{name}"')
        assert store.execute("UPDATE events SET body = '{\"n\":7}' WHERE sequence = 3").rowcount == 1
    broken = wattline("events", "verify")
    assert broken.returncode == 1
    assert "default: 2 events hold; broken at 3" in broken.stdout
