"""A real MQTT broker on a port of its own, and an ear that hears everything that the plant says."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

LIMIT_SECONDS = 20


RESERVED = 32
"""Low file numbers: the client of MQTT waits with `select`, which fails from 1,024 on, and each thread of an embedded
ClickHouse holds three files."""
_held = [os.open(os.devnull, os.O_RDONLY) for _ in range(RESERVED)]


@pytest.fixture(autouse=True)
def low_files() -> Iterator[None]:
    """Let a test open files with low numbers, whatever ran before it in this process."""
    while _held:
        os.close(_held.pop())
    yield
    _held.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(RESERVED))


@dataclass
class Ear:
    """Every message that came, in order: (topic, body, QoS)."""

    port: int
    loop: asyncio.AbstractEventLoop
    heard: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    listening: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> paho.Client:
        client = self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="ear", clean_session=False)
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda client, *_: client.subscribe("#", 1)
        client.on_subscribe = lambda *_: self.loop.call_soon_threadsafe(self.listening.set)
        client.on_message = lambda _client, _data, message: self.loop.call_soon_threadsafe(self._take, message)
        client.connect_async("127.0.0.1", self.port)
        client.loop_start()
        return client

    def _take(self, message: paho.MQTTMessage) -> None:
        self.heard.append((message.topic, json.loads(message.payload), message.qos))
        self.changed.set()

    def of(self, ending: str) -> list[dict[str, Any]]:
        """The bodies of the topics that end so, in order."""
        return [body for topic, body, _ in self.heard if topic.endswith(ending)]

    async def reached(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, checked after every message."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class Mosquitto:
    """A broker that can go away and come back on the same port, with what it has stored."""

    def __init__(self, directory: Path) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._settings = directory / "mosquitto.conf"
        self._settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {directory}/\nmax_queued_messages 0\nuser root\n"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        quiet = subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec("mosquitto", "-c", str(self._settings), stdout=quiet, stderr=quiet)
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    assert self._process.returncode is None
                    continue
                writer.close()
                await writer.wait_closed()
                return

    async def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        await asyncio.wait_for(self._process.wait(), LIMIT_SECONDS)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    made = Mosquitto(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def ear(broker: Mosquitto) -> AsyncIterator[Ear]:
    made = Ear(broker.port, asyncio.get_running_loop())
    client = made.open()
    await asyncio.wait_for(made.listening.wait(), LIMIT_SECONDS)
    yield made
    client.disconnect()
    await asyncio.to_thread(client.loop_stop)
