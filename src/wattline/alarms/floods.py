"""Floods of alarms: more than an operator can follow, by EEMUA 191 and ANSI/ISA-18.2.

A flood begins when more than 10 alarms were raised within 10 minutes, and ends when it is fewer than 5. It is told, for a
block and for the tenant as a whole; nothing is hidden because of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms.tables import COUNTED, floods, raises
from wattline.model.clock import MINUTE

WINDOW = 10 * MINUTE
BEGINS_OVER = 10
ENDS_UNDER = 5
WHOLE = 0
"""In the place of a block: the tenant as a whole."""

Area = tuple[str, int]
"""A tenant and one of its blocks, or WHOLE."""

_f = floods.c
_r = raises.c


@dataclass(frozen=True, slots=True)
class Turn:
    """A flood that begins or ends: where, and how many alarms were raised in the 10 minutes before."""

    area: Area
    begins: bool
    raised: int


def turns(counts: Counter[Area], flooded: set[Area]) -> list[Turn]:
    """What begins and what ends, tenants in the order of their names."""
    begun = [Turn(area, True, count) for area, count in counts.items() if count > BEGINS_OVER and area not in flooded]
    ended = [Turn(area, False, counts[area]) for area in flooded if counts[area] < ENDS_UNDER]
    return sorted([*begun, *ended], key=lambda turn: turn.area)


async def counts(connection: AsyncConnection, now: int) -> Counter[Area]:
    """How many alarms were raised in the last 10 minutes, by block and by tenant."""
    statement = (
        sa.select(_r.tenant, _r.block, sa.func.count())
        .where(_r.time > now - WINDOW, _r.time <= now)
        .group_by(_r.tenant, _r.block)
    )
    found: Counter[Area] = Counter()
    for tenant, block, count in await connection.execute(statement):
        found[tenant, block] += count
        found[tenant, WHOLE] += count
    return found


async def flooded(connection: AsyncConnection) -> set[Area]:
    """Where a flood is."""
    return {
        (row.tenant, row.block) for row in await connection.execute(sa.select(_f.tenant, _f.block).where(_f.ended.is_(None)))
    }


async def write(connection: AsyncConnection, turn: Turn, now: int) -> bool:
    """Note that a flood begins or ends; False where another process has noted it."""
    tenant, block = turn.area
    if turn.begins:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        begun = insert(floods).values(tenant=tenant, block=block, begun=now).on_conflict_do_nothing()
        return (await connection.execute(begun, execution_options=COUNTED)).rowcount == 1
    open_one = sa.and_(_f.tenant == tenant, _f.block == block, _f.ended.is_(None))
    return (await connection.execute(sa.update(floods).where(open_one).values(ended=now))).rowcount == 1


async def any_open(connection: AsyncConnection, tenant: str, blocks: Collection[int]) -> bool:
    """Whether there is a flood in one of these blocks."""
    open_ones = (_f.tenant == tenant, _f.block.in_(sorted(blocks)), _f.ended.is_(None))
    return (await connection.execute(sa.select(_f.id).where(*open_ones).limit(1))).first() is not None


async def share(connection: AsyncConnection, tenant: str, blocks: Collection[int], start: int, end: int) -> float:
    """The share of [start, end) during which there was a flood in one of these blocks at least."""
    overlaps = (_f.tenant == tenant, _f.block.in_(sorted(blocks)), _f.begun < end, sa.or_(_f.ended.is_(None), _f.ended > start))
    found = await connection.execute(sa.select(_f.begun, _f.ended).where(*overlaps).order_by(_f.begun))
    flooded, through = 0, start
    for begun, ended in found:
        until = end if ended is None else min(end, ended)
        flooded += max(0, until - max(through, begun))
        through = max(through, until)
    return flooded / (end - start)
