"""kill -9 at any moment under load: nothing acknowledged is lost, nothing is doubled, the tiers stay true."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx

from tests.faults import inspect_data
from tests.server_process import ServerProcess
from wattline.model.clock import SystemClock, to_micros

CYCLES = 50
CLIENTS = 8


class Load:
    """Clients that remember what was acknowledged, and what was sent without an answer."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.acknowledged: dict[tuple[str, str, int], float] = {}
        self.sent: dict[tuple[str, str, int], set[float]] = {}
        self.now = SystemClock().now().replace(microsecond=0) - timedelta(hours=3)

    def reading(self, client: int) -> tuple[dict[str, object], tuple[str, str, int], float]:
        """Mostly a little newer than the last; now and then late, or the same instant with another value."""
        self.now += timedelta(milliseconds=37)
        late = self.random.random() < 0.15
        moment = self.now - timedelta(seconds=self.random.randrange(3_600)) if late else self.now
        hertz = round(self.random.uniform(59.9, 60.1), 3)
        key = (f"SUB{client % 3}", f"F{client}", to_micros(moment))
        body = {
            "substation_id": key[0],
            "feeder_id": key[1],
            "voltage_kv": 230.0,
            "current_a": 100.5,
            "power_mw": -3.25,
            "frequency_hz": hertz,
            "timestamp": moment.isoformat(),
        }
        return body, key, hertz

    async def one(self, client: int, http: httpx.AsyncClient) -> None:
        while True:
            batch = self.random.random() < 0.2
            made = [self.reading(client) for _ in range(self.random.randrange(2, 40) if batch else 1)]
            for _, key, hertz in made:
                self.sent.setdefault(key, set()).add(hertz)
            if batch:
                answer = await http.post("/api/ingest/telemetry/batch", json={"records": [body for body, _, _ in made]})
            else:
                answer = await http.post("/api/ingest/telemetry", json=made[0][0])
            assert answer.status_code == 200, answer.text
            for _, key, hertz in made:
                self.acknowledged[key] = hertz

    async def until_dead(self, server: ServerProcess) -> None:
        limits = httpx.Limits(max_connections=CLIENTS)
        async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=30, trust_env=False) as http:
            clients = [asyncio.create_task(self.one(n, http)) for n in range(CLIENTS)]
            loop = asyncio.get_running_loop()
            killed: asyncio.Future[None] = loop.create_future()
            loop.call_later(self.random.uniform(0.02, 0.5), killed.set_result, None)
            await asyncio.wait([*clients, killed], return_when=asyncio.FIRST_COMPLETED)
            server.kill()
            ended = await asyncio.gather(*clients, return_exceptions=True)
            assert all(isinstance(error, httpx.TransportError) for error in ended), ended


async def test_fifty_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    load = Load(seed=20260611)
    server = ServerProcess(tmp_path / "data", "--open", environment={"WATTLINE_LOG_LEVEL": "warning"})
    for _ in range(CYCLES):
        server.start()
        await load.until_dead(server)
    command = [sys.executable, inspect_data.__file__, str(tmp_path / "data")]
    inspected = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert inspected.returncode == 0, inspected.stderr[-4000:]
    found = json.loads(inspected.stdout)
    stored = {(site, feeder, time): hertz for site, feeder, time, hertz in found["rows"]}
    assert len(load.acknowledged) > CYCLES * 10
    lost = [key for key in load.acknowledged if key not in stored]
    assert not lost
    assert len(stored) == len(found["rows"])
    assert found["doubled"] == 0
    assert found["tiers_were_used"]
    assert found["tier_differences"] == {"1m": 0, "5m": 0, "1h": 0, "1d": 0}
    # A value is the acknowledged one, or one that was sent and whose answer the kill cut off.
    assert all(hertz in load.sent[key] for key, hertz in stored.items())
    once = {key for key, values in load.sent.items() if len(values) == 1}
    assert all(stored[key] == hertz for key, hertz in load.acknowledged.items() if key in once)
