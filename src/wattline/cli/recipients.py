"""`wattline recipient add | list | remove`: who gets the mails of a utility."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from wattline.cli.options import Data, Tenant, load
from wattline.cli.state import opened
from wattline.model.clock import SystemClock
from wattline.model.errors import NotFound
from wattline.notify import recipients
from wattline.notify.model import Recipient
from wattline.settings import Settings

group = typer.Typer(no_args_is_help=True, help="Who gets alert mails.")
Address = Annotated[str, typer.Argument(help="E-mail address.", show_default=False)]


@group.command("add")
def add(
    address: Address,
    name: Annotated[str | None, typer.Option(help="Name of the person or desk.")] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Mail alerts of a utility to this address too; given again, it replaces what is known of the address."""
    recipient = Recipient(recipients.checked_address(address), name)

    async def work(settings: Settings) -> None:
        async with opened(settings) as database, database.transaction() as connection:
            await recipients.add(connection, tenant or settings.default_tenant, recipient, SystemClock().micros())

    asyncio.run(work(load(data=data)))
    typer.echo(f"mails go to {recipient.address}")


@group.command("list")
def list_(tenant: Tenant = None, data: Data = None) -> None:
    """Show who gets the mails of a utility."""

    async def work(settings: Settings) -> list[Recipient]:
        async with opened(settings) as database, database.read() as connection:
            return await recipients.listed(connection, tenant or settings.default_tenant)

    table = Table("address", "name")
    for recipient in asyncio.run(work(load(data=data))):
        table.add_row(recipient.address, recipient.name or "")
    Console().print(table)


@group.command("remove")
def remove(address: Address, tenant: Tenant = None, data: Data = None) -> None:
    """Mail nothing more to this address; what waits to be sent to it is called off."""
    checked = recipients.checked_address(address)

    async def work(settings: Settings) -> bool:
        async with opened(settings) as database, database.transaction() as connection:
            return await recipients.remove(connection, tenant or settings.default_tenant, checked, SystemClock().micros())

    if not asyncio.run(work(load(data=data))):
        raise NotFound(f"{checked} is no recipient")
    typer.echo(f"no more mails to {checked}")
