"""What devices say has happened, and what they are told to do: in the event log, and a block's mode with its event."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wattline.events.model import Entry, Event
from wattline.events.service import EventLog
from wattline.events.store import is_logged
from wattline.model.place import Block
from wattline.registry.service import Registry
from wattline.state.database import Database


class Happenings:
    """Logs once what may come again: entries with an identity that is in the log are passed over.

    `tell` gets each new event after its commit.
    """

    def __init__(self, database: Database, events: EventLog, registry: Registry, tell: Callable[[Event], None]) -> None:
        self._database = database
        self._events = events
        self._registry = registry
        self._tell = tell

    async def log(self, entries: Sequence[Entry]) -> list[Event]:
        """Log entries, all of them or none; the events that are new. Raises `Invalid` for what a chain cannot hold."""
        async with self._database.transaction() as connection:
            made = [event for event in await self._events.append_all(connection, entries) if event is not None]
        for event in made:
            self._tell(event)
        return made

    async def log_answer(self, entry: Entry, kind: str, identity: str) -> bool:
        """Log an entry that answers the event of this kind and identity; False, and nothing is logged, where there is none."""
        async with self._database.transaction() as connection:
            if not await is_logged(connection, entry.tenant, kind, identity):
                return False
            event = await self._events.append(connection, **{name: getattr(entry, name) for name in Entry.__slots__})
        if event is not None:
            self._tell(event)
        return True

    async def change_mode(self, block: Block, entry: Entry, mode: str) -> bool:
        """Log a change of a block's mode and, if it is the newest, let it be the mode. False where it was logged before."""
        newest = block.mode_since is None or entry.time >= block.mode_since
        async with self._database.transaction() as connection:
            event = await self._events.append(connection, **{name: getattr(entry, name) for name in Entry.__slots__})
            if event is None:
                return False
            if newest:
                await self._registry.set_mode(connection, block, mode, entry.time)
        if newest:
            self._registry.mode_set(block, mode, entry.time)
        self._tell(event)
        return True
