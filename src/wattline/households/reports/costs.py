"""What days cost. Pure; exact until it is rounded to cents, once, where it is told."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from wattline.households.accounts.model import Tariff
from wattline.households.energy.daily import DayUse

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class DayCost:
    """In EUR: what was used at the working price, None without data, and the day's part of the month's base price."""

    working: Fraction | None
    base: Fraction


def tariff_on(day: date, tariffs: Sequence[Tariff]) -> Tariff | None:
    """The tariff of a day; None before the first one."""
    return max((each for each in tariffs if each.since <= day), key=lambda each: each.since, default=None)


def day_cost(use: DayUse, tariffs: Sequence[Tariff]) -> DayCost | None:
    """What a day cost; None where no tariff holds on it."""
    tariff = tariff_on(use.day, tariffs)
    if tariff is None:
        return None
    days_of_month = monthrange(use.day.year, use.day.month)[1]
    working = None if use.kwh is None else Fraction(use.kwh) * Fraction(tariff.working_price)
    return DayCost(working, Fraction(tariff.base_price) / days_of_month)


@dataclass(frozen=True, slots=True)
class PeriodCost:
    """The sums of the days that a tariff holds on; the base price is due on days without data too. `days` counts them."""

    working: Fraction
    base: Fraction
    days: int

    @property
    def total(self) -> Fraction:
        """Both."""
        return self.working + self.base

    @property
    def mean(self) -> Fraction:
        """Of a day."""
        return self.total / self.days


def period_cost(costs: Sequence[DayCost | None]) -> PeriodCost | None:
    """What a period cost; None where no tariff holds on any of its days."""
    known = [cost for cost in costs if cost is not None]
    if not known:
        return None
    working = sum((cost.working for cost in known if cost.working is not None), Fraction(0))
    return PeriodCost(working, sum((cost.base for cost in known), Fraction(0)), len(known))


def cents(amount: Fraction) -> Decimal:
    """EUR rounded to cents, halves away from zero."""
    return rounded(amount, CENT)


def rounded(amount: Fraction, step: Decimal) -> Decimal:
    """Rounded to a power of ten, halves away from zero."""
    scaled = abs(amount) / Fraction(step)
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return (Decimal(whole) * step * (-1 if amount < 0 else 1)).quantize(step, ROUND_HALF_UP)
