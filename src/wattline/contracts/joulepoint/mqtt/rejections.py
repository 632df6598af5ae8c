"""What was refused of a device: told to it on its own `errors`, counted, and kept as a dead letter for people."""

from __future__ import annotations

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
        try:
            await self._publisher.publish(answer_topic(place), payload, tenant=message.tenant)
        except Unavailable as error:
            # What it was told is lost, what it sent is settled: to take that again would only refuse it again.
            log.warning("a device could not be told what was refused: %s", error)
