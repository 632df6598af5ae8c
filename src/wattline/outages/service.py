"""Taking in outage records, and answering what is out and how reliable the grid was."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.model.clock import MINUTE
from wattline.model.errors import Invalid, NotFound
from wattline.outages import store
from wattline.outages.model import ActiveOutage, OutageRecord, Status, life, order
from wattline.outages.reliability import Indices, indices, interruptions
from wattline.state.database import Database

KIND = "hop.outage"
LONGEST_WINDOW = 10_080
_LONGEST_NAME = 128


class Outages:
    """The outages of every utility. `on_event` is called with each new log event after its commit."""

    def __init__(self, database: Database, log: EventLog, on_event: Callable[[Event], None] | None = None) -> None:
        self._database = database
        self._log = log
        self._on_event = on_event

    async def record(self, tenant: str, record: OutageRecord) -> None:
        """Log and keep a record and move its outage: all or nothing, durable on return.

        A record that carried its own time and says exactly the same as an earlier one writes nothing. Raises `Invalid` for
        negative customers or load, and for names that are empty or too long.
        """
        _check(record)
        async with self._database.transaction() as connection:
            logged = await self._append(connection, tenant, record)
            if logged is not None:
                await self._move(connection, tenant, record, logged.id)
        if logged is not None and self._on_event is not None:
            self._on_event(logged)

    async def active(
        self,
        tenant: str,
        now: int,
        window_minutes: int = 120,
        include_stale: bool = False,
        literal: bool = False,
        sites: Collection[str] | None = None,
    ) -> list[ActiveOutage]:
        """One row per outage that stands, the newest record first.

        Those whose newest ACTIVE record is at most `window_minutes` (1 to 10,080) old; `include_stale` adds the older ones,
        marked. `literal` answers as the published sentence reads, word for word: ACTIVE records within the window by outage id,
        restored or not. `sites` leaves out other substations.
        """
        if not 1 <= window_minutes <= LONGEST_WINDOW:
            raise Invalid(f"window_minutes must be 1 to {LONGEST_WINDOW}", "window_minutes")
        since = now - window_minutes * MINUTE
        async with self._database.read() as connection:
            if literal:
                newest: dict[str, OutageRecord] = {}
                for record in await store.active_records_since(connection, tenant, sites, since):
                    newest.setdefault(record.outage_id, record)
                found = [(record, record.happened) for record in newest.values()]
            else:
                found = await store.active(connection, tenant, sites, None if include_stale else since)
        return [
            ActiveOutage(
                record=record,
                started=started,
                stale=record.happened < since,
                etr_overdue=record.etr is not None and record.etr < now,
            )
            for record, started in found
        ]

    async def site_of(self, tenant: str, outage_id: str) -> str | None:
        """The substation of an outage, standing or restored; None where none is known. `NotFound` if never heard of."""
        async with self._database.read() as connection:
            known, site = await store.site_of(connection, tenant, outage_id)
        if not known:
            raise NotFound(f"no outage {outage_id}")
        return site

    async def reliability(
        self, tenant: str, start: int, end: int, customers_served: int | None, sites: Collection[str] | None = None
    ) -> Indices:
        """The indices of IEEE 1366 for [start, end), in microseconds; see `reliability.indices`."""
        async with self._database.read() as connection:
            records = await store.records_touching(connection, tenant, sites, start, end)
        episodes = []
        for _, of_outage in groupby(records, key=lambda record: record.outage_id):
            episodes += interruptions(of_outage)
        return indices(episodes, start, end, customers_served)

    async def _append(self, connection: AsyncConnection, tenant: str, record: OutageRecord) -> Event | None:
        body = {
            "outage_id": record.outage_id,
            "feeder_id": record.feeder_id,
            "customers_out": record.customers_out,
            "status": record.status.value,
            "region": record.region,
            "mw_interrupted": record.mw_interrupted,
            "cause": record.cause,
            "etr_time": record.etr_time,
            "latitude": record.latitude,
            "longitude": record.longitude,
        }
        return await self._log.append(
            connection,
            tenant=tenant,
            kind=KIND,
            time=record.happened,
            received=record.received,
            site=record.site,
            subject=record.feeder_id,
            body=body,
            identity=record.identity,
        )

    async def _move(self, connection: AsyncConnection, tenant: str, record: OutageRecord, event_id: str) -> None:
        stored = await store.hold(connection, tenant, record.outage_id)
        row_id = await store.add_record(connection, tenant, record, event_id)
        site = record.site or (stored.site if stored is not None else None)
        if stored is not None and store.lifecycle_of(stored).follows(record):
            lifecycle = store.lifecycle_of(stored).after(record)
            newest_active = row_id if record.status is Status.ACTIVE else stored.newest_active
        else:
            # The first record, or one that is late: then everything after it has to be seen again.
            records = await store.records_of(connection, tenant, record.outage_id)
            lifecycle = life(each for _, each in records)
            actives = sorted((each for each in records if each[1].status is Status.ACTIVE), key=lambda each: order(each[1]))
            newest_active = actives[-1][0] if actives else None
        await store.save_lifecycle(connection, tenant, record.outage_id, site, lifecycle, newest_active)


def _check(record: OutageRecord) -> None:
    if record.customers_out < 0 or record.customers_out >= 2**63:
        raise Invalid("customers_out must not be negative", "customers_out")
    if record.mw_interrupted is not None and not 0 <= record.mw_interrupted < float("inf"):
        raise Invalid("mw_interrupted must not be negative", "mw_interrupted")
    for name in ("outage_id", "feeder_id"):
        if not getattr(record, name):
            raise Invalid(f"{name} must not be empty", name)
    for name, longest in (
        ("region", 256),
        ("etr_time", 64),
        *((each, _LONGEST_NAME) for each in ("outage_id", "feeder_id", "cause", "site")),
    ):
        if len(getattr(record, name) or "") > longest:
            raise Invalid(f"{name} is longer than {longest} characters", name)
