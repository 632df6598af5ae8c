"""Resources are what was committed: versions, removal, external ids, in every process, and as they were."""

from __future__ import annotations

import asyncio

import pytest

from wattline.model.clock import SECOND, ManualClock
from wattline.model.errors import Conflict, NotFound, Stale
from wattline.resources.model import Resource
from wattline.resources.service import Resources
from wattline.state.database import Database


async def opened(database: Database, clock: ManualClock) -> Resources:
    resources = Resources(database, clock)
    await resources.load()
    return resources


async def made(resources: Resources, name: str, tenant: str = "a", **further: object) -> Resource:
    async with resources.writing() as writer:
        return await writer.insert(tenant, "meter", {"name": name, **further})


async def test_a_resource_is_read_back_by_everybody(database: Database, clock: ManualClock) -> None:
    here, there = await opened(database, clock), await opened(database, clock)
    one = await made(here, "one", external_id="x")
    assert here.get("a", "meter", one.id) == one
    assert there.find("a", "meter", one.id) is None
    await there.refresh()
    assert there.get("a", "meter", one.id) == one
    assert there.named("a", "meter", "x") == one
    assert (await opened(database, clock)).all("a", "meter") == [one]
    assert (one.version, one.created, one.updated, one.removed) == (1, clock.micros(), clock.micros(), None)


async def test_another_tenants_resource_does_not_exist(database: Database, clock: ManualClock) -> None:
    resources = await opened(database, clock)
    one = await made(resources, "one", external_id="x")
    assert resources.all("b", "meter") == []
    assert resources.named("b", "meter", "x") is None
    for tenant, kind in (("b", "meter"), ("a", "group")):
        with pytest.raises(NotFound):
            resources.get(tenant, kind, one.id)
        async with resources.writing() as writer:
            with pytest.raises(NotFound):
                await writer.replace(tenant, kind, one.id, {})
            with pytest.raises(NotFound):
                await writer.remove(tenant, kind, one.id)
    assert (await made(resources, "two", "b", external_id="x")).tenant == "b"


async def test_a_change_makes_a_version_and_a_stale_writer_is_refused(database: Database, clock: ManualClock) -> None:
    here, there = await opened(database, clock), await opened(database, clock)
    one = await made(here, "one")
    # Two processes read version 1, and both want to change it.
    await there.refresh()
    async with here.writing() as writer:
        two = await writer.replace("a", "meter", one.id, {"name": "two"}, expected=1)
    assert (two.version, two.body["name"], two.created) == (2, "two", one.created)
    assert there.get("a", "meter", one.id).version == 1
    async with there.writing() as writer:
        with pytest.raises(Stale):
            await writer.replace("a", "meter", one.id, {"name": "three"}, expected=1)
        # What memory holds is what is committed, as soon as the transaction has begun.
        assert there.get("a", "meter", one.id) == two


async def test_what_is_removed_is_gone_and_can_be_looked_up_as_it_was(database: Database, clock: ManualClock) -> None:
    resources = await opened(database, clock)
    started = clock.micros()
    one = await made(resources, "one", external_id="x")
    clock.advance(1)
    async with resources.writing() as writer:
        two = await writer.replace("a", "meter", one.id, {"name": "two", "external_id": "x"})
    clock.advance(1)
    async with resources.writing() as writer:
        await writer.remove("a", "meter", one.id, expected=2)
    assert resources.all("a", "meter") == [] == list(resources.ids("a", "meter"))
    assert resources.named("a", "meter", "x") is None
    for moment, expected in ((started - 1, []), (started, [one]), (started + SECOND, [two]), (clock.micros(), [])):
        assert await resources.at("a", "meter", moment) == expected
    assert (await opened(database, clock)).find("a", "meter", one.id) is None
    # Its name is free again.
    assert (await made(resources, "new", external_id="x")).id != one.id


