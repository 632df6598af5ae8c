"""The mail with a report: German and English, and nothing in it that a name could break."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage

import pytest

from tests.households.reports.people import user
from tests.households.reports.test_figures import days_from
from wattline.households.accounts.model import Tariff
from wattline.households.reports import words
from wattline.households.reports.figures import content
from wattline.households.reports.letter import body, letter_of
from wattline.households.reports.model import Report
from wattline.model.clock import to_micros
from wattline.notify.letters import Letters
from wattline.notify.model import Alert, Kind, Letter, State

FIRST = date(2026, 3, 27)
USES = [Decimal("5.234567"), None, Decimal("1234.5"), Decimal(0)]
TARIFFS = [Tariff(date(2026, 1, 1), Decimal("31.00"), Decimal("0.30"))]
NOW = to_micros(datetime(2026, 3, 31, 4, tzinfo=UTC))


def report(*, tariffs: list[Tariff] | None = None, before: Decimal | None = Decimal(10), goal: Decimal | None = None) -> Report:
    days, earlier = days_from(FIRST, USES), days_from(FIRST - timedelta(days=4), [before] * 4)
    made = content(user(goal_kwh=goal), days, earlier, TARIFFS if tariffs is None else tariffs)
    return Report("t", "r1", "home", FIRST, FIRST + timedelta(days=3), made, NOW)


def mail(letter: Letter | None) -> EmailMessage:
    assert letter is not None
    row = Alert(
        **dict.fromkeys(Alert.__slots__)
        | {"kind": Kind.REPORT, "recipient": letter.recipient, "state": State.QUEUED, "message_id": "<r1@h>", "created": NOW}
        | {"tenant": "t", "body": {"title": letter.title, "language": letter.language, **letter.body}}
    )
    return Letters("alerts@wattline.example").compose(row)


def texts(message: EmailMessage) -> tuple[str, str]:
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return str(plain.get_content()), str(html.get_content())


def test_a_german_mail_tells_every_figure() -> None:
    message = mail(letter_of(report(goal=Decimal(6)), user(goal_kwh=Decimal(6)), NOW))
    assert message["Subject"] == "Ihr Energiebericht vom 27.03.2026 bis 30.03.2026"
    for text in texts(message):
        for told in (
            "Familie Weiß",
            "1.239,73 kWh",
            "413,24 kWh",
            "375,92 €",
            "371,92 €",
            "4,00 €",
            "Mo 30.03.",
            "0,00 kWh",
            "So 29.03.",
            "1.234,50 kWh",
            "Sa 28.03.",
            "keine Messwerte",
            "An 3 von 4 Tagen",
            "6,00 kWh",
            "an 2 Tagen eingehalten, an 1 überschritten",
            "23.03.2026 bis 26.03.2026",
            "40,00 kWh",
            "+4.032,4 %",
            "Europe/Berlin",
            "über dem Ziel",
        ):
            assert told in text, told
    plain, html = texts(message)
    assert '<html lang="de">' in html
    assert "width: 100%; max-width" in html
    assert 'height: 14px; width: 100%"' in html
    assert "None" not in plain + html
    assert "<img" not in html
    assert "UTC" not in html


def test_an_english_mail_is_english() -> None:
    message = mail(letter_of(report(), user(language="en", name="Smith"), NOW))
    assert message["Subject"] == "Your energy report, 27 Mar 2026 to 30 Mar 2026"
    for text in texts(message):
        for told in ("Smith", "1,239.73 kWh", "€375.92", "Mon 30 Mar", "no readings", "3 of 4 days", "+4,032.4%"):
            assert told in text, told
        for foreign in ("Kosten", "Tage", "Verbrauch", "92 €"):
            assert foreign not in text


def test_without_prices_or_a_period_before_the_mail_says_so() -> None:
    for language, told in (
        ("de", ("nicht konfiguriert", "gibt es keine Messwerte")),
        ("en", ("not configured", "no readings")),
    ):
        for text in texts(mail(letter_of(report(tariffs=[], before=None), user(language=language), NOW))):
            assert all(each in text for each in told)
            assert "None" not in text
            assert "€" not in text


def test_a_name_cannot_break_the_mail() -> None:
    message = mail(letter_of(report(), user(name="<script>alert(1)</script>\r\nBcc: x@y.example"), NOW))
    plain, html = texts(message)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert message["Bcc"] is None
    assert "\nBcc" not in plain


@pytest.mark.parametrize("wish", [{"report_mails": False}, {"active": False}, {"email": None}])
def test_who_wants_no_mail_gets_none(wish: dict[str, object]) -> None:
    assert letter_of(report(), user(**wish), NOW) is None


def test_a_mail_waits_for_the_end_of_quiet_hours() -> None:
    letter = letter_of(report(), user(quiet_from=22, quiet_to=8), NOW)
    assert letter is not None
    assert letter.not_before == to_micros(datetime(2026, 3, 31, 6, tzinfo=UTC))
    loud = letter_of(report(), user(quiet_from=22, quiet_to=6), NOW)
    assert loud is not None
    assert loud.not_before is None


def test_the_longest_day_has_the_longest_bar() -> None:
    bars = body(report().content, "de")["bars"]
    assert [bar["width"] for bar in bars] == [1, 0, 100, 0]


@pytest.mark.parametrize(
    ("value", "digits", "german", "english"),
    [
        (1234.565, 2, "1.234,57", "1,234.57"),
        (0.005, 2, "0,01", "0.01"),
        (-3.25, 1, "−3,3", "−3.3"),
        (1234567.0, 0, "1.234.567", "1,234,567"),
    ],
)
def test_numbers_are_written_as_they_are_read(value: float, digits: int, german: str, english: str) -> None:
    assert (words.number(value, digits, "de"), words.number(value, digits, "en")) == (german, english)


def test_days_are_named_in_both_languages() -> None:
    assert words.short_day(date(2026, 2, 8), "de") == "So 08.02."
    assert words.short_day(date(2026, 2, 8), "en") == "Sun 8 Feb"
    assert (words.day(date(2026, 2, 8), "de"), words.day(date(2026, 2, 8), "en")) == ("08.02.2026", "8 Feb 2026")
