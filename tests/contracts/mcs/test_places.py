"""GET /sites, /blocks, /equipment and /sensors."""

from __future__ import annotations

from typing import Any

from tests.contracts.mcs.halls import LIMITS, Hall
from wattline.contracts.mcs.subsystems import SUBSYSTEMS
from wattline.model.clock import DAY, from_micros
from wattline.model.place import Layout, Quantity
from wattline.registry.point import PointSpec

SITE = ["id", "slug", "name", "region", "status", "latitude", "longitude", "block_count", "total_capacity_mw"]
BLOCK = ["id", "slug", "site_slug", "site_name", "capacity_mw", "status", "commissioned_at", "sensor_count"]
EXTRAS = ["thermal_mode", "thermal_mode_since", "alarms_standing"]
EQUIPMENT = ["id", "tag", "type", "subsystem", "block_slug", "metadata", "sensor_count"]
SENSOR = [
    "id", "tag", "description", "unit", "subsystem", "equipment_tag", "block_slug", "range_min", "range_max", "poll_rate_ms",
    "alarm_thresholds",
]  # fmt: skip


async def baldwinsville(hall: Hall) -> dict[str, Any]:
    """The published site and block."""
    await hall.platform.registry.put_site(
        hall.tenant,
        "baldwinsville",
        name="AB InBev Baldwinsville",
        region="US-East",
        status="active",
        latitude=43.1587,
        longitude=-76.3327,
        zone="America/New_York",
        config={"address": "7792 Radisson Road"},
    )
    commissioned = hall.clock.micros() - 90 * DAY
    await hall.platform.registry.put_block(
        hall.tenant,
        "baldwinsville",
        "block-01",
        capacity_mw=1.0,
        status="active",
        commissioned=commissioned,
        config={"rack_count": 14, "max_kw_per_rack": 80},
    )
    return {"commissioned_at": from_micros(commissioned).isoformat().replace("+00:00", "Z")}


async def test_a_site_has_the_published_form(hall: Hall) -> None:
    await baldwinsville(hall)
    (site,) = await hall.get("/sites")
    assert list(site) == SITE
    assert site == {
        "id": hall.points["P-MSB-TOTAL"].site.id,
        "slug": "baldwinsville",
        "name": "AB InBev Baldwinsville",
        "region": "US-East",
        "status": "active",
        "latitude": 43.1587,
        "longitude": -76.3327,
        "block_count": 1,
        "total_capacity_mw": 1.0,
    }
    detail = await hall.get("/sites/baldwinsville")
    assert list(detail) == [*SITE, "config", "created_at", "timezone"]
    assert {key: detail[key] for key in SITE} == site
    assert detail["config"] == {"address": "7792 Radisson Road"}
    assert detail["created_at"].endswith("Z")
    assert detail["timezone"] == "America/New_York"
    answer = await hall.http.get("/sites/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Site 'nowhere' not found"})


async def test_sites_come_by_name_in_pages(hall: Hall) -> None:
    for slug, name in (("a", "Zeta"), ("b", "Alpha"), ("c", None), ("empty", "Mid")):
        await hall.platform.registry.put_site(hall.tenant, slug, name=name)
    names = [site["name"] for site in await hall.get("/sites")]
    assert names == ["Alpha", "Baldwinsville", "Mid", "Zeta", "c"]
    assert [site["name"] for site in await hall.get("/sites", offset=1, limit=2)] == names[1:3]
    assert await hall.get("/sites", offset=2**62) == []
    (empty,) = [site for site in await hall.get("/sites") if site["slug"] == "empty"]
    assert (empty["block_count"], empty["total_capacity_mw"], empty["region"]) == (0, 0.0, None)


async def test_a_block_has_the_published_form(hall: Hall) -> None:
    shown = await baldwinsville(hall)
    (block,) = await hall.get("/blocks")
    assert list(block) == [*BLOCK, *EXTRAS]
    assert {key: block[key] for key in BLOCK} == {
        "id": hall.points["P-MSB-TOTAL"].block.id,
        "slug": "block-01",
        "site_slug": "baldwinsville",
        "site_name": "AB InBev Baldwinsville",
        "capacity_mw": 1.0,
        "status": "active",
        **shown,
        "sensor_count": 4,
    }
    detail = await hall.get("/blocks/block-01")
    assert list(detail) == [*BLOCK, "config", "equipment_count", *EXTRAS]
    assert {key: detail[key] for key in block} == block
    assert (detail["config"], detail["equipment_count"]) == ({"rack_count": 14, "max_kw_per_rack": 80}, 3)
    answer = await hall.http.get("/blocks/block-99")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Block 'block-99' not found"})


