"""Figures and times as a household reads them, in its own language and time."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from wattline.households.accounts.model import Language
from wattline.model.clock import from_micros

_WEEKDAYS = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def number(value: float, digits: int, language: Language) -> str:
    """With so many digits after the decimal point, or comma."""
    text = f"{value:,.{digits}f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def power(watts: float, language: Language) -> str:
    """In W below a kilowatt, else in kW."""
    return f"{number(watts, 0, language)} W" if abs(watts) < 999.5 else f"{number(watts / 1000, 1, language)} kW"


def energy(kwh: float, language: Language) -> str:
    return f"{number(kwh, 1 if kwh >= 100 else 2, language)} kWh"


def money(euros: str, language: Language) -> str:
    """An amount in EUR with two decimals."""
    return f"{number(float(euros), 2, language)} €" if language == "de" else f"€{number(float(euros), 2, language)}"


def moment(time: int, zone: ZoneInfo, language: Language) -> str:
    """Day and time of an instant (us) on the clock of a zone."""
    local = from_micros(time).astimezone(zone)
    day = _WEEKDAYS[language][local.weekday()]
    if language == "de":
        return f"{day}, {local:%d.%m.%Y}, {local:%H:%M} Uhr"
    return f"{day}, {local:%d %B %Y}, {local:%H:%M}"


def hour(time: int, zone: ZoneInfo, language: Language) -> str:
    """The time alone."""
    text = f"{from_micros(time).astimezone(zone):%H:%M}"
    return f"{text} Uhr" if language == "de" else text
