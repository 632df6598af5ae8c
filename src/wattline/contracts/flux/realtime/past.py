"""What a channel missed: read from the relations again, told in the order of the commits, then joined with what is live.

Positions decide: of each relation everything up to the last position that was read has been told, and nothing after it. Live
changes are held meanwhile; those that were read too are dropped. Where more came than may be held, reading goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

from wattline.contracts.flux.realtime.bindings import Binding
from wattline.contracts.flux.realtime.channel import Channel
from wattline.contracts.flux.realtime.fanout import frames
from wattline.contracts.flux.realtime.frames import Around
from wattline.contracts.flux.realtime.index import Index
from wattline.contracts.flux.relation import Relations, TableChange
from wattline.model.errors import Unavailable

AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class Past:
    """A channel's way to the present. `starts` has, by binding and relation, the position after which rows are wanted."""

    def __init__(self, channel: Channel, relations: Relations, starts: Mapping[tuple[int, str], int]) -> None:
        self.channel = channel
        self.cursors: dict[str, int] = {}
        """By relation, up to where everything has been told."""
        self._relations = relations
        self._starts = starts
        for (_, name), start in starts.items():
            self.cursors[name] = min(start, self.cursors.get(name, start))

    async def tell(self) -> None:
        """Tell everything and go on live. Raises `Refusal` where the past is not kept that far back."""
        while True:
            self.channel.hold()
            try:
                async for change in self._merged():
                    await self._tell(change)
                    self.cursors[change.relation] = change.position
            except Unavailable:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if not self.channel.spilled:
                break
        self.channel.release(self.cursors)

    async def _tell(self, change: TableChange) -> None:
        relation = self._relations.named(change.relation)
        index: Index[Past] = Index(relation.type)
        for binding in self.channel.bindings:
            if change.relation in binding.conditions:
                index.add(self, binding)
        for chunk in frames(relation, change, index):
            for _, frame in chunk:
                self.channel.outbox.put(frame)
            await asyncio.sleep(0)
            await self.channel.outbox.room()

    async def _merged(self) -> AsyncIterator[TableChange]:
        """The changes of all relations by position."""
        sources = {
            name: self._relations.named(name).changes(self.channel.caller.tenant, at) for name, at in self.cursors.items()
        }
        heads = {name: await anext(source, None) for name, source in sources.items()}
        while waiting := {name: head for name, head in heads.items() if head is not None}:
            first = min(waiting, key=lambda name: waiting[name].position)
            yield waiting[first]
            heads[first] = await anext(sources[first], None)

    def wants(self, binding: Binding, relation: str, position: int) -> bool:
        """Whether a binding asked for a commit so far back."""
        return position > self._starts.get((binding.id, relation), -1)

    def around(self, ids: tuple[int, ...]) -> Around:
        """See `Channel.around`."""
        return self.channel.around(ids)
