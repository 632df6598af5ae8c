"""Tables of the scoring: the state of every substation that is not quiet, and the incidents. Times are in microseconds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.analytics.hysteresis import Hysteresis
from wattline.analytics.incidents import Incident, Member
from wattline.analytics.model import IncidentKind
from wattline.state.tables import metadata

ONLY_PASS = 1

passes = sa.Table(
    "analytics_pass",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("scored_us", sa.BigInteger, nullable=False),
)

states = sa.Table(
    "analytics_state",
    metadata,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("flagged", sa.Integer, nullable=False),
    sa.Column("calm", sa.Integer, nullable=False),
    sa.Column("flat", sa.Boolean, nullable=False),
    sa.Column("incident_id", sa.Text),
    sa.Column("scored_us", sa.BigInteger, nullable=False),
)

incidents = sa.Table(
    "analytics_incident",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("interconnection", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("opened_us", sa.BigInteger, nullable=False),
    sa.Column("last_onset_us", sa.BigInteger, nullable=False),
    sa.Column("peak_score", sa.Double, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("confirmed_us", sa.BigInteger),
    sa.Column("closed_us", sa.BigInteger),
    sa.Column("raise_told", sa.Boolean, nullable=False),
    sa.Column("clear_told", sa.Boolean, nullable=False),
    sa.Index("ix_analytics_incident_tenant_opened", "tenant", "opened_us"),
    sa.Index("ix_analytics_incident_closed", "closed_us"),
)

members = sa.Table(
    "analytics_incident_member",
    metadata,
    sa.Column("incident_id", sa.Text, sa.ForeignKey("analytics_incident.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("onset_us", sa.BigInteger, nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("peak_score", sa.Double, nullable=False),
    sa.Column("cleared_us", sa.BigInteger),
)

StateKey = tuple[str, str, str]
"""Tenant, site key, model."""


@dataclass(frozen=True, slots=True)
class SubstationState:
    """Where a substation stands with one model; `flat` if its last score named a flat line, `incident` the one it is in."""

    hysteresis: Hysteresis
    flat: bool
    incident: str | None
    scored_us: int


async def last_pass(connection: AsyncConnection, *, lock: bool = False) -> int:
    """The instant of the newest pass. With `lock`, other workers wait here until the transaction ends."""
    query = sa.select(passes.c.scored_us).where(passes.c.id == ONLY_PASS)
    return cast(int, (await connection.execute(query.with_for_update() if lock else query)).scalar_one())


async def note_pass(connection: AsyncConnection, at_us: int) -> None:
    """Record that this instant has been scored."""
    await connection.execute(passes.update().where(passes.c.id == ONLY_PASS).values(scored_us=at_us))


async def load_states(connection: AsyncConnection) -> dict[StateKey, SubstationState]:
    """Every substation and model that is not quiet."""
    rows = await connection.execute(sa.select(states))
    return {
        (row.tenant, row.site, row.model): SubstationState(
            Hysteresis(row.active, row.flagged, row.calm), row.flat, row.incident_id, row.scored_us
        )
        for row in rows
    }


async def save_states(connection: AsyncConnection, kept: dict[StateKey, SubstationState], gone: Collection[StateKey]) -> None:
    """Replace the states of the keys in `kept` and drop those in `gone`."""
    keys = [{"t": tenant, "s": site, "m": model} for tenant, site, model in {*kept, *gone}]
    if keys:
        mine = (
            (states.c.tenant == sa.bindparam("t"))
            & (states.c.site == sa.bindparam("s"))
            & (states.c.model == sa.bindparam("m"))
        )
        await connection.execute(states.delete().where(mine), keys)
    if kept:
        await connection.execute(states.insert(), [_state_row(key, state) for key, state in kept.items()])


def _state_row(key: StateKey, state: SubstationState) -> dict[str, Any]:
    tenant, site, model = key
    return {
        "tenant": tenant,
        "site": site,
        "model": model,
        "active": state.hysteresis.active,
        "flagged": state.hysteresis.flagged,
        "calm": state.hysteresis.calm,
        "flat": state.flat,
        "incident_id": state.incident,
        "scored_us": state.scored_us,
    }


async def select_incidents(connection: AsyncConnection, query: sa.Select[Any]) -> list[Incident]:
    """The incidents that a query over the incident table yields, in its order, with their members."""
    found = {row.id: _incident(row) for row in await connection.execute(query)}
    if found:
        for row in await connection.execute(sa.select(members).where(members.c.incident_id.in_(found))):
            found[row.incident_id].members[row.site] = Member(row.site, row.onset_us, row.score, row.peak_score, row.cleared_us)
    return list(found.values())


def open_incidents(model: str) -> sa.Select[Any]:
    """Those of a model that are not closed."""
    return sa.select(incidents).where(incidents.c.closed_us.is_(None), incidents.c.model == model)


def untold_incidents() -> sa.Select[Any]:
    """Confirmed incidents whose beginning or end has not reached the hook yet, oldest first."""
    ended = incidents.c.closed_us.is_not(None) & ~incidents.c.clear_told
    untold = incidents.c.confirmed_us.is_not(None) & (~incidents.c.raise_told | ended)
    return sa.select(incidents).where(untold).order_by(incidents.c.confirmed_us, incidents.c.id)


async def raise_was_told(connection: AsyncConnection, identity: str) -> bool:
    """Whether the hook has taken the beginning of an incident."""
    query = sa.select(incidents.c.raise_told).where(incidents.c.id == identity)
    return bool((await connection.execute(query)).scalar_one())


async def note_told(connection: AsyncConnection, identity: str, *, raised: bool) -> None:
    """Record that the hook has taken an edge."""
    told = {"raise_told": True} if raised else {"clear_told": True}
    await connection.execute(incidents.update().where(incidents.c.id == identity).values(**told))


async def save_incidents(connection: AsyncConnection, changed: Iterable[Incident]) -> None:
    """Write incidents and their members as they are now; what the hook was told is left as it is."""
    for incident in changed:
        values = _incident_row(incident)
        known = await connection.execute(incidents.update().where(incidents.c.id == incident.id).values(**values))
        if known.rowcount == 0:
            await connection.execute(incidents.insert().values(id=incident.id, raise_told=False, clear_told=False, **values))
        await connection.execute(members.delete().where(members.c.incident_id == incident.id))
        await connection.execute(members.insert(), [_member_row(incident.id, member) for member in incident.members.values()])


def _incident(row: sa.Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        tenant=row.tenant,
        interconnection=row.interconnection,
        model=row.model,
        kind=cast(IncidentKind, row.kind),
        opened_us=row.opened_us,
        last_onset_us=row.last_onset_us,
        peak_score=row.peak_score,
        reasons=tuple(row.reasons),
        confirmed_us=row.confirmed_us,
        closed_us=row.closed_us,
    )


def _incident_row(incident: Incident) -> dict[str, Any]:
    return {
        "tenant": incident.tenant,
        "interconnection": incident.interconnection,
        "model": incident.model,
        "kind": incident.kind,
        "opened_us": incident.opened_us,
        "last_onset_us": incident.last_onset_us,
        "peak_score": incident.peak_score,
        "reasons": list(incident.reasons),
        "confirmed_us": incident.confirmed_us,
        "closed_us": incident.closed_us,
    }


def _member_row(identity: str, member: Member) -> dict[str, Any]:
    return {
        "incident_id": identity,
        "site": member.site,
        "onset_us": member.onset_us,
        "score": member.score,
        "peak_score": member.peak_score,
        "cleared_us": member.cleared_us,
    }
