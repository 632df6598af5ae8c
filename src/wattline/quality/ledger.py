"""Writing what was found: events, their places in the log, lanes, in one transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.events.model import Entry
from wattline.events.service import EventLog
from wattline.metering.model import Meter
from wattline.metering.readings.ingested import CAUSE
from wattline.model.clock import from_micros
from wattline.quality import store
from wattline.quality.causes import Causes
from wattline.quality.disturbance import Disturbance
from wattline.quality.row import BESIDE, RANKS, QualityEvent, body_of, family

KIND = "pq.event"
"""The kind of every event of power quality in the log, and the topic of the bus."""
UNKNOWN_AT_START = ("category", "duration_s", "duration_range_s", "itic", "semi_f47_must_ride_through")


class Told(msgspec.Struct, frozen=True):
    """What is published of an event once it is committed: that it began or that it ended.

    `sequence` is its place in the log of the tenant, `event_id` its id there.
    """

    phase: Literal["start", "end"]
    event: QualityEvent
    site: str
    time: int
    sequence: int
    event_id: str
    data: Mapping[str, Any]


def shown(event: QualityEvent) -> dict[str, Any]:
    """An event as the log and every consumer has it; times are RFC 3339."""
    body = dict(event.body)
    if "interruption_start" in body:
        body["interruption_start"] = _spelled(body["interruption_start"])
    return {
        "id": event.id,
        "meter_id": event.meter,
        "type": event.type,
        "start": _spelled(event.start),
        "end": None if event.end is None else _spelled(event.end),
        **body,
        "source_event_id": event.source_event_id,
        "superseded_by": event.superseded_by,
    }


def _spelled(micros: int) -> str:
    return from_micros(micros).isoformat().replace("+00:00", "Z")


class Ledger:
    """Collects what one transaction writes. Use one for one transaction, then `close` it before the commit.

    `causes` are the readings in which it was found.
    """

    def __init__(self, connection: AsyncConnection, log: EventLog, now: int, causes: Causes | None = None) -> None:
        self._connection = connection
        self._causes = Causes() if causes is None else causes
        self._log = log
        self._now = now
        self._entries: list[tuple[Entry, QualityEvent, Literal["start", "end"], Meter]] = []

    async def found(self, meter: Meter, lane: str, disturbance: Disturbance) -> QualityEvent:
        """Write what a state machine says of an event; its id is kept in `disturbance.row`."""
        event = QualityEvent(
            disturbance.row or 0,
            meter.tenant,
            meter.id,
            disturbance.type,
            lane,
            disturbance.start,
            disturbance.end,
            body=body_of(disturbance),
        )
        if disturbance.row is not None:
            known = await store.by_id(self._connection, meter.tenant, disturbance.row)
            if known is not None:
                event.superseded_by = known.superseded_by
        written = await self.write(meter, event)
        disturbance.row = written.id
        return written

    async def write(self, meter: Meter, event: QualityEvent) -> QualityEvent:
        """Write an event (a new one where its id is 0), settle what it overlaps with, and note what the log is to say."""
        if not event.id:
            event.id = await store.insert(self._connection, event)
        if event.superseded_by is None:
            await self._settle(meter, event)
        await store.update(self._connection, event)
        if event.superseded_by is None:
            self._tell(meter, event)
        if event.end is not None:
            await self._release(meter, event)
        return event

    async def _settle(self, meter: Meter, event: QualityEvent) -> None:
        """Of events of one family that overlap only the best is shown."""
        others = await store.overlapping(self._connection, event, family(event.type))
        mine = (RANKS[event.lane], -event.id)
        better = [other for other in others if (RANKS[other.lane], -other.id) > mine]
        if better:
            event.superseded_by = max(better, key=lambda other: (RANKS[other.lane], -other.id)).id
            return
        for other in others:
            await store.supersede(self._connection, [other.id], event.id)
            if other.end is None:
                # Whoever was told of its begin must not wait for its end.
                self._say("end", meter, msgspec.structs.replace(other, superseded_by=event.id), event.start)

    async def _release(self, meter: Meter, event: QualityEvent) -> None:
        """Show again what this event hid while nobody knew when it would end."""
        assert event.end is not None
        beside = BESIDE.get(event.type, 0)
        for hidden in await store.superseded_by(self._connection, event.id):
            if hidden.start < event.end + beside and (hidden.end is None or hidden.end > event.start - beside):
                continue
            hidden.superseded_by = None
            await self._settle(meter, hidden)
            await store.update(self._connection, hidden)
            if hidden.superseded_by is None:
                self._tell(meter, hidden)

    def _tell(self, meter: Meter, event: QualityEvent) -> None:
        # What began and ended within one batch is told like all else: first that it began.
        known = {name: None if name in UNKNOWN_AT_START else value for name, value in event.body.items()}
        begun = msgspec.structs.replace(event, end=None, body=known)
        self._say("start", meter, begun, event.start)
        if event.end is not None:
            self._say("end", meter, event, event.end)

    def _say(self, phase: Literal["start", "end"], meter: Meter, event: QualityEvent, time: int) -> None:
        body = {"phase": phase, **shown(event)}
        # What something finer shows now ended by that, and not by a reading.
        if event.lane == "readings" and event.superseded_by is None:
            cause = self._causes.of(meter.id, event.type, time)
            if cause is not None:
                body[CAUSE] = cause
        entry = Entry(
            tenant=meter.tenant,
            kind=KIND,
            time=max(0, time),
            received=self._now,
            site=meter.site,
            device=meter.device_key,
            subject=f"meter:{meter.id}",
            event_type=event.type,
            body=body,
            # What was said of an event is said once, however often it is written.
            identity=f"{event.id}:{phase}",
        )
        self._entries.append((entry, msgspec.structs.replace(event), phase, meter))

    async def close(self) -> Sequence[Told]:
        """Write the log; what is to be published after the commit, in order."""
        if not self._entries:
            return []
        logged = await self._log.append_all(self._connection, [entry for entry, _, _, _ in self._entries])
        return [
            Told(phase, event, meter.site, entry.time, made.sequence, made.id, entry.body)
            for (entry, event, phase, meter), made in zip(self._entries, logged, strict=True)
            if made is not None
        ]
