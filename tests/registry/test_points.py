"""Blocks and points: two sites never mix, a schedule read twice is one schedule, other processes see what was written."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from wattline.model.clock import SECOND, ManualClock
from wattline.model.errors import Ambiguous, Invalid, NotFound
from wattline.model.place import Layout, Quantity
from wattline.model.record import NEVER, UNKNOWN, Row
from wattline.registry.point import PointSpec
from wattline.registry.service import Registry
from wattline.state.database import Database
from wattline.state.migrate import SCRIPTS, migrate

FLOW = PointSpec("ML-FLOW", "ML", "thermal-l2", "L/min", equipment_type="primary_loop", range_min=0, range_max=600)
SPEED = PointSpec("ML-PUMP-A-SPEED", "PUMP-A", "thermal-l2", "%", poll_ms=2000, equipment_metadata={"vendor": "Grundfos"})


async def loaded(database: Database, clock: ManualClock) -> Registry:
    registry = Registry(database, 100, clock)
    await registry.load()
    return registry


async def test_points_are_made_in_order_and_read_twice_they_are_the_same(database: Database, clock: ManualClock) -> None:
    registry = await loaded(database, clock)
    speed, flow = await registry.put_points("north", "baldwin", "block-01", [SPEED, FLOW])
    assert speed.id + 1 == flow.id
    assert (flow.tag, flow.unit, flow.subsystem, flow.equipment, flow.sensor.range_max) == (
        "ML-FLOW",
        "L/min",
        "thermal-l2",
        "ML",
        600,
    )
    assert speed.poll == 2 * SECOND
    assert speed.device.attributes["metadata"] == '{"vendor": "Grundfos"}'
    wider = PointSpec("ML-FLOW", "ML", "thermal-l2", "L/min", range_min=0, range_max=900, role="flow", factor=2.0)
    (again,) = await registry.put_points("north", "baldwin", "block-01", [wider])
    assert again == flow
    assert (flow.sensor.range_max, flow.sensor.role, flow.sensor.factor) == (900, "flow", 2.0)
    other = (await loaded(database, clock)).point("north", flow.id)
    assert (other.tag, other.sensor.range_max, other.block.slug, other.site.created) == (
        "ML-FLOW",
        900,
        "block-01",
        clock.micros(),
    )


async def test_two_sites_with_the_same_block_never_mix(database: Database, clock: ManualClock) -> None:
    registry = await loaded(database, clock)
    (here,) = await registry.put_points("north", "baldwin", "block-01", [FLOW])
    assert registry.find_block("north", "block-01") is here.block
    (there,) = await registry.put_points("north", "cape", "block-01", [FLOW])
    with pytest.raises(Ambiguous, match="baldwin/block-01, cape/block-01"):
        registry.find_block("north", "block-01")
    assert registry.find_block("north", "cape/block-01") is there.block
    assert registry.tagged(here.block.id, "ML-FLOW") is here
    assert registry.block_points(there.block.id) == [there]
    assert [block.site.key for block in registry.blocks("north")] == ["baldwin", "cape"]


async def test_another_tenants_points_do_not_exist(database: Database, clock: ManualClock) -> None:
    registry = await loaded(database, clock)
    (flow,) = await registry.put_points("north", "baldwin", "block-01", [FLOW])
    for asked in (lambda: registry.point("south", flow.id), lambda: registry.find_block("south", "block-01")):
        with pytest.raises(NotFound):
            asked()
    assert registry.points("south") == registry.blocks("south") == []
    assert registry.block("south", "baldwin", "block-01") is None


async def test_a_tag_belongs_to_one_equipment_of_a_block(database: Database, clock: ManualClock) -> None:
    registry = await loaded(database, clock)
    await registry.put_points("north", "baldwin", "block-01", [FLOW])
    with pytest.raises(Invalid, match="another point of the block, at ML"):
        await registry.put_points("north", "baldwin", "block-01", [PointSpec("ML-FLOW", "OTHER", "thermal-l2", "L/min")])
    with pytest.raises(Invalid, match="twice"):
        await registry.put_points("north", "baldwin", "block-02", [FLOW, FLOW])
    assert registry.block("north", "baldwin", "block-02") is None, "nothing is half written"


async def test_a_tenant_cannot_fill_the_store_with_blocks(database: Database, clock: ManualClock) -> None:
    registry = Registry(database, 2, clock)
    await registry.load()
    for slug in ("block-01", "block-02"):
        await registry.put_block("north", "baldwin", slug)
    with pytest.raises(Invalid, match="no room"):
        await registry.put_block("north", "cape", "block-01")
    assert registry.site("north", "cape") is None
    await registry.put_block("north", "baldwin", "block-01", capacity_mw=2.0)
    await registry.put_block("south", "baldwin", "block-01")


async def test_a_site_of_a_contract_without_blocks_is_its_own_block(database: Database, clock: ManualClock) -> None:
    registry = await loaded(database, clock)
    stream = await registry.register("north", "SUB-1", "D1", Layout("pair", (Quantity("a", "kW"), Quantity("b", "V"))))
    block = registry.find_block("north", "SUB-1")
    assert stream.device.block is block
    first, second = registry.block_points(block.id)
    assert (first.tag, second.tag, first.equipment, first.subsystem) == ("D1-a", "D1-b", "D1", "electrical")
    assert first.newest() is None
    stream.latest = Row(stream.id, 5, 6, (None, 230.0), (2, 1))
    assert first.newest() is None
    assert second.newest() == (5, 230.0, 1)


async def test_what_another_process_writes_is_seen_after_a_refresh(database: Database, clock: ManualClock) -> None:
    here, there = await loaded(database, clock), await loaded(database, clock)
    (flow,) = await here.put_points("north", "baldwin", "block-01", [FLOW])
    assert await here.refresh() == [], "its own changes are known"
    (new,) = await there.refresh()
    assert new.admitted == UNKNOWN
    assert await there.refresh() == [new], "told until somebody has looked up what it holds"
    new.admitted = NEVER
    await here.put_site("north", "baldwin", name="AB InBev", zone="America/New_York", config={"address": "here"})
    await here.put_block("north", "baldwin", "block-01", capacity_mw=1.5)
    point = there.point("north", flow.id)
    assert await there.refresh() == []
    assert (point.site.name, point.site.zone, point.site.config) == ("AB InBev", "America/New_York", {"address": "here"})
    assert point.block.capacity_mw == 1.5


async def test_the_mode_of_a_block_is_written_with_its_callers_transaction(database: Database, clock: ManualClock) -> None:
    registry = await loaded(database, clock)
    block = await registry.put_block("north", "baldwin", "block-01")
    async with database.transaction() as connection:
        await registry.set_mode(connection, block, "EXPORT", clock.micros())
    registry.mode_set(block, "EXPORT", clock.micros())
    assert (await loaded(database, clock)).find_block("north", "block-01").mode == block.mode == "EXPORT"


async def test_the_newest_mode_is_the_mode_in_every_process(database: Database, clock: ManualClock) -> None:
    here, there = await loaded(database, clock), await loaded(database, clock)
    await here.put_block("north", "baldwin", "block-01")
    await there.refresh()
    now = clock.micros()

    async def change(registry: Registry, mode: str, since: int) -> None:
        block = registry.find_block("north", "block-01")
        async with database.transaction() as connection:
            await registry.set_mode(connection, block, mode, since)
        registry.mode_set(block, mode, since)

    def modes() -> list[str | None]:
        return [registry.find_block("north", "block-01").mode for registry in (here, there)]

    await change(here, "EXPORT", now)
    await there.refresh()
    assert modes() == ["EXPORT", "EXPORT"]
    await change(here, "REJECT", now + SECOND)
    # An older one, told late to a process that has not heard of the newer one.
    await change(there, "MIXED", now + 1)
    await here.refresh()
    await there.refresh()
    assert modes() == ["REJECT", "REJECT"]
    assert (await loaded(database, clock)).find_block("north", "block-01").mode == "REJECT"


def _upgrade(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_devices_of_an_older_schema_get_the_block_of_their_site(empty_database_url: sa.URL, clock: ManualClock) -> None:
    database = Database(empty_database_url)
    async with database.transaction() as connection:
        await connection.run_sync(_upgrade, "0005")
        for statement in (
            "INSERT INTO sites (id, tenant, key) VALUES (1, 'north', 'SUB-1'), (2, 'north', 'SUB-2')",
            "INSERT INTO devices (id, site_id, key, attributes) VALUES (1, 1, 'D1', '{}'), (2, 2, 'D1', '{}')",
            "INSERT INTO streams (id, device_id, layout) VALUES (1, 1, 'pair'), (2, 2, 'pair')",
            "INSERT INTO sensors (id, stream_id, position, quantity, unit, kind) VALUES (1, 1, 0, 'a', 'kW', 'gauge')",
        ):
            await connection.execute(sa.text(statement))
    await migrate(database)
    registry = await loaded(database, clock)
    assert [(block.site.key, block.slug) for block in registry.blocks("north")] == [("SUB-1", "SUB-1"), ("SUB-2", "SUB-2")]
    assert registry.point("north", 1).block.slug == "SUB-1"
    await database.close()


async def test_equipment_is_brought_up_to_what_a_schedule_says_in_every_process(database: Database, clock: ManualClock) -> None:
    here, there = await loaded(database, clock), await loaded(database, clock)
    await here.put_points("north", "baldwin", "block-01", [FLOW])
    await there.load()
    said = replace(FLOW, equipment_type="secondary_loop", equipment_metadata={"pump": 2})
    (flow,) = await here.put_points("north", "baldwin", "block-01", [said])
    await there.refresh()
    for registry in (here, there):
        attributes = registry.any_point(flow.id).stream.device.attributes
        assert (attributes["type"], attributes["metadata"]) == ("secondary_loop", '{"pump": 2}')


async def test_of_two_processes_that_give_one_tag_to_two_points_one_can(database: Database, clock: ManualClock) -> None:
    here, there = await loaded(database, clock), await loaded(database, clock)
    await here.put_points("north", "baldwin", "block-01", [SPEED])
    await there.load()
    await here.put_points("north", "baldwin", "block-01", [FLOW])
    with pytest.raises(Invalid, match="tag ML-FLOW"):
        await there.put_points("north", "baldwin", "block-01", [replace(FLOW, equipment="OTHER")])
    await there.refresh()
    assert [point.tag for point in there.points("north")] == [SPEED.tag, FLOW.tag]
