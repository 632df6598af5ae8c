"""The log of events, followed live: its newest entries are in memory once for all clients of a tenant.

A client is a position in the log. One that comes back, or is slow, reads on in the log itself until it has caught up, so
nothing is queued for it and nothing is lost. One that acknowledges gets again what it has not acknowledged in time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from itertools import islice

from wattline.contracts.joulepoint.events import shown
from wattline.contracts.joulepoint.live.frames import Frame, data_frame
from wattline.events.paging import Filter
from wattline.events.service import EventLog
from wattline.metering.fields import LAYOUT
from wattline.metering.occurrences.making import of_event, of_row
from wattline.metering.occurrences.model import Occurrence, Position, Which
from wattline.metering.occurrences.service import Occurrences
from wattline.metering.occurrences.types import LOGGED
from wattline.model.errors import Unavailable
from wattline.model.record import Row
from wattline.registry.service import Registry

TICK_SECONDS = 0.5
HELD = 5_000
BLOCK = 200
REDELIVERY_SECONDS = 30.0
MOST_UNACKNOWLEDGED = 1_000
"""Entries that a client which acknowledges may have before it acknowledges some."""
LOGGED_ONLY = Filter(kinds=LOGGED)

log = logging.getLogger(__name__)


class Entry:
    """An entry of the log, encoded once for each name of a channel that it is sent under."""

    __slots__ = ("_frames", "found")

    def __init__(self, found: Occurrence) -> None:
        self.found = found
        self._frames: dict[str, Frame] = {}

    def frame(self, channel: str) -> Frame:
        """The frame of a channel."""
        made = self._frames.get(channel)
        if made is None:
            found = self.found
            made = self._frames[channel] = data_frame(channel, found.position.text(), found.time, shown(found))
        return made


class Tail:
    """The newest entries of one tenant, without a gap after `floor`."""

    def __init__(self, tenant: str, begin: Position, events: EventLog) -> None:
        self.tenant = tenant
        self.floor = self.end = begin
        self.first = 0
        """The number of the oldest entry that is held."""
        self.entries: deque[Entry] = deque()
        self.followers: Counter[asyncio.Event] = Counter()
        """Each as often as it follows: a client may follow several types of events."""
        self._events = events

    @property
    def next(self) -> int:
        """The number of the entry that comes next."""
        return self.first + len(self.entries)

    def add(self, found: Occurrence) -> None:
        """The newest entry."""
        self.entries.append(Entry(found))
        self.end = found.position
        while len(self.entries) > HELD:
            self.floor = self.entries.popleft().found.position
            self.first += 1

    def forget(self, begin: Position) -> None:
        """Something was lost on the way here: followers read the log itself."""
        self.first = self.next + 1
        self.entries.clear()
        self.floor = self.end = begin
        self.wake()

    def wake(self) -> None:
        """Tell every follower that there may be more."""
        for each in self.followers:
            each.set()

    async def look(self) -> None:
        """Read what the chain has more."""
        while True:
            found, upto = await self._events.after(self.tenant, self.end.sequence, BLOCK, LOGGED_ONLY)
            for event in found:
                # Another look may have been quicker.
                if event.sequence > self.end.sequence:
                    self.add(of_event(event, self.end.received))
            self.end = Position(self.end.received, max(self.end.sequence, upto))
            if found:
                self.wake()
            if len(found) < BLOCK:
                return


class Tails:
    """The tails of the tenants that have followers now."""

    def __init__(self, occurrences: Occurrences, events: EventLog, registry: Registry) -> None:
        self.occurrences = occurrences
        self._events = events
        self._registry = registry
        self._tails: dict[str, Tail] = {}
        self._task: asyncio.Task[None] | None = None

    async def join(self, tenant: str, more: asyncio.Event) -> Tail:
        """The tenant's tail; `more` is set whenever it may have grown. Raises `Unavailable`."""
        tail = self._tails.get(tenant)
        if tail is None:
            sequence = (await self.occurrences.newest(tenant)).sequence
            # Nothing may be committed between this instant and the moment from which rows are heard of.
            begin = Position(self.occurrences.horizon, sequence)
            tail = self._tails.setdefault(tenant, Tail(tenant, begin, self._events))
        tail.followers[more] += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live events")
        return tail

    def leave(self, tail: Tail, more: asyncio.Event) -> None:
        """Undo one `join`."""
        tail.followers[more] -= 1
        if not tail.followers[more]:
            del tail.followers[more]
        if not tail.followers and self._tails.get(tail.tenant) is tail:
            del self._tails[tail.tenant]

    def heard(self, rows: Sequence[Row]) -> None:
        """Rows were committed."""
        if not self._tails:
            return
        touched = set()
        for row in rows:
            stream = self._registry.stream(row.stream)
            tail = self._tails.get(stream.device.site.tenant) if stream.layout.name == LAYOUT.name else None
            # What was committed before the tail began is in the log.
            if tail is not None and row.received > tail.end.received:
                tail.add(of_row(row, stream, tail.end.sequence))
                touched.add(tail)
        for tail in touched:
            tail.wake()

    def missed(self) -> None:
        """Rows were lost on the way here."""
        for tail in self._tails.values():
            horizon = self.occurrences.horizon
            tail.forget(Position(horizon, tail.end.sequence))

    async def _run(self) -> None:
        while True:
            for tail in tuple(self._tails.values()):
                try:
                    await tail.look()
                except Unavailable:
                    continue
                except Exception:
                    log.exception("the event log could not be followed")
            await asyncio.sleep(TICK_SECONDS)


