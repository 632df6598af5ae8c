"""The matrix of a calendar: days of 23 and 25 hours, and that it adds up to the key figure."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metering.figures.conftest import Works, at
from wattline.metering.figures.kpi import kpi
from wattline.metering.figures.matrix import Change, matrix
from wattline.metering.figures.profile import Profile
from wattline.model.clock import DAY, HOUR, MINUTE, from_micros

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
QUARTER = 15 * MINUTE


def profile(start: int, end: int, energy: float = 0.25) -> Profile:
    """The same energy in every interval."""
    made = Profile.empty(start, end, 1)
    made.there += energy
    made.known += 1.0
    made.present += 1
    made.power += energy * 4
    return made


def test_a_day_of_23_hours_has_no_third_hour() -> None:
    found = matrix(profile(at("2026-03-29T00:00:00+01:00"), at("2026-03-30T00:00:00+02:00")), BERLIN, "energy", "date", "hour")
    assert found.rows == ["2026-03-29"]
    assert found.columns[2] == "02:00"
    assert found.values[0][2] is None
    assert [each for each in found.values[0] if each is not None] == [1.0] * 23
    assert found.dst == [Change("2026-03-29", "02:00", "missing")]
    assert found.total == 23.0


def test_a_day_of_25_hours_has_the_third_hour_twice() -> None:
    found = matrix(profile(at("2026-10-25T00:00:00+02:00"), at("2026-10-26T00:00:00+01:00")), BERLIN, "energy", "date", "hour")
    assert found.values[0][2] == 2.0
    assert found.dst == [Change("2026-10-25", "02:00", "repeated")]
    assert (found.total, found.low, found.high) == (25.0, 1.0, 2.0)


def test_a_shift_of_half_an_hour() -> None:
    start, end = at("2026-04-05T00:00:00+11:00"), at("2026-04-06T00:00:00+10:30")
    found = matrix(profile(start, end), LORD_HOWE, "energy", "date", "halfhour")
    assert found.dst == [Change("2026-04-05", "01:30", "repeated")]
    assert found.total == 24.5


def test_nothing_known_is_no_zero() -> None:
    made = profile(0, DAY, 0.0)
    made.known[8:12] = 0
    made.present[8:12] = 0
    found = matrix(made, ZoneInfo("UTC"), "energy", "date", "hour")
    assert found.values[0][2] is None
    assert found.values[0][3] == 0.0
    assert matrix(made, ZoneInfo("UTC"), "peak", "date", "hour").values[0][2] is None


def test_weekdays_are_put_together() -> None:
    made = profile(at("2026-06-01T00:00:00"), at("2026-06-15T00:00:00"))
    made.there[: 96 * 7] = 0.5
    made.power[: 96 * 7] = 2.0
    utc = ZoneInfo("UTC")
    assert matrix(made, utc, "energy", "weekday", "hour").values[0] == [3.0] * 24
    assert matrix(made, utc, "avg_power", "weekday", "hour").values[6] == [1.5] * 24
    assert matrix(made, utc, "peak", "weekday", "halfhour").values[3] == [2.0] * 48
    assert matrix(made, utc, "peak", "weekday", "hour").total is None


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(
        ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]
    ),
    st.integers(at("2011-12-01T00:00:00"), at("2026-12-01T00:00:00")),
    st.integers(1, 70 * 24 * 60),
    st.sampled_from(["date", "weekday"]),
    st.sampled_from(["hour", "halfhour"]),
    st.integers(0, 2**32),
)
def test_the_cells_add_up_and_lie_where_local_clocks_say(
    name: str, start: int, minutes: int, rows: str, columns: str, seed: int
) -> None:
    zone = ZoneInfo(name)
    start = start // MINUTE * MINUTE
    made = profile(start, start + minutes * MINUTE)
    random = np.random.default_rng(seed)
    made.there[:] = random.random(made.size)
    made.known[:] = random.random(made.size) < 0.8
    made.there[made.known == 0] = 0
    found = matrix(made, zone, "energy", rows, columns)  # type: ignore[arg-type]
    cells = [cell for line in found.values for cell in line if cell is not None]
    told = kpi(made, None).import_kwh
    assert sum(cells) == pytest.approx(told or 0.0, abs=1e-6)
    slow: dict[tuple[str, str], float] = {}
    for moment, energy, known in zip(made.times.tolist(), made.there.tolist(), made.known.tolist(), strict=True):
        if known:
            here = from_micros(moment).astimezone(zone)
            row = here.date().isoformat() if rows == "date" else here.strftime("%A").lower()
            column = here.strftime("%H:00" if columns == "hour" or here.minute < 30 else "%H:30")
            slow[row, column] = slow.get((row, column), 0.0) + energy
    fast = {
        (row, column): cell
        for row, line in zip(found.rows, found.values, strict=True)
        for column, cell in zip(found.columns, line, strict=True)
        if cell is not None
    }
    assert fast.keys() == slow.keys()
    assert all(fast[key] == pytest.approx(slow[key], abs=1e-9) for key in slow)


async def test_a_year_of_real_readings_adds_up_to_the_key_figure(works: Works) -> None:
    one, two = await works.meter(), await works.meter(interval_s=3600)
    start, end = at("2025-03-01T00:00:00+01:00"), at("2025-05-01T00:00:00+02:00")
    random = np.random.default_rng(5)
    quarters, hours = (end - start) // QUARTER, (end - start) // HOUR
    await works.register(one, start, QUARTER, np.cumsum(random.random(quarters + 1)).round(3).tolist())
    await works.register(two, start + 7 * MINUTE, HOUR, np.cumsum(random.random(hours)).round(3).tolist())
    subject = works.subject(group_id=await works.group(one, two))
    found = await works.figures.matrix(subject, start, end, BERLIN, "energy", "date", "hour")
    told = (await works.figures.kpi(subject, start, end, BERLIN)).now
    assert told.import_kwh is not None
    assert sum(cell for line in found.values for cell in line if cell is not None) == pytest.approx(told.import_kwh, abs=1e-6)
    assert len(found.rows) == 61
    assert found.dst == [Change("2025-03-30", "02:00", "missing")]
