"""Meters as documents and as devices of the registry."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.metering.conftest import House
from tests.stores import FOUR, spine
from wattline.metering.fields import LAYOUT, WIDTH
from wattline.metering.formula import DEEPEST
from wattline.metering.service import Metering
from wattline.model.clock import ManualClock
from wattline.model.errors import Conflict, Faulty, Invalid, NotFound, Stale, Unavailable
from wattline.model.record import Row
from wattline.resources.service import Resources

FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": None}, "/name", "required"),
    ({"name": ""}, "/name", "too_short"),
    ({"name": "x" * 201}, "/name", "too_long"),
    ({"name": "a\nb"}, "/name", "bad_characters"),
    ({"name": 5}, "/name", "type"),
    ({"external_id": "a\x00"}, "/external_id", "bad_characters"),
    ({"metadata": []}, "/metadata", "type"),
    ({"metadata": {"a": "é" * 4100}}, "/metadata", "too_long"),
    ({"metadata": {"a": float("nan")}}, "/metadata", "not_finite"),
    ({"metadata": {"a": "\ud800"}}, "/metadata", "bad_characters"),
    ({"metadata": {"a": json.loads("[" * 40 + "]" * 40)}}, "/metadata", "too_deep"),
    ({"site": ""}, "/site", "too_short"),
    ({"site": "x" * 129}, "/site", "too_long"),
    ({"kind": "steam"}, "/kind", "bad_choice"),
    ({"phases": 2}, "/phases", "bad_choice"),
    ({"phases": True}, "/phases", "bad_choice"),
    ({"phases": 3.0}, "/phases", "bad_choice"),
    ({"phases": 1, "wiring": "3p4w"}, "/wiring", "bad_choice"),
    ({"nominal_voltage": 0}, "/nominal_voltage", "out_of_range"),
    ({"nominal_voltage": "230"}, "/nominal_voltage", "type"),
    ({"nominal_voltage": 10**400}, "/nominal_voltage", "out_of_range"),
    ({"nominal_voltage": float("inf")}, "/nominal_voltage", "not_finite"),
    ({"nominal_frequency": 55}, "/nominal_frequency", "bad_choice"),
    ({"rated_current": -1}, "/rated_current", "out_of_range"),
    ({"ct_ratio": 0}, "/ct_ratio", "out_of_range"),
    ({"vt_ratio": False}, "/vt_ratio", "type"),
    ({"secondary_readings": 1}, "/secondary_readings", "type"),
    ({"register_digits": 0}, "/register_digits", "out_of_range"),
    ({"register_digits": 5.5}, "/register_digits", "type"),
    ({"energy_unit": "MWh"}, "/energy_unit", "bad_choice"),
    ({"interval_s": 0}, "/interval_s", "out_of_range"),
    ({"interval_s": 86_401}, "/interval_s", "out_of_range"),
    ({"timezone": "Mars/Olympus"}, "/timezone", "unknown_zone"),
    ({"timezone": "../../etc/passwd"}, "/timezone", "unknown_zone"),
    ({"timezone": 3600}, "/timezone", "type"),
    ({"account_id": 999}, "/account_id", "unknown_reference"),
    ({"account_id": "5"}, "/account_id", "type"),
    ({"group_ids": [999]}, "/group_ids/0", "unknown_reference"),
    ({"parent_id": 2**63}, "/parent_id", "type"),
    ({"parent_id": 2**63 - 1}, "/parent_id", "unknown_reference"),
    ({"node_id": 999}, "/node_id", "unknown_reference"),
    ({"reading": "careless"}, "/reading", "bad_choice"),
    ({"kind": "virtual"}, "/formula", "required"),
    ({"kind": "virtual", "formula": []}, "/formula", "required"),
    ({"kind": "virtual", "formula": {}}, "/formula", "type"),
    ({"kind": "virtual", "formula": [5]}, "/formula/0", "type"),
    ({"kind": "virtual", "formula": [{"meter_id": 1, "sign": 2}]}, "/formula/0/sign", "bad_choice"),
    ({"kind": "virtual", "formula": [{"meter_id": 1}, {"meter_id": 1}]}, "/formula/1/meter_id", "duplicate"),
    ({"kind": "virtual", "formula": [{"meter_id": 999}]}, "/formula/0/meter_id", "unknown_reference"),
    ({"formula": [{"meter_id": 1}]}, "/formula", "not_allowed"),
    ({"colour": "red"}, "/colour", "unknown"),
    ({"a/b~c": 1}, "/a~1b~0c", "unknown"),
]


async def test_a_meter_says_what_holds_where_nobody_said_it(house: House) -> None:
    made = await house.metering.meters.create("default", {"name": "Main", "nominal_voltage": 230, "phases": 3})
    assert dict(made.body) == {
        "name": "Main",
        "external_id": None,
        "metadata": {},
        "site": "main",
        "kind": "grid",
        "phases": 3,
        "wiring": "3p4w",
        "nominal_voltage": 230.0,
        "nominal_frequency": 50,
        "rated_current": None,
        "ct_ratio": 1.0,
        "vt_ratio": 1.0,
        "secondary_readings": False,
        "register_digits": None,
        "energy_unit": "kWh",
        "interval_s": 60,
        "timezone": "UTC",
        "account_id": None,
        "group_ids": [],
        "parent_id": None,
        "node_id": None,
        "formula": None,
        "source": None,
        "reading": "lenient",
    }
    single = house.metering.meters.get("west", await house.meter("west", phases=1))
    assert (single.wiring, single.nominal_frequency) == ("1p2w", 60)


async def test_a_fault_is_told_where_it_is_and_nothing_is_written(house: House) -> None:
    for body, pointer, code in FAULTS:
        with pytest.raises(Faulty) as refused:
            await house.meter(**body)
        assert (pointer, code) in {(fault.pointer, fault.code) for fault in refused.value.faults}, body
    assert house.metering.meters.all("default") == []
    assert house.registry.sites("default") == []


async def test_all_faults_are_told_at_once(house: House) -> None:
    with pytest.raises(Faulty) as refused:
        await house.meter(phases=2, ct_ratio=-1, parent_id=99, timezone="x", colour=1)
    pointers = {fault.pointer for fault in refused.value.faults}
    assert pointers == {"/phases", "/ct_ratio", "/parent_id", "/timezone", "/colour"}


async def test_a_meter_is_a_device_of_its_site_from_the_start(house: House) -> None:
    number = await house.meter(site="depot north")
    stream = house.registry.find("default", "depot north", f"meter-{number}", LAYOUT.name)
    assert stream is not None
    assert [sensor.quantity.name for sensor in stream.sensors] == [quantity.name for quantity in LAYOUT.quantities]
    meter = house.metering.meters.get("default", number)
    assert await house.metering.stream(meter) is stream
    channel = house.metering.channel(meter, "voltage_a")
    assert channel is not None
    assert (channel.stream, channel.column, channel.factor) == (stream, 9, 1.0)
    assert house.metering.channel(meter, "colour") is None
    assert house.metering.meters.of_stream(stream) == [meter]
    namesake = await house.registry.register("default", "depot north", f"meter-{number}", FOUR)
    assert house.metering.meters.of_stream(namesake) == []
    assert house.metering.meters.of_stream(await house.registry.register("default", "x", f"meter-{number}", LAYOUT)) == []


async def test_the_zone_is_that_of_the_site_where_the_meter_has_none(house: House) -> None:
    await house.registry.put_site("default", "berlin", zone="Europe/Berlin")
    numbers = [await house.meter(site="berlin"), await house.meter(site="berlin", timezone="Asia/Tokyo")]
    assert [house.metering.meters.get("default", each).timezone for each in numbers] == ["Europe/Berlin", "Asia/Tokyo"]
    elsewhere = await House(house.database, house.clock, zone="Europe/Paris").load()
    assert elsewhere.metering.meters.get("default", await elsewhere.meter()).timezone == "Europe/Paris"


async def test_a_put_sets_what_it_leaves_out_to_the_default_and_a_patch_keeps_it(house: House) -> None:
    number = await house.meter(rated_current=63, metadata={"a": {"b": 1, "c": 2}})
    meters = house.metering.meters
    patched = await meters.patch("default", number, {"interval_s": 900, "metadata": {"a": {"b": None}}})
    assert (patched.version, patched.body["rated_current"], patched.body["metadata"]) == (2, 63.0, {"a": {"c": 2}})
    back = {"id": number, **patched.body, "version": 2, "created_at": "x", "updated_at": "y"}
    assert dict((await meters.replace("default", number, back)).body) == dict(patched.body)
    assert (await meters.replace("default", number, {"name": "new"})).body["rated_current"] is None
    assert meters.get("default", number).interval_s == 60
    with pytest.raises(Stale):
        await meters.patch("default", number, {"name": "late"}, expected=2)
    with pytest.raises(Faulty):
        await meters.patch("default", number, {"name": None})
    assert meters.get("default", number).name == "new"


async def test_a_meter_cannot_be_below_itself(house: House) -> None:
    top = await house.meter()
    middle = await house.meter(parent_id=top)
    low = await house.meter(parent_id=middle)
    for parent in (low, middle, top):
        with pytest.raises(Faulty) as refused:
            await house.metering.meters.patch("default", top, {"parent_id": parent})
        assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/parent_id", "cycle")]


async def test_virtual_meters_are_nested_only_so_deep(house: House) -> None:
    number = await house.meter()
    for _ in range(DEEPEST):
        number = await house.meter(kind="virtual", formula=[{"meter_id": number}])
    with pytest.raises(Invalid, match="deep"):
        await house.meter(kind="virtual", formula=[{"meter_id": number}])


async def test_a_virtual_meter_has_no_device_and_takes_no_readings(house: House) -> None:
    main = await house.meter()
    meter = house.metering.meters.get("default", await house.meter(kind="virtual", site="x", formula=[{"meter_id": main}]))
    assert house.metering.meters.find_stream(meter) is None
    assert house.metering.channel(meter, "total_power") is None
    assert house.registry.site("default", "x") is not None
    with pytest.raises(Conflict):
        await house.metering.stream(meter)
    with pytest.raises(Conflict):
        await house.metering.keys.create("default", meter.id)


async def test_what_is_referred_to_stays(house: House) -> None:
    parent = await house.meter()
    child = await house.meter(parent_id=parent)
    async with house.resources.writing() as writer:
        node = (await writer.insert("default", "node", {"name": "busbar", "meter_id": child})).id
    for number, user in ((parent, f"meter {child}"), (child, f"node {node}")):
        with pytest.raises(Conflict, match=user):
            await house.metering.meters.remove("default", number)
    async with house.resources.writing() as writer:
        await writer.remove("default", "node", node)
    await house.metering.meters.remove("default", child)
    await house.metering.meters.remove("default", parent)
    with pytest.raises(NotFound):
        house.metering.meters.get("default", parent)
    with pytest.raises(NotFound):
        await house.metering.meters.remove("default", parent)
    stream = house.registry.find("default", "main", f"meter-{parent}", LAYOUT.name)
    assert stream is not None
    assert house.metering.meters.of_stream(stream) == []


async def test_an_external_id_is_free_again_once_its_meter_is_gone(house: House) -> None:
    first = await house.meter(external_id="M-1")
    with pytest.raises(Conflict):
        await house.meter(external_id="M-1")
    await house.meter("other", external_id="M-1")
    await house.metering.meters.remove("default", first)
    await house.meter(external_id="M-1")


async def test_another_tenants_meter_is_not_there(house: House) -> None:
    number = await house.meter()
    meters = house.metering.meters
    assert meters.find("other", number) is None
    for call in (
        meters.patch("other", number, {}),
        meters.replace("other", number, {"name": "x"}),
        meters.remove("other", number),
    ):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(Faulty):
        await house.meter("other", parent_id=number)


async def test_there_is_room_for_so_many_meters(house: House) -> None:
    small = await House(house.database, house.clock, most_streams=2).load()
    await small.meter()
    await small.meter()
    with pytest.raises(Invalid, match="room"):
        await small.meter()


async def test_another_process_and_the_next_one_find_it(house: House, other: House) -> None:
    number = await house.meter(site="north")
    await other.refresh()
    later = await House(house.database, house.clock).load()
    for process in (other, later):
        meter = process.metering.meters.get("default", number)
        assert meter == house.metering.meters.get("default", number)
        assert process.metering.meters.find_stream(meter) is not None
    await house.metering.meters.patch("default", number, {"name": "renamed"})
    await other.refresh()
    assert other.metering.meters.get("default", number).name == "renamed"


async def test_a_meter_with_readings_stays_at_its_site(tmp_path: Path, clock: ManualClock) -> None:
    async with spine(tmp_path, clock) as stores:
        resources = Resources(stores.database, clock)
        metering = Metering(resources, stores.registry, stores.database, clock, lambda _: 50)
        await resources.load()
        number = (await metering.meters.create("default", {"name": "m"})).id
        await metering.meters.patch("default", number, {"site": "north"})
        stream = await metering.stream(metering.meters.get("default", number))
        assert stream.device.site.key == "north"
        await stores.pipeline.ingest.submit([Row(stream.id, clock.micros(), clock.micros(), (1.0, *[None] * (WIDTH - 1)))])
        main = (await metering.meters.create("default", {"name": "main"})).id
        forbidden: list[dict[str, Any]] = [
            {"site": "south"},
            {"kind": "virtual", "formula": [{"meter_id": main}]},
            {"source": {"site": "main", "device": f"meter-{main}", "fields": {"total_power": {"quantity": "total_power"}}}},
        ]
        for change in forbidden:
            with pytest.raises(Conflict):
                await metering.meters.patch("default", number, change)
        assert (await metering.meters.patch("default", number, {"interval_s": 5, "kind": "evse"})).version == 3


async def test_a_meter_that_was_made_is_answered_for_though_its_stream_could_not_be(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(house.registry, "register", away)
        number = await house.meter()
    meter = house.metering.meters.get("default", number)
    assert house.metering.channel(meter, "total_power") is None
    assert (await house.metering.stream(meter)).device.key == meter.device_key


async def test_of_two_processes_that_would_close_a_circle_together_one_is_refused(house: House, other: House) -> None:
    a, b = await house.meter(), await house.meter()
    await other.refresh()
    done = await asyncio.gather(
        house.metering.meters.patch("default", a, {"parent_id": b}),
        other.metering.meters.patch("default", b, {"parent_id": a}),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["Faulty", "Resource"]
