"""Times on the wall: every zone, every length of a day."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wattline.forecasting.grid import day_start, filled, lay_out, slots
from wattline.model.clock import HOUR, MINUTE, from_micros, to_micros

ZONES = ["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "UTC"]
QUARTER = 15 * MINUTE


@settings(max_examples=60, deadline=None)
@example("Pacific/Apia", datetime(2011, 12, 27, tzinfo=UTC), 3600)
@example("America/Sao_Paulo", datetime(2017, 10, 12, tzinfo=UTC), 900)
@example("Australia/Lord_Howe", datetime(2026, 4, 1, tzinfo=UTC), 3600)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2005, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([900, 3600]),
)
def test_places_are_those_of_the_local_clock(name: str, begin: datetime, step: int) -> None:
    zone = ZoneInfo(name)
    start = to_micros(begin) // QUARTER * QUARTER
    times = start + np.arange(0, 8 * 96, 5) * QUARTER
    day, slot = slots(times, zone, step, start)
    first = from_micros(start).astimezone(zone).date().toordinal()
    for time, number, place in zip(times.tolist(), day, slot, strict=True):
        local = from_micros(time).astimezone(zone)
        assert number == local.date().toordinal() - first
        assert place == (local.hour * 3600 + local.minute * 60) // step


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, 12, tzinfo=UTC), 23), (datetime(2026, 10, 25, 12, tzinfo=UTC), 25)],
)
def test_a_day_of_other_length_fills_the_same_row(day: datetime, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = day_start(to_micros(day), zone)
    times = start + np.arange(hours) * HOUR
    rows = lay_out(np.arange(hours, dtype=np.float64), slots(times, zone, 3600, start), 1, 24)
    if hours == 23:
        assert np.isnan(rows[0, 2])
        assert rows[0, 3] == 2
    else:
        assert rows[0, 2] == 2.5
        assert rows[0, 3] == 4
    assert rows[0, 23] == hours - 1


@pytest.mark.parametrize("name", ZONES)
def test_the_beginning_of_a_day_so_many_days_ago(name: str) -> None:
    zone = ZoneInfo(name)
    moment = to_micros(datetime(2012, 1, 20, 3, 17, tzinfo=UTC))
    today = from_micros(moment).astimezone(zone).date().toordinal()
    for back in (0, 1, 30, 371):
        begun = from_micros(day_start(moment, zone, back)).astimezone(zone)
        skipped = name == "Pacific/Apia" and back == 21
        assert (begun.date().toordinal() == today - back) or skipped
        assert (begun.hour, begun.minute) in {(0, 0), (1, 0)}


def test_gaps_are_filled_from_before_alone() -> None:
    values = np.arange(20 * 2, dtype=np.float64).reshape(20, 2)
    values[0, 1] = values[9, 0] = values[2, 0] = np.nan
    values[15] = np.nan
    full = filled(values)
    assert full[9, 0] == values[1, 0]  # (9 - 7) is unknown itself, so what it was filled with
    assert full[2, 0] == values[1, 0]
    assert (full[15] == values[8]).all()
    assert full[0, 1] == values[1, 1]
    known = np.isfinite(values)
    assert (full[known] == values[known]).all()
    later = values.copy()
    later[16:] = -1
    assert (filled(later)[:16] == full[:16]).all()
