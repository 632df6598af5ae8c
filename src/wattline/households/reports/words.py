"""Figures and days as a household reads them, in its own language."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from wattline.households.accounts.model import Language

_WEEKDAYS = {
    "de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int, language: Language) -> str:
    """With so many digits after the decimal point, or comma, rounded as people do: 1.234,56 or 1,234.56."""
    text = f"{Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,f}"
    if language == "de":
        text = text.translate(str.maketrans(",.", ".,"))
    return text.replace("-", MINUS)


def energy(kwh: float, language: Language) -> str:
    """12,35 kWh."""
    return f"{number(kwh, 2, language)} kWh"


def money(euros: float, language: Language) -> str:
    """12,35 € or €12.35."""
    return f"{number(euros, 2, language)} €" if language == "de" else f"€{number(euros, 2, language)}"


def change(percent: float, language: Language) -> str:
    """+3,2 %, or 0,0 % without a sign."""
    text = number(percent, 1, language)
    return f"{'+' if percent > 0 else ''}{text} %" if language == "de" else f"{'+' if percent > 0 else ''}{text}%"


def day(value: date, language: Language) -> str:
    """08.02.2026 or 8 Feb 2026."""
    return value.strftime("%d.%m.%Y") if language == "de" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def short_day(value: date, language: Language) -> str:
    """So 08.02. or Sun 8 Feb."""
    weekday = _WEEKDAYS[language][value.weekday()]
    return f"{weekday} {value:%d.%m.}" if language == "de" else f"{weekday} {value.day} {_MONTHS[value.month - 1]}"
