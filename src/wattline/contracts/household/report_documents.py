"""What a report holds, for the OpenAPI document, and how it is shown."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from wattline.households.reports.model import Report
from wattline.model.clock import from_micros


class ReportCost(BaseModel):
    """EUR, rounded to cents. The base price of a day is the month's by the days of that month; it is due without data too."""

    currency: str
    total: float
    working: float
    base: float
    mean: float = Field(description="Of a day on which a tariff holds.")
    days: int = Field(description="Days on which a tariff holds; the sums are of these.")


class ReportDay(BaseModel):
    """A local day and what was used on it."""

    day: date
    kwh: float | None


class ReportDaily(ReportDay):
    """A local day; null where nothing was measured, or no tariff holds."""

    fed_in_kwh: float | None
    coverage: float = Field(description="Share of the day's hours with readings, 0 to 1.")
    cost: float | None = Field(description="EUR, with the day's part of the base price.")
    goal_met: bool | None = Field(description="Null without a goal, and on days that are not compared.")


class ReportGoal(BaseModel):
    """The household's goal for a day, and on how many days it was met."""

    kwh: float
    met: int
    exceeded: int


class ReportSums(BaseModel):
    """The energy of a period; null where nothing was measured."""

    first_day: date
    last_day: date
    total_kwh: float | None
    mean_kwh: float | None = Field(description="Of a day with data.")
    fed_in_kwh: float | None
    days_with_data: int
    cost: ReportCost | None = Field(description="Null where no tariff is known.")


class ReportPrevious(ReportSums):
    """The period of the same length before."""

    kwh_change_percent: float | None = Field(description="Consumption of a day with data, against one of that period.")
    cost_change_percent: float | None = Field(description="Cost of a day with data, against one of that period.")


class HouseholdReport(ReportSums):
    """What a household used in a period. The best and the worst day are of those that can be compared: days without data, days
    measured for less than half as long as others, and days that hold what was used in a long pause before are left out."""

    id: str
    user_id: str
    created_at: datetime
    days: int
    zone: str
    best_day: ReportDay | None
    worst_day: ReportDay | None
    goal: ReportGoal | None
    daily: list[ReportDaily]
    previous: ReportPrevious


class HouseholdReports(BaseModel):
    """The reports of a household, newest first."""

    user_id: str
    reports: list[HouseholdReport]


def shown(report: Report) -> dict[str, Any]:
    """A report as its household sees it."""
    return {"id": report.id, "user_id": report.user, "created_at": from_micros(report.created), **report.content}
