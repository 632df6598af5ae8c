"""Rows of incidents, and up to when each meter was looked at. Every change of what was looked at names where it started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.anomalies.model import Anomaly, AnomalyKind
from wattline.households.tables import anomalies, assignments, progress

WORK = "anomalies"
_AT_ONCE = 500
_UNIQUE = ["tenant", "user", "mac", "kind", "start"]


class Key(NamedTuple):
    """A meter while it reads a household."""

    tenant: str
    user: str
    mac: str


class Move(NamedTuple):
    """How far a meter was looked at (us; None: never), and how far it is now."""

    key: Key
    before: int | None
    upto: int


class Overtaken(Exception):
    """Another process looked at one of these meters meanwhile: what was found here is found there."""


def _of(table: sa.Table, only: Key | None) -> sa.ColumnElement[bool]:
    if only is None:
        return sa.true()
    return sa.and_(table.c.tenant == only.tenant, table.c.user == only.user, table.c.mac == only.mac)


async def looked_at(connection: AsyncConnection, only: Key | None = None) -> dict[Key, int]:
    """Up to when each meter was looked at, or one."""
    columns = (progress.c.tenant, progress.c.user, progress.c.mac, progress.c.upto)
    found = await connection.execute(sa.select(*columns).where(progress.c.work == WORK, _of(progress, only)))
    return {Key(row.tenant, row.user, row.mac): row.upto for row in found}


async def assigned_since(connection: AsyncConnection, only: Key | None = None) -> dict[Key, int]:
    """Since when each assigned meter reads its household."""
    columns = (assignments.c.tenant, assignments.c.user, assignments.c.mac, assignments.c.since)
    found = await connection.execute(sa.select(*columns).where(assignments.c.until.is_(None), _of(assignments, only)))
    return {Key(row.tenant, row.user, row.mac): row.since for row in found}


async def move(connection: AsyncConnection, moves: Sequence[Move]) -> None:
    """Take the step of every meter, or raise `Overtaken`."""
    for at in range(0, len(moves), _AT_ONCE):
        some = moves[at : at + _AT_ONCE]
        fresh = [each for each in some if each.before is None]
        if fresh:
            rows = [{"work": WORK, **each.key._asdict(), "upto": each.upto} for each in fresh]
            statement = _insert(connection, progress).values(rows).on_conflict_do_nothing()
            _expect(len((await connection.execute(statement.returning(progress.c.mac))).all()), len(rows))
        for pair in sorted({(each.before, each.upto) for each in some if each.before is not None}):
            keys = [tuple(each.key) for each in some if (each.before, each.upto) == pair]
            mine = sa.tuple_(progress.c.tenant, progress.c.user, progress.c.mac).in_(keys)
            where = (progress.c.work == WORK, progress.c.upto == pair[0], mine)
            _expect((await connection.execute(sa.update(progress).where(*where).values(upto=pair[1]))).rowcount, len(keys))


def _expect(done: int, wanted: int) -> None:
    if done != wanted:
        raise Overtaken


def _insert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


async def put(connection: AsyncConnection, anomaly: Anomaly, now: int) -> None:
    """Write an incident, new or as it is by now."""
    values = {
        "tenant": anomaly.tenant,
        "id": anomaly.id,
        "user": anomaly.user,
        "mac": anomaly.mac,
        "kind": anomaly.kind,
        "start": anomaly.start,
        "end": anomaly.end,
        "figures": dict(anomaly.figures),
        "created": now,
        "updated": now,
    }
    grown = {name: values[name] for name in ("end", "figures", "updated")}
    await connection.execute(
        _insert(connection, anomalies).values(values).on_conflict_do_update(index_elements=_UNIQUE, set_=grown)
    )


async def add(connection: AsyncConnection, anomaly: Anomaly, now: int) -> bool:
    """Write an incident unless it is there; says whether it was new."""
    values = {"end": anomaly.end, "figures": dict(anomaly.figures), "created": now, "updated": now}
    key = {"tenant": anomaly.tenant, "id": anomaly.id, "user": anomaly.user, "mac": anomaly.mac, "kind": anomaly.kind}
    statement = _insert(connection, anomalies).values(**key, start=anomaly.start, **values).on_conflict_do_nothing()
    return (await connection.execute(statement.returning(anomalies.c.id))).scalar() is not None


async def end(connection: AsyncConnection, tenant: str, anomaly_id: str, at: int, now: int) -> None:
    """Say when an incident was over, if nobody did."""
    mine = (anomalies.c.tenant == tenant, anomalies.c.id == anomaly_id, anomalies.c.end.is_(None))
    await connection.execute(sa.update(anomalies).where(*mine).values(end=at, updated=now))


async def recent(
    connection: AsyncConnection, kind: AnomalyKind, since: int | None = None, only: Key | None = None
) -> dict[Key, list[Anomaly]]:
    """The incidents of a kind that last, and those that ended after `since`, oldest first, by meter."""
    lasts = anomalies.c.end.is_(None)
    where = lasts if since is None else sa.or_(lasts, anomalies.c.end > since)
    found: dict[Key, list[Anomaly]] = {}
    for each in await _select(connection, anomalies.c.kind == kind, where, _of(anomalies, only)):
        found.setdefault(Key(each.tenant, each.user, each.mac), []).append(each)
    return found


async def touching(connection: AsyncConnection, tenant: str, user: str, start: int, end: int) -> list[Anomaly]:
    """The incidents of a household that touch [start, end), oldest first."""
    lasts = sa.or_(anomalies.c.end.is_(None), anomalies.c.end > start)
    return await _select(connection, anomalies.c.tenant == tenant, anomalies.c.user == user, anomalies.c.start < end, lasts)


async def changed(connection: AsyncConnection, key: Key, since: int) -> list[Anomaly]:
    """The incidents of a meter that were written since a time, oldest first."""
    return await _select(connection, _of(anomalies, key), anomalies.c.updated >= since)


async def _select(connection: AsyncConnection, *where: sa.ColumnElement[bool]) -> list[Anomaly]:
    statement = sa.select(anomalies).where(*where).order_by(anomalies.c.start, anomalies.c.id)
    return [_anomaly(row._mapping) for row in await connection.execute(statement)]


def _anomaly(row: Mapping[Any, Any]) -> Anomaly:
    kind = cast(AnomalyKind, row["kind"])
    return Anomaly(row["tenant"], row["id"], row["user"], row["mac"], kind, row["start"], row["end"], row["figures"])
