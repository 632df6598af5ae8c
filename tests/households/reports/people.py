"""Households for tests of reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wattline.households.accounts.model import User
from wattline.model.clock import to_micros


def user(**wishes: Any) -> User:
    """A household in Berlin, of May 2026, that gets a report of seven days at six."""
    fields: dict[str, Any] = {
        "tenant": "t",
        "id": "home",
        "name": "Familie Weiß",
        "firstname": None,
        "lastname": None,
        "email": "weiss@example.org",
        "zone": "Europe/Berlin",
        "language": "de",
        "active": True,
        "anomaly_mails": True,
        "report_mails": True,
        "report_days": 7,
        "report_hour": 6,
        "quiet_from": None,
        "quiet_to": None,
        "goal_kwh": None,
        "r_squared": None,
        "created": to_micros(datetime(2026, 5, 1, 12, tzinfo=UTC)),
        "deleted": None,
    }
    return User(**(fields | wishes))
