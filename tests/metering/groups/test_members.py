"""Which meters, with which signs, add up to the figure of a meter, a group, an account."""

from __future__ import annotations

import pytest

from tests.metering.conftest import House
from wattline.model.clock import DAY
from wattline.model.errors import Faulty, Invalid, NotFound


async def of(house: House, **what: object) -> list[tuple[int, int]]:
    found = house.metering.members("default", **what)  # type: ignore[arg-type]
    return [(meter.id, count) for meter, count in found]


async def virtual(house: House, *terms: tuple[int, int]) -> int:
    return await house.meter(kind="virtual", formula=[{"meter_id": number, "sign": sign} for number, sign in terms])


async def test_a_virtual_meter_is_what_it_is_computed_from(house: House) -> None:
    main, ev, solar = [await house.meter() for _ in range(3)]
    rest = await virtual(house, (main, 1), (ev, -1))
    whole = await virtual(house, (rest, 1), (solar, -1), (ev, 1))
    assert await of(house, meter_id=main) == [(main, 1)]
    assert await of(house, meter_id=rest) == [(main, 1), (ev, -1)]
    assert await of(house, meter_id=whole) == [(main, 1), (solar, -1)]
    group = await house.group(meter_ids=[rest, ev, main])
    assert await of(house, group_id=group) == [(main, 2)]


async def test_an_account_has_the_meters_of_the_moment(house: House) -> None:
    now = house.clock.micros()
    old, new, always = [await house.meter() for _ in range(3)]
    account = await house.account(
        meters=[
            {"meter_id": old, "to": "2026-06-11T14:32:00Z"},
            {"meter_id": new, "from": "2026-06-11T16:32:00+02:00"},
            {"meter_id": always},
        ]
    )
    assert await of(house, account_id=account) == [(new, 1), (always, 1)]
    assert await of(house, account_id=account, at=now - 1) == [(old, 1), (always, 1)]
    assert [each.meter_id for each in house.metering.accounts.tenures("default", account)] == [old, new, always]
    house.clock.advance(-1)
    assert await of(house, account_id=account) == [(old, 1), (always, 1)]


async def test_exactly_one_is_named(house: House) -> None:
    meter, group = await house.meter(), await house.group()
    for wrong in ({}, {"meter_id": meter, "group_id": group}, {"group_id": group, "account_id": 1}):
        with pytest.raises(Invalid):
            await of(house, **wrong)
    for missing in ({"meter_id": 99}, {"group_id": meter}, {"account_id": group}):
        with pytest.raises(NotFound):
            await of(house, **missing)


async def test_a_figure_of_a_site_that_is_not_seen_is_not_there(house: House) -> None:
    north, south = await house.meter(site="north"), await house.meter(site="south")
    both = await virtual(house, (north, 1), (south, 1))
    group = await house.group(meter_ids=[north, south])
    seen = frozenset({"north"})
    assert await of(house, meter_id=north, sites=seen) == [(north, 1)]
    for hidden in ({"meter_id": south}, {"meter_id": both}, {"group_id": group}):
        with pytest.raises(NotFound):
            await of(house, **hidden, sites=seen)
    assert len(await of(house, group_id=group, sites=frozenset({"north", "south"}))) == 2


async def test_a_formula_that_contains_itself_is_refused_where_it_does(house: House) -> None:
    main = await house.meter()
    a = await virtual(house, (main, 1))
    b = await virtual(house, (main, 1), (a, -1))
    formula = [{"meter_id": main}, {"meter_id": b}, {"meter_id": a}]
    with pytest.raises(Faulty) as refused:
        await house.metering.meters.patch("default", a, {"formula": formula})
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/formula/1/meter_id", "cycle"),
        ("/formula/2/meter_id", "cycle"),
    ]
    assert await of(house, meter_id=b) == []


async def test_the_meters_of_an_account_at_a_boundary_are_half_open(house: House) -> None:
    meter = await house.meter()
    account = await house.account(meters=[{"meter_id": meter, "from": "2026-06-01T00:00:00Z", "to": "2026-06-02T00:00:00Z"}])
    (tenure,) = house.metering.accounts.tenures("default", account)
    assert tenure.start is not None
    assert tenure.end == tenure.start + DAY
    assert await of(house, account_id=account, at=tenure.start) == [(meter, 1)]
    assert await of(house, account_id=account, at=tenure.end) == []
