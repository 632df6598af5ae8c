"""Many clients at the same keys at once: every write is whole, and the end is what some order of them would have made."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import Any

import httpx
import pytest

from tests.contracts.flux.clients.project import Project
from tests.contracts.flux.hostile.world import moment

CLIENTS = 20
WRITES = 6
ROWS = 8


def rows(table: str, device: str, value: int) -> list[dict[str, Any]]:
    if table == "market_data":
        ids = [str(uuid.uuid5(uuid.UUID(device), str(place))) for place in range(ROWS)]
        return [{"id": each, "time": moment(0), "type": 1, "value": value} for each in ids]
    return [{"device_id": device, "time": moment(place), "soe": value} for place in range(ROWS)]


@pytest.mark.parametrize("table", ["mg_bess_readings", "market_data"])
async def test_writes_at_once_are_as_if_one_after_another(victim: Project, table: str) -> None:
    device, seen = str(uuid.uuid4()), set()
    column, key = ("value", "id") if table == "market_data" else ("soe", "device_id,time")
    ids = ",".join(row["id"] for row in rows("market_data", device, 0))
    mine = {"id": f"in.({ids})"} if table == "market_data" else {"device_id": f"eq.{device}"}
    headers = {"apikey": victim.service, "Prefer": "return=representation"}
    limits = httpx.Limits(max_connections=CLIENTS)

    async with httpx.AsyncClient(base_url=f"{victim.url}/rest/v1", headers=headers, limits=limits, timeout=60) as http:

        async def whole() -> None:
            found = (await http.get(f"/{table}", params=mine)).json()
            assert len(found) in (0, ROWS), "half of a write is seen"
            values = {row[column] for row in found}
            assert len(values) <= 1, "two writes are mixed"
            assert values <= seen

        async def client(number: int) -> list[tuple[str, int]]:
            choice, done = random.Random(number), []
            for place in range(WRITES):
                value = number * WRITES + place + 1
                kind = choice.choice(("insert", "upsert", "upsert", "delete", "patch"))
                seen.add(value)
                body, params = rows(table, device, value), dict(mine)
                if kind == "insert":
                    answer = await http.post(f"/{table}", json=body)
                    assert answer.status_code in (201, 409), answer.text
                elif kind == "upsert":
                    prefer = {"Prefer": "resolution=merge-duplicates,return=representation"}
                    answer = await http.post(f"/{table}", json=body, params={"on_conflict": key}, headers=prefer)
                    assert answer.status_code in (200, 201), answer.text
                elif kind == "delete":
                    answer = await http.delete(f"/{table}", params=params)
                else:
                    answer = await http.patch(f"/{table}", params=params, json={column: value})
                if answer.status_code != 409:
                    assert answer.status_code in (200, 201), answer.text
                    assert len(answer.json()) in (0, ROWS)
                    done.append((kind, value))
                await whole()
            return done

        done = [each for found in await asyncio.gather(*map(client, range(CLIENTS))) for each in found]
        end = (await http.get(f"/{table}", params=mine)).json()
        keys = [(row.get("device_id"), row["time"], row["id"] if table == "market_data" else None) for row in end]
        assert len(set(keys)) == len(keys)
        for row in end:
            assert row[column] in {value for kind, value in done if kind != "delete"}
        await http.delete(f"/{table}", params=mine)


async def test_of_equal_inserts_at_once_one_is_done(victim: Project) -> None:
    headers = {"apikey": victim.anon}
    async with httpx.AsyncClient(base_url=f"{victim.url}/rest/v1", headers=headers, timeout=60) as http:
        for table in ("mg_bess_readings", "market_data"):
            device = str(uuid.uuid4())
            sent = (http.post(f"/{table}", json=rows(table, device, number)) for number in range(CLIENTS))
            statuses = [answer.status_code for answer in await asyncio.gather(*sent)]
            assert sorted(statuses) == [201] + [409] * (CLIENTS - 1)
