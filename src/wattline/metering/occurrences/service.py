"""The log as consumers read it: two sources under one position.

A row of a meter is received at an instant of its own, in the order of the commits (`ingest.receipt`), and the chain gives its
events sequences in the order of theirs. A position has a place in each, so nothing that is committed later lies before it.
Between the two the order is by receipt; an event that was logged later than it was received may come after rows that were
received later.
"""

from __future__ import annotations

from collections.abc import Sequence

from wattline.events.model import Event
from wattline.events.paging import Filter
from wattline.events.service import EventLog
from wattline.ingest.received import ReceivedRows
from wattline.metering.fields import LAYOUT
from wattline.metering.occurrences.making import PREFIX, of_event, of_row
from wattline.metering.occurrences.model import Occurrence, Page, Position, Which
from wattline.metering.occurrences.types import LOGGED
from wattline.metering.readings.ingested import KIND as INGESTED
from wattline.model.clock import DAY, HOUR, Clock
from wattline.model.record import Row
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

KEPT = 30 * DAY
"""How far back the log goes, in us of receipt."""
DISORDER = HOUR
"""How much earlier than the events before it an event of the chain may have been received."""
BLOCK = 500


class Occurrences:
    """Reads of the log of one tenant. All of them raise `Unavailable` where a store is away."""

    def __init__(self, registry: Registry, received: ReceivedRows, events: EventLog, clock: Clock) -> None:
        self._registry = registry
        self._received = received
        self._events = events
        self._clock = clock

    @property
    def oldest(self) -> int:
        """The receipt (us) before which the log is not kept."""
        return self._clock.micros() - KEPT

    @property
    def horizon(self) -> int:
        """Every row received until this instant (us) is committed."""
        return self._received.horizon

    def knows_meter(self, tenant: str, number: int, sites: frozenset[str] | None) -> bool:
        """Whether a meter has, or had, readings of its own at a site that the consumer may see."""
        return bool(self._streams(Which(tenant, frozenset({INGESTED}), sites, number)))

    def _streams(self, which: Which) -> list[Stream]:
        if INGESTED not in which.types:
            return []
        found: Sequence[Stream] = self._registry.streams(which.tenant, LAYOUT.name)
        if which.meter is not None:
            key = f"{PREFIX}{which.meter}"
            found = [stream for stream in found if stream.device.key == key]
        return [stream for stream in found if which.sites is None or stream.device.site.key in which.sites]

    async def newest(self, tenant: str) -> Position:
        """The place after everything that is committed."""
        received = self._received.horizon
        return Position(received, await self._events.last_sequence(tenant))

    async def at(self, tenant: str, moment: int) -> Position:
        """The place before everything that was received after a moment (us)."""
        low, high = 0, await self._events.last_sequence(tenant)
        # Sequences follow the receipts but for a little disorder: first halve the log, then go on one by one.
        while low < high:
            middle = (low + high) // 2
            block, _ = await self._events.after(tenant, middle, 1)
            if block and block[0].received <= moment - DISORDER:
                low = middle + 1
            else:
                high = middle
        while True:
            block, upto = await self._events.after(tenant, low, BLOCK)
            for event in block:
                if event.received > moment:
                    return Position(moment, event.sequence - 1)
            if len(block) < BLOCK:
                return Position(moment, upto)
            low = upto

    async def page(self, which: Which, position: Position, limit: int) -> Page:
        """The first `limit` occurrences after a position."""
        horizon = max(self._received.horizon, position.received)
        streams = self._streams(which)
        part = await self._received.after(streams, position.received, limit + 1, horizon) if streams else None
        rows, upto = (part.rows, part.upto) if part is not None else ([], horizon)
        kinds = which.types & LOGGED
        device = None if which.meter is None else f"{PREFIX}{which.meter}"
        where = Filter(kinds=kinds, sites=which.sites, device=device)
        events, last = await self._events.after(which.tenant, position.sequence, limit + 1, where)
        return self._merged(rows, upto, events, last, position, limit, horizon)

    def _merged(
        self, rows: list[Row], upto: int, events: list[Event], last: int, position: Position, limit: int, horizon: int
    ) -> Page:
        """Both in one order. At least `limit + 1` are given of a source of which not all are."""
        found: list[Occurrence] = []
        received, sequence = position
        at_row = at_event = 0
        while len(found) < limit:
            row = rows[at_row] if at_row < len(rows) else None
            event = events[at_event] if at_event < len(events) else None
            # Rows may still come that are received before an event beyond the horizon.
            if event is not None and event.received > horizon:
                event = None
            if row is not None and (event is None or row.received <= event.received):
                received = row.received
                found.append(of_row(row, self._registry.stream(row.stream), sequence))
                at_row += 1
            elif event is not None:
                received, sequence = max(received, event.received), event.sequence
                found.append(of_event(event, received))
                at_event += 1
            else:
                break
        rest = at_row < len(rows), at_event < len(events)
        if not rest[0]:
            received = max(received, upto)
        if not rest[1]:
            sequence = max(sequence, last)
        later = rest[1] and events[at_event].received <= horizon
        return Page(found, Position(received, sequence), rest[0] or later)
