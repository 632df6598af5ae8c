"""The decisions about readings, one at a time for each meter, and their way to durable rows.

A reading newer than everything of its stream is new: it waits for nobody. All others of a tenant are decided on one group after
another: those that come while a group is held against what is there are the next one, since looking ten readings up takes no
longer than looking up one. A group is done when its rows are durable.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import msgspec

from wattline.ingest.pipeline import Pipeline
from wattline.metering.readings.look_up import LookUp
from wattline.metering.readings.merge import Held, decided, first, held_row
from wattline.metering.readings.model import Draft, Outcome, Place
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import WattlineError
from wattline.model.record import NEVER, Row
from wattline.registry.stream import Stream

T = TypeVar("T")
AHEAD = SECOND
"""us within which a reading without a time comes after the newest one, where our clock stands still or was set back."""
MOST_OF_A_GROUP = 10_000
"""Readings that are decided on together, but for those of one body, which are never parted."""


class _Head:
    """How far the decisions about a stream have got. `flying` are rows that were found new and are not durable yet."""

    __slots__ = ("flying", "newest", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.newest = NEVER
        self.flying: set[asyncio.Future[None]] = set()

    @property
    def bound(self) -> int:
        """What is newer than this is new."""
        admitted = self.stream.admitted
        return admitted if admitted > self.newest else self.newest


class _Waiting(NamedTuple):
    """Readings of one body that are to be decided on."""

    drafts: Sequence[Draft]
    done: asyncio.Future[list[Outcome]]


class Ledger:
    """The heads of every stream that a reading came for since the start."""

    def __init__(self, pipeline: Pipeline, clock: Clock) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._look_up = LookUp(pipeline)
        self._heads: dict[int, _Head] = {}
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._working: set[asyncio.Task[Any]] = set()

    async def put(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Make the readings durable, all of them or none; what became of each, in their order.

        Raises `Unavailable` where what is there cannot be told, and what `Ingest.submit` does.
        """
        if not drafts:
            return []
        received = self._clock.micros()
        if (rows := self._new(drafts, received)) is not None:
            await self._submit_new(rows)
            return [
                Outcome("stored", draft.meter_id, row.stream, row.time, 1, draft.ignored)
                for draft, row in zip(drafts, rows, strict=True)
            ]
        # A caller that goes away must not end what is decided for others too.
        return await asyncio.shield(self._queued(drafts))

    def _queued(self, drafts: Sequence[Draft]) -> asyncio.Future[list[Outcome]]:
        """Let readings of a tenant wait for their group."""
        done: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        tenant = drafts[0].stream.device.site.tenant
        waiting = self._waiting.get(tenant)
        if waiting is None:
            waiting = self._waiting[tenant] = deque()
            self._work(self._decide_all(tenant, waiting))
        waiting.append(_Waiting(drafts, done))
        return done

    async def _decide_all(self, tenant: str, waiting: deque[_Waiting]) -> None:
        """Decide on one group after another, until nobody of the tenant waits."""
        group: list[_Waiting] = []
        try:
            while waiting:
                group = [waiting.popleft()]
                size = len(group[0].drafts)
                while waiting and size + len(waiting[0].drafts) <= MOST_OF_A_GROUP:
                    size += len(waiting[0].drafts)
                    group.append(waiting.popleft())
                await self._decide_group(group)
        finally:
            del self._waiting[tenant]
            for each in (*group, *waiting):
                each.done.cancel()

    async def _decide_group(self, group: Sequence[_Waiting]) -> None:
        try:
            found = iter(await self._decide([draft for each in group for draft in each.drafts], self._clock.micros()))
        except Exception as error:
            for each in group:
                each.done.set_exception(error)
            return
        for each in group:
            each.done.set_result(list(islice(found, len(each.drafts))))

    def _head(self, stream: Stream) -> _Head:
        found = self._heads.get(stream.id)
        if found is None:
            found = self._heads[stream.id] = _Head(stream)
        return found

    def _work(self, what: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(what, name="readings")
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    def _new(self, drafts: Sequence[Draft], received: int) -> list[Row] | None:
        """The rows of readings of which each is newer than all before it; None, and nothing is decided, if one is not."""
        tops: dict[int, int] = {}
        rows = []
        for draft in drafts:
            stream = draft.stream
            top = tops.get(stream.id)
            if top is None:
                top = self._head(stream).bound
            time = draft.time
            if time <= top:
                if not draft.stamped or top - time > AHEAD:
                    return None
                time = top + 1
            tops[stream.id] = time
            rows.append(first(draft, time, received))
        for number, top in tops.items():
            self._heads[number].newest = top
        return rows

    async def _submit_new(self, rows: list[Row]) -> None:
        heads = [self._heads[number] for number in {row.stream for row in rows}]
        landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for head in heads:
            head.flying.add(landed)
        handed = False
        try:
            await self._pipeline.ingest.submit(rows)
        except asyncio.CancelledError:
            # The rows may become durable all the same: they fly until that is settled.
            handed = True
            self._work(self._outlast(heads, landed, rows))
            raise
        finally:
            if not handed:
                _land(heads, landed)

    async def _outlast(self, heads: Sequence[_Head], landed: asyncio.Future[None], rows: Sequence[Row]) -> None:
        # Again, the same rows change nothing, and they are durable after those on their way.
        try:
            with suppress(WattlineError):
                await self._pipeline.ingest.submit([copy.copy(row) for row in rows])
        finally:
            _land(heads, landed)

    async def _decide(self, drafts: Sequence[Draft], received: int) -> list[Outcome]:
        heads = [self._head(stream) for stream in {draft.stream.id: draft.stream for draft in drafts}.values()]
        drafts, asked = self._asked(drafts)
        flying = {landed for head in heads for landed in head.flying}
        if flying:
            await asyncio.wait(flying)
        outcomes, rows = decided(drafts, await self._held(asked), received)
        await self._pipeline.ingest.submit(rows)
        return outcomes

    def _asked(self, drafts: Sequence[Draft]) -> tuple[list[Draft], dict[Place, Stream]]:
        """The readings with their times, and the places of those that are not new.

        Others of their streams that come from now on are newer than these, or wait for the next group.
        """
        bounds = {draft.stream.id: self._heads[draft.stream.id].bound for draft in drafts}
        timed: list[Draft] = []
        asked: dict[Place, Stream] = {}
        for each in drafts:
            head = self._heads[each.stream.id]
            soon = each.stamped and 0 <= head.bound - each.time <= AHEAD
            draft = msgspec.structs.replace(each, time=head.bound + 1) if soon else each
            if draft.time <= bounds[draft.stream.id]:
                asked[draft.stream.id, draft.time] = draft.stream
            head.newest = max(head.newest, draft.time)
            timed.append(draft)
        return timed, asked

    async def _held(self, asked: dict[Place, Stream]) -> dict[Place, Held]:
        """What is there, as far as anything is."""
        held: dict[Place, Held] = {}
        for (number, time), stream in asked.items():
            latest = stream.latest
            if latest is not None and latest.time == time:
                held[number, time] = held_row(latest)
        return held | await self._look_up.held({place: asked[place] for place in asked.keys() - held.keys()})


def _land(heads: Iterable[_Head], landed: asyncio.Future[None]) -> None:
    for head in heads:
        head.flying.discard(landed)
    if not landed.done():
        landed.set_result(None)
