"""`wattline events verify`: prove that nothing in the event log was changed, removed or put in."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from wattline.cli.options import Data, load
from wattline.cli.state import opened
from wattline.events import chain
from wattline.settings import Settings

group = typer.Typer(no_args_is_help=True, help="The event log.")


@group.callback()
def _group() -> None:
    """The event log."""


async def _verify(settings: Settings, tenant: str | None) -> list[chain.Verification]:
    bar = Progress(console=Console(stderr=True), transient=True)
    async with opened(settings) as database:
        with bar:
            task = bar.add_task("verifying", total=await chain.total(database) or None)

            def advanced(events: int) -> None:
                bar.advance(task, events)

            if tenant is not None:
                return [await chain.verify(database, tenant, advanced)]
            return await chain.verify_all(database, advanced)


@group.command()
def verify(
    tenant: Annotated[str | None, typer.Option(help="Only the log of this utility.", show_default="all")] = None,
    data: Data = None,
) -> None:
    """Recompute every hash and follow every link. Exits with 1 where a chain does not hold."""
    found = asyncio.run(_verify(load(data=data), tenant))
    console = Console(soft_wrap=True)
    for result in found:
        words = f"{result.tenant}: {result.checked} events"
        if result.broken is None:
            console.print(Text(f"{words}, sound, last hash {result.last_hash}"))
        else:
            console.print(Text(f"{words} hold; broken at {result.broken.sequence}: {result.broken.what}", style="bold red"))
    if not found:
        console.print("the log is empty")
    if not all(result.sound for result in found):
        raise typer.Exit(1)
