"""Tariffs: prices from a day on, exact to the last decimal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.households.accounts.conftest import Town
from wattline.households.accounts import checks
from wattline.households.accounts.model import Tariff
from wattline.model.errors import Invalid, NotFound

NEW_YEAR, MAY = date(2026, 1, 1), date(2026, 5, 1)


async def test_prices_have_a_history_by_day(town: Town) -> None:
    await town.accounts.create_user("t", {"id": "u"})
    await town.accounts.create_user("t", {"id": "v"})
    await town.accounts.set_tariff("t", "u", MAY, Decimal("12.90"), Decimal("0.2999"))
    await town.accounts.set_tariff("t", "u", NEW_YEAR, Decimal(0), Decimal("0.35"))
    await town.accounts.set_tariff("t", "u", MAY, Decimal("13"), Decimal("0.31"))
    expected = [Tariff(NEW_YEAR, Decimal(0), Decimal("0.35")), Tariff(MAY, Decimal(13), Decimal("0.31"))]
    assert await town.accounts.tariffs("t", "u") == expected
    assert await town.accounts.tariffs_of("t", ["v", "u", "nobody"]) == {"v": [], "u": expected, "nobody": []}
    assert await town.accounts.tariffs("other", "u") == []

    await town.accounts.remove_tariff("t", "u", MAY)
    assert await town.accounts.tariffs("t", "u") == expected[:1]
    with pytest.raises(NotFound):
        await town.accounts.remove_tariff("t", "u", MAY)


@pytest.mark.parametrize(
    ("since", "base", "working"),
    [
        (MAY, Decimal("-0.01"), Decimal(0)),
        (MAY, Decimal(0), Decimal("-1")),
        (MAY, Decimal(0), Decimal("10.000001")),
        (MAY, Decimal("10000.01"), Decimal(0)),
        (MAY, Decimal(0), Decimal("0.0000001")),
        (MAY, Decimal("NaN"), Decimal(0)),
        (MAY, Decimal(0), Decimal("Infinity")),
        (MAY, True, Decimal(0)),
        (MAY, Decimal("1." + "0" * 50), Decimal(0)),
        (date(1999, 12, 31), Decimal(0), Decimal(0)),
        ("2026-05-01", Decimal(0), Decimal(0)),
    ],
)
async def test_impossible_prices_are_refused(town: Town, since: Any, base: Any, working: Any) -> None:
    await town.accounts.create_user("t", {"id": "u"})
    with pytest.raises(Invalid):
        await town.accounts.set_tariff("t", "u", since, base, working)
    assert await town.accounts.tariffs("t", "u") == []


async def test_only_a_household_that_is_there_has_prices(town: Town) -> None:
    await town.accounts.create_user("t", {"id": "u"})
    await town.accounts.set_tariff("t", "u", MAY, Decimal(1), Decimal(1))
    with pytest.raises(NotFound):
        await town.accounts.set_tariff("other", "u", MAY, Decimal(1), Decimal(1))
    await town.accounts.delete_user("t", "u")
    with pytest.raises(NotFound):
        await town.accounts.set_tariff("t", "u", MAY, Decimal(1), Decimal(1))
    assert await town.accounts.tariffs("t", "u") == []


@given(st.decimals(min_value=0, max_value=10, places=6), st.integers(0, 5))
def test_an_amount_keeps_its_value_through_its_text(value: Decimal, zeros: int) -> None:
    kept = checks.amount("price", Decimal(f"{value}{'0' * zeros}"), Decimal(10))
    assert kept == value
    assert Decimal(str(kept)) == value
    assert len(str(kept)) <= 32
    assert "E" not in str(kept)


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.text(max_size=45) | st.floats() | st.integers() | st.booleans())
def test_an_amount_is_exact_or_refused(value: object) -> None:
    try:
        kept = checks.amount("price", value, Decimal(10_000))
    except Invalid:
        return
    assert kept == Decimal(str(value))
    assert 0 <= kept <= 10_000
    assert kept == kept.quantize(Decimal("0.000001"))
