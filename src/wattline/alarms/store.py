"""Reading and writing what is known of sensors and their live alarms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms.model import EDGE, Alarm, Condition, Limit, Standing
from wattline.alarms.tables import COUNTED, alarms, conditions, limits, raises
from wattline.alarms.watch import OutOfService, Watch
from wattline.registry.point import Point

MOST_NAMED = 500
"""Ids that one statement names."""

_LIMIT_FIELDS = [field.name for field in fields(Limit)]
_ALARM_FIELDS = [field.name for field in fields(Alarm) if field.name != "limit"]
_a = alarms.c
_c = conditions.c
_l = limits.c


class Moved(Exception):
    """Another process decided about one of these sensors meanwhile: look again and decide anew."""


def alarm_of(row: sa.Row[Any]) -> Alarm:
    """An alarm from a row of the whole table."""
    found = row._mapping
    return Alarm(**{name: found[name] for name in _ALARM_FIELDS}, limit=row.limit_name)


def alarm_values(alarm: Alarm, point: Point) -> dict[str, Any]:
    """The row of an alarm, but for its id."""
    values = {name: getattr(alarm, name) for name in _ALARM_FIELDS if name != "id"}
    place = {"site": point.site.key, "block": point.block.id, "limit_name": alarm.limit, "state": alarm.state}
    return {**values, **place}


async def watched(connection: AsyncConnection) -> set[int]:
    """Every sensor that anything is known of."""
    of_limits, of_conditions = sa.select(_l.sensor), sa.select(_c.sensor)
    of_alarms = sa.select(_a.sensor).where(sa.not_(_a.ended))
    return set((await connection.execute(sa.union(of_limits, of_conditions, of_alarms))).scalars())


async def changed_since(connection: AsyncConnection, since: int) -> dict[int, int]:
    """The revisions of the sensors that were decided about from `since` on."""
    statement = sa.select(_c.sensor, _c.revision).where(_c.updated >= since)
    return {row.sensor: row.revision for row in await connection.execute(statement)}


async def load(connection: AsyncConnection, points: Sequence[Point]) -> list[Watch]:
    """What is stored of these sensors, in their order."""
    found: list[Watch] = []
    for start in range(0, len(points), MOST_NAMED):
        found += await _load(connection, points[start : start + MOST_NAMED])
    return found


async def _load(connection: AsyncConnection, points: Sequence[Point]) -> list[Watch]:
    ids = [point.id for point in points]
    held: dict[int, list[Limit]] = {}
    for row in await connection.execute(sa.select(limits).where(_l.sensor.in_(ids)).order_by(_l.sensor, _l.ordinal)):
        held.setdefault(row.sensor, []).append(Limit(**{name: row._mapping[name] for name in _LIMIT_FIELDS}))
    known = {row.sensor: row for row in await connection.execute(sa.select(conditions).where(_c.sensor.in_(ids)))}
    live = sa.select(alarms).where(_a.sensor.in_(ids), sa.not_(_a.ended))
    standing = {row.sensor: alarm_of(row) for row in await connection.execute(live)}
    return [_watch(point, tuple(held.get(point.id, ())), known.get(point.id), standing.get(point.id)) for point in points]


def _watch(point: Point, held: tuple[Limit, ...], known: sa.Row[Any] | None, alarm: Alarm | None) -> Watch:
    if known is None:
        return Watch(point, held, alarm=alarm)
    return Watch(
        point,
        held,
        Condition(frozenset(known.active), dict(known.pending), known.through, known.value),
        alarm,
        known.revision,
        None if known.edge is None else Standing(EDGE, *known.edge),
        known.reported,
        known.stale_since,
        None if known.out_since is None else OutOfService(known.out_since, known.out_by, known.out_reason),
    )


def _condition_values(watch: Watch, revision: int, now: int) -> dict[str, Any]:
    out, edge = watch.out, watch.edge
    return {
        "sensor": watch.sensor,
        "revision": revision,
        "active": sorted(watch.condition.active),
        "pending": dict(watch.condition.pending),
        "through": watch.condition.through,
        "value": watch.condition.value,
        "reported": watch.reported,
        "edge": None if edge is None else [edge.priority, edge.threshold, edge.direction],
        "stale_since": watch.stale,
        "out_since": None if out is None else out.since,
        "out_by": None if out is None else out.by,
        "out_reason": None if out is None else out.reason,
        "updated": now,
    }


async def _put_conditions(connection: AsyncConnection, rows: list[dict[str, Any]], step: int) -> int:
    """Write rows whose stored revision is `step` less than theirs, or that are not stored; how many were written."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(conditions)
    new = {name: statement.excluded[name] for name in rows[0] if name != "sensor"}
    guarded = statement.on_conflict_do_update(
        index_elements=["sensor"], set_=new, where=_c.revision == statement.excluded.revision - step
    )
    return (await connection.execute(guarded, rows, execution_options=COUNTED)).rowcount


