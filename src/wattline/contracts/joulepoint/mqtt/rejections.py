"""What was refused of a device: told to it on its own `errors`, counted, and kept as a dead letter for people."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from wattline.contracts.joulepoint.device_door import CONTRACT
from wattline.contracts.joulepoint.mqtt.senders import answer_topic
from wattline.contracts.joulepoint.mqtt.topics import Place
from wattline.contracts.joulepoint.problem import shown, told
from wattline.contracts.joulepoint.query import spell
from wattline.gateways.dead_letters import DeadLetters
from wattline.gateways.model import Category, Message
from wattline.metering.readings.model import Refused
from wattline.metrics import Metrics
from wattline.model.clock import Clock
from wattline.model.errors import Unavailable

log = logging.getLogger(__name__)

CATEGORIES: Mapping[int, Category] = {400: "PARSE_ERROR", 404: "SENSOR_UNKNOWN"}
MOST_BYTES = 60_000
"""Of a message to a device; faults beyond are left out, and it says so."""


MOST_UNTOLD = 1000
"""Messages to devices that a broker has not confirmed yet; what comes beyond is not told."""
PATIENCE_SECONDS = 0.05
"""How long the messages of others wait for that: a broker inside this process has it at once, another may be slow."""


class Publisher(Protocol):
    """What is needed of `gateways.service.MqttGateway`."""

    async def publish(self, topic: str, payload: bytes, *, tenant: str, qos: int = 1, retain: bool = False) -> None:
        """Send. Raises `Unavailable`."""
        ...


class Rejections:
    """Tells devices."""

    def __init__(self, publisher: Publisher, letters: DeadLetters, metrics: Metrics, clock: Clock) -> None:
        self._publisher = publisher
        self._letters = letters
        self._metrics = metrics
        self._clock = clock
        self._telling: set[asyncio.Task[None]] = set()

    def stray(self, message: Message, why: str) -> None:
        """A message on a topic that nobody has: there is no device to tell."""
        self._letters.add(message.tenant, message.topic, message.payload, "TOPIC_ERROR", why)

    async def failed(self, place: Place, message: Message, error: Exception) -> None:
        """A message was refused as a whole."""
        said = told(error)
        errors = [shown(fault) for fault in said.faults]
        await self._tell(place, message, said.status, said.code, said.detail, errors)

    async def readings(self, place: Place, message: Message, rejected: Mapping[int, Refused], *, several: bool) -> None:
        """Readings of a message were refused, by their index; the others are stored."""
        errors = [
            ({"index": index} if several else {}) | shown(fault) for index, faults in rejected.items() for fault in faults
        ]
        detail = f"{len(rejected)} of the readings are refused" if several else str(errors[0]["detail"])
        await self._tell(place, message, 422, "invalid", detail, errors)

    async def _tell(
        self, place: Place, message: Message, status: int, code: str, detail: str, errors: Sequence[Mapping[str, Any]]
    ) -> None:
        self._letters.add(message.tenant, message.topic, message.payload, CATEGORIES.get(status, "VALUE_ERROR"), detail)
        self._metrics.ingest_rejected.add(1, CONTRACT, str(status))
        document = {
            "topic": message.topic,
            "payload_sha256": hashlib.sha256(message.payload).hexdigest(),
            "received_at": spell(self._clock.micros()),
            "status": status,
            "code": code,
            "detail": detail,
            "errors": [*errors],
            "more_errors": 0,
        }
        while len(payload := msgspec.json.encode(document)) > MOST_BYTES and document["errors"]:
            document["errors"] = errors[: len(document["errors"]) // 2]  # type: ignore[arg-type]
            document["more_errors"] = len(errors) - len(document["errors"])  # type: ignore[arg-type]
        if len(self._telling) >= MOST_UNTOLD:
            log.warning("a device is not told what was refused: the broker confirms nothing")
            return
        task = asyncio.create_task(self._publish(answer_topic(place), payload, message.tenant))
        idle = not self._telling
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        if idle:
            await asyncio.wait({task}, timeout=PATIENCE_SECONDS)

    async def _publish(self, topic: str, payload: bytes, tenant: str) -> None:
        try:
            await self._publisher.publish(topic, payload, tenant=tenant)
        except Unavailable as error:
            # What it was told is lost, what it sent is settled: to take that again would only refuse it again.
            log.warning("a device could not be told what was refused: %s", error)
