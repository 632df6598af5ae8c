"""What one client gets of the event log of a block."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from starlette.types import Message

from wattline.contracts.mcs.events_rows import block_of, event_row
from wattline.contracts.mcs.feeds.socket import text_message
from wattline.contracts.mcs.feeds.tail import Logged, Tail
from wattline.model.place import Block
from wattline.registry.service import Registry


class Events:
    """Follows the log from a position on. `find` resolves the block, which may be registered only later."""

    def __init__(self, registry: Registry, more: asyncio.Event, tail: Tail, position: int, find: Callable[[], Block | None]):
        self.more = more
        self._registry = registry
        self._tail = tail
        self._position = position
        self._find = find

    async def take(self) -> Sequence[Message]:
        while True:
            found, position = await self._tail.after(self._position)
            # Only now: a block is registered before it has its first event.
            block = self._find()
            messages = [] if block is None else [self._message(each) for each in found if self._is_of(each, block)]
            caught_up = position == self._position
            self._position = position
            if messages or caught_up:
                return messages

    def _is_of(self, logged: Logged, block: Block) -> bool:
        return block_of(self._registry, logged.event) is block

    def _message(self, logged: Logged) -> Message:
        message = logged.messages.get("event")
        if message is None:
            message = logged.messages["event"] = text_message(event_row(self._registry, logged.event))
        return message

    def ask_snapshot(self) -> None:
        """A log has no state: whoever wants what was asks for it by number."""
