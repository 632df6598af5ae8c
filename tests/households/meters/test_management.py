"""Registering, assigning and changing meters, on SQLite and PostgreSQL, by one process and several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wattline.households.meters.model import LONGEST_SCRIPT, Kind
from wattline.households.meters.service import Meters
from wattline.model.clock import ManualClock
from wattline.model.errors import Conflict, Invalid, NotFound
from wattline.state.database import Database

from .desk import MAC, TENANT, Asked, desk

OTHER = "AA:BB:CC:DD:EE:02"
SCRIPT = ">D\n>B\n->sensor53 r\n>M 1\n+1,3,s,0,9600,Zähler\n#"


@pytest.fixture
async def meters(database: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Meters]:
    async with desk(database, tmp_path, clock) as made:
        yield made


async def test_a_meter_is_found_by_its_own_tenant_alone(meters: Meters) -> None:
    made = await meters.add(TENANT, "aa-bb-cc-dd-ee-01", Kind.DIGITAL_ELECTRICITY)
    assert made.mac == MAC
    assert (made.user, made.script, made.needs_script, made.limit, made.secret) == (None, None, False, 0.6, None)
    assert meters.meter(TENANT, MAC.lower()) is made
    for work in (
        lambda: meters.set_script("others", MAC, "75"),
        lambda: meters.set_secret("others", MAC, "x"),
        lambda: meters.set_limit("others", MAC, 1.0),
        lambda: meters.assign("others", MAC, "u1"),
        lambda: meters.swap("others", MAC, 1.0),
        lambda: meters.remove("others", MAC),
        lambda: meters.remove(TENANT, OTHER),
    ):
        with pytest.raises(NotFound):
            await work()
    assert meters.meters("others") == []
    assert meters.meters() == meters.meters(TENANT) == [made]
    # The address is one in the whole world.
    with pytest.raises(Conflict):
        await meters.add("others", MAC, Kind.GAS)


@pytest.mark.parametrize(
    "mac", ["", "AA:BB:CC:DD:EE", "AA:BB:CC:DD:EE:0G", "AABBCCDDEE0", "AA:BB:CC:DD:EE:01:02", "١٢:BB:CC:DD:EE:01"]
)
async def test_what_is_no_address_is_refused(meters: Meters, mac: str) -> None:
    with pytest.raises(Invalid):
        await meters.add(TENANT, mac, Kind.GAS)


async def test_a_household_has_one_meter_of_a_kind(meters: Meters) -> None:
    for mac, kind in ((MAC, Kind.DIGITAL_ELECTRICITY), (OTHER, Kind.DIGITAL_ELECTRICITY), ("AA:BB:CC:DD:EE:03", Kind.GAS)):
        await meters.add(TENANT, mac, kind)
    await meters.assign(TENANT, MAC, "u1")
    await meters.assign(TENANT, "AA:BB:CC:DD:EE:03", "u1")
    with pytest.raises(Conflict):
        await meters.assign(TENANT, OTHER, "u1")
    assert [meter.mac for meter in meters.of_user(TENANT, "u1")] == [MAC, "AA:BB:CC:DD:EE:03"]
    assert meters.of_user("others", "u1") == []
    await meters.assign(TENANT, MAC, None)
    await meters.assign(TENANT, OTHER, "u1")
    assert [meter.mac for meter in meters.of_user(TENANT, "u1")] == [OTHER, "AA:BB:CC:DD:EE:03"]


async def test_assignments_are_kept_and_a_former_one_goes_on(meters: Meters, clock: ManualClock) -> None:
    await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
    assert meters.stream(TENANT, "u1", MAC) is None
    start = clock.micros()
    await meters.assign(TENANT, MAC, "u1")
    first = meters.stream(TENANT, "u1", MAC)
    assert first is not None
    await meters.assign(TENANT, MAC, "u1")
    clock.advance(60)
    await meters.assign(TENANT, MAC, "u2")
    # At the same instant once more.
    await meters.assign(TENANT, MAC, "u1")
    assert meters.stream(TENANT, "u1", MAC) is first
    assert meters.stream(TENANT, "u2", MAC) is not first
    then = clock.micros()
    one = await meters.assignments(TENANT, "u1")
    assert [(each.since, each.until) for each in one] == [(start, then), (then + 1, None)]
    (two,) = await meters.assignments(TENANT, "u2")
    assert (two.mac, two.user, two.since, two.until) == (MAC, "u2", then, then)
    assert await meters.assignments("others", "u1") == []


async def test_a_deleted_household_gives_its_meters_back(meters: Meters) -> None:
    await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
    await meters.add(TENANT, OTHER, Kind.GAS)
    await meters.assign(TENANT, MAC, "u1")
    await meters.assign(TENANT, OTHER, "u1")
    await meters.release(TENANT, "u1")
    assert meters.of_user(TENANT, "u1") == []
    assert {meter.user for meter in meters.meters()} == {None}


async def test_other_processes_see_every_change(database: Database, meters: Meters, tmp_path: Path, clock: ManualClock) -> None:
    async with desk(database, tmp_path, clock, "other") as other:
        await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
        await meters.add(TENANT, OTHER, Kind.GAS)
        await other.refresh()
        assert other.meters() == meters.meters()
        await meters.assign(TENANT, MAC, "u1")
        await meters.set_limit(TENANT, OTHER, 2.0)
        await other.refresh()
        assert other.meters() == meters.meters()
        assert [meter.mac for meter in other.of_user(TENANT, "u1")] == [MAC]
        # One goes and another comes between two looks; one comes again, as another.
        await meters.remove(TENANT, MAC)
        await meters.add(TENANT, "AA:BB:CC:DD:EE:03", Kind.WATER)
        await meters.remove(TENANT, OTHER)
        await meters.add(TENANT, OTHER, Kind.DIGITAL_ELECTRICITY)
        await other.refresh()
        assert other.meters() == meters.meters()
        assert other.of_user(TENANT, "u1") == []
        await meters.remove(TENANT, OTHER)
        await other.refresh()
        assert other.meters() == meters.meters()
        # Both at once: a household still gets one meter.
        await asyncio.gather(meters.add(TENANT, MAC, Kind.GAS), other.add(TENANT, OTHER, Kind.GAS))
        await meters.refresh()
        await other.refresh()
        tried = (meters.assign(TENANT, MAC, "u1"), other.assign(TENANT, OTHER, "u1"))
        done = await asyncio.gather(*tried, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in done) == 1, done
        await meters.refresh()
        await other.refresh()
        assert other.meters() == meters.meters()
        assert len(meters.of_user(TENANT, "u1")) == 1


async def test_a_look_at_what_did_not_change_reads_one_row(database: Database, meters: Meters) -> None:
    await meters.add(TENANT, MAC, Kind.GAS)
    await meters.refresh()
    asked = Asked(database)
    await meters.refresh()
    assert asked.count == 1


async def test_a_script_is_handed_out_until_it_is_accepted(meters: Meters) -> None:
    await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY, script=SCRIPT)
    await meters.assign(TENANT, MAC, "u1")
    for _ in range(2):
        grant = await meters.issue(MAC)
        assert (grant.script, grant.rotations_per_kwh) == (SCRIPT, None)
    await meters.accept_script(meters.meter(TENANT, MAC))
    await meters.accept_script(meters.meter(TENANT, MAC))
    assert (await meters.issue(MAC)).script is None
    assert (await meters.issue(MAC, need_script=True)).script == SCRIPT
    assert (await meters.issue(MAC)).script is None
    await meters.set_script(TENANT, MAC, SCRIPT + "\n")
    assert (await meters.issue(MAC)).script == SCRIPT + "\n"
    await meters.set_script(TENANT, MAC, " \n")
    grant = await meters.issue(MAC, need_script=True)
    assert (grant.script, grant.rotations_per_kwh) == (None, None)
    with pytest.raises(NotFound):
        await meters.accept_script(meters.meter(TENANT, MAC))


async def test_rotations_go_with_every_token(meters: Meters) -> None:
    await meters.add(TENANT, MAC, Kind.ANALOG_ELECTRICITY, script=" 75\n")
    await meters.assign(TENANT, MAC, "u1")
    for _ in range(3):
        grant = await meters.issue(MAC)
        assert (grant.script, grant.rotations_per_kwh) == (None, 75)
        await meters.accept_script(meters.meter(TENANT, MAC))


async def test_what_no_device_can_hold_is_refused(meters: Meters) -> None:
    await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY, script="ä" * (LONGEST_SCRIPT // 2) + "a")
    before = meters.meter(TENANT, MAC)
    for script in ("a" * 666, "ä" * 333, "0", str(2**32), "a\0b", "\ud800"):
        with pytest.raises(Invalid):
            await meters.set_script(TENANT, MAC, script)
    for limit in (0.0, -1.0, float("nan"), float("inf"), 1e6):
        with pytest.raises(Invalid):
            await meters.set_limit(TENANT, MAC, limit)
    for secret in ("", " ", "x" * 129):
        with pytest.raises(Invalid):
            await meters.set_secret(TENANT, MAC, secret)
    assert meters.meter(TENANT, MAC) is before
    assert (await meters.set_script(TENANT, MAC, str(2**32 - 1))).script == "4294967295"
