"""What one client gets of a tenant's alarms: one frame for each transition, in the order of the event log.

The log says that a transition happened; the change that was published says what the alarm was then. After a break, or a
restart, the change is not in memory any more: then the alarm is put together from its row and what the log says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Message

from wattline.alarms.model import PRIORITIES, Alarm
from wattline.contracts.mcs.alarms_rows import LiveAlarm, live_alarm
from wattline.contracts.mcs.events_rows import block_of
from wattline.contracts.mcs.feeds.history import History
from wattline.contracts.mcs.feeds.socket import text_message
from wattline.contracts.mcs.feeds.spelling import spell
from wattline.contracts.mcs.feeds.tail import Logged, Tail
from wattline.events.model import Event
from wattline.model.clock import Clock
from wattline.model.errors import NotFound, Unavailable
from wattline.model.place import Block
from wattline.registry.service import Registry

KIND = "alarm"
SNAPSHOT = "alarm_snapshot"
ENDINGS = frozenset({"alarm_cleared", "alarm_deescalated"})


class AlarmFrame(msgspec.Struct):
    """One transition as the feed shows it."""

    event: str
    alarm: LiveAlarm
    timestamp: str


class NumberedFrame(AlarmFrame):
    """The same with the number to resume after."""

    id: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for. `find` resolves the block, which may be registered only later; None is every block.

    `least` is the least severe priority that it gets. `sites` are those that its key includes, None for all. `numbered`
    frames bear the number of their event.
    """

    find: Callable[[], Block | None] | None
    least: str
    sites: frozenset[str] | None
    numbered: bool

    def includes(self, site: str | None, block: Block | None) -> bool:
        """Whether alarms of this place are for this client."""
        if self.sites is not None and site not in self.sites:
            return False
        return self.find is None or (block is not None and self.find() is block)

    def is_severe(self, priority: object) -> bool:
        """Whether alarms of this priority are for this client."""
        return not isinstance(priority, str) or priority <= self.least


def least_severe(text: str | None) -> str:
    """The priority that a client named; what is none means all."""
    return text if text in PRIORITIES else PRIORITIES[-1]


class Alarms:
    """Follows the log from a position on."""

    def __init__(
        self,
        registry: Registry,
        history: History,
        clock: Clock,
        more: asyncio.Event,
        tail: Tail,
        position: int,
        wanted: Wanted,
        snapshot: bool,
        resumed: bool = False,
    ) -> None:
        self.more = more
        self._registry = registry
        self._history = history
        self._clock = clock
        self._tail = tail
        self._position = position
        self._wanted = wanted
        self._snapshot = snapshot
        self._resumed = resumed
        self._shown: set[int] = set()
        """Alarms that the client holds: it hears of them to their end, also when they become less severe than it asked for."""

    def ask_snapshot(self) -> None:
        self._snapshot = True
        self.more.set()

    async def take(self) -> Sequence[Message]:
        if self._snapshot and (present := await self._present_once()):
            return present
        while True:
            found, position = await self._tail.after(self._position)
            shown = self._shown.copy()
            mine = [each for each in found if self._is_mine(each.event, shown)]
            messages = [message for each in mine if (message := await self._message(each)) is not None]
            caught_up = position == self._position
            # Both together: where a store was away meanwhile, the same events are judged anew by what was known before them.
            self._position, self._shown = position, shown
            if messages or caught_up:
                return messages

    def _is_mine(self, event: Event, shown: set[int]) -> bool:
        """Whether the client gets this event; `shown` then tells which alarms it holds after it."""
        body = event.body
        alarm = body.get("alarm_id")
        if event.kind != KIND or not isinstance(alarm, int):
            return False
        if not self._wanted.includes(event.site, block_of(self._registry, event)):
            return False
        mine = self._wanted.is_severe(body.get("priority")) or alarm in shown
        # What a client that comes back was shown before is not known, so it is told of every end.
        mine = mine or (self._resumed and event.type in ENDINGS)
        if mine:
            (shown.discard if body.get("state") == "CLEARED" and event.type == "alarm_cleared" else shown.add)(alarm)
        return mine

    async def _message(self, logged: Logged) -> Message | None:
        key = "numbered" if self._wanted.numbered else "alarm"
        if key not in logged.messages:
            event = logged.event
            alarm = await self._history.alarm(event)
            logged.messages[key] = (
                None if alarm is None else self._frame(event.type, alarm, event.received, event.sequence, self._wanted.numbered)
            )
        return logged.messages[key]

    def _frame(self, event: str, alarm: Alarm, time: int, sequence: int, numbered: bool) -> Message | None:
        try:
            point = self._registry.any_point(alarm.sensor)
        except NotFound:
            return None
        shown: Any = live_alarm(alarm, point)
        if numbered:
            return text_message(NumberedFrame(event, shown, spell(time), sequence))
        return text_message(AlarmFrame(event, shown, spell(time)))

    async def _present_once(self) -> list[Message]:
        self._snapshot = False
        try:
            return await self._present()
        except Unavailable:
            self._snapshot = True
            raise

    async def _present(self) -> list[Message]:
        """Every alarm that is not cleared. What happens meanwhile follows: the position is from before."""
        wanted = self._wanted
        block = None if wanted.find is None else wanted.find()
        if wanted.find is not None and block is None:
            return []
        present = await self._history.present(self._tail.tenant, block, wanted.sites)
        now, messages = self._clock.micros(), []
        for alarm in present:
            if wanted.is_severe(alarm.priority):
                self._shown.add(alarm.id or 0)
                message = self._frame(SNAPSHOT, alarm, now, self._position, wanted.numbered)
                if message is not None:
                    messages.append(message)
        return messages
