"""The rows of reports."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.reports.model import Report
from wattline.households.tables import reports


def _report(row: sa.Row[Any]) -> Report:
    days = date.fromisoformat(row.first_day), date.fromisoformat(row.last_day)
    return Report(row.tenant, row.id, row.user, *days, row.content, row.created)


def _of(tenant: str, user: str) -> tuple[sa.ColumnElement[bool], ...]:
    return reports.c.tenant == tenant, reports.c.user == user


async def insert(connection: AsyncConnection, made: Report) -> bool:
    """Write a report; False where the household has one that ends on the same day."""
    engine_insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    values = {
        "tenant": made.tenant,
        "id": made.id,
        "user": made.user,
        "first_day": made.first_day.isoformat(),
        "last_day": made.last_day.isoformat(),
        "content": dict(made.content),
        "created": made.created,
    }
    written = await connection.execute(engine_insert(reports).values(values).on_conflict_do_nothing().returning(reports.c.id))
    return written.scalar() is not None


async def ending(connection: AsyncConnection, tenant: str, user: str, last_day: date) -> Report | None:
    """The household's report that ends on a day."""
    query = sa.select(reports).where(*_of(tenant, user), reports.c.last_day == last_day.isoformat())
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _report(row)


async def one(connection: AsyncConnection, tenant: str, user: str, report_id: str) -> Report | None:
    """A report of the household."""
    row = (await connection.execute(sa.select(reports).where(*_of(tenant, user), reports.c.id == report_id))).one_or_none()
    return None if row is None else _report(row)


async def of_user(connection: AsyncConnection, tenant: str, user: str) -> list[Report]:
    """The reports of a household, newest first."""
    query = sa.select(reports).where(*_of(tenant, user)).order_by(reports.c.last_day.desc())
    return [_report(row) for row in await connection.execute(query)]


async def newest_days(connection: AsyncConnection) -> dict[tuple[str, str], date]:
    """The last day that was reported to each household, by tenant and user id."""
    query = sa.select(reports.c.tenant, reports.c.user, sa.func.max(reports.c.last_day).label("last_day"))
    rows = await connection.execute(query.group_by(reports.c.tenant, reports.c.user))
    return {(row.tenant, row.user): date.fromisoformat(row.last_day) for row in rows}
