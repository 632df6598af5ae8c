"""What a household has, and what follows from its peaks."""

from __future__ import annotations

import asyncio

import pytest

from tests.households.appliances.conftest import Homes
from wattline.households.accounts.store import forget
from wattline.households.appliances.model import MOST_APPLIANCES
from wattline.households.tables import devices, peak_devices
from wattline.model.clock import DAY
from wattline.model.errors import Conflict, Invalid, NotFound

KETTLE = {"name": "Kettle", "category": "kettle"}
TOASTER = {"name": "Toaster", "category": "toaster"}


async def test_create_list_change_and_remove(homes: Homes) -> None:
    await homes.home("ada")
    service = homes.appliances
    kettle = await service.create("town", "ada", {**KETTLE, "name": "  Wasserkocher Küche "})
    lamp = await service.create("town", "ada", {"name": "Lamp", "category": "lighting", "power_w": 12})
    assert (kettle.name, kettle.estimated, kettle.power_w) == ("Wasserkocher Küche", True, None)
    assert (lamp.estimated, lamp.power_w) == (False, 12.0)
    assert await service.appliances("town", "ada") == [kettle, lamp]
    changed = await service.change("town", "ada", lamp.id, {"name": "Lamps", "power_w": 60.5})
    assert (changed.name, changed.category, changed.power_w, changed.estimated) == ("Lamps", "lighting", 60.5, False)
    assert await service.appliance("town", "ada", lamp.id) == changed
    await service.remove("town", "ada", kettle.id)
    assert await service.appliances("town", "ada") == [changed]


async def test_a_power_that_is_given_at_creation_is_kept(homes: Homes) -> None:
    await homes.home("ada")
    made = await homes.appliances.create("town", "ada", {**KETTLE, "estimated": False, "power_w": 2150})
    assert (await homes.appliances.appliance("town", "ada", made.id)).power_w == 2150.0


NO_APPLIANCES = [
    ({}, "name"),
    ({"name": "Kettle"}, "category"),
    ({**KETTLE, "name": " "}, "name"),
    ({**KETTLE, "name": "x" * 129}, "name"),
    ({**KETTLE, "name": "a\x00b"}, "name"),
    ({**KETTLE, "name": "a\ud800"}, "name"),
    ({**KETTLE, "name": 7}, "name"),
    ({**KETTLE, "category": "Kettle"}, "category"),
    ({**KETTLE, "category": ["kettle"]}, "category"),
    ({**KETTLE, "estimated": False}, "power_w"),
    ({**KETTLE, "estimated": True, "power_w": 2000}, "power_w"),
    ({**KETTLE, "estimated": "no", "power_w": 2000}, "estimated"),
    ({**KETTLE, "power_w": 0}, "power_w"),
    ({**KETTLE, "power_w": -5.0}, "power_w"),
    ({**KETTLE, "power_w": 50_001}, "power_w"),
    ({**KETTLE, "power_w": float("nan")}, "power_w"),
    ({**KETTLE, "power_w": float("inf")}, "power_w"),
    ({**KETTLE, "power_w": 10**400}, "power_w"),
    ({**KETTLE, "power_w": True}, "power_w"),
    ({**KETTLE, "power_w": "2000"}, "power_w"),
    ({**KETTLE, "sigma_w": 3}, "sigma_w"),
]


async def test_what_makes_no_appliance(homes: Homes) -> None:
    await homes.home("ada")
    for given, field in NO_APPLIANCES:
        with pytest.raises(Invalid) as caught:
            await homes.appliances.create("town", "ada", given)
        assert caught.value.field == field, given
    assert await homes.rows(devices) == 0


async def test_a_household_that_is_not_there_has_no_appliances(homes: Homes) -> None:
    await homes.home("gone", deleted=5)
    for user in ("nobody", "gone", "x" * 31, "a\x00b", ""):
        with pytest.raises(NotFound):
            await homes.appliances.create("town", user, KETTLE)
    assert await homes.appliances.appliances("town", "nobody") == []


async def test_a_household_has_a_bounded_number_of_appliances(homes: Homes) -> None:
    await homes.home("ada")
    for _ in range(MOST_APPLIANCES):
        await homes.appliances.create("town", "ada", KETTLE)
    with pytest.raises(Conflict):
        await homes.appliances.create("town", "ada", KETTLE)


