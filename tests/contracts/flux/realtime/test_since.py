"""Coming back: what was missed comes first, then what is live, each once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.contracts.flux.memory import MemoryRelation
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.realtime.limits import Limits
from wattline.contracts.flux.relation import Edit, Relations, TableChange
from wattline.contracts.flux.tables import BESS as BESS_TYPE
from wattline.model.errors import Unavailable

from .service import BESS, METER, Client, Place, Service, bess, device

A, B = device(1), device(2)


class Told(MemoryRelation):
    """A relation in memory that tells its changes as the real ones do, and lets a test look at who reads them."""

    def __init__(self, at: Place) -> None:
        super().__init__(BESS_TYPE)
        self.at = at
        self.log: list[TableChange] = []
        self.reading = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: list[Exception] = []
        self.reads = 0

    async def commit(self, tenant: str, edit: Edit) -> None:
        await super().commit(tenant, edit)
        position = max(self.at.clock.micros(), self.log[-1].position + 1 if self.log else 0)
        self.log.append(TableChange(tenant, self.type.name, position, edit))
        self.at.platform.bus.publish("flux", self.log[-1])

    async def changes(self, tenant: str, since: int) -> AsyncIterator[TableChange]:
        self.reads += 1
        self.reading.set()
        if self.failures:
            raise self.failures.pop(0)
        await self.gate.wait()
        for change in tuple(self.log):
            if change.tenant == tenant and change.position > since:
                yield change


def soes(found: list[Any]) -> list[float]:
    return [each["record"]["soe"] for each in found]


async def returned(client: Client, *bindings: dict[str, Any], count: int, **more: Any) -> tuple[list[float], int]:
    """Join with a position: what comes before the system message, and the position that it names."""
    assert (await client.join(*bindings, **more))["status"] == "ok"
    found = await client.changes(count)
    system = await client.event("system")
    assert (system["status"], system["message"]) == ("ok", "Subscribed to PostgreSQL")
    return soes(found), system["position"]


async def test_what_was_missed_comes_first(service: Service) -> None:
    async with service.client() as client:
        begun = await client.subscribe(bess(filter=f"device_id=eq.{A}"))
        await service.insert(A, 1.0)
        last = (await client.changes(1))[0]["position"]
        assert last > begun
    await service.insert(A, 2.0, minute=1)
    await service.insert(B, 20.0, minute=1)
    await service.insert(A, 3.0, 4.0, minute=2)
    for key, asked in (("config", last), ("config", str(last)), ("binding", last)):
        async with service.client() as client:
            if key == "config":
                found, position = await returned(client, bess(filter=f"device_id=eq.{A}"), count=3, since=asked)
            else:
                found, position = await returned(client, bess(filter=f"device_id=eq.{A}", since=asked), count=3)
            assert found == [2, 3, 4]
            [row] = await service.insert(A, 5.0, minute=random.randrange(10, 10_000_000))
            assert soes(await client.changes(1)) == [5]
            await client.silent()
            await service.commit(BESS, deleted=service.table(BESS, row))
        assert position > last


async def test_a_time_is_a_position_too(service: Service) -> None:
    async with service.client() as client:
        await client.subscribe(bess())
        for number in range(3):
            service.clock.advance(1)
            await service.insert(A, float(number), number + 10.0, minute=number * 2)
        stamps = [each["commit_timestamp"] for each in await client.changes(6)]
    async with service.client() as client:
        assert (await returned(client, bess(), count=4, since=stamps[2]))[0] == [1, 11, 2, 12]


async def test_the_named_position_is_enough_to_come_back(service: Service) -> None:
    await service.insert(A, 1.0)
    service.clock.advance(0.001)
    async with service.client() as client:
        position = await client.subscribe(bess())
    await service.insert(A, 2.0, minute=1)
    async with service.client() as client:
        found, position = await returned(client, bess(), count=1, since=position)
        assert found == [2]
    async with service.client() as client:
        assert (await returned(client, bess(), count=0, since=position))[0] == []


async def test_each_binding_has_a_position_of_its_own(service: Service) -> None:
    async with service.client() as client:
        position = await client.subscribe(bess(), {"event": "*", "schema": "flux", "table": METER})
    await service.insert(A, 1.0)
    await service.commit(METER, inserted=service.table(METER, service.bess(A, 0, None)))
    async with service.client() as client:
        await client.join(bess(since=position), {"event": "*", "schema": "flux", "table": METER}, bess(filter="soe=gt.0"))
        first = await client.event("postgres_changes")
        assert (first["ids"], first["data"]["table"]) == ([1], BESS)
        await client.event("system")
        await service.insert(A, 2.0, minute=1)
        assert (await client.event("postgres_changes"))["ids"] == [1, 3]


async def test_commits_of_several_tables_come_back_in_their_order(service: Service) -> None:
    wanted = []
    async with service.client() as client:
        every = {"event": "*", "schema": "flux"}
        position = await client.subscribe(every)
        for number in range(12):
            name = (BESS, METER)[number % 3 % 2]
            await service.commit(name, inserted=service.table(name, service.bess(A, number, None)))
            wanted.append(name)
        assert [each["table"] for each in await client.changes(12)] == wanted
    async with service.client() as client:
        await client.join(every, since=position)
        assert [each["table"] for each in await client.changes(12)] == wanted
        await client.event("system")


async def test_what_is_committed_while_the_past_is_read_comes_once(at: Place) -> None:
    table = Told(at)
    limits = Limits(held_frames=3)
    async with Service.open(at, limits, Relations({BESS: table})) as service, service.client() as client:
        await service.insert(A, 0.0)
        start = table.log[-1].position
        await service.insert(A, 1.0, minute=1)
        table.gate.clear()
        table.reading.clear()
        await client.join(bess(), since=start)
        await table.reading.wait()
        # Before the log is looked at: read and held, so told once. More than may be held: read again.
        for number in range(2, 9):
            await service.insert(A, float(number), minute=number)
            await client.say("phoenix", "heartbeat", {})
            await client.event("phx_reply")
        table.gate.set()
        found = soes(await client.changes(8))
        assert (await client.event("system"))["position"] == table.log[-1].position
        await service.insert(A, 9.0, minute=9)
        found += soes(await client.changes(1))
        assert found == [float(number) for number in range(1, 10)]
        await client.silent()
        assert table.reads == 2


async def test_a_store_that_is_away_is_asked_again(at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattline.contracts.flux.realtime.past.AGAIN_SECONDS", 0.01)
    table = Told(at)
    async with Service.open(at, relations=Relations({BESS: table})) as service, service.client() as client:
        await service.insert(A, 1.0)
        table.failures = [Unavailable("the store is away")]
        assert (await returned(client, bess(), count=1, since=0))[0] == [1]


async def test_a_past_that_is_not_kept(at: Place) -> None:
    table = Told(at)
    async with Service.open(at, relations=Relations({BESS: table})) as service, service.client() as client:
        table.failures = [Refusal(410, "PT410", "changes that old are no longer kept")]
        await client.join(bess(), since=0)
        system = await client.event("system")
        assert (system["status"], system["message"]) == ("error", "changes that old are no longer kept")
        await service.insert(A, 1.0)
        await client.silent()


async def test_more_commits_than_the_bus_holds_are_read_again(at: Place) -> None:
    table = Told(at)
    limits = Limits(backlog=4)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(Service.open(at, limits, Relations({BESS: table})))
        one, two = [await stack.enter_async_context(service.client()) for _ in range(2)]
        await one.subscribe(bess())
        await two.subscribe(bess(filter=f"device_id=eq.{B}"))
        await service.insert(A, 0.0)
        await one.changes(1)
        # Nobody else has a turn of the loop in between: the subscription of the server overflows.
        for number in range(1, 31):
            edit = Edit(service.table(BESS, service.bess((A, B)[number % 2], number, float(number))))
            await table.commit(service.tenant, edit)
        assert soes(await one.changes(30)) == [float(number) for number in range(1, 31)]
        assert soes(await two.changes(15)) == [float(number) for number in range(1, 31, 2)]
        assert table.reads >= 1
        await service.insert(B, 31.0, minute=31)
        assert soes(await one.changes(1)) == soes(await two.changes(1)) == [31]
        await one.silent()
        await two.silent()


async def test_leaving_while_the_past_is_read(at: Place) -> None:
    table = Told(at)
    async with Service.open(at, relations=Relations({BESS: table})) as service, service.client() as client:
        await service.insert(A, 1.0)
        table.gate.clear()
        table.reading.clear()
        await client.join(bess(), since=0)
        await table.reading.wait()
        await client.say("realtime:bess-realtime", "phx_leave", {})
        assert [(await client.hear())[3] for _ in range(2)] == ["phx_reply", "phx_close"]
        table.gate.set()
        await client.silent()


@pytest.mark.parametrize("seed", range(4))
async def test_whoever_comes_back_again_and_again_misses_nothing(service: Service, seed: int) -> None:
    chance, count = random.Random(seed), 120
    key = await service.key()

    async def write() -> None:
        number = 0
        while number < count:
            size = min(count - number, chance.randrange(1, 6))
            await service.insert(A, *(float(number + at) for at in range(size)), minute=number)
            number += size
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)

    async def follow() -> list[float]:
        found: list[float] = []
        last = begun
        while len(found) < count:
            once: list[float] = []
            asked = last
            async with service.client(key) as client:
                await client.join(bess(), since=asked)
                for _ in range(chance.randrange(1, 30)):
                    told = await client.hear()
                    if told[3] == "postgres_changes":
                        data = told[4]["data"]
                        last = data["position"]
                        once += soes([data])
                        # Only the rows of a commit that was cut off come again.
                        assert once[-1] not in found or last - asked in (0, 1)
                        if {*found, *once} == {*map(float, range(count))}:
                            break
            assert once == list(dict.fromkeys(once))
            found += [soe for soe in once if soe not in found]
        return found

    async with service.client(key) as client:
        begun = await client.subscribe(bess())
    followers = [asyncio.create_task(follow()) for _ in range(3)]
    await write()
    for follower in followers:
        assert await asyncio.wait_for(follower, 20) == [float(number) for number in range(count)]
