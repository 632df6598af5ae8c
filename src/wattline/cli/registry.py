"""`wattline registry import | list`: the points of a block, from a point schedule and as they are registered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table
from rich.text import Text

from wattline.cli.options import Data, Tenant, load
from wattline.cli.state import opened
from wattline.model.clock import SystemClock
from wattline.model.errors import Invalid
from wattline.settings import Settings

if TYPE_CHECKING:
    from wattline.alarms.model import Limit
    from wattline.alarms.service import Alarms
    from wattline.registry.point import Point
    from wattline.registry.schedule import Schedule
    from wattline.registry.schedule_rows import ScheduleRow
    from wattline.registry.service import Registry

group = typer.Typer(no_args_is_help=True, help="What is registered: sites, blocks, points and their limits.")

REFUSED = 2
"""Exit code where rows were refused; the others were imported."""
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do."""

    points: int
    new: int
    limits: int


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[tuple[Registry, Alarms]]:
    """The registry and the alarm limits on the state database, beside a server or without one."""
    from wattline.alarms.service import Alarms
    from wattline.events.service import EventLog
    from wattline.registry.service import Registry

    clock = SystemClock()
    async with opened(settings) as database:
        registry = Registry(database, settings.max_streams, clock)
        await registry.load()
        alarms = Alarms(database, EventLog(database), registry, clock, lambda _topic, _message: None)
        await alarms.load()
        yield registry, alarms


def _limits(row: ScheduleRow) -> tuple[Limit, ...]:
    """The alarm limits of a row. Raises `Invalid` where they cannot be meant together."""
    from wattline.alarms.limits import from_schedule

    low, high = row.spec.range_min, row.spec.range_max
    span = None if low is None or high is None else high - low
    return from_schedule(row.limits, range_span=span, boolean=row.boolean)


def _read(file: Path) -> Schedule:
    from wattline.registry.schedule import lines_of, read

    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as text:
        return read(lines_of(text), _limits)


def _settle_conflicts(found: Schedule, registry: Registry, tenant: str, site: str, block: str) -> None:
    """Refuse the rows whose tag other equipment of the block bears already."""
    held = registry.block(tenant, site, block)
    if held is None:
        return
    for row in list(found.rows):
        other = registry.tagged(held.id, row.spec.tag)
        if other is not None and other.equipment != row.spec.equipment:
            found.refuse(row, f"the tag {row.spec.tag} is registered at other equipment, {other.equipment}")


async def _import(settings: Settings, tenant: str, site: str, block: str, found: Schedule, *, write: bool) -> Imported:
    async with _parts(settings) as (registry, alarms):
        _settle_conflicts(found, registry, tenant, site, block)
        rows = sorted(found.rows, key=lambda row: row.line)
        held = registry.block(tenant, site, block)
        known = [] if held is None else [row for row in rows if registry.tagged(held.id, row.spec.tag) is not None]
        points: list[Point] = []
        if write and rows:
            points = await registry.put_points(tenant, site, block, [row.spec for row in rows])
        changed = await _set_limits(alarms, tenant, points, rows) if found.with_limits else 0
        return Imported(len(rows), len(rows) - len(known), changed)


async def _set_limits(alarms: Alarms, tenant: str, points: Sequence[Point], rows: Sequence[ScheduleRow]) -> int:
    """Give every point the limits of its row; how many were not as the schedule has them."""
    changed = 0
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("limits", total=len(points))
        for point, row in zip(points, rows, strict=False):
            wanted = _limits(row)
            if alarms.limits(point.id) != wanted:
                await alarms.set_limits(tenant, point.id, wanted)
                changed += 1
            bar.advance(task)
    return changed


@group.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Point schedule: CSV with a header.", show_default=False)],
    site: Annotated[str, typer.Option(help="Site that the points are at; made where it is new.", show_default=False)],
    block: Annotated[str, typer.Option(help="Block of the site; made where it is new.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Register the points of a schedule with their alarm limits. Exits with 2 where rows were refused; the others are taken."""
    for name, slug in (("site", site), ("block", block)):
        if not _SLUG.fullmatch(slug):
            raise Invalid(f"{name} must be 1 to 64 of the letters a-z 0-9 _ -", name)
    settings = load(data=data)
    found = _read(file)
    done = asyncio.run(_import(settings, tenant or settings.default_tenant, site, block, found, write=not dry_run))
    console = Console(soft_wrap=True, highlight=False)
    if found.ignored:
        console.print(Text(f"columns that mean nothing here: {', '.join(name or '(unnamed)' for name in found.ignored)}"))
    if found.refused:
        table = Table("line", "tag", Column("refused because", overflow="fold"), box=SIMPLE_HEAD)
        for refused in sorted(found.refused, key=lambda each: each.line):
            table.add_row(str(refused.line), Text(refused.tag), Text(refused.reason))
        console.print(table)
    verb = "would be imported" if dry_run else "imported"
    console.print(Text(f"{site}/{block}: {done.points} points {verb}, {done.new} of them new"))
    if not dry_run:
        console.print(Text(f"limits changed: {done.limits}"))
    if found.refused:
        console.print(Text(f"{len(found.refused)} rows refused"))
        raise typer.Exit(REFUSED)


def _span(point: Point) -> str:
    low, high = point.sensor.range_min, point.sensor.range_max
    return "" if low is None and high is None else f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"


def _shown(limit: Limit) -> str:
    sign = ">" if limit.direction == "HIGH" else "<"
    return f"{limit.priority} {sign}{'=' if limit.inclusive else ''} {limit.value:g}"


@group.command("list")
def list_(
    site: Annotated[str | None, typer.Option(help="Only the points of this site.", show_default="all")] = None,
    block: Annotated[str | None, typer.Option(help="Only the points of this block.", show_default="all")] = None,
    tenant: Tenant = None,
    data: Data = None,
) -> None:
    """Show the points with their ids, ranges, parts in energy accounts, and alarm limits."""
    settings = load(data=data)
    table = Table("id", "site/block", "tag", "equipment", "subsystem", "unit", "range", "role", "limits", box=SIMPLE_HEAD)

    async def rows() -> None:
        async with _parts(settings) as (registry, alarms):
            for point in registry.points(tenant or settings.default_tenant):
                if site in (None, point.site.key) and block in (None, point.block.slug):
                    held = ", ".join(map(_shown, alarms.limits(point.id)))
                    place = f"{point.site.key}/{point.block.slug}"
                    words = (
                        place,
                        point.tag,
                        point.equipment,
                        point.subsystem,
                        point.unit,
                        _span(point),
                        point.sensor.role or "",
                    )
                    table.add_row(str(point.id), *map(Text, (*words, held)))

    asyncio.run(rows())
    Console().print(table)
