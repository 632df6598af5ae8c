"""Who is told of which commit, and how it is shown."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pyarrow as pa
import pytest

from tests.contracts.flux.memory import MemoryRelation
from wattline.contracts.flux.realtime.limits import MEBIBYTE
from wattline.contracts.flux.relation import Edit, Relations, TableChange
from wattline.contracts.flux.tables import REGISTRY

from .service import BESS, METER, TOPIC, Place, Service, bess, device

A, B = device(1), device(2)


async def test_one_frame_for_each_row_in_the_order_of_the_commits(service: Service) -> None:
    async with service.client() as client:
        await client.subscribe(bess())
        for number in range(5):
            await service.insert(A, *(float(number * 700 + at) for at in range(700)), minute=number * 700)
        found = await client.changes(3500)
        assert [each["record"]["soe"] for each in found] == [float(number) for number in range(3500)]
        for first in range(0, 3500, 700):
            *before, last = (each["position"] for each in found[first : first + 700])
            assert set(before) == {last - 1}
        assert len({each["commit_timestamp"] for each in found}) == 5


async def test_only_the_device_that_was_asked_for(service: Service) -> None:
    async with service.client() as one, service.client() as two:
        await one.subscribe(bess(filter=f"device_id=eq.{A.upper()}"))
        await two.subscribe(bess(filter=f"device_id=in.({A},{B}),soe=gte.2"))
        rows = [service.bess(A, 0, 1.0), service.bess(B, 0, 2.0), service.bess(A, 1, 3.0), service.bess(A, 2, None)]
        await service.commit(BESS, inserted=service.table(BESS, *rows))
        assert [each["record"]["soe"] for each in await one.changes(3)] == [1, 3, None]
        assert [each["record"]["soe"] for each in await two.changes(2)] == [2, 3]
        await one.silent()
        await two.silent()


async def test_changed_and_deleted_rows(service: Service) -> None:
    async with service.client() as every, service.client() as inserts:
        await every.subscribe(bess(event="*"))
        await inserts.subscribe(bess())
        [row] = await service.insert(A, 5.0)
        changed = {**row, "soe": 6.5}
        await service.commit(BESS, old=service.table(BESS, row), new=service.table(BESS, changed))
        await service.commit(BESS, deleted=service.table(BESS, changed))
        inserted, updated, deleted = await every.changes(3)
        identity = {"device_id": A, "time": "2024-01-01T12:00:00+00:00"}
        assert [each["type"] for each in (inserted, updated, deleted)] == ["INSERT", "UPDATE", "DELETE"]
        assert "old_record" not in inserted
        assert (updated["record"]["soe"], updated["old_record"]) == (6.5, identity)
        assert "record" not in deleted
        assert deleted["old_record"] == identity
        keys = {"schema", "table", "commit_timestamp", "type", "columns", "errors", "position"}
        assert set(inserted) == keys | {"record"}
        assert set(updated) == keys | {"record", "old_record"}
        assert set(deleted) == keys | {"old_record"}
        assert [each["type"] for each in await inserts.changes(1)] == ["INSERT"]
        await inserts.silent()


async def test_of_a_deleted_row_filters_know_its_identity_alone(service: Service) -> None:
    async with service.client() as client:
        await client.subscribe(
            bess(event="DELETE", filter="soe=gte.0"),
            bess(event="DELETE", filter="soe=is.null"),
            bess(event="delete", filter=f"device_id=eq.{A}"),
        )
        [row] = await service.insert(A, 5.0)
        await service.commit(BESS, deleted=service.table(BESS, row))
        assert (await client.event("postgres_changes"))["ids"] == [2, 3]


async def test_tables_by_name_or_all_of_a_schema(service: Service) -> None:
    async with service.client() as client:
        await client.subscribe(
            {"event": "INSERT", "schema": "flux", "table": METER},
            {"event": "*", "schema": "public"},
            {"event": "*", "schema": "*", "table": "*", "filter": f"device_id=eq.{B}"},
            {"event": "UPDATE", "schema": "flux", "table": METER},
        )
        row = {"time": 1, "device_id": A, "id": B, "created_at": 2, "frequency": 50.0}
        await service.commit(METER, inserted=service.table(METER, row))
        told = [await client.event("postgres_changes") for _ in range(2)]
        assert sorted((each["ids"], each["data"]["schema"]) for each in told) == [([1], "flux"), ([2], "public")]
        await service.insert(B, 1.0)
        told = [await client.event("postgres_changes") for _ in range(2)]
        assert sorted((each["ids"], each["data"]["schema"]) for each in told) == [([2], "public"), ([3], "flux")]
        assert {each["data"]["table"] for each in told} == {BESS}


async def test_values_are_typed(service: Service) -> None:
    row = {
        "id": A, "created_at": 1_704_110_400_500_000, "name": 'a "b"\n', "type": "bess", "site": "WLCE",
        "metadata": '{"max_power": 100, "deep": {"list": [1, null]}}', "active": None,
    }  # fmt: skip
    async with service.client() as client:
        await client.subscribe({"event": "*", "schema": "flux", "table": REGISTRY.name, "filter": "site=eq.WLCE"})
        await service.commit(REGISTRY.name, inserted=service.table(REGISTRY.name, row))
        [told] = await client.changes(1)
        assert told["record"] == {
            **row,
            "created_at": "2024-01-01T12:00:00.5+00:00",
            "metadata": {"max_power": 100, "deep": {"list": [1, None]}},
        }
        assert {column["name"]: column["type"] for column in told["columns"]}["metadata"] == "jsonb"
        gone = {"event": "*", "schema": "flux", "table": REGISTRY.name}
        await client.subscribe(gone, topic="realtime:gone")
        await service.commit(REGISTRY.name, deleted=service.table(REGISTRY.name, row))
        assert [each["old_record"] for each in await client.changes(1)] == [{"id": A}]


async def test_chosen_columns(service: Service) -> None:
    async with service.client() as client:
        await client.subscribe(bess(select="soe,time"), bess(select=["soe", "time"]), bess())
        await service.insert(A, 1.0)
        told = {tuple(each["ids"]): each["data"] for each in [await client.event("postgres_changes") for _ in range(2)]}
        assert told[1, 2]["record"] == {"time": "2024-01-01T12:00:00+00:00", "soe": 1}
        assert [column["name"] for column in told[1, 2]["columns"]] == ["time", "soe"]
        assert len(told[3,]["record"]) == 9


async def test_a_record_that_is_too_large_is_shown_without_its_long_values(at: Place) -> None:
    registry = MemoryRelation(REGISTRY)
    async with Service.open(at, relations=Relations({REGISTRY.name: registry})) as service, service.client() as client:
        await client.subscribe({"event": "*", "schema": "flux", "table": REGISTRY.name})
        row = {"id": A, "created_at": 1, "name": "n" * 62, "type": "t" * 63, "site": "s", "metadata": f'"{"x" * MEBIBYTE}"'}
        change = TableChange(service.tenant, REGISTRY.name, at.clock.micros(), Edit(service.table(REGISTRY.name, row)))
        at.platform.bus.publish("flux", change)
        [told] = await client.changes(1)
        assert told["errors"] == ["Error 413: Payload Too Large"]
        assert set(told["record"]) == {"id", "created_at", "name", "site", "active"}


async def test_nobody_hears_of_another_tenant(at: Place, service: Service) -> None:
    async with Service.open(at) as other, service.client() as mine, other.client() as theirs:
        await mine.subscribe(bess())
        await theirs.subscribe(bess())
        await other.insert(A, 1.0)
        await service.insert(A, 2.0)
        assert [each["record"]["soe"] for each in await theirs.changes(1)] == [1]
        assert [each["record"]["soe"] for each in await mine.changes(1)] == [2]
        await mine.silent()
        await theirs.silent()


async def test_rows_that_a_role_does_not_see_are_not_told(at: Place) -> None:
    async with Service.open(at, profile="strict") as service:
        users = await service.key("authenticated")
        async with service.client() as anon, service.client(users) as user:
            await anon.subscribe(bess(event="*"))
            await user.subscribe(bess(event="*"))
            [row] = await service.insert(A, 1.0)
            await service.commit(BESS, deleted=service.table(BESS, row))
            assert [each["type"] for each in await user.changes(2)] == ["INSERT", "DELETE"]
            await anon.silent()
            token = await service.token(role="authenticated")
            await anon.say(TOPIC, "access_token", {"access_token": token})
            assert (await anon.event("system"))["status"] == "ok"
            await service.insert(A, 3.0, minute=3)
            assert [each["record"]["soe"] for each in await anon.changes(1)] == [3]


async def test_a_commit_after_leaving_is_not_told(service: Service) -> None:
    async with service.client() as client:
        await client.subscribe(bess())
        await client.subscribe(bess(filter=f"device_id=eq.{B}"), topic="realtime:other")
        await client.say(TOPIC, "phx_leave", {})
        assert [(await client.hear())[3] for _ in range(2)] == ["phx_reply", "phx_close"]
        await service.insert(A, 1.0)
        await service.insert(B, 2.0)
        assert (await client.hear())[2:4] == ["realtime:other", "postgres_changes"]
        await client.silent()


async def test_many_subscribers_of_one_device_each(service: Service) -> None:
    key = await service.key()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(service.client(key)) for _ in range(40)]
        for number, client in enumerate(clients):
            await client.subscribe(bess(filter=f"device_id=eq.{device(number)}"))
        commits = [
            service.commit(BESS, inserted=service.table(BESS, *(service.bess(device(n), minute, float(n)) for n in range(60))))
            for minute in range(20)
        ]
        await asyncio.gather(*commits)
        for number, client in enumerate(clients):
            found = await client.changes(20)
            assert {each["record"]["device_id"] for each in found} == {device(number)}
            assert len({each["record"]["time"] for each in found}) == 20


async def test_a_commit_that_cannot_be_told_ends_the_connections_that_would_miss_it(
    at: Place, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    async with service.client() as mine, service.client() as other:
        await mine.subscribe(bess())
        await other.subscribe({"event": "*", "schema": "flux", "table": METER})
        broken = Edit(inserted=pa.table({"device_id": [A]}))
        at.platform.bus.publish("flux", TableChange(service.tenant, BESS, at.clock.micros(), broken))
        assert await mine.closed() == 1011
        assert "could not be told" in caplog.text
        await other.silent()
        async with service.client() as again:
            await again.subscribe(bess())
            await service.insert(A, 1.0)
            await again.changes(1)


async def test_an_empty_edit_tells_nothing(service: Service, at: Place) -> None:
    async with service.client() as client:
        await client.subscribe(bess(event="*"))
        empty: pa.Table = service.table(BESS)
        edit = Edit(empty, empty, empty, empty)
        at.platform.bus.publish("flux", TableChange(service.tenant, BESS, at.clock.micros(), edit))
        await client.silent()
