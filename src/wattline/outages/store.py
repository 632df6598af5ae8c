"""The tables of outages and their queries. Times are microseconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.outages.model import Lifecycle, OutageRecord, Status
from wattline.state.tables import metadata

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

records = sa.Table(
    "outage_records",
    metadata,
    sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("outage_id", sa.String(128), nullable=False),
    sa.Column("feeder_id", sa.String(128), nullable=False),
    sa.Column("site", sa.String(128)),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("customers_out", sa.BigInteger, nullable=False),
    sa.Column("region", sa.String(256)),
    sa.Column("mw_interrupted", sa.Float(53)),
    sa.Column("cause", sa.String(128)),
    sa.Column("etr_time", sa.String(64)),
    sa.Column("etr", sa.BigInteger),
    sa.Column("latitude", sa.Float(53)),
    sa.Column("longitude", sa.Float(53)),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.String(128), nullable=False),
    sa.Index("ix_outage_records_tenant_outage_id_time", "tenant", "outage_id", "time"),
    sa.Index("ix_outage_records_tenant_status_time", "tenant", "status", "time"),
)

lifecycles = sa.Table(
    "outage_lifecycles",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("outage_id", sa.String(128), primary_key=True),
    sa.Column("site", sa.String(128)),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("last_time", sa.BigInteger, nullable=False),
    sa.Column("last_restored", sa.Boolean, nullable=False),
    #: The record that `active` answers with: the newest ACTIVE one.
    sa.Column("newest_active", sa.BigInteger),
    sa.Column("started", sa.BigInteger),
    sa.Column("restored", sa.BigInteger),
    sa.Column("episodes", sa.Integer, nullable=False),
    sa.Index("ix_outage_lifecycles_tenant_active", "tenant", "active"),
)

_r = records.c
_l = lifecycles.c


def record_of(row: sa.Row[Any]) -> OutageRecord:
    """A stored record as it was sent, but for a time that was left out: that is the receipt."""
    fields = dict(row._mapping)
    for ours in ("id", "tenant", "event_id", "started"):
        fields.pop(ours, None)
    return OutageRecord(**{**fields, "status": Status(fields["status"])})


async def add_record(connection: AsyncConnection, tenant: str, record: OutageRecord, event_id: str) -> int:
    """Keep a record and give its id."""
    values = {**asdict(record), "status": record.status.value, "time": record.happened}
    statement = sa.insert(records).values(tenant=tenant, event_id=event_id, **values).returning(_r.id)
    return int((await connection.execute(statement)).scalar_one())


async def records_of(connection: AsyncConnection, tenant: str, outage_id: str) -> list[tuple[int, OutageRecord]]:
    """Every record of an outage with its id, in the order of arrival."""
    statement = sa.select(records).where(_r.tenant == tenant, _r.outage_id == outage_id).order_by(_r.id)
    return [(row.id, record_of(row)) for row in await connection.execute(statement)]


async def hold(connection: AsyncConnection, tenant: str, outage_id: str) -> sa.Row[Any] | None:
    """The stored life of an outage, held until the transaction ends; None for one not heard of before."""
    statement = sa.select(lifecycles).where(_l.tenant == tenant, _l.outage_id == outage_id).with_for_update()
    return (await connection.execute(statement)).first()


async def site_of(connection: AsyncConnection, tenant: str, outage_id: str) -> tuple[bool, str | None]:
    """Whether an outage was ever heard of, and its substation."""
    row = (await connection.execute(sa.select(_l.site).where(_l.tenant == tenant, _l.outage_id == outage_id))).first()
    return row is not None, None if row is None else row.site


def lifecycle_of(row: sa.Row[Any]) -> Lifecycle:
    """The life in a stored row."""
    return Lifecycle(row.active, (row.last_time, row.last_restored), row.started, row.restored, row.episodes)


async def save_lifecycle(
    connection: AsyncConnection, tenant: str, outage_id: str, site: str | None, life: Lifecycle, newest_active: int | None
) -> None:
    """Write the life of an outage, whether or not it was there."""
    if life.last is None:
        raise ValueError("an outage without a record has no life to save")
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {
        "site": site,
        "active": life.active,
        "last_time": life.last[0],
        "last_restored": life.last[1],
        "newest_active": newest_active,
        "started": life.started,
        "restored": life.restored,
        "episodes": life.episodes,
    }
    key = {"tenant": tenant, "outage_id": outage_id}
    statement = insert(lifecycles).values(**key, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


async def active(
    connection: AsyncConnection, tenant: str, sites: Collection[str] | None, since: int | None
) -> list[tuple[OutageRecord, int]]:
    """The newest ACTIVE record and the begin of every outage that stands, newest first; since None of any age."""
    statement = (
        sa.select(records, _l.started)
        .join(lifecycles, _l.newest_active == _r.id)
        .where(_l.tenant == tenant, _l.active)
        .order_by(_r.time.desc(), _r.outage_id)
    )
    if since is not None:
        statement = statement.where(_r.time >= since)
    if sites is not None:
        statement = statement.where(_l.site.in_(list(sites)))
    return [(record_of(row), row.started) for row in await connection.execute(statement)]


async def active_records_since(
    connection: AsyncConnection, tenant: str, sites: Collection[str] | None, since: int
) -> list[OutageRecord]:
    """Every ACTIVE record from `since` on, newest first, whatever became of the outage."""
    statement = sa.select(records).where(_r.tenant == tenant, _r.status == Status.ACTIVE.value, _r.time >= since)
    if sites is not None:
        statement = statement.where(_r.site.in_(list(sites)))
    statement = statement.order_by(_r.time.desc(), _r.id.desc())
    return [record_of(row) for row in await connection.execute(statement)]


async def records_touching(
    connection: AsyncConnection, tenant: str, sites: Collection[str] | None, start: int, end: int
) -> list[OutageRecord]:
    """Every record of the outages that may have lasted at some moment of [start, end), in the order of arrival."""
    touching = sa.select(_l.outage_id).where(_l.tenant == tenant, sa.or_(_l.active, _l.last_time >= start), _l.started < end)
    if sites is not None:
        touching = touching.where(_l.site.in_(list(sites)))
    statement = sa.select(records).where(_r.tenant == tenant, _r.outage_id.in_(touching)).order_by(_r.outage_id, _r.id)
    return [record_of(row) for row in await connection.execute(statement)]