async def test_powers_hours_and_fit_follow_from_what_is_assigned(homes: Homes) -> None:
    await homes.home("ada")
    service = homes.appliances
    kettle = await service.create("town", "ada", KETTLE)
    toaster = await service.create("town", "ada", TOASTER)
    alone = await homes.peak("ada", 2100, minutes=6)
    both = await homes.peak("ada", 3000, minutes=12)
    await service.assign("town", "ada", alone.id, [kettle.id])
    await service.assign("town", "ada", both.id, [toaster.id, kettle.id, toaster.id])
    found = {each.id: each for each in await service.appliances("town", "ada")}
    assert found[kettle.id].power_w == pytest.approx(2100, rel=0.01)
    assert found[toaster.id].power_w == pytest.approx(900, rel=0.03)
    assert 0 < (found[kettle.id].sigma_w or 0) < 120
    assert found[kettle.id].weekly_hours == pytest.approx(0.3)
    assert found[toaster.id].weekly_hours == pytest.approx(0.2)
    assert await homes.r_squared("ada") == pytest.approx(1.0, abs=0.01)
    assert await service.assigned("town", "ada", [alone.id, both.id]) == {
        alone.id: [kettle.id],
        both.id: sorted([kettle.id, toaster.id]),
    }


async def test_an_appliance_that_is_taken_from_a_peak_forgets_it(homes: Homes) -> None:
    await homes.home("ada")
    service = homes.appliances
    kettle = await service.create("town", "ada", KETTLE)
    toaster = await service.create("town", "ada", TOASTER)
    peak = await homes.peak("ada", 1000)
    await service.assign("town", "ada", peak.id, [kettle.id])
    await service.assign("town", "ada", peak.id, [toaster.id])
    after = await service.appliance("town", "ada", kettle.id)
    assert (after.power_w, after.sigma_w, after.weekly_hours) == (None, None, None)
    await service.assign("town", "ada", peak.id, [])
    assert (await service.appliance("town", "ada", toaster.id)).weekly_hours is None
    assert await homes.r_squared("ada") is None
    assert await service.assigned("town", "ada", [peak.id]) == {peak.id: []}


async def test_a_power_that_the_household_gave_stays(homes: Homes) -> None:
    await homes.home("ada")
    service = homes.appliances
    kettle = await service.create("town", "ada", {**KETTLE, "power_w": 1500})
    toaster = await service.create("town", "ada", TOASTER)
    peak = await homes.peak("ada", 2500)
    await service.assign("town", "ada", peak.id, [kettle.id, toaster.id])
    assert (await service.appliance("town", "ada", kettle.id)).power_w == 1500
    assert (await service.appliance("town", "ada", toaster.id)).power_w == pytest.approx(1000, rel=0.02)
    # To be estimated from now on: the two share, and with a power of one's own again they do not.
    estimated = await service.change("town", "ada", kettle.id, {"estimated": True})
    assert estimated.estimated
    assert estimated.power_w != 1500
    back = await service.change("town", "ada", kettle.id, {"power_w": 2000})
    assert (back.estimated, back.power_w, back.sigma_w) == (False, 2000, None)
    assert (await service.appliance("town", "ada", toaster.id)).power_w == pytest.approx(500, rel=0.05)


async def test_a_change_that_is_refused_changes_nothing(homes: Homes) -> None:
    await homes.home("ada")
    made = await homes.appliances.create("town", "ada", {**KETTLE, "power_w": 1500})
    for given in ({"name": "New", "power_w": None}, {"name": "New", "category": "x"}, {"name": "New", "estimated": 1}):
        with pytest.raises(Invalid):
            await homes.appliances.change("town", "ada", made.id, given)
    assert await homes.appliances.appliances("town", "ada") == [made]


async def test_another_kind_has_another_prior(homes: Homes) -> None:
    """Two that cannot be told apart share by their kinds, so a change of kind changes both."""
    await homes.home("ada")
    service = homes.appliances
    one = await service.create("town", "ada", {"name": "One", "category": "lighting"})
    other = await service.create("town", "ada", {"name": "Other", "category": "lighting"})
    peak = await homes.peak("ada", 2400)
    await service.assign("town", "ada", peak.id, [one.id, other.id])
    before = await service.appliance("town", "ada", other.id)
    await service.change("town", "ada", one.id, {"category": "oven"})
    after = await service.appliance("town", "ada", other.id)
    assert (before.power_w or 0) > 1000 > (after.power_w or 0)


async def test_without_an_appliance_its_peaks_were_caused_by_the_others(homes: Homes) -> None:
    await homes.home("ada")
    service = homes.appliances
    kettle = await service.create("town", "ada", KETTLE)
    toaster = await service.create("town", "ada", TOASTER)
    peak = await homes.peak("ada", 2400)
    await service.assign("town", "ada", peak.id, [kettle.id, toaster.id])
    await service.remove("town", "ada", toaster.id)
    assert await homes.rows(peak_devices) == 1
    assert (await service.appliance("town", "ada", kettle.id)).power_w == pytest.approx(2400, rel=0.02)
    with pytest.raises(NotFound):
        await service.remove("town", "ada", toaster.id)


