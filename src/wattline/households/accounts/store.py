"""The rows of accounts: how they are written and read. Times are microseconds, days and money text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.accounts.model import Experiment, Participant, Tariff, User
from wattline.households.tables import devices, experiments, participants, peak_devices, tariffs, users

MOST_NAMED = 500
"""Keys that one statement names."""


def _user(fields: Mapping[str, Any]) -> User:
    goal = fields["goal_kwh"]
    kept = {name: fields[name] for name in User.__slots__}
    return User(**(kept | {"goal_kwh": None if goal is None else Decimal(goal)}))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _participant(fields: Mapping[str, Any]) -> Participant:
    kept = {name: fields[name] for name in Participant.__slots__}
    return Participant(**(kept | {"installed": _day(kept["installed"]), "deinstalled": _day(kept["deinstalled"])}))


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as their columns hold them."""
    return {
        name: value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


async def insert(connection: AsyncConnection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Write a row; False where its key is taken."""
    try:
        async with connection.begin_nested():
            await connection.execute(sa.insert(table).values(**written(values)))
    except sa.exc.IntegrityError:
        return False
    return True


def _of_user(tenant: str, user_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return users.c.tenant == tenant, users.c.id == user_id, users.c.deleted.is_(None)


async def user(connection: AsyncConnection, tenant: str, user_id: str, *, hold: bool = False) -> User | None:
    """A household that is not deleted; with `hold` nobody else changes it before the transaction ends."""
    query = sa.select(users).where(*_of_user(tenant, user_id))
    row = (await connection.execute(query.with_for_update() if hold else query)).one_or_none()
    return None if row is None else _user(row._asdict())


async def user_rows(connection: AsyncConnection, tenant: str | None, limit: int | None = None, offset: int = 0) -> list[User]:
    """Households that are not deleted, by tenant and id."""
    query = sa.select(users).where(users.c.deleted.is_(None)).order_by(users.c.tenant, users.c.id)
    if tenant is not None:
        query = query.where(users.c.tenant == tenant)
    if limit is not None:
        query = query.limit(limit).offset(offset)
    return [_user(row._asdict()) for row in await connection.execute(query)]


async def count(connection: AsyncConnection, tenant: str) -> int:
    """How many households of a tenant are not deleted."""
    query = sa.select(sa.func.count()).select_from(users).where(users.c.tenant == tenant, users.c.deleted.is_(None))
    return int((await connection.execute(query)).scalar_one())


async def update_user(connection: AsyncConnection, tenant: str, user_id: str, values: Mapping[str, Any]) -> None:
    """Write changed fields."""
    if values:
        change = sa.update(users).where(users.c.tenant == tenant, users.c.id == user_id)
        await connection.execute(change.values(**written(values)))


async def forget(connection: AsyncConnection, tenant: str, user_id: str) -> None:
    """Remove the tariffs of a household, its part in experiments, and its devices: their names are its own words."""
    own = sa.select(devices.c.id).where(devices.c.tenant == tenant, devices.c.user == user_id)
    await connection.execute(sa.delete(peak_devices).where(peak_devices.c.tenant == tenant, peak_devices.c.device.in_(own)))
    for table in (tariffs, participants, devices):
        await connection.execute(sa.delete(table).where(table.c.tenant == tenant, table.c.user == user_id))


async def put_tariff(connection: AsyncConnection, tenant: str, user_id: str, tariff: Tariff) -> None:
    """Write the prices from a day on, over those that are there."""
    await remove_tariff(connection, tenant, user_id, tariff.since)
    row = {name: getattr(tariff, name) for name in Tariff.__slots__}
    await connection.execute(sa.insert(tariffs).values(tenant=tenant, user=user_id, **written(row)))


async def remove_tariff(connection: AsyncConnection, tenant: str, user_id: str, since: date) -> bool:
    """False where no prices begin on that day."""
    day = tariffs.c.since == since.isoformat()
    gone = await connection.execute(sa.delete(tariffs).where(tariffs.c.tenant == tenant, tariffs.c.user == user_id, day))
    return gone.rowcount > 0


async def tariff_rows(connection: AsyncConnection, tenant: str, user_ids: Sequence[str]) -> dict[str, list[Tariff]]:
    """The tariffs of each household that has some, oldest first."""
    found: dict[str, list[Tariff]] = {}
    for start in range(0, len(user_ids), MOST_NAMED):
        some = tariffs.c.user.in_(user_ids[start : start + MOST_NAMED])
        query = sa.select(tariffs).where(tariffs.c.tenant == tenant, some).order_by(tariffs.c.user, tariffs.c.since)
        for row in await connection.execute(query):
            tariff = Tariff(date.fromisoformat(row.since), Decimal(row.base_price), Decimal(row.working_price))
            found.setdefault(row.user, []).append(tariff)
    return found


async def experiment(connection: AsyncConnection, tenant: str, experiment_id: str) -> Experiment | None:
    """An experiment by its id."""
    query = sa.select(experiments).where(experiments.c.tenant == tenant, experiments.c.id == experiment_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Experiment(**row._mapping)


async def experiment_rows(connection: AsyncConnection, tenant: str) -> list[Experiment]:
    """The experiments of a tenant, oldest first."""
    query = sa.select(experiments).where(experiments.c.tenant == tenant).order_by(experiments.c.created, experiments.c.id)
    return [Experiment(**row._mapping) for row in await connection.execute(query)]


def _of_participant(tenant: str, experiment_id: str, user_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    p = participants.c
    return p.tenant == tenant, p.experiment == experiment_id, p.user == user_id


async def participant(connection: AsyncConnection, tenant: str, experiment_id: str, user_id: str) -> Participant | None:
    """How a household takes part; nobody else changes it before the transaction ends."""
    query = sa.select(participants).where(*_of_participant(tenant, experiment_id, user_id)).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _participant(row._asdict())


async def update_participant(
    connection: AsyncConnection, tenant: str, experiment_id: str, user_id: str, values: Mapping[str, Any]
) -> None:
    """Write changed fields."""
    if values:
        change = sa.update(participants).where(*_of_participant(tenant, experiment_id, user_id))
        await connection.execute(change.values(**written(values)))


async def remove_participant(connection: AsyncConnection, tenant: str, experiment_id: str, user_id: str) -> bool:
    """False where the household takes no part."""
    gone = await connection.execute(sa.delete(participants).where(*_of_participant(tenant, experiment_id, user_id)))
    return gone.rowcount > 0


async def participant_rows(connection: AsyncConnection, tenant: str, experiment_id: str) -> list[tuple[Participant, User]]:
    """Who takes part, by user id."""
    of = [participants.c[name].label(f"part_{name}") for name in Participant.__slots__]
    query = (
        sa.select(users, *of)
        .join(participants, sa.and_(participants.c.tenant == users.c.tenant, participants.c.user == users.c.id))
        .where(users.c.tenant == tenant, users.c.deleted.is_(None), participants.c.experiment == experiment_id)
        .order_by(users.c.id)
    )
    found = []
    for row in await connection.execute(query):
        fields = row._asdict()
        part = {name: fields[f"part_{name}"] for name in Participant.__slots__}
        found.append((_participant(part), _user(fields)))
    return found
