"""kill -9 at any moment while meters send, in order and not: what was acknowledged is there, once, and the totals are right."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.server_process import ServerProcess

CYCLES = 2
MANAGEMENT = "/api/v1/household"
STEP_KWH = 0.01
STEP_MS = 15_000


class Player:
    """A meter that sends one reading after the other, or each second one before the first (`crossed`).

    A reading whose answer was cut off is sent once more, as devices do.
    """

    def __init__(self, number: int, kind: str, first_ms: int, *, crossed: bool) -> None:
        self.mac = f"02:00:00:00:00:{number:02X}"
        self.user = f"home{number}"
        self.kind = kind
        self.first_ms = first_ms
        self.crossed = crossed
        self.token = ""
        self.sent = 0
        self.taken: set[int] = set()
        self.cut = 0

    def place(self, number: int) -> int:
        """Which of the readings is the one that is sent as number so and so."""
        return number ^ 1 if self.crossed else number

    def value(self, place: int) -> float:
        return STEP_KWH if self.kind == "analog_electricity" else round(1000 + place * STEP_KWH, 2)

    async def prepare(self, http: httpx.AsyncClient) -> None:
        for path, body in (
            ("/users", {"id": self.user, "name": self.user}),
            ("/sensors", {"sensor_id": self.mac, "type": self.kind}),
            (f"/sensors/{self.mac}/assign", {"user_id": self.user}),
        ):
            (await http.post(MANAGEMENT + path, json=body)).raise_for_status()
        answer = await http.post("/token", json={"sensor_id": self.mac})
        self.token = answer.raise_for_status().json()["access_token"]

    async def play(self, http: httpx.AsyncClient) -> None:
        while True:
            place = self.place(self.sent)
            body = {"value": self.value(place), "timestamp": self.first_ms + place * STEP_MS}
            self.cut += 1
            answer = await http.post("/sensor_input", json=body, headers={"Authorization": f"Bearer {self.token}"})
            assert answer.status_code == 200, (self.kind, place, answer.text)
            self.cut -= 1
            self.taken.add(place)
            self.sent += 1

    async def check(self, http: httpx.AsyncClient) -> None:
        """What was acknowledged is there, and at most the reading on its way beside it."""
        answer = await http.get("/csv_energy", params={"user_id": self.user})
        if not self.taken and answer.status_code == 404:
            return
        assert answer.status_code == 200, answer.text
        rows = list(csv.reader(io.StringIO(answer.text)))[1:]
        times = [round(datetime.fromisoformat(row[5]).timestamp() * 1000) for row in rows]
        places = [(at - self.first_ms) // STEP_MS for at in times]
        assert places == sorted(set(places))
        assert self.taken <= set(places) <= self.taken | {self.place(self.sent)}
        used = [float(row[1]) for row in rows]
        steps = [after - before for before, after in pairwise(places)]
        if self.kind != "analog_electricity":
            assert [float(row[0]) for row in rows] == [self.value(place) for place in places]
            assert used == pytest.approx([0.0, *(step * STEP_KWH for step in steps)], abs=1e-6)
        else:
            # Each increment says what it used, wherever others are still to come.
            assert used == pytest.approx([0.0, *(STEP_KWH for _ in steps)], abs=1e-6)


async def test_kills_leave_every_acknowledged_reading_once(tmp_path: Path) -> None:
    choice = random.Random(20260611)
    first_ms = (int(time.time()) - 20 * 3600) * 1000
    kinds = [("digital_electricity", False), ("digital_electricity", True)]
    kinds += [("analog_electricity", False), ("analog_electricity", True)]
    players = [Player(at, kind, first_ms, crossed=crossed) for at, (kind, crossed) in enumerate(kinds)]
    environment = {"WATTLINE_LOG_LEVEL": "warning", "WATTLINE_MQTT": "off"}
    server = ServerProcess(tmp_path / "data", "--open", environment=environment)
    server.start()
    async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http:
        for player in players:
            await player.prepare(http)
    for _ in range(CYCLES):
        async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http:
            tasks = [asyncio.create_task(player.play(http)) for player in players]
            ended, _ = await asyncio.wait(tasks, timeout=choice.uniform(0.2, 1.0), return_when=asyncio.FIRST_COMPLETED)
            server.kill()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, httpx.TransportError), result
            assert not ended
        server.start()
        async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http:
            for player in players:
                await player.check(http)
    assert server.stop() == 0
    assert all(len(player.taken) > CYCLES for player in players), [len(player.taken) for player in players]
    assert sum(player.cut for player in players) > 0, "no answer was cut off, so nothing was tried"