async def decide(connection: AsyncConnection, watches: Collection[Watch], now: int) -> None:
    """Write what was decided about these sensors, under the next revision of each; `Moved` if one was decided elsewhere.

    The sensors are held until the end of the transaction, in the order of their ids, so that deciders take turns.
    """
    rows = [_condition_values(watch, watch.revision + 1, now) for watch in sorted(watches, key=lambda each: each.sensor)]
    if rows and await _put_conditions(connection, rows, 1) != len(rows):
        raise Moved


async def settle(connection: AsyncConnection, watches: Collection[Watch], now: int) -> None:
    """Write the conditions of sensors about which nothing was decided; where another process did decide, its word stays."""
    rows = [_condition_values(watch, watch.revision, now) for watch in sorted(watches, key=lambda each: each.sensor)]
    if rows:
        await _put_conditions(connection, rows, 0)


async def insert_alarms(connection: AsyncConnection, made: Sequence[tuple[Alarm, Point]]) -> list[int]:
    """Write new alarms; their ids in the same order. `Moved` if a sensor has a live alarm already.

    A sensor is raised once at a time, so its id and the time tell the rows apart that come back, in whatever order: to ask for
    theirs would make a statement of each on SQLite.
    """
    if not made:
        return []
    statement = sa.insert(alarms).returning(_a.id, _a.sensor, _a.raised)
    try:
        found = await connection.execute(statement, [alarm_values(alarm, point) for alarm, point in made])
    except sa.exc.IntegrityError:
        raise Moved from None
    ids = {(row.sensor, row.raised): row.id for row in found}
    return [ids[alarm.sensor, alarm.raised] for alarm, _ in made]


async def update_alarms(connection: AsyncConnection, moved: Sequence[tuple[Alarm, Point, int]]) -> None:
    """Write alarms that had made so many transitions before; `Moved` if one has made others meanwhile."""
    if not moved:
        return
    rows = [
        {**alarm_values(alarm, point), "key": alarm.id, "before": before}
        for alarm, point, before in sorted(moved, key=lambda each: each[0].id or 0)
    ]
    statement = sa.update(alarms).where(_a.id == sa.bindparam("key"), _a.transitions == sa.bindparam("before"))
    values: dict[str, Any] = {name: sa.bindparam(name) for name in rows[0] if name not in ("key", "before")}
    if (await connection.execute(statement.values(values), rows, execution_options=COUNTED)).rowcount != len(rows):
        raise Moved


async def link(connection: AsyncConnection, links: Sequence[tuple[int, int]]) -> None:
    """Write which alarm hides which: (the hidden one's id, its cause's)."""
    if links:
        statement = sa.update(alarms).where(_a.id == sa.bindparam("key")).values(suppressed_by=sa.bindparam("cause"))
        await connection.execute(statement, [{"key": hidden, "cause": cause} for hidden, cause in links])


async def insert_raises(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Count annunciations, each raise of an alarm once."""
    if rows:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        await connection.execute(insert(raises).on_conflict_do_nothing(), rows)


async def replace_limits(connection: AsyncConnection, held: Iterable[tuple[int, Sequence[Limit]]]) -> None:
    """Give sensors these limits in place of those they had."""
    for sensor, wanted in held:
        await connection.execute(sa.delete(limits).where(_l.sensor == sensor))
        rows = [
            {"sensor": sensor, "ordinal": i, **{name: getattr(limit, name) for name in _LIMIT_FIELDS}}
            for i, limit in enumerate(wanted)
        ]
        if rows:
            await connection.execute(sa.insert(limits), rows)
