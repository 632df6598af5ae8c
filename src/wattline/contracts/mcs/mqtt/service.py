"""What the gateway calls: messages in, rows and happenings out, dead letters for the rest."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wattline.contracts.mcs.mqtt import annunciations, modes
from wattline.contracts.mcs.mqtt.annunciations import AlarmDesk
from wattline.contracts.mcs.mqtt.commands import Commands
from wattline.contracts.mcs.mqtt.edges import Edges
from wattline.contracts.mcs.mqtt.enrolment import enrol
from wattline.contracts.mcs.mqtt.options import McsMqttOptions
from wattline.contracts.mcs.mqtt.payloads import AlarmEvent, Decoder, Heartbeat, ModeState, Priority, Response
from wattline.contracts.mcs.mqtt.readings import Readings, unknown
from wattline.contracts.mcs.mqtt.refusal import Refused
from wattline.contracts.mcs.mqtt.sequences import Sequence as SequenceOf
from wattline.contracts.mcs.mqtt.times import Times, Window
from wattline.contracts.mcs.mqtt.topics import Topic, parse
from wattline.gateways.dead_letters import DeadLetters
from wattline.gateways.happenings import Happenings
from wattline.gateways.model import Category, Message
from wattline.model.clock import Clock
from wattline.model.errors import Invalid, NotFound, StorageFull, Unavailable
from wattline.model.place import Block
from wattline.model.record import Row
from wattline.registry.service import Registry

log = logging.getLogger(__name__)

MOST_SIGNATURES = 100
TOLD: dict[str, type[ModeState | AlarmEvent | Response | Heartbeat]] = {
    "mode": ModeState,
    "alarm": AlarmEvent,
    "response": Response,
    "heartbeat": Heartbeat,
}
"""What a message says, by the kind of its topic."""


class Inlet(Protocol):
    """What is needed of `ingest.service.Ingest`."""

    async def submit(self, rows: Sequence[Row]) -> None:
        """Make rows durable. Raises `Unavailable`, `StorageFull`."""
        ...


@dataclass(slots=True)
class _Batch:
    """What comes of one call, to take effect only when all of it can."""

    window: Window
    rows: list[Row] = field(default_factory=list)
    letters: list[tuple[Message, Category, str]] = field(default_factory=list)
    strangers: list[tuple[Message, Topic]] = field(default_factory=list)
    happenings: list[tuple[Message, Topic]] = field(default_factory=list)


class McsMqtt:
    """The handler of the contract's topics. `taken` counts messages by kind."""

    def __init__(
        self,
        registry: Registry,
        ingest: Inlet,
        alarms: AlarmDesk,
        happenings: Happenings,
        commands: Commands,
        dead_letters: DeadLetters,
        clock: Clock,
        options: McsMqttOptions,
    ) -> None:
        self.taken: Counter[str] = Counter()
        self._registry = registry
        self._ingest = ingest
        self._alarms = alarms
        self._happenings = happenings
        self._commands = commands
        self._dead_letters = dead_letters
        self._clock = clock
        self._options = options
        self._decoder = Decoder()
        self._times = Times()
        self._readings = Readings(registry, self._decoder, self._times)
        self._edges = Edges(registry, alarms)
        self._signatures: set[tuple[str, str]] = set()

    @property
    def topic_filter(self) -> str:
        """What to subscribe to."""
        return f"{self._options.prefix}/#"

    def sequences(self) -> dict[int, SequenceOf]:
        """What the sequence numbers tell of messages lost on their way, by sensor id, since the start."""
        return self._readings.sequences()

    async def handle(self, messages: Sequence[Message]) -> None:
        """Take messages in. When it returns everything that they say is durable. Raises `Unavailable` and `StorageFull` alone.

        Called again with the same messages after such an error, it does what it did not do yet.
        """
        now = self._clock.micros()
        batch = _Batch(Window(now, now - self._options.kept, now + self._options.ahead))
        known, row, window, rows = self._readings.known, self._readings.row, batch.window, batch.rows
        for message in messages:
            point = known(message.tenant, message.topic)
            try:
                if point is not None:
                    rows.append(row(point, message.payload, window))
                else:
                    self._sort(message, batch)
            except Refused as refused:
                batch.letters.append((message, refused.category, str(refused)))
            except Exception as error:
                self._failed(message, error, batch)
        if batch.strangers:
            await self._enrol(batch)
        await self._ingest.submit(rows)
        for message, topic in batch.happenings:
            await self._happen(message, topic, batch)
        for message, category, why in batch.letters:
            self._dead_letters.add(message.tenant, message.topic, message.payload, category, why)
        self.taken["telemetry"] += len(rows)

    def _sort(self, message: Message, batch: _Batch) -> None:
        """A message of a topic that was not resolved before. An empty payload only takes back what a broker retained."""
        if not message.payload:
            return
        if not self._options.register_unknown and self._readings.is_unknown(message.tenant, message.topic, batch.window.now):
            raise unknown(parse(message.topic, self._options.prefix))
        topic = parse(message.topic, self._options.prefix)
        if topic.kind == "command":
            # Our own, coming back from a broker to whose every topic we listen.
            return
        if topic.kind != "telemetry":
            batch.happenings.append((message, topic))
            return
        try:
            point = self._readings.resolve(message.tenant, message.topic, topic, batch.window.now)
        except Refused:
            if not self._options.register_unknown:
                raise
            batch.strangers.append((message, topic))
        else:
            batch.rows.append(self._readings.row(point, message.payload, batch.window))

    async def _enrol(self, batch: _Batch) -> None:
        """Register the points that are new, and read their messages after all."""
        for tenant in sorted({message.tenant for message, _ in batch.strangers}):
            wanted = {topic: message.payload for message, topic in reversed(batch.strangers) if message.tenant == tenant}
            await enrol(self._registry, tenant, wanted, self._decoder)
        for message, topic in batch.strangers:
            try:
                point = self._readings.resolve(message.tenant, message.topic, topic, batch.window.now)
                batch.rows.append(self._readings.row(point, message.payload, batch.window))
            except Refused as refused:
                batch.letters.append((message, refused.category, str(refused)))
            except Exception as error:
                self._failed(message, error, batch)

    async def _happen(self, message: Message, topic: Topic, batch: _Batch) -> None:
        try:
            block = self._registry.block(message.tenant, topic.site, topic.block)
            if block is None and self._options.register_unknown:
                self._decoder.read(message.payload, TOLD[topic.kind])
                try:
                    block = await self._registry.put_block(message.tenant, topic.site, topic.block)
                except Invalid as error:
                    raise Refused("VALUE_ERROR", str(error)) from None
            if block is None:
                raise Refused("SENSOR_UNKNOWN", f"there is no block {topic.site}/{topic.block}")
            if topic.kind == "mode":
                await self._on_mode(block, message, batch.window)
            elif topic.kind == "alarm":
                await self._on_alarm(block, message, topic, batch.window)
            elif topic.kind == "response":
                told = self._decoder.read(message.payload, Response)
                time = self._time(told.ts, batch.window)
                await self._commands.answered(block, told, time, batch.window.now)
            else:
                await self._on_heartbeat(block, message, batch.window)
            self.taken[topic.kind] += 1
        except Refused as refused:
            batch.letters.append((message, refused.category, str(refused)))
        except (Unavailable, StorageFull):
            raise
        except Exception as error:
            self._failed(message, error, batch)

    def _time(self, ts: str | float, window: Window) -> int:
        time = self._times(ts)
        window.check(time)
        return time

    async def _on_mode(self, block: Block, message: Message, window: Window) -> None:
        told = self._decoder.read(message.payload, ModeState)
        time = self._time(told.ts, window)
        modes.check(told)
        try:
            await self._happenings.change_mode(block, modes.entry(block, told, time, window.now), told.state)
        except Invalid as error:
            raise Refused("VALUE_ERROR", str(error)) from None

    async def _on_alarm(self, block: Block, message: Message, topic: Topic, window: Window) -> None:
        told = self._decoder.read(message.payload, AlarmEvent)
        point = self._registry.tagged(block.id, told.sensor_tag)
        if point is None:
            raise unknown(topic._replace(tag=told.sensor_tag[:64]))
        priority: Priority = topic.tag  # type: ignore[assignment]  # `parse` has let through P0 to P3 only
        report = annunciations.report(told, priority, self._time(told.ts, window))
        try:
            await self._alarms.report(message.tenant, point.id, report)
        except (Invalid, NotFound) as error:
            raise Refused("VALUE_ERROR", str(error)) from None

    async def _on_heartbeat(self, block: Block, message: Message, window: Window) -> None:
        told = self._decoder.read(message.payload, Heartbeat)
        time = self._time(told.ts, window)
        try:
            rows = await self._edges.rows(block, told, time, window.now, message.retained)
        except Invalid as error:
            raise Refused("VALUE_ERROR", str(error)) from None
        await self._ingest.submit(rows)

    async def check_heartbeats(self) -> None:
        """Say of edges that fell silent that they are offline; to be called every few seconds."""
        rows = self._edges.silent(self._clock.micros())
        if rows:
            await self._ingest.submit(rows)

    def _failed(self, message: Message, error: Exception, batch: _Batch) -> None:
        """A fault of ours: the message is put aside, and each kind of fault is told once."""
        signature = (type(error).__name__, str(error)[:50])
        if signature not in self._signatures and len(self._signatures) < MOST_SIGNATURES:
            self._signatures.add(signature)
            log.error("a message cannot be handled: %s", message.topic, exc_info=error)
        text = f"the message could not be handled: {type(error).__name__}"
        batch.letters.append((message, "INTERNAL_ERROR", text))
