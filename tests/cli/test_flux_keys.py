"""`wattline key ... --contract flux`: keys that stand for a role, as a person makes, sees, replaces and ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from wattline.identity.jwt_token import read, unverified
from wattline.identity.model import RoleKey
from wattline.identity.service import Identity
from wattline.model.clock import SystemClock
from wattline.state.database import Database

from .conftest import Result
from .test_commands import key_id

Wattline = Callable[..., Result]
FLUX = ("key", "create", "--contract", "flux", "--name", "panel")


def ask(directory: Path, secret: str, tenant: str = "default") -> tuple[RoleKey | None, str | None]:
    """The role of this key and the secret of the tenant's project, as a server on the same data would find them."""

    async def work() -> tuple[RoleKey | None, str | None]:
        database = Database(f"sqlite+aiosqlite:///{directory}/data/state.db")
        try:
            identity = Identity(database, SystemClock())
            return await identity.role_key(secret), await identity.projects.secret(tenant)
        finally:
            await database.close()

    return asyncio.run(work())


@pytest.mark.parametrize("role", ["anon", "service_role", "besscontroller"])
def test_a_new_key_is_a_token_alone_on_standard_output(wattline: Wattline, tmp_path: Path, role: str) -> None:
    made = wattline(*FLUX, "--role", role, "--tenant", "north")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    known, secret = ask(tmp_path, token, "north")
    assert known == RoleKey("north", key_id(made), role, "jwt")
    assert secret is not None
    claims = read(token, secret).claims
    assert (claims["role"], claims["exp"] - claims["iat"]) == (role, 3650 * 86_400)
    assert token not in made.stderr


def test_a_key_may_be_opaque_and_end(wattline: Wattline, tmp_path: Path) -> None:
    made = wattline(*FLUX, "--role", "anon", "--opaque", "--expires", "2999-01-31")
    assert made.stdout.startswith("sb_publishable_")
    known, _ = ask(tmp_path, made.stdout.strip())
    assert known == RoleKey("default", key_id(made), "anon", "sb")
    token = wattline(*FLUX, "--role", "anon", "--expires", "2999-01-31T12:00:00Z").stdout.strip()
    assert unverified(token)["exp"] == 32_474_779_200
    listed = wattline("key", "list").stdout
    for shown in (made.stdout[:23], "a token", "what anon may", "2999-01-31 00:00Z", "2999-01-31 12:00Z"):
        assert shown in listed
    assert made.stdout.strip() not in listed
    assert token not in listed


def test_no_key_is_in_the_store(wattline: Wattline, tmp_path: Path) -> None:
    for more in ((), ("--opaque",)):
        secret = wattline(*FLUX, "--role", "anon", *more).stdout.strip().encode()
        assert all(secret not in file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())


def test_a_key_is_rotated_and_revoked_as_every_other(wattline: Wattline, tmp_path: Path) -> None:
    first = wattline(*FLUX, "--role", "authenticated")
    second = wattline("key", "rotate", key_id(first), "--overlap", "0")
    assert ask(tmp_path, first.stdout.strip())[0] is None
    assert ask(tmp_path, second.stdout.strip())[0] == RoleKey("default", key_id(second), "authenticated", "jwt")
    assert wattline("key", "revoke", key_id(second)).returncode == 0
    assert ask(tmp_path, second.stdout.strip())[0] is None


def test_a_given_secret_signs_the_default_tenants_keys(wattline: Wattline, tmp_path: Path) -> None:
    secret = "a secret that the operator already has"
    token = wattline(*FLUX, "--role", "anon", WATTLINE_FLUX_JWT_SECRET=secret).stdout.strip()
    read(token, secret)
    assert ask(tmp_path, token)[0] is not None
    short = wattline(*FLUX, "--role", "anon", WATTLINE_FLUX_JWT_SECRET="short")
    assert (short.returncode, short.stdout) == (2, "")
    assert "flux_jwt_secret" in short.stderr
    assert "short'" not in short.stderr


def test_the_settings_name_the_further_roles(wattline: Wattline) -> None:
    roles = '{"auditor": {"market_data": ["select"]}}'
    assert wattline(*FLUX, "--role", "auditor", WATTLINE_FLUX_ROLES=roles).returncode == 0
    assert "no such role" in wattline(*FLUX, "--role", "besscontroller", WATTLINE_FLUX_ROLES=roles).stderr
