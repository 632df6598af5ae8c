"""The printed lines of the household page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from wattline.model.clock import to_micros
from wattline.simulate.credentials import HouseholdAccess
from wattline.simulate.homes.calls import household_calls

ACCESS = HouseholdAccess("02:57:4C:00:00:10", "demoFamily", "user", "admin", "classifier", "cron")


@pytest.mark.parametrize(
    ("now", "mine", "theirs"),
    [
        (datetime(2026, 11, 21, 12, tzinfo=UTC), ("2026-11-20", "2026-11-22"), "2026-11-21"),
        (datetime(2026, 11, 21, 23, 30, tzinfo=UTC), ("2026-11-21", "2026-11-23"), "2026-11-22"),
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), ("2026-07-01", "2026-07-03"), "2026-07-02"),
    ],
)
def test_days_are_those_of_the_homes(now: datetime, mine: tuple[str, str], theirs: str) -> None:
    paths = [call.path for call in household_calls(to_micros(now), ACCESS) if "/csv_energy" in call.path]
    assert paths[0].endswith(f"/csv_energy?start={mine[0]}&end={mine[1]}")
    assert f"/csv_energy?start={theirs}&end={theirs}&" in paths[1]
