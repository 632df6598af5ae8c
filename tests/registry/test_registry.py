"""The registry: ids for keys, once and for ever, on both state engines."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from wattline.model.errors import Invalid, NotFound
from wattline.model.place import Layout, Quantity
from wattline.registry.registration import Description, Registration
from wattline.registry.service import Registry
from wattline.state.database import Database

PAIR = Layout("pair", (Quantity("a", "kW"), Quantity("n", "1", "counter")))


async def loaded(database: Database, most_streams: int = 100) -> Registry:
    registry = Registry(database, most_streams)
    await registry.load()
    return registry


async def test_a_stream_is_registered_once_and_found_after_a_restart(database: Database) -> None:
    registry = await loaded(database)
    made = await registry.register("north", "S1", "D1", PAIR, {"feeder_id": "F1"})
    assert await registry.register("north", "S1", "D1", PAIR) is made
    assert registry.find("north", "S1", "D1", "pair") is made
    again = (await loaded(database)).find("north", "S1", "D1", "pair")
    assert again is not None
    assert (again.id, again.sensor_ids, again.layout) == (made.id, made.sensor_ids, PAIR)
    assert again.device.attributes == {"feeder_id": "F1"}
    assert again.sensor_id("n") == made.sensor_ids[1]
    with pytest.raises(KeyError):
        again.sensor_id("other")


async def test_what_is_said_of_a_stream_later_is_known_everywhere_and_the_rest_stays(database: Database) -> None:
    registry, other = await loaded(database), await loaded(database)
    made = await registry.register("north", "S1", "D1", PAIR, {"feeder_id": "F1", "tag": "D1"})
    await other.refresh()
    said = Description(made, {"metadata": '{"parent": "D0"}', "tag": None}, {"n": "counter"})
    assert not said.holds
    await registry.describe_streams([said])
    assert said.holds
    version = registry._version
    await registry.describe_streams([said, Description(made, {"gone": None}, {})])
    assert registry._version == version, "what is so already is not written"
    await other.refresh()
    for stream in (made, other.stream(made.id)):
        assert stream.device.attributes == {"feeder_id": "F1", "metadata": '{"parent": "D0"}'}
        assert [sensor.role for sensor in stream.sensors] == [None, "counter"]
    await registry.describe_streams([Description(made, {}, {"a": "submeter", "n": None})])
    assert [sensor.role for sensor in made.sensors] == ["submeter", None]


async def test_tenants_share_names_and_nothing_else(database: Database) -> None:
    registry = await loaded(database)
    north = await registry.register("north", "S1", "D1", PAIR)
    south = await registry.register("south", "S1", "D1", PAIR)
    assert not set(north.sensor_ids) & set(south.sensor_ids)
    assert registry.streams("north", "pair") == [north]
    assert registry.site("west", "S1") is None
    assert [site.tenant for site in registry.sites("south")] == ["south"]
    with pytest.raises(NotFound):
        await registry.describe_site("west", "S1", name="mine")
    with pytest.raises(NotFound):
        registry.stream(999)


async def test_callers_at_the_same_time_share_transactions_and_get_the_same_streams(database: Database) -> None:
    registry = await loaded(database)
    commits = 0

    @sa.event.listens_for(database.engine.sync_engine, "commit")
    def counted(_connection: sa.Connection) -> None:
        nonlocal commits
        commits += 1

    made = await asyncio.gather(*(registry.register("north", f"S{n % 10}", "D", PAIR) for n in range(60)))
    assert len({stream.id for stream in made}) == 10
    assert all(made[n] is made[n % 10] for n in range(60))
    assert commits <= 4


async def test_two_processes_agree_on_ids(database: Database) -> None:
    one, two = await loaded(database), await loaded(database)
    first = await one.register("north", "S1", "D1", PAIR)
    second = await two.register("north", "S1", "D1", PAIR)
    assert (first.id, first.sensor_ids) == (second.id, second.sensor_ids)


async def test_a_tenant_cannot_fill_the_store_with_names(database: Database) -> None:
    registry = await loaded(database, most_streams=3)
    wanted = [Registration("north", "S1", f"D{n}", PAIR) for n in range(4)]
    with pytest.raises(Invalid):
        await registry.register_all(wanted)
    assert registry.streams("north", "pair") == []
    await registry.register_all(wanted[:3])
    with pytest.raises(Invalid):
        await registry.register("north", "S1", "D9", PAIR)
    await registry.register("south", "S1", "D1", PAIR)
    assert await registry.register("north", "S1", "D0", PAIR)


async def test_a_site_keeps_the_newest_description(database: Database) -> None:
    registry = await loaded(database)
    await registry.register("north", "S1", "D1", PAIR)
    await registry.describe_site("north", "S1", name="Hill", latitude=45.5, longitude=-122.5)
    await asyncio.gather(*(registry.describe_site("north", "S1", name=f"Hill {n}") for n in range(5)))
    site = (await loaded(database)).site("north", "S1")
    assert site is not None
    assert (site.name, site.latitude, site.longitude) == ("Hill 4", 45.5, -122.5)