async def test_weekly_hours_are_of_the_time_that_the_household_has_told_of(homes: Homes) -> None:
    await homes.home("ada")
    service = homes.appliances
    kettle = await service.create("town", "ada", KETTLE)
    toaster = await service.create("town", "ada", TOASTER)
    first = await homes.peak("ada", 2000, start=100 * DAY, minutes=120)
    await service.assign("town", "ada", first.id, [kettle.id])
    later = await homes.peak("ada", 900, start=114 * DAY - 3600_000_000, minutes=60)
    await service.assign("town", "ada", later.id, [toaster.id])
    found = {each.id: each.weekly_hours for each in await service.appliances("town", "ada")}
    assert found == {kettle.id: pytest.approx(1.0), toaster.id: pytest.approx(1.0)}


async def test_nobody_touches_anothers_appliances_or_peaks(homes: Homes) -> None:
    """Not of another household of the tenant, and not of the household of that name at another tenant."""
    service = homes.appliances
    for tenant, user in (("town", "ada"), ("town", "bob"), ("city", "ada")):
        await homes.home(user, tenant)
    own = await service.create("town", "ada", KETTLE)
    peak = await homes.peak("ada", 2000)
    await service.assign("town", "ada", peak.id, [own.id])
    before = await service.appliances("town", "ada")
    for tenant, user in (("town", "bob"), ("city", "ada")):
        theirs = await service.create(tenant, user, TOASTER)
        foreign = await homes.peak(user, 1000, tenant=tenant)
        for refused in (
            service.appliance(tenant, user, own.id),
            service.change(tenant, user, own.id, {"name": "Mine"}),
            service.remove(tenant, user, own.id),
            service.assign(tenant, user, peak.id, [theirs.id]),
            service.assign(tenant, user, peak.id, []),
            service.assign(tenant, user, foreign.id, [theirs.id, own.id]),
        ):
            with pytest.raises(NotFound):
                await refused
        assert await service.appliances(tenant, user) == [theirs]
        assert await service.assigned(tenant, user, [peak.id, foreign.id]) == {peak.id: [], foreign.id: []}
    assert await service.appliances("town", "ada") == before
    assert await service.assigned("town", "ada", [peak.id]) == {peak.id: [own.id]}


async def test_ids_that_no_store_can_hold_are_nobodys(homes: Homes) -> None:
    await homes.home("ada")
    peak = await homes.peak("ada", 2000)
    for device in (0, -1, 2**63, 10**30):
        with pytest.raises(NotFound):
            await homes.appliances.change("town", "ada", device, {})
        with pytest.raises(NotFound):
            await homes.appliances.assign("town", "ada", peak.id, [device])
    for text in ("", "a\x00b", "x" * 31, "peak\ud800"):
        with pytest.raises(NotFound):
            await homes.appliances.assign("town", "ada", text, [])
    with pytest.raises(Invalid):
        await homes.appliances.assign("town", "ada", peak.id, [True])


async def test_changes_of_one_household_at_once_happen_one_after_the_other(homes: Homes) -> None:
    await homes.home("ada")
    service = homes.appliances
    made = [await service.create("town", "ada", KETTLE) for _ in range(4)]
    peaks = [await homes.peak("ada", 500.0 * at) for at in range(1, 5)]
    await asyncio.gather(
        *(service.assign("town", "ada", peak.id, [each.id]) for peak, each in zip(peaks, made, strict=True)),
        *(service.create("town", "ada", TOASTER) for _ in range(4)),
    )
    found = await service.appliances("town", "ada")
    assert [each.power_w for each in found[:4]] == [pytest.approx(500 * at, rel=0.05) for at in range(1, 5)]
    assert [each.power_w for each in found[4:]] == [None] * 4


async def test_thousands_of_peaks_can_be_asked_for_at_once(homes: Homes) -> None:
    """More than a statement can name."""
    await homes.home("ada")
    made = await homes.appliances.create("town", "ada", KETTLE)
    peak = await homes.peak("ada", 2000)
    await homes.appliances.assign("town", "ada", peak.id, [made.id])
    asked = [*(f"no{at}" for at in range(1200)), peak.id]
    found = await homes.appliances.assigned("town", "ada", asked)
    assert list(found) == asked
    assert found[peak.id] == [made.id]
    assert not any(found[other] for other in asked[:-1])


async def test_nothing_of_a_household_that_is_deleted_stays(homes: Homes) -> None:
    """The names of devices are its own words."""
    await homes.home("ada")
    await homes.home("bob")
    for user in ("ada", "bob"):
        made = await homes.appliances.create("town", user, {**KETTLE, "name": f"{user}'s"})
        peak = await homes.peak(user, 2000)
        await homes.appliances.assign("town", user, peak.id, [made.id])
    async with homes.database.transaction() as connection:
        await forget(connection, "town", "ada")
    assert await homes.appliances.appliances("town", "ada") == []
    assert [each.name for each in await homes.appliances.appliances("town", "bob")] == ["bob's"]
    assert await homes.rows(peak_devices) == 1
