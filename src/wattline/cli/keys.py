"""`wattline key create | list | rotate | revoke`: the API keys of a utility."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from wattline.cli.options import Data, Tenant, load
from wattline.cli.state import opened
from wattline.identity.model import KeyRecord
from wattline.identity.projects import given_secrets
from wattline.identity.service import Identity
from wattline.model.clock import HOUR, SystemClock, from_micros, to_micros
from wattline.model.errors import Invalid
from wattline.settings import RESERVED_ROLES, Settings

T = TypeVar("T")

group = typer.Typer(no_args_is_help=True, help="API keys: who may send and query what.")


class Contract(StrEnum):
    """The contracts that ask for a key."""

    HOP = "hop"
    FLUX = "flux"
    HOUSEHOLD = "household"


# What the page of each contract promises a key; further scopes are given one by one.
PROMISED = {Contract.HOP: ("telemetry:write", "event:write", "outage:write", "query:read")}
HOUSEHOLD_SCOPES = ("household:admin", "household:ml", "household:cron")

KeyId = Annotated[str, typer.Argument(help="Id of the key, as `wattline key list` shows it.", show_default=False)]
OfTenant = Annotated[str | None, typer.Option(help="Only if it is a key of this utility.", show_default="any")]


def _run(settings: Settings, work: Callable[[Identity], Awaitable[T]]) -> T:
    async def with_identity() -> T:
        async with opened(settings) as database:
            secrets = given_secrets(settings.default_tenant, settings.flux_jwt_secret)
            return await work(Identity(database, SystemClock(), project_secrets=secrets))

    return asyncio.run(with_identity())


def _minute(micros: int | None) -> str:
    return "-" if micros is None else f"{from_micros(micros):%Y-%m-%d %H:%M}Z"


def _rights(record: KeyRecord) -> list[str]:
    if record.role is not None:
        return [f"what {record.role} may"]
    return [*sorted(record.scopes), *(f"at {site}" for site in sorted(record.sites or ()))]


def _show_secret(record: KeyRecord, secret: str) -> None:
    """The secret alone on standard output, so that a script can take it; what is said about it on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"key {record.id} of {record.tenant} ({record.name}); this is the only time that it is shown:", markup=False
    )
    typer.echo(secret)


@group.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.", show_default=False)],
    tenant: Tenant = None,
    contract: Annotated[
        Contract, typer.Option(help="What the key opens: without --scope all that this contract promises a key.")
    ] = Contract.HOP,
    role: Annotated[
        str | None, typer.Option(help="With --contract flux: anon, authenticated, service_role, or one of the settings.")
    ] = None,
    opaque: Annotated[
        bool, typer.Option("--opaque", help="With --contract flux: a key like sb_publishable_... instead of a token.")
    ] = False,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; may be given more than once.")] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(
            "--site",
            "--user",
            help="Substation or household that it is limited to; may be given more than once.",
            show_default="all",
        ),
    ] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"],
            help="When it ends (UTC).",
            show_default="never; a token: in ten years",
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Make a key and print it, once. Only its hash is stored."""
    settings = load(data=data)
    end = None if expires is None else to_micros(expires.replace(tzinfo=UTC))
    owner = tenant or settings.default_tenant
    if contract is Contract.FLUX:
        known = _check_role(settings, role, scope, site)
        record, secret = _run(
            settings, lambda identity: identity.create_role_key(owner, name, known, end, "sb" if opaque else "jwt")
        )
    elif role is not None or opaque:
        raise Invalid("--role and --opaque go with --contract flux", "role")
    else:
        scopes = _household_scopes(scope, site) if contract is Contract.HOUSEHOLD else scope or PROMISED[contract]
        record, secret = _run(settings, lambda identity: identity.create(owner, name, scopes, site or None, end))
    _show_secret(record, secret)


def _household_scopes(scope: list[str] | None, site: list[str] | None) -> Sequence[str]:
    """A household's own token reads that household; every other key of the contract is for all of them, and says for what."""
    if site:
        if scope:
            raise Invalid("a household's token only reads: give --user or --scope, not both", "scope")
        if len(site) > 1:
            raise Invalid("a token is one household's", "site")
        return ("household:read",)
    if not scope or not set(scope) <= set(HOUSEHOLD_SCOPES):
        raise Invalid(f"give --user, or --scope with what it opens: {', '.join(HOUSEHOLD_SCOPES)}", "scope")
    return scope


def _check_role(settings: Settings, role: str | None, scope: list[str] | None, site: list[str] | None) -> str:
    if scope or site:
        raise Invalid("a key of --contract flux has a role, and neither --scope nor --site", "scope")
    roles = (*RESERVED_ROLES, *sorted(settings.flux_roles))
    if role not in roles:
        said = "give the role of the key with --role" if role is None else f"no such role: {role!r}"
        raise Invalid(f"{said}; there are {', '.join(roles)}", "role")
    return role


@group.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only the keys of this utility.", show_default="all")] = None,
    data: Data = None,
) -> None:
    """Show the keys, without their secrets."""
    now = SystemClock().micros()
    # What is copied by hand is never cut, whatever the width of the terminal.
    ident, dates = Column("id, begins with", no_wrap=True, min_width=16), Column("made, ends, used", no_wrap=True)
    table = Table(ident, "name, tenant", Column("state", no_wrap=True), "may", dates, box=SIMPLE_HEAD)
    for record in _run(load(data=data), lambda identity: identity.list(tenant)):
        table.add_row(
            f"{record.id}\n{record.beginning()}",
            f"{record.name}\n{record.tenant}",
            record.state(now),
            "\n".join(_rights(record)),
            "\n".join(map(_minute, (record.created, record.expires, record.last_used))),
        )
    Console().print(table)


@group.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[float, typer.Option(help="Hours for which the old key still works.", min=0)] = 24,
    tenant: OfTenant = None,
    data: Data = None,
) -> None:
    """Make a new key in place of this one and print it, once."""
    settings = load(data=data)
    record, secret = _run(settings, lambda identity: identity.rotate(key_id, round(overlap * HOUR), tenant))
    _show_secret(record, secret)


@group.command()
def revoke(key_id: KeyId, tenant: OfTenant = None, data: Data = None) -> None:
    """End a key for good; servers take note within two seconds."""
    record = _run(load(data=data), lambda identity: identity.revoke(key_id, tenant))
    typer.echo(f"key {record.id} of {record.tenant} ({record.name}) is revoked")
