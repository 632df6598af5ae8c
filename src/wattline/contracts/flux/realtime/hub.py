"""All subscriptions of the server, and the one task that tells them of commits.

A commit that the bus could not hand over, because too many waited, is read again from its relation: positions tell from where.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from wattline.bus.protocol import OVERFLOWED, Bus, Subscription
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.realtime.channel import Channel
from wattline.contracts.flux.realtime.fanout import frames
from wattline.contracts.flux.realtime.index import Index
from wattline.contracts.flux.realtime.limits import Limits
from wattline.contracts.flux.realtime.outbox import Outbox
from wattline.contracts.flux.relation import Relation, Relations, TableChange
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import Unavailable

TOPIC = "flux"
QUIET_SECONDS = 2.0
"""How long to wait for a moment without a commit; longer than that, commits of the last minute may be told twice."""
MARGIN = 60 * SECOND
PACE_SECONDS = 0.005
PACES = 50
"""How often a large commit waits for clients that read, between two parts of it."""
AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class Hub:
    """Who follows which relation."""

    def __init__(self, bus: Bus, relations: Relations, clock: Clock, limits: Limits) -> None:
        self.relations = relations
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._indexes: dict[tuple[str, str], Index[Channel]] = {}
        self._newest: dict[str, int] = {}
        self._reread: dict[tuple[str, str], int] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def reached(self) -> int:
        """A position that no commit has gone beyond, as far as this process knows."""
        return max(self._clock.micros(), *self._newest.values(), 0)

    def newest(self, names: Iterable[str]) -> int:
        """A position up to which every commit to these relations has been told. They have been `settle`d."""
        return min((self._newest[name] for name in names), default=0)

    async def settle(self, names: Iterable[str]) -> None:
        """Listen to commits, and know of each relation a position that every commit from now on is beyond."""
        if self._task is None or self._task.done():
            self._newest.clear()
            self._task = asyncio.create_task(self._run(self._subscribe()), name="realtime")
        for name in names:
            if name not in self._newest:
                at = await self._quiet(self.relations.named(name))
                self._newest.setdefault(name, at)

    async def _quiet(self, relation: Relation) -> int:
        try:
            async with asyncio.timeout(QUIET_SECONDS), relation.turn:
                return self._clock.micros() - 1
        except TimeoutError:
            return self._clock.micros() - MARGIN

    def follow(self, channel: Channel) -> None:
        """Tell a channel of commits from now on."""
        for binding in channel.bindings:
            for name in binding.conditions:
                place = channel.caller.tenant, name
                index = self._indexes.get(place)
                if index is None:
                    index = self._indexes[place] = Index(self.relations.named(name).type)
                index.add(channel, binding)

    def forget(self, channel: Channel) -> None:
        """Tell it of none."""
        for binding in channel.bindings:
            for name in binding.conditions:
                place = channel.caller.tenant, name
                index = self._indexes.get(place)
                if index is not None:
                    index.remove(channel, binding)
                    if not index:
                        del self._indexes[place]

    def _subscribe(self) -> Subscription:
        return self._bus.subscribe((TOPIC,), size=self._limits.backlog, overflow="close")

    async def _run(self, subscription: Subscription) -> None:
        while True:
            with subscription:
                async for delivery in subscription:
                    change = delivery.message
                    if isinstance(change, TableChange) and change.position > self._reread.get(_place(change), -1):
                        await self._take(change)
                        # However many wait, others have their turn.
                        await asyncio.sleep(0)
            if subscription.reason != OVERFLOWED:
                return
            log.warning("more commits than subscribers were told of in time; they are read again")
            subscription = self._subscribe()
            after = dict(self._newest)
            for place in tuple(self._indexes):
                await self._read_again(place, after[place[1]])

    async def _read_again(self, place: tuple[str, str], after: int) -> None:
        """Tell what was committed to a relation while nobody listened."""
        tenant, name = place
        relation = self.relations.named(name)
        while True:
            try:
                async for change in relation.changes(tenant, after):
                    await self._take(change)
                    after = self._reread[place] = change.position
                    await asyncio.sleep(0)
                return
            except Unavailable:
                await asyncio.sleep(AGAIN_SECONDS)
            except Refusal as refusal:
                log.error("subscribers of %s cannot be told what they missed: %s", name, refusal.message)
                self._break(place)
                return

    async def _take(self, change: TableChange) -> None:
        place = _place(change)
        try:
            index = self._indexes.get(place)
            if index is not None:
                await self._tell(change, index)
        except Exception:
            log.exception("a commit to %s could not be told", change.relation)
            self._break(place)
        self._newest[change.relation] = max(change.position, self._newest.get(change.relation, 0))

    async def _tell(self, change: TableChange, index: Index[Channel]) -> None:
        touched: dict[Outbox, None] = {}
        relation = self.relations.named(change.relation)
        for number, chunk in enumerate(frames(relation, change, index)):
            if number:
                await _pace(touched)
            for channel, frame in chunk:
                channel.tell(change.relation, change.position, frame)
                touched[channel.outbox] = None

    def _break(self, place: tuple[str, str]) -> None:
        """End the connections of those who would miss something: they come back and ask for it."""
        index = self._indexes.get(place)
        for channel in () if index is None else index.channels():
            channel.outbox.give_up()


def _place(change: TableChange) -> tuple[str, str]:
    return change.tenant, change.relation


async def _pace(touched: Iterable[Outbox]) -> None:
    """Let clients read that do. One that does not is not waited for."""
    await asyncio.sleep(0)
    for _ in range(PACES):
        crowded = {outbox: outbox.sent for outbox in touched if outbox.crowded}
        if not crowded:
            return
        await asyncio.sleep(PACE_SECONDS)
        if all(outbox.sent == sent for outbox, sent in crowded.items()):
            return
