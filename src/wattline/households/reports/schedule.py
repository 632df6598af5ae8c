"""When a household's report is due, and which days it covers. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from wattline.billing.days import zone_named
from wattline.households.accounts.model import User
from wattline.households.energy.daily import local_day
from wattline.households.reports.model import Period
from wattline.model.clock import from_micros


def period(user: User, now: int) -> Period:
    """The household's days that ended yesterday, as many as its reports cover; `now` in us."""
    last = local_day(now, zone_named(user.zone)) - timedelta(days=1)
    return Period(last - timedelta(days=user.report_days - 1), last)


def before(of: Period) -> Period:
    """The period of the same length that ended the day before."""
    return Period(of.first - timedelta(days=of.days), of.first - timedelta(days=1))


def due(user: User, reported: date | None, now: int) -> bool:
    """Whether a report is due: as many whole days as it covers have passed since the last day that was reported, or since the
    household was added, and it is its hour, or later on that day. What was missed then is made up on the next day.
    """
    zone = zone_named(user.zone)
    first = local_day(user.created, zone) if reported is None else reported + timedelta(days=1)
    today = local_day(now, zone)
    return (today - first).days >= user.report_days and from_micros(now).astimezone(zone).hour >= user.report_hour
