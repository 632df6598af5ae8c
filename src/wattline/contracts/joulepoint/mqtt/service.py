"""Messages of devices to what takes them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from wattline.contracts.joulepoint.bodies import malformed
from wattline.contracts.joulepoint.mqtt import topics
from wattline.contracts.joulepoint.mqtt.energy import Arrived, Energy
from wattline.contracts.joulepoint.mqtt.rejections import Rejections
from wattline.contracts.joulepoint.mqtt.senders import Senders
from wattline.contracts.joulepoint.mqtt.settled import Settled
from wattline.contracts.joulepoint.mqtt.topics import Place
from wattline.contracts.joulepoint.problem import told
from wattline.gateways.model import Handler, Message
from wattline.metering.devices import Devices
from wattline.metering.readings.model import Sender
from wattline.model.errors import Fault, Faulty, NotFound, StorageFull, Unavailable, WattlineError
from wattline.quality.intake import Intake

MOST_TOGETHER = 1000
"""Documents of one message."""
_STATUS = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_COMMAND_ID = re.compile(r"[0-9a-fA-F-]{1,64}")
LONGEST_DETAIL = 1000

Document = Callable[[Sender, Any], Awaitable[object]]


class JoulepointMqtt:
    """What the contract does with the messages of its topics. A message that is wrong raises nothing: its sender is told."""

    def __init__(
        self,
        senders: Senders,
        rejections: Rejections,
        energy: Energy,
        intake: Intake,
        devices: Devices,
        settled: Settled,
    ) -> None:
        self._senders = senders
        self._rejections = rejections
        self._energy = energy
        self._intake = intake
        self._devices = devices
        self._settled = settled

    def handlers(self) -> dict[str, Handler]:
        """By topic filter."""
        taking: dict[str, Callable[[Sequence[Arrived]], Awaitable[None]]] = {
            topics.ENERGY: self._energy.take,
            topics.QUALITY: self._each(self._quality),
            topics.PROTECTION: self._each(self._protection),
            topics.STATUS: self._each(self._status),
            topics.ACKNOWLEDGEMENT: self._each(self._acknowledgement),
        }
        return {"/".join((*topics.PREFIX, "+", "+", what)): self._placed(take) for what, take in taking.items()}

    def _placed(self, take: Callable[[Sequence[Arrived]], Awaitable[None]]) -> Handler:
        async def handle(messages: Sequence[Message]) -> None:
            arrived = []
            for message in self._settled.rest(messages):
                place = topics.read(message.topic)
                if place is None or place.tenant != message.tenant:
                    self._rejections.stray(message, "no topic of a device of this tenant")
                    self._settled.add(message)
                else:
                    arrived.append((place, message))
            if arrived:
                await take(arrived)
            self._settled.forget(messages)

        return handle

    def _each(self, take: Callable[[Place, Message], Awaitable[None]]) -> Callable[[Sequence[Arrived]], Awaitable[None]]:
        async def one_by_one(arrived: Sequence[Arrived]) -> None:
            for place, message in arrived:
                try:
                    await take(place, message)
                except (Unavailable, StorageFull):
                    raise
                except WattlineError as error:
                    await self._rejections.failed(place, message, error)
                self._settled.add(message)

        return one_by_one

    async def _quality(self, place: Place, message: Message) -> None:
        """A half-cycle series (`step_s`), a capture of samples (`sample_rate_hz`), or an event; or an array of these."""
        await self._documents(place, message, self._quality_document)

    async def _quality_document(self, sender: Sender, document: Any) -> None:
        names = document if isinstance(document, dict) else {}
        if "sample_rate_hz" in names:
            await self._intake.capture(sender, document)
        elif "step_s" in names or ("channels" in names and "type" not in names):
            await self._intake.series(sender, document)
        else:
            await self._intake.event(sender, document)

    async def _protection(self, place: Place, message: Message) -> None:
        """An event of protection, or an array of them."""
        await self._documents(place, message, self._intake.protection)

    async def _documents(self, place: Place, message: Message, take: Document) -> None:
        """Take every document of a message; those that are refused are told together, by their index."""
        sender = await self._senders.of(place, message)
        found = _json(message.payload)
        if not isinstance(found, list):
            await take(sender, found)
            return
        if not 1 <= len(found) <= MOST_TOGETHER:
            raise Faulty([Fault("", "length", f"there are 1 to {MOST_TOGETHER} documents in a message")])
        rejected: dict[int, list[Fault]] = {}
        for index, document in enumerate(found):
            try:
                await take(sender, document)
            except (Unavailable, StorageFull):
                raise
            except WattlineError as error:
                said = told(error)
                rejected[index] = [*said.faults] or [Fault("", said.code, said.detail)]
        if rejected:
            await self._rejections.readings(place, message, rejected, several=True)

    async def _status(self, place: Place, message: Message) -> None:
        """`online`, `offline` (the last will) or another word; as text, or as `{"status": "online"}`."""
        await self._senders.of(place, message)
        subject = self._senders.subject(place)
        if message.retained and not message.payload:
            return
        word = message.payload.decode("utf-8", "replace").strip()
        if word[:1] in ("{", '"'):
            found = _json(message.payload)
            word = str(found.get("status", "")) if isinstance(found, dict) else str(found)
        if _STATUS.fullmatch(word) is None:
            raise Faulty([Fault("/status", "invalid", "a status is one lower-case word, such as online or offline")])
        await self._devices.status(subject, word)

    async def _acknowledgement(self, place: Place, message: Message) -> None:
        """`{"id", "status", "detail"}`: the answer to a command."""
        await self._senders.of(place, message)
        subject = self._senders.subject(place)
        found = _json(message.payload)
        document: dict[str, Any] = found if isinstance(found, dict) else {}
        number, status, detail = document.get("id"), document.get("status"), document.get("detail")
        faults = []
        if not isinstance(number, str) or _COMMAND_ID.fullmatch(number) is None:
            faults.append(Fault("/id", "required", "the id of the command"))
        if not isinstance(status, str) or _STATUS.fullmatch(status) is None:
            faults.append(Fault("/status", "required", "one lower-case word, such as done or refused"))
        if detail is not None and (not isinstance(detail, str) or len(detail) > LONGEST_DETAIL):
            faults.append(Fault("/detail", "invalid", f"a text of at most {LONGEST_DETAIL} characters"))
        if faults:
            raise Faulty(faults)
        if not await self._devices.acknowledged(subject, str(number), str(status), detail):
            raise NotFound("no such command was sent to this device")


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed() from None