class Following:
    """One client's place in the log. `acknowledging`: it says how far it has got, and gets the rest again."""

    def __init__(
        self, channel: str, tails: Tails, tail: Tail, which: Which, position: Position, *, acknowledging: bool
    ) -> None:
        self.channel = channel
        self.tail = tail
        self.position = position
        self._tails = tails
        self._which = which
        self._number: int | None = None
        self._acknowledging = acknowledging
        self._acknowledged = position
        self._waiting = 0
        self._deadline: float | None = None

    def acknowledge(self, position: Position) -> None:
        """The client has dealt with everything up to a place that it was told of."""
        if not (position.received <= self.position.received and position.sequence <= self.position.sequence):
            return
        if position < self._acknowledged:
            return
        self._acknowledged = position
        self._waiting = 0
        done = position.received >= self.position.received and position.sequence >= self.position.sequence
        self._deadline = None if done else self._due()

    def _due(self) -> float:
        return asyncio.get_running_loop().time() + REDELIVERY_SECONDS

    def overdue(self) -> bool:
        """Go back to what was acknowledged, where the rest was sent too long ago; whether that was so."""
        if self._deadline is None or asyncio.get_running_loop().time() < self._deadline:
            return False
        self.position, self._number, self._deadline, self._waiting = self._acknowledged, None, None, 0
        return True

    async def take(self) -> list[Frame]:
        """The next entries, none where the client has everything. Raises `Unavailable`, nothing being lost."""
        if self._acknowledging and self._waiting >= MOST_UNACKNOWLEDGED:
            return []
        frames = await self._read()
        if self._acknowledging and frames:
            self._waiting += len(frames)
            self._deadline = self._deadline or self._due()
        return frames

    async def _read(self) -> list[Frame]:
        tail = self.tail
        if self._number is None or self._number < tail.first:
            self._number = None
            floor = tail.floor
            while self.position.received < floor.received or self.position.sequence < floor.sequence:
                page = await self._tails.occurrences.page(self._which, self.position, BLOCK)
                stuck, self.position = page.position == self.position, page.position
                if page.occurrences or stuck:
                    return [Entry(found).frame(self.channel) for found in page.occurrences]
                floor = tail.floor
            self._number = tail.first
        frames = []
        for entry in islice(tail.entries, self._number - tail.first, self._number - tail.first + BLOCK):
            self._number += 1
            found = entry.found
            received, sequence = self.position
            # A row has a receipt of its own, an event a sequence: what is not beyond either was told.
            is_row = found.type not in LOGGED
            if (found.received <= received) if is_row else (found.position.sequence <= sequence):
                continue
            self.position = Position(max(received, found.position.received), max(sequence, found.position.sequence))
            if self._which.takes(found):
                frames.append(entry.frame(self.channel))
        return frames

    def leave(self, more: asyncio.Event) -> None:
        """The client wants no more."""
        self._tails.leave(self.tail, more)