async def test_a_block_tells_its_mode_and_its_standing_alarms(hall: Hall) -> None:
    block = hall.points["P-MSB-TOTAL"].block
    hall.platform.registry.mode_set(block, "EXPORT", hall.clock.micros())
    await hall.limit("CDU-01-T-SUP", LIMITS)
    await hall.judged("CDU-01-T-SUP", 70.0)
    found = await hall.get("/blocks/block-01")
    assert [found[key] for key in EXTRAS] == ["EXPORT", hall.iso(-1), 1]
    await hall.platform.alarms.acknowledge(hall.tenant, hall.points["CDU-01-T-SUP"].id, "op")
    assert (await hall.get("/blocks"))[0]["alarms_standing"] == 0


async def test_blocks_come_by_site_name_and_slug_and_may_be_of_one_site(hall: Hall) -> None:
    registry = hall.platform.registry
    await registry.put_site(hall.tenant, "zz", name="Aachen")
    for site, slug in (("zz", "block-02"), ("zz", "block-01"), ("baldwinsville", "block-00")):
        await registry.put_block(hall.tenant, site, slug)
    found = [(block["site_slug"], block["slug"]) for block in await hall.get("/blocks")]
    assert found == [
        ("zz", "block-01"), ("zz", "block-02"), ("baldwinsville", "block-00"), ("baldwinsville", "block-01"),
    ]  # fmt: skip
    paged = await hall.get("/blocks", offset=1, limit=2)
    assert [(block["site_slug"], block["slug"]) for block in paged] == found[1:3]
    assert [block["slug"] for block in await hall.get("/blocks", site_slug="zz")] == ["block-01", "block-02"]
    assert await hall.get("/blocks", site_slug="nowhere") == []


async def test_a_slug_of_two_sites_is_409_with_a_hint_and_site_and_slug_name_one(hall: Hall) -> None:
    await hall.build(site="elsewhere")
    hint = "Several sites have a block 'block-01': name one of them in full, such as baldwinsville/block-01, elsewhere/block-01"
    for path in ("/blocks/block-01", "/equipment/block-01", "/sensors/block-01", "/telemetry/latest?block_slug=block-01"):
        answer = await hall.http.get(path)
        assert (answer.status_code, answer.json()) == (409, {"detail": hint}), path
    for site in ("baldwinsville", "elsewhere"):
        assert (await hall.get(f"/blocks/{site}/block-01"))["site_slug"] == site
        assert (await hall.get(f"/blocks/{site}%2Fblock-01"))["site_slug"] == site
        ids = {sensor["id"] for sensor in await hall.get(f"/sensors/{site}/block-01")}
        assert len(ids) == 4
        assert len(await hall.get(f"/equipment/{site}/block-01")) == 3
    one = {sensor["id"] for sensor in await hall.get("/sensors/baldwinsville/block-01")}
    assert one == {point.id for point in hall.points.values()}


async def test_a_block_answers_to_its_number(hall: Hall) -> None:
    block = hall.points["P-MSB-TOTAL"].block
    assert (await hall.get(f"/blocks/{block.id}"))["slug"] == "block-01"
    await hall.platform.registry.put_block(hall.tenant, "baldwinsville", str(block.id))
    assert (await hall.get(f"/blocks/{block.id}"))["slug"] == str(block.id)


async def test_equipment_has_the_published_form_by_subsystem_and_tag(hall: Hall) -> None:
    spec = PointSpec(
        "T-X", "HX-9", "thermal-hx", "°C", equipment_type="plate_heat_exchanger", equipment_metadata={"plates": 40}
    )
    await hall.platform.registry.put_points(hall.tenant, "baldwinsville", "block-01", [spec])
    found = await hall.get("/equipment/block-01")
    assert [(row["subsystem"], row["tag"], row["sensor_count"]) for row in found] == [
        ("electrical", "MSB-01", 1), ("electrical", "PDU-R01", 1), ("thermal-l1", "CDU-01", 2), ("thermal-hx", "HX-9", 1),
    ]  # fmt: skip
    assert [list(row) for row in found] == [EQUIPMENT] * 4
    assert (found[3]["type"], found[3]["metadata"], found[3]["block_slug"]) == (
        "plate_heat_exchanger", {"plates": 40}, "block-01",
    )  # fmt: skip
    assert found[0]["metadata"] is None


