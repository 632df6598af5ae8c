"""Days of recurrence rules, against python-dateutil."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.charging.recurrence import MOST_COUNT, WEEKDAYS, days_of, number_of, parsed

FIRST = date(1970, 1, 1)


def _oracle(text: str, start: date, first: date, last: date) -> list[date]:
    begin = datetime.combine(start, time())
    rule = rrulestr(text, dtstart=begin)
    window = (datetime.combine(first, time()), datetime.combine(last, time()))
    return [each.date() for each in rule.between(*window, inc=True)]


def _ours(text: str, start: date, first: date, last: date) -> list[date]:
    days = days_of(parsed(text), start, number_of(first), number_of(last))
    return [FIRST + timedelta(days=int(day)) for day in days]


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """Rules that come true now and then: the oracle looks for ever for one that never does."""
    frequency = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        # Every second, third or fourth month may never be one that is named.
        parts.append(f"INTERVAL={draw(st.sampled_from((1, 5) if frequency == 'MONTHLY' else (1, 2, 3, 4, 5)))}")
    if draw(st.booleans()):
        parts.append(f"BYMONTH={','.join(map(str, draw(st.lists(st.integers(1, 12), min_size=3, max_size=12, unique=True))))}")
    numbered = frequency in ("MONTHLY", "YEARLY") and draw(st.booleans())
    if draw(st.booleans()):
        names = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True))
        counts = [draw(st.sampled_from((-2, -1, 1, 2, 3, 4))) for _ in names] if numbered else [""] * len(names)
        parts.append(f"BYDAY={','.join(f'{n}{name}' for n, name in zip(counts, names, strict=True))}")
    elif frequency != "WEEKLY" and draw(st.booleans()):
        days = draw(st.lists(st.sampled_from((*range(1, 29), *range(-28, 0))), min_size=1, max_size=6, unique=True))
        parts.append(f"BYMONTHDAY={','.join(map(str, days))}")
    # The oracle counts positions of the first week from the beginning, not from the week's first day.
    if frequency != "WEEKLY" and parts[-1].startswith("BY") and draw(st.booleans()):
        # Of one day there is no second, but always a first.
        parts.append(f"BYSETPOS={draw(st.sampled_from(('1', '-1', '1,-1', '2,-1', '1,-2,2')))}")
    end = draw(st.sampled_from(("", "COUNT", "UNTIL")))
    if end == "COUNT":
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    elif end:
        parts.append(f"UNTIL={draw(st.dates(date(2020, 1, 1), date(2027, 1, 1))):%Y%m%d}")
    if frequency == "WEEKLY" and draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(WEEKDAYS))}")
    return ";".join(parts)


@settings(max_examples=200, deadline=None)
@given(
    _texts(), st.dates(date(2020, 1, 1), date(2025, 1, 1)), st.dates(date(2019, 6, 1), date(2026, 6, 1)), st.integers(0, 500)
)
def test_days_are_those_of_the_oracle(text: str, start: date, first: date, length: int) -> None:
    last = first + timedelta(days=length)
    assert _ours(text, start, first, last) == _oracle(text, start, first, last)


def test_a_rule_that_never_comes_true_has_no_days() -> None:
    assert _ours("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", date(2000, 1, 1), date(2000, 1, 1), date(2100, 1, 1)) == []


def test_the_last_workday_of_each_month() -> None:
    text = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"
    assert _ours(text, date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 31)) == [
        date(2026, 1, 30),
        date(2026, 2, 27),
        date(2026, 3, 31),
    ]


def test_positions_in_a_week_count_from_its_first_day() -> None:
    text = "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1"
    assert _ours(text, date(2021, 1, 5), date(2021, 1, 1), date(2021, 1, 12)) == [date(2021, 1, 11)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=",
        "FREQ=HOURLY",
        "FREQ=SECONDLY",
        "BYDAY=MO",
        "FREQ=DAILY;BYHOUR=3",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=99999999999",
        f"FREQ=DAILY;COUNT={MOST_COUNT + 1}",
        "FREQ=DAILY;COUNT=1;UNTIL=20260101",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=WEEKLY;WKST=XX",
        "FREQ=DAILY;BYMONTH=" + ",".join("1" * 63),
        "FREQ=DAILY;BYMONTH=¹",
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parsed(text)
