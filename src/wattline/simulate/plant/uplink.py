"""The connection to an MQTT broker as an edge gateway keeps it: for ever, in order, and with a bounded number unanswered.

paho runs on a thread of its own; what it is given with QoS 1 it sends again after every reconnection until it is
acknowledged. So a message is handed over once, and waiting for room is how the plant waits for a broker that is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from wattline.simulate.plant.messages import Publication

MOST_UNANSWERED = 400
"""Messages on their way: some ten polls of the plant."""
MOST_COMMANDS = 100
KEEPALIVE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to connect, as whom, and under which first level of all topics; without a user name as nobody in particular.

    `ca_file` is the certificate to trust where the broker uses TLS.
    """

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    prefix: str = "microlink"
    tls: bool = False
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came down; its topic without the first level, as in what is sent."""

    topic: str
    payload: bytes


class Uplink:
    """One connection. `connected` tells whether it is up; `answered` counts what the broker has acknowledged."""

    def __init__(self, broker: Broker, client_id: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(MOST_UNANSWERED)
        self._up = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._waiting = 0
        self._commands: asyncio.Queue[Received] = asyncio.Queue(MOST_COMMANDS)
        self._prefix = f"{broker.prefix}/"
        self._filters: tuple[str, ...] = ()
        self.answered = 0
        self.connections = 0
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False, protocol=paho.MQTTv311
        )
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            client.tls_set_context(ssl.create_default_context(cafile=None if broker.ca_file is None else str(broker.ca_file)))
        client.max_inflight_messages_set(MOST_UNANSWERED)
        client.reconnect_delay_set(1, LONGEST_PAUSE_SECONDS)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.connect_async(broker.host, broker.port, KEEPALIVE_SECONDS)

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection that is open."""
        return self._up.is_set()

    @property
    def waiting(self) -> int:
        """Messages handed over and not yet acknowledged."""
        return self._waiting

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, broker: Broker, client_id: str, filters: tuple[str, ...] = ()) -> AsyncIterator[Uplink]:
        """Keep a connection for the length of the block, with these subscriptions; it need not be up yet."""
        uplink = cls(broker, client_id)
        uplink._filters = filters
        uplink._client.loop_start()
        try:
            yield uplink
        finally:
            uplink._client.disconnect()
            await asyncio.to_thread(uplink._client.loop_stop)

    async def until_connected(self) -> None:
        """Wait until the connection is up."""
        await self._up.wait()

    async def send(self, publication: Publication) -> None:
        """Hand a message over, as soon as there is room."""
        await self._room.acquire()
        self._waiting += 1
        self._idle.clear()
        self._client.publish(self._prefix + publication.topic, publication.payload, 1, publication.retain)

    async def drain(self, seconds: float) -> bool:
        """Wait until everything handed over is acknowledged, at most this long; whether it is."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        return self._waiting == 0

    async def serve(self, answer: Callable[[Received], Awaitable[None]]) -> None:
        """Give what comes down to `answer`, one after the other, until cancelled."""
        while True:
            await answer(await self._commands.get())

    def _soon(self, function: Callable[..., None], *values: object) -> None:
        # A callback of paho's thread may come after the loop has ended with the process.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *values)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            return
        if self._filters:
            client.subscribe([(self._prefix + pattern, 1) for pattern in self._filters])
        self._soon(self._came_up)

    def _came_up(self) -> None:
        self.connections += 1
        self._up.set()

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        self._soon(self._up.clear)

    def _on_publish(self, _client: paho.Client, _data: Any, _mid: int, _reason: Any, _properties: Any) -> None:
        self._soon(self._acknowledged)

    def _acknowledged(self) -> None:
        self.answered += 1
        self._waiting -= 1
        self._room.release()
        if self._waiting == 0:
            self._idle.set()

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._soon(self._came_down, Received(message.topic.removeprefix(self._prefix), bytes(message.payload)))

    def _came_down(self, received: Received) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._commands.put_nowait(received)
