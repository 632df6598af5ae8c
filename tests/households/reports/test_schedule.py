"""When reports are due, hour by hour through whole months of local time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.households.reports.people import user
from wattline.households.reports.schedule import before, due, period
from wattline.model.clock import HOUR, from_micros, to_micros

ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "UTC"])


@settings(deadline=None, max_examples=40)
@given(ZONES, st.integers(1, 7), st.integers(0, 23), st.integers(0, 60), st.sets(st.integers(0, 60 * 24), max_size=300))
def test_every_day_is_reported_once_and_at_its_hour(zone: str, days: int, hour: int, start: int, missed: set[int]) -> None:
    """Played hour by hour from 10 March or 10 October on; some hours are missed."""
    created = datetime(2026, 3 if start % 2 else 10, 10, tzinfo=UTC) + timedelta(hours=start)
    home = user(zone=zone, report_days=days, report_hour=hour, created=to_micros(created))
    local = ZoneInfo(zone)
    reported: date | None = None
    for n in range(40 * 24):
        now = to_micros(created) // HOUR * HOUR + n * HOUR
        wall = from_micros(now).astimezone(local)
        since = (wall.date() - (reported or created.astimezone(local).date() - timedelta(days=1))).days - 1
        assert due(home, reported, now) == (since >= days and wall.hour >= hour)
        if n in missed or not due(home, reported, now):
            continue
        made = period(home, now)
        assert made.days == days
        assert made.last == wall.date() - timedelta(days=1)
        if reported is not None:
            assert made.first > reported, "no day is reported twice"
        if not missed:
            assert made.first == (reported or made.first - timedelta(days=1)) + timedelta(days=1), "and none is left out"
            assert wall.hour == hour or wall.utcoffset() != (wall - timedelta(hours=2)).utcoffset()
        assert wall.hour >= hour
        reported = made.last
        assert not due(home, reported, now)
    if len(missed) < 100:
        assert reported is not None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_day_is_the_households_own(zone: str) -> None:
    now = to_micros(datetime(2026, 6, 11, 23, 30, tzinfo=UTC))
    found = period(user(zone=zone, report_days=3), now)
    today = date(2026, 6, 12) if zone == "Europe/Berlin" else date(2026, 6, 11)
    assert (found.first, found.last) == (today - timedelta(days=3), today - timedelta(days=1))
    assert (before(found).first, before(found).last) == (today - timedelta(days=6), today - timedelta(days=4))
