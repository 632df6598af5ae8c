"""What the passing of time does to alarms: a round every second."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms import floods
from wattline.alarms.book import Places
from wattline.alarms.commands import expire
from wattline.alarms.commit import KIND
from wattline.alarms.draft import Draft
from wattline.alarms.engine import Engine
from wattline.alarms.evaluation import review, spread
from wattline.alarms.floods import Turn
from wattline.alarms.silence import Silence
from wattline.alarms.watch import Watch
from wattline.events.service import EventLog
from wattline.model.clock import Clock
from wattline.state.database import Database


class Watchman:
    """Ends shelves, notices silence, and tells floods. One round after the other; a round that fails is made up by the next."""

    def __init__(self, database: Database, events: EventLog, registry: Places, engine: Engine, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._registry = registry
        self._engine = engine
        self._clock = clock
        self._silence = Silence(clock.micros())
        self._flooded: set[floods.Area] = set()

    async def start(self) -> None:
        """Expect every sensor that has limits, and learn which floods there are."""
        self.expect(self._engine.book)
        async with self._database.read() as connection:
            self._flooded = await floods.flooded(connection)

    def expect(self, watches: Iterable[Watch]) -> None:
        """Notice it when one of these sensors falls silent."""
        self._silence.expect(watches, self._clock.micros())

    async def go_round(self) -> None:
        """Everything that is due now."""
        looked: list[tuple[int, int]] = []

        def decision(draft: Draft) -> None:
            self._silence.again(looked)
            looked[:] = []
            self._end_shelves(draft)
            self._release(draft)
            looked.extend(self._silence.listen(draft))

        try:
            await self._engine.decide(decision)
        except BaseException:
            now = self._clock.micros()
            self._silence.again((now, sensor) for _, sensor in looked)
            raise
        self._silence.again(looked)
        await self._tell_floods()

    def _end_shelves(self, draft: Draft) -> None:
        due = sorted(sensor for sensor, until in draft.book.shelved.items() if until <= draft.now)
        for sensor in due:
            expire(draft, sensor)

    def _release(self, draft: Draft) -> None:
        """Release what is hidden behind nothing: the rules, the tags or the subsystems are others now."""
        for sensor in sorted(draft.book.suppressed):
            before = draft.watch(sensor).showing
            if review(draft, draft.watch(sensor)):
                spread(draft, sensor, before)

    async def _tell_floods(self) -> None:
        now = self._clock.micros()
        async with self._database.read() as connection:
            counts = await floods.counts(connection, now)
            if not counts and not self._flooded:
                return
            flooded = await floods.flooded(connection)
        turned = floods.turns(counts, flooded)
        if turned:
            async with self._database.transaction() as connection:
                for turn in turned:
                    if await floods.write(connection, turn, now):
                        await self._tell(connection, turn, now)
        self._flooded = (flooded | {turn.area for turn in turned if turn.begins}) - {t.area for t in turned if not t.begins}

    async def _tell(self, connection: AsyncConnection, turn: Turn, now: int) -> None:
        tenant, block_id = turn.area
        block = self._registry.blocks_by_id.get(block_id)
        await self._events.append(
            connection,
            tenant=tenant,
            kind=KIND,
            time=now,
            received=now,
            site=None if block is None else block.site.key,
            subject=None if block is None else block.slug,
            event_type="alarm_flood_begun" if turn.begins else "alarm_flood_ended",
            body={"scope": "tenant" if block is None else "block", "raised_10_minutes": turn.raised},
        )
