"""Lists of events, newest first, in pages that lead both ways: what is asked of a table for one page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

Item = TypeVar("Item")


class Place(NamedTuple):
    """Where a page lies: right after the event of this time (us) and id; with `backward` right before it."""

    time: int
    id: int
    backward: bool = False


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Events by descending (time, id); how many match in all, and whether there are newer and older ones than these."""

    rows: list[Item]
    total: int
    newer: bool
    older: bool


async def page_of(
    connection: AsyncConnection,
    table: sa.Table,
    time: sa.Column[int],
    conditions: Sequence[sa.ColumnElement[bool]],
    made: Callable[[sa.Row[Any]], Item],
    place: Place | None,
    limit: int,
) -> Page[Item]:
    """A page of the rows of a table that meet the conditions; `made` makes an event of a row of all columns."""
    total = await connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions))
    at, backward = sa.tuple_(time, table.c.id), place is not None and place.backward
    query = sa.select(table).where(*conditions)
    if place is not None:
        query = query.where(at > _literal(place) if backward else at < _literal(place))
    order = (time, table.c.id) if backward else (time.desc(), table.c.id.desc())
    found = list(await connection.execute(query.order_by(*order).limit(limit + 1)))
    more, found = len(found) > limit, found[:limit]
    # Where the page is empty, all there is lies on the other side.
    behind = place is not None and not found and bool(total)
    if place is not None and found:
        first = _literal(Place(found[0]._mapping[time], found[0].id))
        other = sa.select(sa.literal(1)).where(*conditions, at < first if backward else at > first).limit(1)
        behind = await connection.scalar(other) is not None
    rows = [made(row) for row in (reversed(found) if backward else found)]
    return Page(rows, int(total or 0), *((more, behind) if backward else (behind, more)))


def _literal(place: Place) -> sa.Tuple:
    return sa.tuple_(*(sa.literal(part, sa.BigInteger) for part in (place.time, place.id)))