async def test_a_block_without_equipment_is_answered_like_an_unknown_one(hall: Hall) -> None:
    await hall.platform.registry.put_block(hall.tenant, "baldwinsville", "bare")
    for slug in ("bare", "block-99"):
        answer = await hall.http.get(f"/equipment/{slug}")
        assert (answer.status_code, answer.json()) == (404, {"detail": f"No equipment found for block '{slug}'"})
        assert await hall.get(f"/sensors/{slug}") == []


async def test_a_sensor_has_the_published_form(hall: Hall) -> None:
    spec = PointSpec(
        "HOST-FLOW", "PHX-01", "thermal-l3", "L/min", description="Host Flow Rate", range_min=0.0, range_max=500.0, poll_ms=5000
    )
    (point,) = await hall.platform.registry.put_points(hall.tenant, "baldwinsville", "block-01", [spec])
    (found,) = await hall.get("/sensors/block-01", subsystem="thermal-l3")
    assert list(found) == SENSOR
    assert found == {
        "id": point.id,
        "tag": "HOST-FLOW",
        "description": "Host Flow Rate",
        "unit": "L/min",
        "subsystem": "thermal-l3",
        "equipment_tag": "PHX-01",
        "block_slug": "block-01",
        "range_min": 0.0,
        "range_max": 500.0,
        "poll_rate_ms": 5000,
        "alarm_thresholds": None,
    }


async def test_a_sensor_tells_its_alarm_limits(hall: Hall) -> None:
    await hall.limit("CDU-01-T-SUP", {"HH": {"value": 60.0, "priority": "P0", "delay_s": 5}, "L": {"value": 10.0}})
    found = {sensor["tag"]: sensor["alarm_thresholds"] for sensor in await hall.get("/sensors/block-01")}
    assert found["CDU-01-T-SUP"] == {
        "HH": {"value": 60.0, "priority": "P0", "delay_s": 5.0},
        "L": {"value": 10.0, "priority": "P2", "delay_s": 0.0},
    }
    assert found["CDU-01-T-RET"] is None


async def test_sensors_come_by_subsystem_in_the_published_order_then_tag(hall: Hall) -> None:
    specs = [PointSpec(f"X-{name}", "EQ", name, "1") for name in reversed(SUBSYSTEMS)]
    await hall.platform.registry.put_points(hall.tenant, "baldwinsville", "block-09", specs)
    found = await hall.get("/sensors/block-09")
    assert [sensor["subsystem"] for sensor in found] == list(SUBSYSTEMS)
    for name in SUBSYSTEMS:
        assert [sensor["tag"] for sensor in await hall.get("/sensors/block-09", subsystem=name)] == [f"X-{name}"]
    tags = [sensor["tag"] for sensor in await hall.get("/sensors/block-01")]
    assert tags == ["P-MSB-TOTAL", "PDU-R01-KW", "CDU-01-T-RET", "CDU-01-T-SUP"]


async def test_what_other_contracts_brought_is_there_too(hall: Hall) -> None:
    layout = Layout("hop.telemetry", (Quantity("voltage_kv", "kV"), Quantity("power_mw", "MW")))
    stream = await hall.platform.registry.register(hall.tenant, "SUB001", "FDR002", layout)
    assert "SUB001" in [site["slug"] for site in await hall.get("/sites")]
    (block,) = await hall.get("/blocks", site_slug="SUB001")
    assert (block["slug"], block["sensor_count"]) == ("SUB001", 2)
    found = await hall.get("/sensors/SUB001")
    assert [(sensor["tag"], sensor["unit"], sensor["subsystem"]) for sensor in found] == [
        ("FDR002-power_mw", "MW", "electrical"), ("FDR002-voltage_kv", "kV", "electrical"),
    ]  # fmt: skip
    assert {sensor["id"] for sensor in found} == {*stream.sensor_ids}


async def test_edge_computers_are_listed_only_where_they_are_asked_for(hall: Hall) -> None:
    before = await hall.get("/blocks/baldwinsville/block-01")
    equipment, sensors = await hall.get("/equipment/block-01"), await hall.get("/sensors/block-01")
    spec = PointSpec("EDGE-ONLINE", "EDGE-1", "edge", "bool", kind="state", equipment_type="edge_computer")
    await hall.platform.registry.put_points(hall.tenant, "baldwinsville", "block-01", [spec])
    after = await hall.get("/blocks/baldwinsville/block-01")
    for key in ("sensor_count", "equipment_count"):
        assert after[key] == before[key]
    assert await hall.get("/equipment/block-01") == equipment
    assert await hall.get("/sensors/block-01") == sensors
    assert [row["tag"] for row in await hall.get("/sensors/block-01", subsystem="edge")] == ["EDGE-ONLINE"]