async def test_what_is_removed_takes_no_memory_and_those_who_heard_of_it_hear_that(
    database: Database, clock: ManualClock
) -> None:
    here, there = await opened(database, clock), await opened(database, clock)
    heard: list[tuple[int, bool]] = []
    there.on_change("meter", lambda resource: heard.append((resource.id, resource.removed is None)))
    stays = await made(here, "stays")
    goes = await made(here, "goes", external_id="x")
    await there.refresh()
    async with here.writing() as writer:
        await writer.remove("a", "meter", goes.id)
    await there.refresh()
    assert heard == [(stays.id, True), (goes.id, True), (goes.id, False)]
    newcomer = Resources(database, clock)
    newcomer.on_change("meter", lambda resource: heard.append((resource.id, resource.removed is None)))
    await newcomer.load()
    assert heard[3:] == [(stays.id, True)]
    for each in (here, there, newcomer):
        assert list(each._by_id) == [stays.id]
        assert each.named("a", "meter", "x") is None


async def test_an_external_id_is_one_resources_alone(database: Database, clock: ManualClock) -> None:
    here, there = await opened(database, clock), await opened(database, clock)
    one = await made(here, "one", external_id="x")
    with pytest.raises(Conflict):
        await made(there, "two", external_id="x")
    two = await made(here, "two", external_id="y")
    with pytest.raises(Conflict):
        async with here.writing() as writer:
            await writer.replace("a", "meter", two.id, {"name": "two", "external_id": "x"})
    async with here.writing() as writer:
        # Within one transaction a name may change hands.
        await writer.replace("a", "meter", one.id, {"name": "one"})
        await writer.replace("a", "meter", two.id, {"name": "two", "external_id": "x"})
        with pytest.raises(Conflict):
            await writer.insert("a", "meter", {"name": "three", "external_id": "x"})
    found = here.named("a", "meter", "x")
    assert found is not None
    assert found.id == two.id
    assert here.named("a", "meter", "y") is None


async def test_what_fails_leaves_no_trace(database: Database, clock: ManualClock) -> None:
    resources = await opened(database, clock)
    heard: list[Resource] = []
    resources.on_change("meter", heard.append)
    one = await made(resources, "one")

    async def fail() -> None:
        async with resources.writing() as writer:
            await writer.insert("a", "meter", {"name": "two"})
            await writer.replace("a", "meter", one.id, {"name": "three"})
            assert writer.get("a", "meter", one.id).version == 2
            assert resources.get("a", "meter", one.id).version == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert heard == [one] == resources.all("a", "meter") == (await opened(database, clock)).all("a", "meter")
    async with resources.writing() as writer:
        again = await writer.replace("a", "meter", one.id, {"name": "four"})
    assert heard == [one, again]


async def test_writers_of_many_processes_lose_nothing(database: Database, clock: ManualClock) -> None:
    processes = [await opened(database, clock) for _ in range(3)]
    one = await made(processes[0], "0")

    async def count(resources: Resources) -> None:
        for _ in range(8):
            async with resources.writing() as writer:
                seen = writer.get("a", "meter", one.id)
                await writer.replace("a", "meter", one.id, {"name": str(int(seen.body["name"]) + 1)}, expected=seen.version)

    await asyncio.gather(*map(count, processes))
    for resources in processes:
        await resources.refresh()
        assert resources.get("a", "meter", one.id).body["name"] == "24"
        assert resources.get("a", "meter", one.id).version == 25


async def test_a_name_that_changed_hands_is_found_by_who_hears_of_it_later(database: Database, clock: ManualClock) -> None:
    here, there = await opened(database, clock), await opened(database, clock)
    first, second = await made(here, "first"), await made(here, "second", external_id="x")
    await there.refresh()
    async with here.writing() as writer:
        await writer.replace("a", "meter", second.id, {"name": "second"})
        await writer.replace("a", "meter", first.id, {"name": "first", "external_id": "x"})
    await there.refresh()
    for resources in (here, there):
        found = resources.named("a", "meter", "x")
        assert found is not None
        assert found.id == first.id
