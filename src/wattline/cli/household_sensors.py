"""`wattline household sensor`: meters, whom they read, their scripts and secrets."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from wattline.cli.household_parts import Parts, ask_server, opened_parts
from wattline.cli.options import Data, Tenant, load
from wattline.model.errors import Invalid

if TYPE_CHECKING:
    from wattline.households.meters.model import Meter
    from wattline.settings import Settings

T = TypeVar("T")

group = typer.Typer(no_args_is_help=True, help="Sensors that read the meters of households.")
Mac = Annotated[str, typer.Argument(metavar="MAC", help="MAC address of the sensor.", show_default=False)]
Initial = Annotated[float, typer.Option(help="What the register shows now, in kWh.", show_default=False)]
Url = Annotated[str | None, typer.Option(help="Where the running server is.", show_default="by the settings")]
SECRET_BYTES = 18


class SensorType(StrEnum):
    """What a sensor reads."""

    ANALOG = "analog_electricity"
    DIGITAL = "digital_electricity"
    GAS = "gas"
    WATER = "water"


def _run(tenant: str | None, data: Path | None, work: Callable[[Parts, str, Settings], Awaitable[T]]) -> T:
    settings = load(data=data)

    async def with_parts() -> T:
        async with opened_parts(settings) as parts:
            return await work(parts, tenant or settings.default_tenant, settings)

    return asyncio.run(with_parts())


def _server(settings: Settings, url: str | None) -> str:
    scheme = "http" if settings.tls_cert is None else "https"
    return url or f"{scheme}://{settings.host}:{settings.port}"


def _script(file: Path) -> str:
    """The text of a file, or of standard input for `-`."""
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Invalid("a script is text in UTF-8", "script") from None


@group.command("add")
def add(
    mac: Mac,
    kind: Annotated[SensorType, typer.Option("--type", help="What it reads.")] = SensorType.DIGITAL,
    script: Annotated[Path | None, typer.Option(help="File with its script, or - for standard input.")] = None,
    limit: Annotated[float | None, typer.Option(help="kWh a minute that may be used at most.", show_default="0.6")] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Register a sensor. It reads nobody until it is assigned."""
    from wattline.households.meters.model import Kind

    text = None if script is None else _script(script)

    async def work(parts: Parts, owner: str, _: Settings) -> Meter:
        return await parts.meters.add(owner, mac, Kind[kind.value.upper()], script=text, limit=limit)

    typer.echo(_run(tenant, data, work).mac)


@group.command("list")
def list_(tenant: Tenant = None, data: Data = None) -> None:
    """Show the sensors. Secrets are not shown, and scripts only whether there is one."""

    async def work(parts: Parts, owner: str, _: Settings) -> list[Meter]:
        return parts.meters.meters(owner)

    table = Table(Column("sensor", no_wrap=True), "type", "household", "script", "secret", "kWh a minute", box=SIMPLE_HEAD)
    for meter in _run(tenant, data, work):
        script = "" if meter.script is None else "to be sent" if meter.needs_script else "accepted"
        words = (
            meter.mac,
            meter.kind.name.lower(),
            meter.user or "",
            script,
            "yes" if meter.secret else "",
            f"{meter.limit:g}",
        )
        table.add_row(*map(Text, words))
    Console().print(table)


@group.command("assign")
def assign(
    mac: Mac,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="Id of the household.", show_default="nobody")] = None,
    initial: Annotated[
        float | None, typer.Option(help="What its register shows now, in kWh; needs the running server.")
    ] = None,
    url: Url = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Let a sensor read a household, or nobody. The household before keeps its readings."""

    async def work(parts: Parts, owner: str, settings: Settings) -> None:
        if user is not None:
            await parts.accounts.user(owner, user)
        known = parts.meters.meter(owner, mac)
        if initial is None:
            await parts.meters.assign(owner, known.mac, user)
        else:
            body: dict[str, Any] = {"user_id": user, "initial": initial}
            await ask_server(parts, owner, _server(settings, url), f"/sensors/{known.mac}/assign", body)

    _run(tenant, data, work)


@group.command("swap")
def swap(mac: Mac, initial: Initial, url: Url = None, tenant: Tenant = None, data: Data = None) -> None:
    """Tell the running server that the meter behind a sensor was replaced. What was used so far stays."""

    async def work(parts: Parts, owner: str, settings: Settings) -> None:
        known = parts.meters.meter(owner, mac)
        await ask_server(parts, owner, _server(settings, url), f"/sensors/{known.mac}/swap", {"initial": initial})

    _run(tenant, data, work)


@group.command("script")
def script(
    mac: Mac,
    file: Annotated[
        Path | None, typer.Argument(help="File with the script, or - for standard input.", show_default="none")
    ] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Give a sensor another script, sent with its next token; without a file it has none."""
    text = None if file is None else _script(file)

    async def work(parts: Parts, owner: str, _: Settings) -> None:
        await parts.meters.set_script(owner, mac, text)

    _run(tenant, data, work)


@group.command("secret")
def secret(
    mac: Mac,
    remove_it: Annotated[bool, typer.Option("--none", help="Ask it for no secret any more.")] = False,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Make a new secret that a sensor must show to get a token, and print it, once."""
    made = None if remove_it else secrets.token_urlsafe(SECRET_BYTES)

    async def work(parts: Parts, owner: str, _: Settings) -> None:
        await parts.meters.set_secret(owner, mac, made)

    _run(tenant, data, work)
    if made is not None:
        typer.echo(made)


@group.command("remove")
def remove(mac: Mac, tenant: Tenant = None, data: Data = None) -> None:
    """Forget a sensor. Its readings stay with the households."""

    async def work(parts: Parts, owner: str, _: Settings) -> None:
        await parts.meters.remove(owner, mac)

    _run(tenant, data, work)
