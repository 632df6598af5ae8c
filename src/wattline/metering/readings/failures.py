"""Wrong signatures: counted for each key, and told of as an event where there are many."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field

from wattline.events.service import EventLog
from wattline.metering.model import DeviceKey
from wattline.model.clock import MINUTE, SECOND, Clock
from wattline.model.errors import WattlineError
from wattline.model.record import NEVER
from wattline.state.database import Database

KIND = "security.signature_failed"
MANY = 5
WINDOW = MINUTE
"""So many wrong signatures of one key within so many us are an event; within as many us after it there is no other."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Count:
    times: deque[int] = field(default_factory=lambda: deque(maxlen=MANY))
    told: int = NEVER


class SignatureFailures:
    """The wrong signatures since the start, by key. A text that is no key is not counted: it is nobody's."""

    def __init__(self, database: Database, events: EventLog, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._counts: dict[int, _Count] = {}

    async def note(self, key: DeviceKey) -> None:
        """A message came with this key and a wrong signature. Raises nothing: its sender is refused in any case."""
        now = self._clock.micros()
        count = self._counts.setdefault(key.id, _Count())
        count.times.append(now)
        if len(count.times) < MANY or now - count.times[0] > WINDOW or now - count.told < WINDOW:
            return
        count.told = now
        body = {
            "key_id": key.id,
            "meter_id": key.meter_id,
            "failures": MANY,
            "window_s": WINDOW // SECOND,
        }
        try:
            async with self._database.transaction() as connection:
                await self._events.append(
                    connection,
                    tenant=key.tenant,
                    kind=KIND,
                    time=now,
                    received=now,
                    device=None if key.meter_id is None else f"meter-{key.meter_id}",
                    subject=f"key-{key.id}",
                    severity="warning",
                    body=body,
                )
        except WattlineError as error:
            count.told = NEVER
            log.warning("wrong signatures could not be told of", extra={"reason": str(error)})
