"""`wattline joulepoint client create | list | rotate | revoke`: who may use the Joulepoint API by OAuth 2.0."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from wattline.cli.options import Data, Tenant, load
from wattline.cli.state import opened
from wattline.identity.oauth.model import Client
from wattline.identity.oauth.service import OAuth
from wattline.model.clock import HOUR, SystemClock, from_micros
from wattline.model.principal import JOULEPOINT
from wattline.settings import Settings

T = TypeVar("T")

group = typer.Typer(no_args_is_help=True, help="The Joulepoint API: its clients.")
clients = typer.Typer(no_args_is_help=True, help="Clients of OAuth 2.0: an id and a secret that obtain tokens.")
group.add_typer(clients, name="client")

ClientId = Annotated[str, typer.Argument(help="Id of the client, as `list` shows it.", show_default=False)]
OfTenant = Annotated[str | None, typer.Option(help="Only if it is a client of this utility.", show_default="any")]


def _run(settings: Settings, work: Callable[[OAuth], Awaitable[T]]) -> T:
    async def with_clients() -> T:
        async with opened(settings) as database:
            return await work(OAuth(database, SystemClock()))

    return asyncio.run(with_clients())


def _minute(micros: int | None) -> str:
    return "-" if micros is None else f"{from_micros(micros):%Y-%m-%d %H:%M}Z"


def _show(client: Client, secret: str) -> None:
    """The id and the secret, a line each, on standard output; what is said about them on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"client of {client.tenant} ({client.name}): its id and its secret, which is shown only this time:", markup=False
    )
    typer.echo(client.id)
    typer.echo(secret)


@clients.command()
def create(
    name: Annotated[str, typer.Option(help="What the client is for.", show_default=False)],
    tenant: Tenant = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may do; may be given more than once.", show_default="everything")
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Site that it is limited to; may be given more than once.", show_default="all")
    ] = None,
    data: Data = None,
) -> None:
    """Make a client and print its id and its secret, once. Only the secret's hash is stored."""
    settings = load(data=data)
    owner, scopes = tenant or settings.default_tenant, scope or sorted(JOULEPOINT)
    _show(*_run(settings, lambda oauth: oauth.create(owner, name, scopes, site or None)))


@clients.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only the clients of this utility.", show_default="all")] = None,
    data: Data = None,
) -> None:
    """Show the clients, without their secrets."""
    now = SystemClock().micros()
    # What is copied by hand is never cut, whatever the width of the terminal.
    table = Table(
        Column("id", no_wrap=True, min_width=19),
        "name, tenant",
        Column("state", no_wrap=True),
        Column("may", no_wrap=True),
        Column("made, used", no_wrap=True),
        box=SIMPLE_HEAD,
    )
    for client in _run(load(data=data), lambda oauth: oauth.list(tenant)):
        live = len(client.live_secrets(now))
        state = "revoked" if client.revoked is not None else f"{live} secret{'' if live == 1 else 's'}"
        may = [*sorted(client.scopes), *(f"at {site}" for site in sorted(client.sites or ()))]
        table.add_row(
            client.id,
            f"{client.name}\n{client.tenant}",
            state,
            "everything" if client.scopes == JOULEPOINT and client.sites is None else "\n".join(may),
            f"{_minute(client.created)}\n{_minute(client.last_used)}",
        )
    Console().print(table)


@clients.command()
def rotate(
    client_id: ClientId,
    overlap: Annotated[float, typer.Option(help="Hours for which the secret before still works.", min=0)] = 24,
    tenant: OfTenant = None,
    data: Data = None,
) -> None:
    """Make another secret for a client and print it, once."""
    _show(*_run(load(data=data), lambda oauth: oauth.rotate(client_id, round(overlap * HOUR), tenant)))


@clients.command()
def revoke(client_id: ClientId, tenant: OfTenant = None, data: Data = None) -> None:
    """End a client and its tokens for good; servers take note within two seconds."""
    client = _run(load(data=data), lambda oauth: oauth.revoke(client_id, tenant))
    typer.echo(f"client {client.id} of {client.tenant} ({client.name}) is revoked")
