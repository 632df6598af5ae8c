"""The mail with a report: what is kept, in the household's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from wattline.households.accounts.model import Language, User
from wattline.households.anomalies.quiet import not_before
from wattline.households.reports import words
from wattline.households.reports.model import Report
from wattline.notify.model import Kind, Letter

Content = Mapping[str, Any]


def letter_of(report: Report, user: User, now: int) -> Letter | None:
    """The mail; None where the household wants or gets none."""
    if not (user.report_mails and user.active and user.email):
        return None
    first, last = (words.day(each, user.language) for each in (report.first_day, report.last_day))
    title = f"Ihr Energiebericht vom {first} bis {last}" if user.language == "de" else f"Your energy report, {first} to {last}"
    return Letter(
        tenant=report.tenant,
        kind=Kind.REPORT,
        site=user.id,
        recipient=user.email,
        event_id=report.id,
        language=user.language,
        title=title,
        body={"name": user.name, **body(report.content, user.language)},
        not_before=not_before(user, now),
    )


def body(content: Content, language: Language) -> dict[str, Any]:
    """The texts of the mail's figures; None where there is none."""
    return {
        "first": words.day(date.fromisoformat(content["first_day"]), language),
        "last": words.day(date.fromisoformat(content["last_day"]), language),
        "zone": content["zone"],
        "days": content["days"],
        "days_with_data": content["days_with_data"],
        "total": _energy(content["total_kwh"], language),
        "mean": _energy(content["mean_kwh"], language),
        "fed_in": _energy(content["fed_in_kwh"], language),
        "cost": _cost(content["cost"], language),
        "best": _day(content["best_day"], language),
        "worst": _day(content["worst_day"], language),
        "goal": _goal(content["goal"], language),
        "bars": _bars(content["daily"], language),
        "previous": _previous(content["previous"], language),
    }


def _energy(kwh: float | None, language: Language) -> str | None:
    return None if kwh is None else words.energy(kwh, language)


def _cost(cost: Content | None, language: Language) -> dict[str, str] | None:
    if cost is None:
        return None
    return {name: words.money(cost[name], language) for name in ("total", "working", "base", "mean")}


def _day(day: Content | None, language: Language) -> dict[str, str] | None:
    if day is None:
        return None
    return {"day": words.short_day(date.fromisoformat(day["day"]), language), "kwh": words.energy(day["kwh"], language)}


def _goal(goal: Content | None, language: Language) -> dict[str, Any] | None:
    return None if goal is None else {**goal, "kwh": words.energy(goal["kwh"], language)}


def _bars(daily: list[Content], language: Language) -> list[dict[str, Any]]:
    """One bar a day; the longest has 100."""
    most = max((day["kwh"] for day in daily if day["kwh"] is not None), default=0.0)
    return [
        {
            "day": words.short_day(date.fromisoformat(day["day"]), language),
            "kwh": _energy(day["kwh"], language),
            "width": 0 if not day["kwh"] or most <= 0 else max(1, round(100 * day["kwh"] / most)),
            "cost": None if day["cost"] is None else words.money(day["cost"], language),
            "goal_met": day["goal_met"],
        }
        for day in daily
    ]


def _previous(previous: Content, language: Language) -> dict[str, Any] | None:
    """None where the period before has no data."""
    if previous["total_kwh"] is None:
        return None
    percents = {name: previous[f"{name}_change_percent"] for name in ("kwh", "cost")}
    return {
        "first": words.day(date.fromisoformat(previous["first_day"]), language),
        "last": words.day(date.fromisoformat(previous["last_day"]), language),
        "total": _energy(previous["total_kwh"], language),
        "mean": _energy(previous["mean_kwh"], language),
        "cost": _cost(previous["cost"], language),
        **{f"{name}_change": None if each is None else words.change(each, language) for name, each in percents.items()},
    }
