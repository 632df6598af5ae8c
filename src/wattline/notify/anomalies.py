"""What the edges of an anomaly put into the ledger: one mail per incident, a cooldown per substation."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.model.clock import SECOND
from wattline.notify import store
from wattline.notify.model import Alert, AnomalyEdge, Kind, Reason, State
from wattline.notify.outbox import NOBODY, Outbox
from wattline.notify.store import NewAlert
from wattline.notify.tables import ledger

_LIVE = [State.QUEUED.value, State.SENDING.value, State.SENT.value]


async def announce_anomaly(outbox: Outbox, connection: AsyncConnection, edge: AnomalyEdge, now: int) -> None:
    """Tell of an anomaly that began; one whose every substation was mailed about lately waits, and goes if it lasts."""
    mailed = await _last_mails(connection, edge.tenant, now - outbox.settings.anomaly_cooldown * SECOND)
    cooldown = outbox.settings.anomaly_cooldown
    ends = [outbox.settings.cooled_until(mailed.get(site.site), cooldown, now) for site in edge.sites]
    running = [end for end in ends if end is not None]
    held_until = min(running) if len(running) == len(ends) else None
    await outbox.announce(connection, _draft(edge, Kind.ANOMALY), now, held_until)


async def announce_clearing(outbox: Outbox, connection: AsyncConnection, edge: AnomalyEdge, now: int) -> None:
    """An anomaly ended: call off what was held for these substations, and tell the end where the utility wants that."""
    ended = {site.site for site in edge.sites}
    held = (
        ledger.c.tenant == edge.tenant,
        ledger.c.kind == Kind.ANOMALY.value,
        ledger.c.state == State.SUPPRESSED.value,
        ledger.c.next_attempt.is_not(None),
    )
    for row in await store.select(connection, *held):
        await _call_off(connection, row, ended, now)
    if outbox.settings.anomaly_cleared_mail and await _was_mailed(connection, edge):
        await outbox.announce(connection, _draft(edge, Kind.CLEARED), now)


async def _call_off(connection: AsyncConnection, row: Alert, ended: set[str], now: int) -> None:
    left = [site for site in row.body["sites"] if site["site"] not in ended]
    if len(left) == len(row.body["sites"]):
        return
    if left:
        await store.update(connection, now, ledger.c.id == row.id, body={**row.body, "sites": left})
        return
    await store.update(
        connection,
        now,
        ledger.c.id == row.id,
        state=State.CANCELLED.value,
        reason=Reason.CLEARED.value,
        next_attempt=None,
    )


async def _last_mails(connection: AsyncConnection, tenant: str, since: int) -> dict[str, int]:
    """When each substation was last named in an anomaly mail after `since`."""
    recent = await store.select(
        connection,
        ledger.c.tenant == tenant,
        ledger.c.kind == Kind.ANOMALY.value,
        ledger.c.queued > since,
        ledger.c.state.in_(_LIVE),
    )
    mailed: dict[str, int] = {}
    for row in recent:
        for site in row.body["sites"]:
            mailed[site["site"]] = max(row.queued or 0, mailed.get(site["site"], 0))
    return mailed


async def _was_mailed(connection: AsyncConnection, edge: AnomalyEdge) -> bool:
    rows = await store.select(
        connection,
        ledger.c.tenant == edge.tenant,
        ledger.c.kind == Kind.ANOMALY.value,
        ledger.c.incident == edge.incident,
        ledger.c.state.in_(_LIVE),
    )
    return bool(rows)


def _draft(edge: AnomalyEdge, kind: Kind) -> NewAlert:
    alone = len(edge.sites) == 1
    return NewAlert(
        tenant=edge.tenant,
        kind=kind,
        site=edge.sites[0].site if alone else None,
        subject=edge.sites[0].site if alone else "system",
        incident=edge.incident,
        event_id=edge.incident,
        recipient=NOBODY,
        state=State.QUEUED,
        body={"at": edge.at, "still": False, "sites": [asdict(site) for site in edge.sites]},
    )
