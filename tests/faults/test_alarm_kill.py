"""kill -9 at any moment while samples come over MQTT: every acknowledged sample was judged, once, in its order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.gateways.device import PUBACK, Device, publish_packet
from tests.server_process import ServerProcess
from wattline.alarms.model import Limit
from wattline.alarms.service import Alarms
from wattline.events.service import EventLog
from wattline.model.clock import SECOND, SystemClock
from wattline.registry.point import PointSpec
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import migrate

CYCLES = 7
SENSORS = 20
TENANT = "default"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def parts(data: Path) -> AsyncIterator[tuple[Registry, Alarms, EventLog]]:
    """What a server stores, opened without one."""
    database = Database(f"sqlite+aiosqlite:///{data}/state.db")
    await migrate(database)
    clock, events = SystemClock(), EventLog(database)
    registry = Registry(database, 1000, clock)
    await registry.load()
    alarms = Alarms(database, events, registry, clock, lambda _topic, _message: None)
    await alarms.load()
    try:
        yield registry, alarms, events
    finally:
        await database.close()


class Plant:
    """Sensors that jump over their limit and back; a sample is sent again until it is acknowledged, and only then forgotten."""

    def __init__(self, tags: list[str], seed: int) -> None:
        self.random = random.Random(seed)
        self.tags = tags
        self.time = SystemClock().micros() // SECOND - 3600
        self.values: dict[str, list[float]] = {tag: [] for tag in tags}
        self.unacknowledged: deque[tuple[str, int, float]] = deque()

    def sample(self) -> None:
        self.time += 1
        for tag in self.tags:
            # Mostly as it was: a plant in which every sample is a transition is none.
            before = self.values[tag][-1] if self.values[tag] else 40.0
            value = self.random.choice((40.0, 60.0)) if self.random.random() < 0.1 else before
            self.values[tag].append(value)
            self.unacknowledged.append((tag, self.time, value))

    async def send(self, device: Device) -> None:
        """Send what is not acknowledged, in order, and go on with new samples, for ever."""
        while True:
            while len(self.unacknowledged) < 3 * len(self.tags):
                self.sample()
            await self.flush(device)

    async def flush(self, device: Device) -> None:
        sent = list(self.unacknowledged)
        for number, (tag, time, value) in enumerate(sent, 1):
            moment = datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")
            payload = json.dumps({"ts": moment, "v": value, "u": "kW", "q": "GOOD"}).encode()
            await device.send(publish_packet(f"microlink/hall/block-01/electrical/{tag}", payload, 1, number))
        for number in range(1, len(sent) + 1):
            answer = await device.receive()
            assert (answer.kind, answer.packet_id) == (PUBACK, number), "acknowledged in the order they were sent"
            self.unacknowledged.popleft()

    def expected(self, tag: str) -> list[str]:
        """What must have been told of a sensor whose limit is 50: each crossing once."""
        told, high = [], False
        for value in self.values[tag]:
            if (value > 50) != high:
                high = not high
                told.append("alarm_raised" if high else "alarm_rtn_unack")
        return told


async def settled(server: ServerProcess) -> None:
    """Wait until every sample has been judged."""
    async with asyncio.timeout(120), httpx.AsyncClient() as http:
        while "wattline_follower_bytes 0.0" not in (await http.get(f"{server.url}/metrics")).text:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_no_kill_loses_or_doubles_a_transition(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    tags = [f"K-{n:02}" for n in range(SENSORS)]
    async with parts(data) as (registry, alarms, _):
        points = await registry.put_points(
            TENANT, "hall", "block-01", [PointSpec(tag, "M", "electrical", "kW") for tag in tags]
        )
        for point in points:
            await alarms.set_limits(TENANT, point.id, [Limit("H", "HIGH", 50.0, "P2", deadband=1.0)])
    plant = Plant(tags, seed=7)
    port = free_port()
    settings = {"WATTLINE_LOG_LEVEL": "warning", "WATTLINE_MQTT_PORT": str(port)}
    server = ServerProcess(data, "--open", environment=settings)
    for _ in range(CYCLES):
        server.start()
        device = await Device.connected(port, "plant")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(plant.send(device), plant.random.uniform(0.05, 0.6))
        server.kill()
        device.vanish()
    server.start()
    device = await Device.connected(port, "plant")
    await plant.flush(device)
    await device.close()
    await settled(server)
    assert server.stop() == 0

    async with parts(data) as (registry, alarms, events):
        told: dict[str, list[str]] = {tag: [] for tag in tags}
        cursor = None
        while True:
            page = await events.query(TENANT, kinds=["alarm"], limit=1000, before=cursor)
            for event in page.events:
                told[event.body["tag"]].insert(0, str(event.event_type))
            cursor = page.next
            if cursor is None:
                break
        assert (await events.verify(TENANT)).sound
        for point in points:
            assert told[point.tag] == plant.expected(point.tag), point.tag
            live = alarms.live(point.id)
            assert (live.state if live else None) == {
                True: "ACTIVE",
                False: "RTN_UNACK" if plant.expected(point.tag) else None,
            }[plant.values[point.tag][-1] > 50]
