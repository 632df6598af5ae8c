"""The plant's edge gateway: it tells everything since it was last heard, in order, and then what is.

There is one loop for three cases. A fresh install hears the last day, a minute apart; a server that comes back hears what it
has missed in the same way; and else every poll is told when it is due. All with the original time stamps.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter

from wattline.model.clock import DAY, MINUTE, SECOND, Clock
from wattline.simulate.plant import messages
from wattline.simulate.plant.definition import POINTS, POLL_MS
from wattline.simulate.plant.instruments import Instruments
from wattline.simulate.plant.modes import Transition
from wattline.simulate.plant.uplink import Received, Uplink
from wattline.simulate.sender import Pause

POLL = POLL_MS * 1000
BACKFILL = DAY
BEHIND = 10 * MINUTE
"""Further back than this the plant is told a minute apart."""
HEARTBEAT = 30 * SECOND
START = 15 * MINUTE
"""How long the controller takes from a cold start to its first mode."""
BREATH_SECONDS = 0.02
"""Between two instants of the past, so that whoever else talks to the server is heard too."""
SETTLE_SECONDS = 3.0
LONGEST_ARGUMENT = 200

_logger = logging.getLogger(__name__)


class Gateway:
    """Publishes one plant's readings, mode changes and signs of life over an uplink, and answers commands.

    `backfill` is how far back (us) a server hears of what it does not know.
    """

    def __init__(
        self,
        instruments: Instruments,
        uplink: Uplink,
        clock: Clock,
        *,
        backfill: int = BACKFILL,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._instruments = instruments
        self._uplink = uplink
        self._clock = clock
        self._backfill = backfill
        self._pause = pause
        self._started = clock.micros()
        self._last_heartbeat = 0
        self._last_read = self._started
        self._reads = 0
        self._replaying = False
        self._sequences: Counter[str] = Counter()

    async def run(self, known: int | None, stop: asyncio.Event) -> None:
        """Tell the plant's life until `stop`; `known` is the newest time (us) that the server has readings of, if any."""
        work = [
            asyncio.create_task(self._tell(known), name="plant readings"),
            asyncio.create_task(self._uplink.serve(self._answer), name="plant commands"),
        ]
        stopping = asyncio.create_task(stop.wait())
        try:
            # The work only ends by a fault of the program, which is then raised here.
            ended, _ = await asyncio.wait([*work, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                await task
        finally:
            for task in (*work, stopping):
                task.cancel()
            await asyncio.gather(*work, stopping, return_exceptions=True)
        if not await self._uplink.drain(SETTLE_SECONDS):
            _logger.warning("the plant stopped with %d messages unanswered", self._uplink.waiting)

    async def _tell(self, known: int | None) -> None:
        now = self._clock.micros()
        told = max(now - self._backfill, 0 if known is None else min(known, now))
        if known is None:
            await self._begin(told)
        while True:
            now = self._clock.micros()
            step = MINUTE if now - told > BEHIND else POLL
            due = (told // step + 1) * step
            self._replaying = now - due >= POLL
            if due > now:
                await self._pause((due - now) / SECOND)
                continue
            await self._tell_of(told, due)
            told = due
            if self._replaying:
                await self._pause(BREATH_SECONDS)

    async def _begin(self, at: int) -> None:
        """The controller starts with the fail-safe, and has found its mode when the first readings come."""
        plant = self._instruments.plant
        changes = [Transition(at - START, "STARTUP", "REJECT", "startup:cold_start")]
        if (mode := plant.modes.mode(at)) != "REJECT":
            changes.append(Transition(at, "REJECT", mode, "auto:host_demand_restored"))
        for change in changes:
            await self._uplink.send(messages.mode_change(change, plant.state(change.at)))

    async def _tell_of(self, told: int, at: int) -> None:
        """What happened since `told`, and what the instruments show at an instant."""
        plant = self._instruments.plant
        for change in plant.modes.transitions(told, at):
            await self._uplink.send(messages.mode_change(change, plant.state(change.at)))
        for shown in self._instruments.read(at):
            await self._uplink.send(messages.reading(shown, at, self._sequences[shown.tag]))
            self._sequences[shown.tag] += 1
        self._last_read = at
        self._reads += len(POINTS)
        now = self._clock.micros()
        # One that waits for its connection would tell of the past as if it were the present.
        if now - self._last_heartbeat >= HEARTBEAT and self._uplink.connected:
            self._last_heartbeat = now
            await self._uplink.send(messages.heartbeat(self._health(), now))

    def _health(self) -> messages.Health:
        return messages.Health(
            started=self._started,
            last_read=self._last_read,
            reads=self._reads,
            waiting=self._uplink.waiting,
            connected=self._uplink.connected,
            replaying=self._replaying,
            computer=self._instruments.computer(self._clock.micros()),
        )

    async def _answer(self, received: Received) -> None:
        """Answer a command: this gateway can tell how it is; it lets nobody overrule the plant's safety controller."""
        if received.topic == messages.RESPONSE:
            return
        try:
            command = json.loads(received.payload)
            request, word = command["request_id"], command["cmd"]
        except (ValueError, KeyError, TypeError):
            return
        if not isinstance(request, str) or len(request) > LONGEST_ARGUMENT:
            return
        await self._uplink.send(messages.response(request, word, self._health(), self._clock.micros()))
