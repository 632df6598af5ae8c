"""Accounts: currencies, rates, and that neither tariffs nor owners of a meter overlap in time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.metering.conftest import House
from wattline.metering.accounts import overlapping
from wattline.metering.accounts_currency import MINOR_UNITS
from wattline.model.errors import Conflict, Faulty

EDGE = st.none() | st.integers(0, 12)
SPAN = st.tuples(EDGE, EDGE).filter(lambda span: span[0] is None or span[1] is None or span[0] < span[1])

FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"currency": "EURO"}, "/currency", "too_long"),
    ({"currency": "eur"}, "/currency", "unknown_currency"),
    ({"currency": "XYZ"}, "/currency", "unknown_currency"),
    ({"currency": None}, "/currency", "required"),
    ({"tax_rate": 0.19}, "/tax_rate", "type"),
    ({"tax_rate": "19"}, "/tax_rate", "bad_decimal"),
    ({"tax_rate": "1.01"}, "/tax_rate", "bad_decimal"),
    ({"tax_rate": "-0.1"}, "/tax_rate", "bad_decimal"),
    ({"tax_rate": "0.1e1"}, "/tax_rate", "bad_decimal"),
    ({"tax_rate": "٠.١"}, "/tax_rate", "bad_decimal"),
    ({"billing_day": 29}, "/billing_day", "out_of_range"),
    ({"billing_day": 1.0}, "/billing_day", "type"),
    ({"billing_mode": "barter"}, "/billing_mode", "bad_choice"),
    ({"tariffs": [{"tariff_id": 77}]}, "/tariffs/0/tariff_id", "unknown_reference"),
    ({"tariffs": [{"from": "2026-01-01T00:00:00Z"}]}, "/tariffs/0/tariff_id", "required"),
    ({"meters": ["5"]}, "/meters/0", "type"),
    ({"meters": [{"meter_id": 1, "from": "2026-01-01"}]}, "/meters/0/from", "bad_timestamp"),
    ({"meters": [{"meter_id": 1, "from": "2026-01-01T00:00:00"}]}, "/meters/0/from", "bad_timestamp"),
    ({"meters": [{"meter_id": 1, "from": 5}]}, "/meters/0/from", "bad_timestamp"),
    ({"meters": [{"meter_id": 1, "from": "9999-12-31T23:59:59Z"}]}, "/meters/0/from", "out_of_range"),
    ({"meters": [{"meter_id": 1, "from": "0001-01-01T00:00:00+14:00"}]}, "/meters/0/from", "out_of_range"),
    (
        {"meters": [{"meter_id": 1, "from": "2026-01-02T00:00:00Z", "to": "2026-01-02T02:00:00+02:00"}]},
        "/meters/0/to",
        "bad_order",
    ),
]


@given(st.lists(SPAN, max_size=5))
def test_spans_overlap_where_two_hold_one_moment(spans: list[tuple[int | None, int | None]]) -> None:
    def holds(span: tuple[int | None, int | None], tick: int) -> bool:
        return (span[0] is None or span[0] <= tick) and (span[1] is None or tick < span[1])

    shared = any(sum(holds(span, tick) for span in spans) > 1 for tick in range(-1, 14))
    found = overlapping(spans)
    assert (found is not None) == shared
    if found is not None:
        one, other = found
        assert any(holds(spans[one], tick) and holds(spans[other], tick) for tick in range(-1, 14))


async def tariff(house: House) -> int:
    async with house.resources.writing() as writer:
        return (await writer.insert("default", "tariff", {"name": "a tariff"})).id


async def test_an_account_has_its_defaults_and_is_read_as_it_was_sent(house: House) -> None:
    number = await house.account(currency="JPY", tax_rate="0.075", customer="Depot Ltd")
    account = house.metering.accounts.get("default", number)
    assert account.tax_rate == Decimal("0.075")
    assert (account.currency, MINOR_UNITS[account.currency], account.customer) == ("JPY", 0, "Depot Ltd")
    assert (account.billing_mode, account.billing_day, account.tariffs, account.meters) == ("postpaid", 1, (), ())
    plain = house.metering.accounts.get("default", await house.account())
    assert plain.tax_rate == 0
    assert plain.customer is None


async def test_a_fault_is_told_where_it_is(house: House) -> None:
    for body, pointer, code in FAULTS:
        with pytest.raises(Faulty) as refused:
            await house.account(**body)
        assert (pointer, code) in {(fault.pointer, fault.code) for fault in refused.value.faults}, body
    assert house.metering.accounts.all("default") == []


async def test_no_two_tariffs_at_one_time(house: House) -> None:
    one, other = await tariff(house), await tariff(house)
    turn = "2026-06-01T00:00:00+02:00"
    account = await house.account(tariffs=[{"tariff_id": other, "from": turn}, {"tariff_id": one, "to": turn}])
    found = house.metering.accounts.get("default", account)
    start = found.tariffs[0].start
    assert start is not None
    assert house.metering.accounts.tariff_at(found, start) == other
    assert house.metering.accounts.tariff_at(found, start - 1) == one
    with pytest.raises(Conflict, match="0 and 1 overlap"):
        await house.account(tariffs=[{"tariff_id": one, "to": "2026-06-01T00:00:00Z"}, {"tariff_id": one, "from": turn}])


async def test_a_meter_has_one_account_at_a_time(house: House) -> None:
    meter, turn = await house.meter(), "2026-06-01T00:00:00Z"
    first = await house.account(meters=[{"meter_id": meter, "to": turn}])
    second = await house.account(meters=[{"meter_id": meter, "from": turn}])
    with pytest.raises(Conflict, match=f"account {second}"):
        await house.metering.accounts.patch("default", first, {"meters": [{"meter_id": meter}]})
    with pytest.raises(Conflict, match="twice"):
        await house.account(meters=[{"meter_id": meter, "to": turn}, {"meter_id": meter, "to": turn}])
    with pytest.raises(Conflict, match=f"account {second}"):
        await house.metering.meters.patch("default", meter, {"account_id": first})


async def test_a_meter_that_names_its_account_is_in_it_at_all_times(house: House) -> None:
    account, other = await house.account(), await house.account()
    meter = await house.meter(account_id=account)
    assert house.metering.accounts.meters_at("default", account, 0) == [meter]
    with pytest.raises(Conflict, match=f"account {account}"):
        await house.metering.accounts.patch("default", other, {"meters": [{"meter_id": meter}]})
    await house.metering.accounts.patch("default", account, {"meters": [{"meter_id": meter, "to": "2020-01-01T00:00:00Z"}]})
    assert [tuple(each) for each in house.metering.accounts.tenures("default", account)] == [(meter, None, None)]
    with pytest.raises(Conflict, match=f"meter {meter}"):
        await house.metering.accounts.remove("default", account)


def test_minor_units_are_those_of_the_standard() -> None:
    assert (MINOR_UNITS["EUR"], MINOR_UNITS["JPY"], MINOR_UNITS["KWD"], MINOR_UNITS["CLF"]) == (2, 0, 3, 4)
    assert all(len(code) == 3 and code.isupper() for code in MINOR_UNITS)
    assert "DEM" not in MINOR_UNITS
