"""kill -9 at any moment while rows are inserted, upserted, changed and deleted: what was acknowledged is there, and whole."""

from __future__ import annotations

import asyncio
import random
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.server_process import ServerProcess

CYCLES = 8
CLIENTS = 6
SECRET = "the secret that tokens of this project are signed with"
TABLES = ("mg_bess_readings", "market_data", "mg_device_registry")
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 5
"""Rows of a write: all of them bear its number, or none does."""


class Group:
    """Rows that one client writes together. `may` are the states that they may be in: one, unless an answer was cut off."""

    def __init__(self, table: str, number: int) -> None:
        self.table = table
        self.device = str(uuid.UUID(int=number + 1))
        self.ids = [str(uuid.UUID(int=(number + 1) * 1000 + place)) for place in range(ROWS)]
        self.may: list[int | None] = [None]

    def rows(self, number: int) -> list[dict[str, Any]]:
        if self.table == "mg_bess_readings":
            times = [(FIRST + timedelta(seconds=place)).isoformat() for place in range(ROWS)]
            return [{"time": time, "device_id": self.device, "soe": number} for time in times]
        if self.table == "market_data":
            return [{"id": each, "time": FIRST.isoformat(), "type": 1, "value": number} for each in self.ids]
        return [{"id": each, "name": str(number), "type": "bess", "site": self.device} for each in self.ids]

    @property
    def mine(self) -> dict[str, str]:
        """The filter of the group."""
        if self.table == "mg_bess_readings":
            return {"device_id": f"eq.{self.device}"}
        return {"id": f"in.({','.join(self.ids)})"}

    @property
    def value(self) -> str:
        return {"mg_bess_readings": "soe", "market_data": "value", "mg_device_registry": "name"}[self.table]

    @property
    def key(self) -> str:
        return "device_id,time" if self.table == "mg_bess_readings" else "id"


async def write(http: httpx.AsyncClient, group: Group, choice: random.Random, number: int) -> None:
    """Do one write; while it is on its way the group may be as before or as after."""
    before = group.may[0]
    kind = choice.choice(("insert", "upsert")) if before is None else choice.choice(("upsert", "patch", "patch", "delete"))
    after = None if kind == "delete" else number
    group.may = [before, after]
    path = f"/rest/v1/{group.table}"
    if kind == "insert":
        answer = await http.post(path, json=group.rows(number))
    elif kind == "upsert":
        prefer = {"Prefer": "resolution=merge-duplicates"}
        answer = await http.post(path, params={"on_conflict": group.key}, json=group.rows(number), headers=prefer)
    elif kind == "patch":
        value: object = str(number) if group.table == "mg_device_registry" else number
        answer = await http.patch(path, params=group.mine, json={group.value: value})
    else:
        answer = await http.delete(path, params=group.mine)
    assert answer.status_code in (200, 201, 204), (kind, answer.status_code, answer.text)
    group.may = [after]


async def client(http: httpx.AsyncClient, groups: list[Group], choice: random.Random, numbers: list[int]) -> None:
    while True:
        numbers[0] += 1
        await write(http, choice.choice(groups), choice, numbers[0])


async def state(http: httpx.AsyncClient, group: Group) -> int | None:
    """The number that all rows of a group bear."""
    answer = await http.get(f"/rest/v1/{group.table}", params=group.mine)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert len(found) in (0, ROWS), f"half of a write is there: {found}"
    values = {float(row[group.value]) for row in found}
    assert len(values) <= 1, f"two writes are mixed: {found}"
    return int(values.pop()) if values else None


async def test_kills_leave_every_acknowledged_change_whole(tmp_path: Path) -> None:
    choice, numbers = random.Random(20260611), [0]
    groups = [Group(TABLES[number % len(TABLES)], number) for number in range(CLIENTS * 6)]
    settings = {"WATTLINE_FLUX_RATE_LIMITS": "off", "WATTLINE_LOG_LEVEL": "warning", "WATTLINE_FLUX_JWT_SECRET": SECRET}
    server = ServerProcess(tmp_path / "data", "--open", environment={**settings, "WATTLINE_MQTT": "off"})
    cut = 0
    for _ in range(CYCLES):
        server.start()
        limits = httpx.Limits(max_connections=CLIENTS)
        async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=30, trust_env=False) as http:
            for group in groups:
                found = await state(http, group)
                assert found in group.may, (group.table, group.device, found, group.may)
                cut += len(group.may) > 1
                group.may = [found]
            tasks = [
                asyncio.create_task(client(http, groups[number::CLIENTS], random.Random(choice.random()), numbers))
                for number in range(CLIENTS)
            ]
            ended, _ = await asyncio.wait(tasks, timeout=choice.uniform(0.05, 0.8), return_when=asyncio.FIRST_COMPLETED)
            server.kill()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, httpx.TransportError), result
            assert not ended or all(isinstance(task.exception(), httpx.TransportError) for task in ended)
    server.start()
    async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http:
        for group in groups:
            assert await state(http, group) in group.may
    assert server.stop() == 0
    assert numbers[0] > CYCLES * CLIENTS
    assert cut > 0, "no answer was cut off, so nothing was tried"
