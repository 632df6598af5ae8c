"""The gateway: messages from a broker to their handlers, and acknowledged when the handlers have made them durable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from wattline.gateways.address import parse_url
from wattline.gateways.broker.access import Access, Authority, Keys
from wattline.gateways.broker.service import Broker
from wattline.gateways.client import BrokerLink
from wattline.gateways.dead_letters import DeadLetters
from wattline.gateways.filters import is_filter, is_topic, matches
from wattline.gateways.link import Link
from wattline.gateways.model import Handler, Health, Message, MqttOptions
from wattline.model.clock import Clock
from wattline.model.errors import Invalid, StorageFull, Unavailable

log = logging.getLogger(__name__)

MOST_AT_ONCE = 5000
"""Messages that one call of a handler gets; more would make everyone in the group wait."""
STOP_SECONDS = 10.0

Waiting = tuple[Message, object]


class MqttGateway:
    """One way in for MQTT messages: from the broker of `options.url`, or from the embedded one. `health` tells how it is.

    Messages that come while a handler works are its next call, in order, so that one durable commit covers them. A handler that
    raises `Unavailable` or `StorageFull` gets the same messages again after a pause, for ever, and they stay unacknowledged
    meanwhile; on any other error it gets them one by one, and the one it fails on alone becomes a dead letter.
    """

    def __init__(self, options: MqttOptions, keys: Keys, dead_letters: DeadLetters, clock: Clock) -> None:
        self.health = Health()
        self._options = options
        self._dead_letters = dead_letters
        self._broker: Broker | None = None
        self._link: Link
        if options.url is None:
            access = Access(keys, options.prefix, options.tenant if options.open else None)
            self._link = self._broker = Broker(access, options, clock, self.take, self._refused, self.health)
        else:
            self._link = BrokerLink(parse_url(options.url), options, clock, self.take, self.health)
        self._routes: list[tuple[str, Handler]] = []
        self._pending: list[Waiting] = []
        self._arrived = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._paused = False
        self._stopping = asyncio.Event()

    def subscribe(self, topic_filter: str, handler: Handler) -> None:
        """Give the messages of a topic filter to a handler; before the start. The first filter that covers a topic counts."""
        if not is_filter(topic_filter):
            raise Invalid(f"not a topic filter: {topic_filter!r}", "topic_filter")
        if self._work is not None:
            raise RuntimeError("handlers subscribe before the start")
        self._routes.append((topic_filter, handler))

    def admit_by(self, authority: Authority) -> None:
        """Let the embedded broker ask another who may come in; an external broker decides that by itself."""
        if self._broker is not None:
            self._broker.access.others.append(authority)

    async def start(self) -> None:
        """Begin. A broker that is away does not hold up the start; its messages come when it is there."""
        self._work = asyncio.create_task(self._run(), name="mqtt messages")
        await self._link.start([pattern for pattern, _ in self._routes])

    async def stop(self) -> None:
        """Finish what the handlers have in hand, acknowledge it, and leave the rest to the broker."""
        self._link.pause()
        self._stopping.set()
        self._arrived.set()
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=STOP_SECONDS)
            self._work.cancel()
            await asyncio.wait({self._work})
        await self._link.stop()

    async def publish(self, topic: str, payload: bytes, *, tenant: str, qos: int = 1, retain: bool = False) -> None:
        """Send a message to the tenant's devices; with QoS 1 it returns when the broker has it.

        Raises `Invalid` for what is no topic, `Unavailable` where there is no broker or it does not acknowledge in time.
        """
        if not is_topic(topic):
            raise Invalid("not a topic to publish to", "topic")
        await self._link.publish(tenant, topic, payload, qos, retain)
        self.health.published += 1

    @property
    def port(self) -> int | None:
        """Where the embedded broker listens; None with an external one."""
        return None if self._broker is None else self._broker.port

    def take(self, message: Message, receipt: object) -> None:
        """A link has a message. Called on the event loop."""
        self.health.received += 1
        self._pending.append((message, receipt))
        self.health.pending += 1
        if self.health.pending >= self._options.most_pending and not self._paused:
            self._paused = True
            self._link.pause()
        self._arrived.set()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._arrived.wait()
            self._arrived.clear()
            while self._pending and not self._stopping.is_set():
                group, self._pending = self._pending[:MOST_AT_ONCE], self._pending[MOST_AT_ONCE:]
                await self._settle(group)

    async def _settle(self, group: list[Waiting]) -> None:
        """See a group through to its end: handled, or dead letters, or left unacknowledged because we stop."""
        parts = [(self._routes[0][1], group)] if len(self._routes) == 1 else self._parted(group)
        for handler, part in parts:
            if await self._handled(handler, part):
                self._link.acknowledge([receipt for _, receipt in part])
                self.health.acknowledged += len(part)
            self.health.pending -= len(part)
        if self._paused and self.health.pending <= self._options.most_pending // 2 and not self._stopping.is_set():
            self._paused = False
            self._link.resume()

    def _parted(self, group: list[Waiting]) -> list[tuple[Handler, list[Waiting]]]:
        """The group by handler, in order; a broker sends nothing that was not subscribed to, and were it so, it is let go."""
        parts: list[tuple[Handler, list[Waiting]]] = [(handler, []) for _, handler in self._routes]
        for entry in group:
            for number, (pattern, _) in enumerate(self._routes):
                if matches(pattern, entry[0].topic):
                    parts[number][1].append(entry)
                    break
        return [(handler, part) for handler, part in parts if part]

    async def _handled(self, handler: Handler, part: Sequence[Waiting]) -> bool:
        """Whether the messages may be acknowledged; False only when the gateway stops before the handler could do its work."""
        pause = self._options.retry_seconds
        while True:
            try:
                await handler([message for message, _ in part])
            except (Unavailable, StorageFull) as error:
                if self.health.held_up is None:
                    log.warning("%d messages wait: %s", len(part), error)
                self.health.held_up = str(error)
                self.health.retried += len(part)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                if self._stopping.is_set():
                    return False
                pause = min(pause * 2, self._options.retry_longest)
            except Exception as error:
                if len(part) > 1:
                    return all([await self._handled(handler, [entry]) for entry in part])
                self._bury(part[0][0], error)
                return True
            else:
                self.health.held_up = None
                return True

    def _refused(self, message: Message, why: str) -> None:
        self._dead_letters.add(message.tenant, message.topic, message.payload, "TOPIC_ERROR", why)

    def _bury(self, message: Message, error: Exception) -> None:
        log.error("a message cannot be handled: %s", message.topic, exc_info=error)
        self.health.poisoned += 1
        text = f"the message could not be handled: {type(error).__name__}"
        self._dead_letters.add(message.tenant, message.topic, message.payload, "INTERNAL_ERROR", text)
