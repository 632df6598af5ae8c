"""`wattline flux expose | hide | list`: devices of other contracts in the tables of the Flux contract."""

from __future__ import annotations

import asyncio
import math
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from wattline.cli.options import Data, Tenant, load
from wattline.cli.state import opened
from wattline.model.clock import SystemClock
from wattline.model.errors import Invalid, NotFound
from wattline.settings import Settings

if TYPE_CHECKING:
    from wattline.contracts.flux.catalog import RelationType
    from wattline.model.place import Device
    from wattline.registry.listing import Listing, ListingRow, Shown
    from wattline.registry.listings import Listings
    from wattline.registry.service import Registry

group = typer.Typer(no_args_is_help=True, help="Devices of other contracts in the tables of the Flux contract.")

_COLUMN = re.compile(r"(?P<column>[a-z_]+)=(?P<quantity>.+?)(?:\*(?P<factor>[-+0-9.eE]+))?")


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[tuple[Registry, Listings]]:
    """The registry and its listings on the state database, beside a server or without one."""
    from wattline.changes.service import ChangeLog
    from wattline.registry.listings import Listings
    from wattline.registry.service import Registry

    clock = SystemClock()
    async with opened(settings) as database:
        registry = Registry(database, settings.max_streams, clock)
        await registry.load()
        log = ChangeLog(database, clock)
        await log.load()
        yield registry, Listings(registry, log, clock)


def _relation(name: str) -> RelationType:
    from wattline.contracts.flux.tables import BESS, METER

    for relation in (METER, BESS):
        if relation.name == name:
            return relation
    raise Invalid(f"the table is {METER.name} or {BESS.name}, not {name}", "table")


def _columns(relation: RelationType, given: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Quantity and factor of each column. Raises `Invalid`."""
    from wattline.contracts.flux.catalog import Type

    columns: dict[str, tuple[str, float]] = {}
    for text in given:
        found = _COLUMN.fullmatch(text)
        try:
            factor = float(found["factor"] or 1) if found else math.nan
        except ValueError:
            factor = math.nan
        if found is None or not math.isfinite(factor) or factor == 0:
            raise Invalid(f"{text}: write COLUMN=QUANTITY or COLUMN=QUANTITY*FACTOR", "column")
        name = found["column"]
        column = relation.by_name.get(name)
        if column is None or column.type is not Type.FLOAT4:
            raise Invalid(f"{relation.name} has no measure {name}", "column")
        if name in columns:
            raise Invalid(f"the column {name} is named twice", "column")
        columns[name] = found["quantity"], factor
    return columns


def _device(registry: Registry, tenant: str, site: str, name: str) -> Device:
    """The device of a site with this key, or else this tag."""
    devices = [device for block in registry.blocks(tenant, site) for device in registry.block_devices(block.id)]
    found = [device for device in devices if device.key == name]
    found = found or [device for device in devices if device.attributes.get("tag") == name]
    if not found:
        raise NotFound(f"the site {site} has no device {name}")
    if len(found) > 1:
        keys = ", ".join(device.key for device in found[:5])
        raise Invalid(f"several devices of {site} bear the tag {name}: name one by its key, such as {keys}", "device")
    return found[0]


def _shown(registry: Registry, device: Device, relation: RelationType, columns: dict[str, tuple[str, float]]) -> list[Shown]:
    """The columns by the layouts that have their quantities. Raises `Invalid` where none has, or several."""
    from wattline.registry.listing import Shown

    by_layout: dict[str, dict[str, tuple[str, float]]] = {}
    streams = registry.device_streams(device)
    for column, (quantity, factor) in columns.items():
        layouts = [s.layout.name for s in streams if any(q.name == quantity for q in s.layout.quantities)]
        if len(layouts) != 1:
            known = sorted({q.name for stream in streams for q in stream.layout.quantities})
            problem = "has several quantities" if layouts else "reports no"
            raise Invalid(f"the device {problem} {quantity}; it reports {', '.join(known) or 'nothing yet'}", "column")
        by_layout.setdefault(layouts[0], {})[column] = quantity, factor
    return [Shown(relation.name, layout, shown) for layout, shown in by_layout.items()]


def _canonical(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Invalid(f"{text} is no UUID", "id") from None


async def _expose(
    settings: Settings,
    tenant: str,
    place: tuple[str, str],
    relation: RelationType,
    columns: dict[str, tuple[str, float]],
    words: tuple[str | None, str | None, str | None],
) -> ListingRow:
    name, kind, given = words
    async with _parts(settings) as (registry, listings):
        device = _device(registry, tenant, *place)
        shown = _shown(registry, device, relation, columns)
        usual = device.attributes.get("type") or ("bess" if "bess" in relation.name else "meter")
        title = name or device.attributes.get("tag") or device.key
        return await listings.expose(tenant, device, shown, name=title, kind=kind or usual, uuid=given)


@group.command("expose")
def expose(
    site: Annotated[str, typer.Argument(help="Site of the device, such as a substation.", show_default=False)],
    device: Annotated[str, typer.Argument(help="Key or tag of the device, such as a feeder or a meter.", show_default=False)],
    column: Annotated[
        list[str],
        typer.Option(help="COLUMN=QUANTITY or COLUMN=QUANTITY*FACTOR; once for every column to show.", show_default=False),
    ],
    table: Annotated[str, typer.Option(help="Table that shows the readings.")] = "mg_meter_readings",
    name: Annotated[str | None, typer.Option(help="Name in the device list.", show_default="its tag or key")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Type in the device list.", show_default="its own")] = None,
    given: Annotated[str | None, typer.Option("--id", help="UUID that it is to have.", show_default="a new one")] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """List a device of another contract in mg_device_registry, and show its readings in a table. Replaces what was shown."""
    settings = load(data=data)
    relation = _relation(table)
    columns = _columns(relation, column)
    words = (name, kind, None if given is None else _canonical(given))
    row = asyncio.run(_expose(settings, tenant or settings.default_tenant, (site, device), relation, columns, words))
    Console(soft_wrap=True, highlight=False).print(Text(f"{row.uuid}  {row.name} ({row.site}) in {relation.name}"))


@group.command("hide")
def hide(
    given: Annotated[str, typer.Argument(metavar="ID", help="UUID of the device.", show_default=False)],
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Show a device of another contract no longer. It has the same UUID if it is exposed again."""
    settings = load(data=data)

    async def work() -> None:
        async with _parts(settings) as (_, listings):
            await listings.hide(tenant or settings.default_tenant, _canonical(given))

    asyncio.run(work())


def _lines(listing: Listing) -> list[str]:
    return [
        f"{shown.relation}.{column} = {quantity}{'' if factor == 1 else f' * {factor:g}'}"
        for shown in listing.shown
        for column, (quantity, factor) in shown.columns.items()
    ]


@group.command("list")
def list_(tenant: Tenant = None, data: Data = None) -> None:
    """Show the devices that have a UUID, and what is shown of those of other contracts."""
    settings = load(data=data)
    wide = Column("shown", overflow="fold")
    table = Table(Column("id", no_wrap=True), "listed", "site", "device", "name", "type", wide, box=SIMPLE_HEAD)

    async def rows() -> None:
        async with _parts(settings) as (registry, _):
            for each in registry.listings(tenant or settings.default_tenant):
                device = each.device
                words = (
                    each.uuid,
                    "yes" if each.listed else "no",
                    device.site.key,
                    device.key if each.is_foreign else "",
                    each.name or "",
                    each.type or "",
                    "\n".join(_lines(each)),
                )
                table.add_row(*map(Text, words))

    asyncio.run(rows())
    Console().print(table)
