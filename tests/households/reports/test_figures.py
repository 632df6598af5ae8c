"""Money and days of reports against arithmetic day by day."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.households.reports.people import user
from wattline.households.accounts.model import Tariff
from wattline.households.energy.daily import DayUse
from wattline.households.reports.costs import cents, day_cost, period_cost, rounded, tariff_on
from wattline.households.reports.figures import content
from wattline.model.clock import HOUR

FIRST = date(2026, 2, 26)
KWH = st.integers(0, 500_000_000).map(lambda micro: Decimal(micro).scaleb(-6))
PRICES = st.integers(0, 100_000).map(lambda n: Decimal(n).scaleb(-4))
USES = st.none() | KWH


def day_use(
    day: date, kwh: Decimal | None, *, carried: Decimal = Decimal(0), coverage: float = 1.0, fed_in: Decimal | None = None
) -> DayUse:
    return DayUse(day, 0, 24 * HOUR, kwh, fed_in, carried, coverage if kwh is not None else 0.0)


def days_from(first: date, uses: Sequence[Decimal | None]) -> list[DayUse]:
    return [day_use(first + timedelta(days=n), kwh) for n, kwh in enumerate(uses)]


def half_up(amount: Fraction, digits: int) -> Decimal:
    """By the decimal module, with more digits than any of these amounts needs."""
    with localcontext() as context:
        context.prec = 400
        exact = Decimal(amount.numerator) / Decimal(amount.denominator)
        return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


TARIFFS = st.lists(st.tuples(st.integers(-40, 12), PRICES, PRICES), max_size=4, unique_by=lambda each: each[0]).map(
    lambda found: [Tariff(FIRST + timedelta(days=since), base, working) for since, base, working in sorted(found)]
)


@settings(deadline=None)
@given(st.lists(USES, min_size=1, max_size=7), TARIFFS)
def test_a_period_costs_what_its_days_cost(uses: list[Decimal | None], tariffs: list[Tariff]) -> None:
    days = days_from(FIRST, uses)
    working = base = Fraction(0)
    priced = 0
    for day in days:
        holding = None
        for tariff in tariffs:
            if tariff.since <= day.day:
                holding = tariff
        assert tariff_on(day.day, tariffs) == holding
        if holding is not None:
            priced += 1
            base += Fraction(holding.base_price) / (28 if day.day.month == 2 else 31)
            working += Fraction(day.kwh or 0) * Fraction(holding.working_price)

    found = content(user(), days, days_from(FIRST - timedelta(days=len(days)), [None] * len(days)), tariffs)["cost"]
    if not priced:
        assert found is None
        return
    assert found["days"] == priced
    assert (found["working"], found["base"], found["total"], found["mean"]) == tuple(
        float(half_up(amount, 2)) for amount in (working, base, working + base, (working + base) / priced)
    )


@given(st.integers(2020, 2030), st.integers(1, 12), PRICES)
def test_the_days_of_a_month_cost_its_base_price(year: int, month: int, price: Decimal) -> None:
    days = [day_use(date(year, month, day + 1), None) for day in range(monthrange(year, month)[1])]
    costs = [day_cost(day, [Tariff(date(2000, 1, 1), price, Decimal("0.35"))]) for day in days]
    total = period_cost(costs)
    assert total is not None
    assert total.base == total.total == Fraction(price)


@given(st.fractions(-(10**15), 10**15), st.integers(0, 6))
def test_amounts_are_rounded_half_away_from_zero(amount: Fraction, digits: int) -> None:
    step = Decimal(1).scaleb(-digits)
    found = rounded(amount, step)
    assert abs(Fraction(found) - amount) <= Fraction(step) / 2
    assert found == half_up(amount, digits)


@pytest.mark.parametrize(
    ("amount", "told"), [("0.005", "0.01"), ("0.00499999", "0.00"), ("-0.005", "-0.01"), ("2.675", "2.68")]
)
def test_half_a_cent_is_a_cent(amount: str, told: str) -> None:
    assert cents(Fraction(amount)) == Decimal(told)


@settings(deadline=None)
@given(st.lists(USES, min_size=1, max_size=7), st.none() | KWH)
def test_days_without_data_are_neither_best_nor_worst_nor_judged(uses: list[Decimal | None], goal: Decimal | None) -> None:
    days = days_from(FIRST, uses)
    found = content(user(goal_kwh=goal), days, days_from(FIRST - timedelta(days=7), uses), [])
    known = [(day.day.isoformat(), day.kwh) for day in days if day.kwh is not None]
    assert found["days_with_data"] == len(known)
    assert [day["kwh"] for day in found["daily"]] == [None if kwh is None else float(kwh) for kwh in uses]
    if not known:
        assert found["best_day"] is found["worst_day"] is found["total_kwh"] is found["mean_kwh"] is None
        return
    lowest, highest = min(kwh for _, kwh in known), max(kwh for _, kwh in known)
    assert found["best_day"] == next({"day": day, "kwh": float(kwh)} for day, kwh in known if kwh == lowest)
    assert found["worst_day"] == next({"day": day, "kwh": float(kwh)} for day, kwh in known if kwh == highest)
    total = sum(kwh for _, kwh in known)
    assert found["total_kwh"] == float(total)
    assert found["mean_kwh"] == float(half_up(Fraction(total) / len(known), 6))
    judged = [day["goal_met"] for day in found["daily"]]
    assert judged == [None if kwh is None or goal is None else kwh <= goal for kwh in uses]
    if goal is not None:
        assert found["goal"] == {"kwh": float(goal), "met": judged.count(True), "exceeded": judged.count(False)}


def told(days: list[DayUse], **wishes: Any) -> dict[str, Any]:
    return content(user(**wishes), days, days_from(FIRST - timedelta(days=len(days)), [None] * len(days)), [])


def test_a_day_that_holds_the_use_of_a_pause_is_not_compared() -> None:
    after = day_use(FIRST + timedelta(days=3), Decimal(21), carried=Decimal(15))
    found = told([*days_from(FIRST, [Decimal(5), Decimal(7), None]), after], goal_kwh=Decimal(6))
    assert (found["best_day"]["kwh"], found["worst_day"]["kwh"], found["total_kwh"]) == (5.0, 7.0, 33.0)
    assert [day["goal_met"] for day in found["daily"]] == [True, False, None, None]
    assert found["goal"] == {"kwh": 6.0, "met": 1, "exceeded": 1}


def test_a_day_that_was_hardly_measured_is_not_the_best() -> None:
    short = day_use(FIRST + timedelta(days=2), Decimal("0.3"), coverage=0.1)
    found = told([*days_from(FIRST, [Decimal(5), Decimal(7)]), short])
    assert (found["best_day"]["kwh"], found["worst_day"]["kwh"], found["days_with_data"]) == (5.0, 7.0, 3)


def test_days_that_were_all_hardly_measured_are_compared() -> None:
    rare = [day_use(FIRST + timedelta(days=n), Decimal(n), carried=Decimal(n), coverage=1 / 24) for n in (1, 2, 3)]
    found = told(rare)
    assert (found["best_day"]["kwh"], found["worst_day"]["kwh"]) == (1.0, 3.0)


def test_a_period_is_compared_by_its_days_with_data() -> None:
    tariffs = [Tariff(date(2026, 1, 1), Decimal("28.00"), Decimal("0.40"))]
    now = days_from(date(2026, 2, 4), [Decimal(11), None, Decimal(11)])
    then = days_from(date(2026, 2, 1), [Decimal(10), Decimal(10), Decimal(10)])
    previous = content(user(), now, then, tariffs)["previous"]
    assert (previous["first_day"], previous["last_day"], previous["total_kwh"]) == ("2026-02-01", "2026-02-03", 30.0)
    assert previous["cost"] == {"currency": "EUR", "total": 15.0, "working": 12.0, "base": 3.0, "mean": 5.0, "days": 3}
    # 11 kWh against 10; 5.40 EUR against 5.00.
    assert (previous["kwh_change_percent"], previous["cost_change_percent"]) == (10.0, 8.0)


def test_without_data_before_there_is_nothing_to_compare_with() -> None:
    previous = content(user(), days_from(FIRST, [Decimal(1)]), days_from(FIRST - timedelta(days=1), [None]), [])["previous"]
    assert (
        previous["total_kwh"] is previous["cost"] is previous["kwh_change_percent"] is previous["cost_change_percent"] is None
    )
    zero = content(user(), days_from(FIRST, [Decimal(1)]), days_from(FIRST - timedelta(days=1), [Decimal(0)]), [])["previous"]
    assert zero["kwh_change_percent"] is None
