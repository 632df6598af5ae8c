"""Quiet hours, over the changes of the clocks too, and the words of a mail."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.households.anomalies.street import BERLIN, at
from wattline.households.accounts.model import User
from wattline.households.anomalies import words
from wattline.households.anomalies.letters import OLDEST, letter_of
from wattline.households.anomalies.model import Anomaly
from wattline.households.anomalies.quiet import not_before
from wattline.model.clock import HOUR, MINUTE, from_micros


def user(quiet_from: int | None = None, quiet_to: int | None = None, zone: str = "Europe/Berlin", **wishes: object) -> User:
    fields = {
        "tenant": "t",
        "id": "weber",
        "name": "Weber\nBcc: x",
        "firstname": "Eva",
        "lastname": "Weber",
        "email": "weber@example.org",
        "zone": zone,
        "language": "de",
        "active": True,
        "anomaly_mails": True,
        "report_mails": True,
        "report_days": 3,
        "report_hour": 6,
        "quiet_from": quiet_from,
        "quiet_to": quiet_to,
        "goal_kwh": None,
        "r_squared": None,
        "created": 0,
        "deleted": None,
    }
    return User(**{**fields, **wishes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span", "now", "until"),
    [
        ((22, 7), "2026-09-11 21:59", None),
        ((22, 7), "2026-09-11 22:00", "2026-09-12 07:00"),
        ((22, 7), "2026-09-12 03:00", "2026-09-12 07:00"),
        ((22, 7), "2026-09-12 07:00", None),
        ((13, 15), "2026-09-12 14:59", "2026-09-12 15:00"),
        ((13, 15), "2026-09-12 15:00", None),
        ((0, 6), "2026-10-25 01:00", "2026-10-25 06:00"),  # the night with an hour more
        ((22, 7), "2027-03-27 23:00", "2027-03-28 07:00"),  # the night with an hour less
        ((22, 2), "2027-03-28 01:30", "2027-03-28 03:00"),  # there is no 02:00 in it
        ((5, 5), "2026-09-12 05:30", None),
        ((None, None), "2026-09-12 03:00", None),
    ],
)
def test_the_end_of_quiet_hours(span: tuple[int | None, int | None], now: str, until: str | None) -> None:
    assert not_before(user(*span), at(now)) == (None if until is None else at(until))


@given(st.integers(0, 23), st.integers(0, 23), st.integers(at("2026-10-24 00:00"), at("2027-03-30 00:00")))
def test_quiet_hours_end_soon_and_at_an_hour_that_is_not_quiet(begin: int, end: int, now: int) -> None:
    found = not_before(user(begin, end), now)
    hour = from_micros(now).astimezone(BERLIN).hour
    quiet = (begin <= hour < end) if begin <= end else (hour >= begin or hour < end)
    assert (found is not None) == quiet
    if found is not None:
        assert now <= found <= now + 25 * HOUR
        assert not_before(user(begin, end), found) in (None, found)


def usage(**figures: object) -> Anomaly:
    start = at("2026-09-11 03:00")
    known = {
        "reason": "power",
        "until": start + 25 * MINUTE,
        "power_w": 9150.0,
        "expected_w": 150.0,
        "usual_w": 3400.0,
        "excess_kwh": 3.75,
        "cost": None,
    }
    return Anomaly("t", "i", "weber", "AA:BB:CC:00:00:01", "usage", start, start + 25 * MINUTE, known | figures)


def test_who_gets_a_letter() -> None:
    now = at("2026-09-11 03:30")
    letter = letter_of(usage(), user(22, 7), now)
    assert letter is not None
    assert (letter.recipient, letter.site, letter.event_id) == ("weber@example.org", "weber", "i")
    assert letter.not_before == at("2026-09-11 07:00")
    for wishes in ({"active": False}, {"anomaly_mails": False}, {"email": None}, {"email": ""}):
        assert letter_of(usage(), user(**wishes), now) is None  # type: ignore[arg-type]
    assert letter_of(usage(), user(), now + OLDEST - HOUR) is not None
    assert letter_of(usage(), user(), now + OLDEST) is None


def test_a_letter_about_what_is_always_on() -> None:
    figures = {"reason": "base", "power_w": 320.0, "expected_w": 120.0, "year_kwh": 1752.0, "cost": "700.80"}
    letter = letter_of(usage(**figures), user(), at("2026-09-11 08:00"))
    assert letter is not None
    assert letter.title == "Ständiger Verbrauch um 200 W gestiegen"
    assert (letter.body["year"], letter.body["cost"]) == ("1.752,0 kWh", "700,80 €")


def test_figures_and_times_in_both_languages() -> None:
    assert [words.power(9150, each) for each in ("de", "en")] == ["9,2 kW", "9.2 kW"]
    assert [words.power(149.6, each) for each in ("de", "en")] == ["150 W", "150 W"]
    assert [words.energy(3.75, each) for each in ("de", "en")] == ["3,75 kWh", "3.75 kWh"]
    assert [words.money("1234.5", each) for each in ("de", "en")] == ["1.234,50 €", "€1,234.50"]
    time = at("2026-10-25 06:05")
    assert words.moment(time, BERLIN, "de") == "Sonntag, 25.10.2026, 06:05 Uhr"
    assert words.moment(time, ZoneInfo("America/New_York"), "en") == "Sunday, 25 October 2026, 01:05"
