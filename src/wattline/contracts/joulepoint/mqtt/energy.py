"""`energy`: one reading, or an array of them, as JSON; stored as those that come over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from wattline.contracts.joulepoint.device_bodies import MOST, several, single
from wattline.contracts.joulepoint.device_door import CONTRACT, JSON
from wattline.contracts.joulepoint.mqtt.rejections import Rejections
from wattline.contracts.joulepoint.mqtt.senders import Senders
from wattline.contracts.joulepoint.mqtt.settled import Settled
from wattline.contracts.joulepoint.mqtt.topics import Place
from wattline.gateways.model import Message
from wattline.metering.readings.model import Outcome, Reading, Refused, Sender
from wattline.metering.readings.service import Readings
from wattline.metrics import Metrics
from wattline.model.errors import Fault, StorageFull, Unavailable, WattlineError

Arrived = tuple[Place, Message]
BEGINNINGS = b" \t\r\n"


class _Part(NamedTuple):
    """A message that was read."""

    place: Place
    message: Message
    sender: Sender
    readings: Sequence[Reading]
    several: bool

    @property
    def is_of_now(self) -> bool:
        """Whether a reading in it has no time: it is of the moment in which it is taken, alone."""
        return any(reading.timestamp is None for reading in self.readings)


class Energy:
    """Takes readings: of one device in the order in which they came, of all devices at once, so that one commit covers them."""

    def __init__(
        self, readings: Readings, senders: Senders, rejections: Rejections, metrics: Metrics, settled: Settled
    ) -> None:
        self._readings = readings
        self._senders = senders
        self._rejections = rejections
        self._metrics = metrics
        self._settled = settled

    async def take(self, arrived: Sequence[Arrived]) -> None:
        """Durable on return. Raises `Unavailable` and `StorageFull`: then what is not settled may come again."""
        lanes: dict[tuple[str, str], list[_Part]] = {}
        for place, message in arrived:
            try:
                part = await self._read(place, message)
            except (Unavailable, StorageFull):
                raise
            except WattlineError as error:
                await self._rejections.failed(place, message, error)
                self._settled.add(message)
            else:
                lanes.setdefault((place.tenant, place.device), []).append(part)
        ends = await asyncio.gather(*(self._lane(parts) for parts in lanes.values()), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _read(self, place: Place, message: Message) -> _Part:
        sender = await self._senders.of(place, message)
        if message.payload.lstrip(BEGINNINGS)[:1] == b"[":
            return _Part(place, message, sender, await several(message.payload, JSON), True)
        return _Part(place, message, sender, [single(message.payload)], False)

    async def _lane(self, parts: Sequence[_Part]) -> None:
        together: list[_Part] = []
        size = 0
        for part in parts:
            # Two readings of now are of two moments.
            if together and (part.is_of_now or together[-1].is_of_now or size + len(part.readings) > MOST):
                await self._store(together)
                together, size = [], 0
            together.append(part)
            size += len(part.readings)
        await self._store(together)

    async def _store(self, parts: Sequence[_Part]) -> None:
        results = await self._readings.take(parts[0].sender, [reading for part in parts for reading in _taken(part)])
        stored = sum(isinstance(result, Outcome) and result.status == "stored" for result in results)
        self._metrics.ingest_rows.add(stored, CONTRACT)
        for part in parts:
            self._settled.add(part.message)
        at = 0
        for part in parts:
            mine = results[at : at + len(part.readings)]
            at += len(part.readings)
            rejected: dict[int, Refused] = {
                index: result for index, result in enumerate(mine) if not isinstance(result, Outcome)
            }
            if rejected:
                await self._rejections.readings(part.place, part.message, rejected, several=part.several)


def _taken(part: _Part) -> Sequence[Reading]:
    """The readings of a part; without their time, if a broker kept them for us, they are of no known moment."""
    if not part.message.retained:
        return part.readings
    missing = Fault("/timestamp", "required", "a retained reading has its time")
    return [
        reading if reading.timestamp is not None else Reading((), faults=(*reading.faults, missing))
        for reading in part.readings
    ]
