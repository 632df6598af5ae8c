"""What schedules come to, against a look at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.charging.effective import effective, occurrences
from wattline.charging.model import Entry, Explicit, Recurring, Schedule, Target
from wattline.charging.recurrence import parsed
from wattline.model.clock import DAY, HOUR, MINUTE, from_micros, to_micros
from wattline.model.errors import Invalid

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
RULES = (
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=DAILY;INTERVAL=2",
    "FREQ=MONTHLY;BYDAY=-1SU",
    "FREQ=DAILY;COUNT=3",
)
DAYS = (date(2026, 3, 7), date(2026, 3, 28), date(2026, 4, 4), date(2026, 10, 24), date(2026, 10, 31), date(2026, 6, 10))
"""The days before clocks change somewhere, and one in summer."""
Text = str


def schedule(entries: list[Entry], zone: str, number: int = 1, *, start: int | None = None, end: int | None = None) -> Schedule:
    return Schedule(number, "t", 1, "s", Target("meter", 1), "power_limit", "W", ZoneInfo(zone), start, end, tuple(entries))


@st.composite
def _entries(draw: st.DrawFn, day: date) -> tuple[Entry, Text]:
    value, priority = float(draw(st.integers(0, 3))), draw(st.integers(0, 2))
    begin = datetime.combine(
        day - timedelta(days=draw(st.integers(0, 9))), time(draw(st.integers(0, 23)), draw(st.integers(0, 59)))
    )
    if draw(st.booleans()):
        first = to_micros(datetime.combine(day, time(), UTC)) + draw(st.integers(-1000, 3000)) * MINUTE
        return Entry(Explicit(first, first + draw(st.integers(1, 3000)) * MINUTE), value, priority), ""
    text = draw(st.sampled_from(RULES))
    if draw(st.booleans()):
        return Entry(Recurring(parsed(text), begin, draw(st.integers(1, 3000)) * 60, None), value, priority), text
    until = time(draw(st.integers(0, 23)), draw(st.integers(0, 59)))
    return Entry(Recurring(parsed(text), begin, None, until), value, priority), text


def _holds(entry: Entry, text: Text, zone: ZoneInfo, moment: int) -> bool:
    """Whether an entry holds at a moment, by its definition and the oracle's days."""
    when = entry.when
    if isinstance(when, Explicit):
        return when.start <= moment < when.end
    local = from_micros(moment).astimezone(zone).replace(tzinfo=None)
    for begin in rrulestr(text, dtstart=when.start).between(local - timedelta(days=5), local + timedelta(days=1), inc=True):
        start = to_micros(begin.replace(tzinfo=zone))
        if when.duration_s is not None:
            end = start + when.duration_s * 1_000_000
        else:
            assert when.until is not None
            later = begin.date() + timedelta(days=0 if when.until > begin.time() else 1)
            end = to_micros(datetime.combine(later, when.until, zone))
        if start <= moment < end:
            return True
    return False


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(DAYS), st.sampled_from(ZONES))
def test_every_minute_has_the_value_that_a_look_at_it_gives(data: st.DataObject, day: date, zone: str) -> None:
    drawn = data.draw(st.lists(_entries(day), min_size=1, max_size=5))
    start = to_micros(datetime.combine(day, time(), ZoneInfo(zone))) + data.draw(st.integers(0, 600)) * MINUTE
    end = start + 2 * DAY
    valid = start + 5 * HOUR if data.draw(st.booleans()) else None
    found = effective([schedule([entry for entry, _ in drawn], zone, start=valid)], start, end)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(start <= each.start < each.end <= end for each in found)
    minutes = data.draw(st.lists(st.integers(0, 2 * 1440 - 1), min_size=60, max_size=60))
    edges = [(each.start - start) // MINUTE for each in found] + [(each.end - start) // MINUTE for each in found]
    near = {minute + by for minute in edges for by in (-1, 0) if 0 <= minute + by < 2 * 1440}
    for minute in sorted({*minutes, *near}):
        moment = start + minute * MINUTE
        holding = [e for e, text in drawn if (valid is None or moment >= valid) and _holds(e, text, ZoneInfo(zone), moment)]
        best = min(((-entry.priority, entry.value) for entry in holding), default=None)
        shown = [each for each in found if each.start <= moment < each.end]
        if best is None:
            assert shown == []
        else:
            assert [(-each.priority, each.value) for each in shown] == [best]


def night(zone: str, *, duration_s: int | None = None) -> Schedule:
    """22:00 to 06:00, or as long as said, of every day."""
    until = time(6) if duration_s is None else None
    when = Recurring(parsed("FREQ=DAILY"), datetime.fromisoformat("2026-01-01T22:00"), duration_s, until)
    return schedule([Entry(when, 1000.0, 0)], zone)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 6, 1), 8)])
def test_a_night_ends_by_the_clock_whether_clocks_change_or_not(day: date, hours: int) -> None:
    start = to_micros(datetime.combine(day, time(12), ZoneInfo("Europe/London")))
    (only,) = effective([night("Europe/London")], start, start + DAY)
    assert only.end - only.start == hours * HOUR
    (fixed,) = effective([night("Europe/London", duration_s=8 * 3600)], start, start + DAY)
    assert fixed.end - fixed.start == 8 * HOUR


def test_a_skipped_time_and_one_that_comes_twice() -> None:
    when = Recurring(parsed("FREQ=DAILY"), datetime.fromisoformat("2026-01-01T01:30"), 600, None)
    zone = "Europe/London"
    spring = effective([schedule([Entry(when, 1.0, 0)], zone)], *_day(date(2026, 3, 29)))
    assert from_micros(spring[0].start) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    autumn = effective([schedule([Entry(when, 1.0, 0)], zone)], *_day(date(2026, 10, 25)))
    assert [from_micros(each.start) for each in autumn] == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def _day(day: date) -> tuple[int, int]:
    start = to_micros(datetime.combine(day, time(), UTC))
    return start, start + DAY


@pytest.mark.parametrize(
    ("until", "days"), [("20260603", 3), ("20260603T200000Z", 2), ("20260603T220000Z", 3), ("20260603T210000", 2)]
)
def test_until_by_day_and_by_moment(until: str, days: int) -> None:
    when = Recurring(parsed(f"FREQ=DAILY;UNTIL={until}"), datetime.fromisoformat("2026-06-01T22:00"), 60, None)
    found = occurrences(
        schedule([Entry(when, 1.0, 0)], "Europe/London"), *(_day(date(2026, 6, 1))[0], _day(date(2026, 6, 30))[0])
    )
    assert len(found) == days


def test_the_lower_of_equals_and_other_schedules() -> None:
    start, end = _day(date(2026, 6, 1))
    low = schedule([Entry(Explicit(start, end), 5.0, 1)], "UTC", 7)
    high = schedule([Entry(Explicit(start + HOUR, start + 2 * HOUR), 9.0, 2), Entry(Explicit(start, end), 6.0, 1)], "UTC", 8)
    found = effective([low, high], start, end)
    assert [(each.value, each.schedule) for each in found] == [(5.0, 7), (9.0, 8), (5.0, 7)]


def test_too_much_is_refused() -> None:
    entries = [Entry(Recurring(parsed("FREQ=DAILY"), datetime.fromisoformat("2026-01-01T00:00"), 60, None), 1.0, 0)] * 100
    many = [schedule(entries, "UTC", number) for number in range(3)]
    with pytest.raises(Invalid, match="shorter"):
        effective(many, *(to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (2026, 2027)))
