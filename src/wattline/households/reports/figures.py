"""The figures of a report from its days and those of the period before. Pure; the result is JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from wattline.households.accounts.model import Tariff, User
from wattline.households.energy.daily import DayUse
from wattline.households.reports.costs import DayCost, PeriodCost, cents, day_cost, period_cost, rounded

MICRO = Decimal("0.000001")
TENTH = Decimal("0.1")
MOST_CARRIED = Decimal("0.25")
"""A day is not compared with others where more than this part of its energy was used in a long pause before it."""
LEAST_COVERED = 0.5
"""Nor where less than this part of the hours that the best covered day has were measured."""


@dataclass(frozen=True, slots=True)
class Sums:
    """A period: its energy (None without data), days with data, and cost."""

    days: Sequence[DayUse]
    costs: Sequence[DayCost | None]
    total: Decimal | None
    fed_in: Decimal | None
    with_data: int
    cost: PeriodCost | None

    @property
    def mean(self) -> Fraction | None:
        """kWh of a day with data."""
        return None if self.total is None else Fraction(self.total) / self.with_data

    @property
    def mean_cost(self) -> Fraction | None:
        """EUR of a day with data on which a tariff holds."""
        known = [cost.working + cost.base for cost in self.costs if cost is not None and cost.working is not None]
        return sum(known, Fraction(0)) / len(known) if known else None


def sums(days: Sequence[DayUse], tariffs: Sequence[Tariff]) -> Sums:
    """Sum up a period."""
    used = [day.kwh for day in days if day.kwh is not None]
    fed_in = [day.fed_in_kwh for day in days if day.fed_in_kwh is not None]
    costs = [day_cost(day, tariffs) for day in days]
    return Sums(
        days=days,
        costs=costs,
        total=sum(used, Decimal(0)) if used else None,
        fed_in=sum(fed_in, Decimal(0)) if fed_in else None,
        with_data=len(used),
        cost=period_cost(costs),
    )


def comparable(days: Sequence[DayUse]) -> list[DayUse]:
    """The days with data whose energy says what the household used on them: measured about as long as the others, and without
    what was used in a long pause before. All days with data where there is none.
    """
    known = [day for day in days if day.kwh is not None]
    best = max((day.coverage for day in known), default=0.0)
    sound = [
        day
        for day in known
        if day.kwh is not None and day.carried_kwh <= day.kwh * MOST_CARRIED and day.coverage >= best * LEAST_COVERED
    ]
    return sound or known


def content(user: User, days: Sequence[DayUse], earlier: Sequence[DayUse], tariffs: Sequence[Tariff]) -> dict[str, Any]:
    """The JSON of a report on `days`; `earlier` is the period before. kWh to six decimals, EUR to two."""
    now, then = sums(days, tariffs), sums(earlier, tariffs)
    ranked = comparable(days)
    by_use = sorted(ranked, key=lambda day: day.kwh or Decimal(0))
    worst = max(ranked, key=lambda day: day.kwh or Decimal(0), default=None)
    return {
        "first_day": days[0].day.isoformat(),
        "last_day": days[-1].day.isoformat(),
        "days": len(days),
        "zone": user.zone,
        **_energy(now),
        "cost": _cost(now.cost),
        "best_day": _day(by_use[0]) if by_use else None,
        "worst_day": None if worst is None else _day(worst),
        "goal": _goal(user.goal_kwh, ranked),
        "daily": [
            _daily(day, cost, user.goal_kwh if day in ranked else None) for day, cost in zip(days, now.costs, strict=True)
        ],
        "previous": _previous(now, then),
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _energy(of: Sums) -> dict[str, Any]:
    return {
        "total_kwh": _number(of.total),
        "mean_kwh": None if of.mean is None else float(rounded(of.mean, MICRO)),
        "fed_in_kwh": _number(of.fed_in),
        "days_with_data": of.with_data,
    }


def _cost(cost: PeriodCost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    parts = {"total": cost.total, "working": cost.working, "base": cost.base, "mean": cost.mean}
    return {"currency": "EUR", **{name: float(cents(part)) for name, part in parts.items()}, "days": cost.days}


def _day(day: DayUse) -> dict[str, Any]:
    return {"day": day.day.isoformat(), "kwh": _number(day.kwh)}


def _goal(goal: Decimal | None, ranked: Sequence[DayUse]) -> dict[str, Any] | None:
    if goal is None:
        return None
    exceeded = sum(1 for day in ranked if day.kwh is not None and day.kwh > goal)
    return {"kwh": float(goal), "met": len(ranked) - exceeded, "exceeded": exceeded}


def _daily(day: DayUse, cost: DayCost | None, goal: Decimal | None) -> dict[str, Any]:
    known = cost is not None and cost.working is not None
    return {
        **_day(day),
        "fed_in_kwh": _number(day.fed_in_kwh),
        "coverage": round(day.coverage, 4),
        "cost": float(cents((cost.working or Fraction(0)) + cost.base)) if known and cost is not None else None,
        "goal_met": None if goal is None or day.kwh is None else day.kwh <= goal,
    }


def _previous(now: Sums, then: Sums) -> dict[str, Any]:
    """The period before, and by how many percent a day with data of this one differs from one of that."""
    return {
        "first_day": then.days[0].day.isoformat(),
        "last_day": then.days[-1].day.isoformat(),
        **_energy(then),
        "cost": _cost(then.cost) if then.total is not None else None,
        "kwh_change_percent": _change(now.mean, then.mean),
        "cost_change_percent": _change(now.mean_cost, then.mean_cost),
    }


def _change(now: Fraction | None, then: Fraction | None) -> float | None:
    return float(rounded((now - then) / then * 100, TENTH)) if now is not None and then else None
