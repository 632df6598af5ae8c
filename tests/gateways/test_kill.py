"""kill -9 while messages come from a real Mosquitto: what we acknowledged is stored, what we did not comes again, and all of
it is there once.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.gateways.device import PUBACK, Device, publish_packet
from tests.gateways.mosquitto import mosquitto
from tests.server_process import ServerProcess
from wattline.model.clock import SECOND, SystemClock
from wattline.registry.point import PointSpec
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import migrate

TAGS = ("A", "B", "C")
KILLS = 2
EACH = 400
TOPIC = "microlink/hall/block-01/electrical"


async def registered(data: Path) -> list[int]:
    """Sensor ids of the points, made before the server runs."""
    database = Database(f"sqlite+aiosqlite:///{data}/state.db")
    await migrate(database)
    registry = Registry(database)
    await registry.load()
    specs = [PointSpec(tag, "M", "electrical", "kW") for tag in TAGS]
    points = await registry.put_points("default", "hall", "block-01", specs)
    await database.close()
    return [point.id for point in points]


async def publish(device: Device, first: int, count: int) -> None:
    """A sample a second of each point, in the hands of the broker when this returns."""
    sent = 0
    for time in range(first, first + count):
        moment = datetime.fromtimestamp(time, UTC).isoformat()
        for tag in TAGS:
            sent += 1
            payload = json.dumps({"ts": moment, "v": float(time % 1000), "u": "kW", "q": "GOOD", "seq": sent}).encode()
            await device.send(publish_packet(f"{TOPIC}/{tag}", payload, 1, sent))
    for number in range(1, sent + 1):
        answer = await device.receive(30)
        assert (answer.kind, answer.packet_id) == (PUBACK, number)


async def stored(url: str, sensor: int, first: int, last: int) -> dict[str, float]:
    """The raw values of a sensor by their time; a value that were stored twice would be counted twice."""
    query = {"sensor_id": str(sensor), "start": str(first), "end": str(last), "agg": "raw"}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{url}/api/v1/telemetry", params=query)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    found = {point["bucket"]: point["val_avg"] for point in data}
    assert len(found) == len(data)
    assert all(point["sample_count"] == 1 for point in data)
    return found


async def test_no_kill_loses_or_doubles_a_reading(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    sensors = await registered(data)
    first = SystemClock().micros() // SECOND - 3600
    with mosquitto(tmp_path / "mosquitto", "max_inflight_messages 200\n") as broker:
        server = ServerProcess(data, "--open", environment={"WATTLINE_MQTT_URL": broker.url, "WATTLINE_LOG_LEVEL": "warning"})
        # Once, so that the broker knows our session and keeps what comes while we are dead.
        server.start()
        device = await Device.connected(broker.port, "edge")
        await until_heard(server, device, sensors, first)
        for number in range(KILLS):
            begin = first + 1 + number * EACH
            publishing = asyncio.create_task(publish(device, begin, EACH))
            await until_some(server, sensors[0], begin, begin + EACH)
            server.kill()
            await publishing
            server.start()
        total = 1 + KILLS * EACH
        await until_stored(server, sensors, first, total)
        for sensor in sensors:
            found = await stored(server.url, sensor, first, first + total)
            assert list(found.values()) == [float(time % 1000) for time in range(first, first + total)]
        await device.close()
        assert server.stop() == 0


async def until_heard(server: ServerProcess, device: Device, sensors: list[int], first: int) -> None:
    """Publish a first reading until it is there: before our subscription the broker keeps nothing for us."""
    async with asyncio.timeout(60):
        for sensor in sensors:
            while not await stored(server.url, sensor, first, first + 1):
                await publish(device, first, 1)
                await asyncio.sleep(0.1)


async def until_some(server: ServerProcess, sensor: int, first: int, last: int) -> None:
    """Wait until readings of this span are there: then others are on their way."""
    async with asyncio.timeout(60):
        while not await stored(server.url, sensor, first, last):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_stored(server: ServerProcess, sensors: list[int], first: int, count: int) -> None:
    """Wait until the broker has sent everything that it had kept."""
    async with asyncio.timeout(60):
        for sensor in sensors:
            while len(await stored(server.url, sensor, first, first + count)) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
