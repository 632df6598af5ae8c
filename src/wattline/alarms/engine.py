"""Deciding and committing: every change of an alarm goes through here, one at a time, whoever asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from wattline.alarms import store
from wattline.alarms.book import Book
from wattline.alarms.commit import Repeated, write
from wattline.alarms.draft import Draft
from wattline.alarms.model import Change
from wattline.events.service import EventLog
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import NotFound, Unavailable
from wattline.registry.point import Point
from wattline.state.database import Database

TOPIC = "alarm"
TRIES = 5
"""How often a decision is made anew because another process decided at the same time."""
LOOK_BACK = 10 * SECOND
"""How far apart the clocks of two processes may be for one to see what the other decided."""
NOTED_AT_ONCE = 1000


class Engine:
    """The book, and the only way to change it: decide on a draft, write it in one transaction, make it true, tell it."""

    def __init__(
        self,
        database: Database,
        events: EventLog,
        book: Book,
        clock: Clock,
        publish: Callable[[str, object], None],
        note_every: int,
    ) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._publish = publish
        self._turn = asyncio.Lock()
        self._unsettled: set[int] = set()
        self._unknown: set[int] = set()
        self._refreshed = 0
        self._note_every = note_every
        self._noted = 0
        self.book = book

    async def load(self) -> None:
        """Read everything that is stored."""
        async with self._turn:
            async with self._database.read() as connection:
                known = await store.watched(connection)
                self.book.put(await store.load(connection, self._points(known)))
            self._refreshed = self._noted = self._clock.micros()

    def _points(self, sensors: Iterable[int]) -> list[Point]:
        found = []
        for sensor in sorted(sensors):
            try:
                found.append(self.book.watch(sensor).point)
                self._unknown.discard(sensor)
            except NotFound:
                # Another process has registered it; this one learns of it soon.
                self._unknown.add(sensor)
        return found

    @property
    def idle(self) -> bool:
        """Nothing is being decided now."""
        return not self._turn.locked()

    async def decide(self, decision: Callable[[Draft], None], identity: str | None = None) -> list[Change]:
        """Let `decision` work on a draft, and commit it; what was told, in order.

        What it raises is raised, and then nothing has changed; so where the store cannot be written (`Unavailable`). It is
        called again on a new draft where another process has decided about the same sensors. With an `identity` that the log
        has, nothing happens.
        """
        async with self._turn:
            for _ in range(TRIES):
                draft = Draft(self.book, self._clock.micros(), identity)
                try:
                    decision(draft)
                    return await self._commit(draft)
                except BaseException as error:
                    if draft.undo is not None:
                        draft.undo()
                    if isinstance(error, Repeated):
                        return []
                    if not isinstance(error, store.Moved):
                        raise
                async with self._database.read() as connection:
                    self.book.put(await store.load(connection, [watch.point for watch in draft.decided]))
        raise Unavailable("other processes decide about the same alarms all the time", retry_after=1)

    async def _commit(self, draft: Draft) -> list[Change]:
        decided = draft.decided
        changes: list[Change] = []
        watches = draft.watches
        if decided:
            async with self._database.transaction() as connection:
                changes, watches = await write(connection, self._events, draft)
        draft.undo = None
        self._note_unsettled(draft)
        self.book.put(watches)
        for change in changes:
            self._publish(TOPIC, change)
        return changes

    def _note_unsettled(self, draft: Draft) -> None:
        """Remember the conditions that moved without a decision: a delay began, or one limit of several went."""
        for watch in draft.watches:
            stored, after = self.book.stored(watch.sensor), watch.condition
            if stored is None or (stored.condition.active, stored.condition.pending) != (after.active, after.pending):
                self._unsettled.add(watch.sensor)
        self._unsettled.difference_update(watch.sensor for watch in draft.decided)

    async def settle(self) -> None:
        """Write the conditions that moved; on return everything that was taken in is durable.

        How far every sensor was evaluated is noted once in `note_every` us, even where nothing came of it: after a start, what
        comes in later than that changes nothing.
        """
        await self._settle(sorted(self._unsettled))
        now = self._clock.micros()
        if now - self._noted >= self._note_every:
            self._noted = now
            advanced = self.book.advanced()
            for start in range(0, len(advanced), NOTED_AT_ONCE):
                await self._settle(advanced[start : start + NOTED_AT_ONCE])

    async def _settle(self, sensors: Sequence[int]) -> None:
        if not sensors:
            return
        async with self._turn:
            watches = [self.book.watch(sensor) for sensor in sensors]
            async with self._database.transaction() as connection:
                await store.settle(connection, watches, self._clock.micros())
            self.book.put(watches)
            self._unsettled.difference_update(sensors)

    async def refresh(self) -> None:
        """Take over what other processes decided since the last time."""
        async with self._turn:
            now = self._clock.micros()
            async with self._database.read() as connection:
                revisions = await store.changed_since(connection, self._refreshed - LOOK_BACK)
                moved = {sensor for sensor, revision in revisions.items() if self._revision(sensor) != revision} | self._unknown
                self.book.put(await store.load(connection, self._points(moved)))
            self._refreshed = now

    def _revision(self, sensor: int) -> int | None:
        return self.book.watch(sensor).revision if sensor in self.book else None
