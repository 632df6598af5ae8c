"""The hours in which a household gets no mail."""

from __future__ import annotations

from datetime import datetime, timedelta

from wattline.billing.days import zone_named
from wattline.households.accounts.model import User
from wattline.model.clock import from_micros, to_micros


def not_before(user: User, now: int) -> int | None:
    """When the quiet span ends in which `now` (us) lies; None outside of it.

    Of an hour that the clocks skip the end is the instant after it, of one that they show twice the first.
    """
    if user.quiet_from is None or user.quiet_to is None or user.quiet_from == user.quiet_to:
        return None
    zone = zone_named(user.zone)
    local = from_micros(now).astimezone(zone)
    if user.quiet_from < user.quiet_to:
        quiet = user.quiet_from <= local.hour < user.quiet_to
    else:
        quiet = local.hour >= user.quiet_from or local.hour < user.quiet_to
    if not quiet:
        return None
    day = local.date() + timedelta(days=local.hour >= user.quiet_to)
    return max(now, to_micros(datetime(day.year, day.month, day.day, user.quiet_to, tzinfo=zone)))
