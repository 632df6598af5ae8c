"""Groups as documents, and what they count."""

from __future__ import annotations

import pytest

from tests.metering.conftest import House
from wattline.metering.formula import DEEPEST
from wattline.model.errors import Conflict, Faulty, Invalid, NotFound


async def test_a_meter_is_in_the_groups_that_name_it_and_in_those_that_it_names(house: House) -> None:
    named, listed = await house.group(), await house.meter()
    joining = await house.meter(group_ids=[named])
    await house.metering.groups.patch("default", named, {"meter_ids": [listed]})
    assert house.metering.groups.counts("default", named) == {listed: 1, joining: 1}
    await house.metering.meters.patch("default", joining, {"group_ids": None})
    assert house.metering.groups.counts("default", named) == {listed: 1}


async def test_a_meter_counts_once_or_once_for_each_way(house: House) -> None:
    meter = await house.meter()
    inner = await house.group(meter_ids=[meter])
    twice = await house.group(meter_ids=[meter], group_ids=[inner], dedupe=False)
    once = await house.group(meter_ids=[meter], group_ids=[inner])
    members = house.metering.members
    assert [(each.id, count) for each, count in members("default", group_id=twice)] == [(meter, 2)]
    assert [(each.id, count) for each, count in members("default", group_id=once)] == [(meter, 1)]


async def test_a_group_within_itself_is_refused_where_it_is_named(house: House) -> None:
    a = await house.group()
    b = await house.group(group_ids=[a])
    c = await house.group(group_ids=[b])
    other = await house.group()
    with pytest.raises(Faulty) as refused:
        await house.metering.groups.replace("default", a, {"name": "a", "group_ids": [other, c, a]})
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/group_ids/1", "cycle"),
        ("/group_ids/2", "cycle"),
    ]
    assert house.metering.groups.get("default", a).group_ids == ()


async def test_groups_are_nested_only_so_deep_also_from_the_middle(house: House) -> None:
    chain = [await house.group()]
    for _ in range(DEEPEST):
        chain.append(await house.group(group_ids=[chain[-1]]))
    with pytest.raises(Invalid, match="deep"):
        await house.group(group_ids=[chain[-1]])
    below = await house.group()
    with pytest.raises(Invalid, match="deep"):
        await house.metering.groups.patch("default", chain[0], {"group_ids": [below]})


async def test_every_fault_is_told_at_once(house: House) -> None:
    with pytest.raises(Faulty) as refused:
        await house.metering.groups.create(
            "default", {"meter_ids": [99, 99, "5", True], "group_ids": 7, "dedupe": "yes", "size": 1}
        )
    assert {(fault.pointer, fault.code) for fault in refused.value.faults} == {
        ("/name", "required"),
        ("/meter_ids/0", "unknown_reference"),
        ("/meter_ids/1", "duplicate"),
        ("/meter_ids/2", "type"),
        ("/meter_ids/3", "type"),
        ("/group_ids", "type"),
        ("/dedupe", "type"),
        ("/size", "unknown"),
    }


async def test_what_a_group_names_stays_and_another_tenants_is_not_there(house: House) -> None:
    meter, stranger = await house.meter(), await house.meter("other")
    inner = await house.group(meter_ids=[meter])
    outer = await house.group(group_ids=[inner])
    with pytest.raises(Conflict, match=f"group {inner}"):
        await house.metering.meters.remove("default", meter)
    with pytest.raises(Conflict, match=f"group {outer}"):
        await house.metering.groups.remove("default", inner)
    with pytest.raises(Faulty):
        await house.group(meter_ids=[stranger])
    with pytest.raises(NotFound):
        house.metering.groups.get("other", inner)
    await house.metering.groups.remove("default", outer)
    await house.metering.groups.remove("default", inner)
    await house.metering.meters.remove("default", meter)
    with pytest.raises(NotFound):
        house.metering.groups.get("default", inner)


async def test_another_process_sees_the_group_as_it_is(house: House, other: House) -> None:
    meter = await house.meter()
    group = await house.group(meter_ids=[meter])
    await other.refresh()
    assert other.metering.groups.counts("default", group) == {meter: 1}
    await house.metering.groups.remove("default", group)
    await other.refresh()
    with pytest.raises(NotFound):
        other.metering.groups.get("default", group)
