"""What may be said of a household, its tariffs and its part in an experiment. Pure; everything raises `Invalid`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from wattline.billing.days import zone_named
from wattline.households.accounts.model import STATUSES
from wattline.identity.model import check_text
from wattline.model.errors import Invalid
from wattline.notify.recipients import checked_address

Check = Callable[[str, Any], Any]
"""Gives the value of a field as it is kept."""

ID = re.compile(r"[A-Za-z0-9_-]{1,30}")
LANGUAGES = ("de", "en")
LONGEST_ADDRESS = 254
LONGEST_ZONE = 64
LONGEST_NUMBER = 40
FRACTION_DIGITS = 6
SMALLEST = Decimal(1).scaleb(-FRACTION_DIGITS)
MOST_REPORT_DAYS = 7
LAST_HOUR = 23
MOST_NUMBER = 99
MOST_GOAL_KWH = Decimal(10_000)
MOST_BASE_PRICE = Decimal(10_000)
MOST_WORKING_PRICE = Decimal(10)
"""EUR a kWh: far above every tariff, and below one in cents."""
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


def identifier(field: str, value: Any) -> str:
    """An id that someone chose: 1 to 30 of the letters A-Z a-z 0-9 _ -."""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise Invalid(f"{field} must be 1 to 30 of the letters A-Z a-z 0-9 _ -", field)
    return value


def flag(field: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Invalid(f"{field} must be true or false", field)
    return value


def optional(check: Check) -> Check:
    """The same check, with None for nothing."""
    return lambda field, value: None if value is None else check(field, value)


def whole(first: int, last: int) -> Check:
    """A whole number of that range."""

    def check(field: str, value: Any) -> int:
        if type(value) is not int or not first <= value <= last:
            raise Invalid(f"{field} must be a whole number from {first} to {last}", field)
        return value

    return check


def one_of(words: Collection[str]) -> Check:
    """One of these words."""

    def check(field: str, value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Invalid(f"{field} must be one of {', '.join(words)}", field)
        return value

    return check


def amount(field: str, value: Any, most: Decimal) -> Decimal:
    """A number from 0 to `most` with at most six decimals, without zeros at its end."""
    found = _decimal(value)
    if found is not None and 0 <= found <= most:
        kept = abs(found).quantize(SMALLEST)
        if kept == found:
            return Decimal(format(kept.normalize(), "f"))
    raise Invalid(f"{field} must be a number from 0 to {most} with at most {FRACTION_DIGITS} decimals", field)


def _decimal(value: Any) -> Decimal | None:
    """A finite number, however it was given; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        return None
    try:
        text = str(value)
        found = Decimal(text) if len(text) <= LONGEST_NUMBER else None
    except (InvalidOperation, ValueError):
        return None
    return found if found is not None and found.is_finite() else None


def local_day(field: str, value: Any) -> date:
    """A day from 2000 to 2199."""
    if type(value) is not date or not FIRST_DAY <= value <= LAST_DAY:
        raise Invalid(f"{field} must be a day from {FIRST_DAY} to {LAST_DAY}, as 2026-01-31", field)
    return value


def _address(field: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS:
        raise Invalid(f"{field} must be an e-mail address", field)
    try:
        return checked_address(value)
    except Invalid:
        raise Invalid(f"{field} must be one plain e-mail address", field) from None


def _zone(field: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_ZONE:
        raise Invalid("the time zone is not an IANA name", field)
    return zone_named(value).key


def _goal(field: str, value: Any) -> Decimal:
    goal = amount(field, value, MOST_GOAL_KWH)
    if not goal:
        raise Invalid(f"{field} must be more than 0", field)
    return goal


HOUR = whole(0, LAST_HOUR)
WISHES: Mapping[str, Check] = {
    "zone": _zone,
    "language": one_of(LANGUAGES),
    "anomaly_mails": flag,
    "report_mails": flag,
    "report_days": whole(1, MOST_REPORT_DAYS),
    "report_hour": HOUR,
    "quiet_from": optional(HOUR),
    "quiet_to": optional(HOUR),
    "goal_kwh": optional(_goal),
}
"""What a household may set itself."""
USER: Mapping[str, Check] = {
    "name": check_text,
    "firstname": optional(check_text),
    "lastname": optional(check_text),
    "email": optional(_address),
    "active": flag,
    **WISHES,
}
PARTICIPANT: Mapping[str, Check] = {
    "status": one_of(STATUSES),
    "number": whole(0, MOST_NUMBER),
    "installed": optional(local_day),
    "deinstalled": optional(local_day),
    "gets_paid": flag,
    "uses_prolific": flag,
}


def checked(given: Mapping[str, Any], fields: Mapping[str, Check]) -> dict[str, Any]:
    """Every given field as it is kept; one that is not among `fields` is refused."""
    for field in given:
        if field not in fields:
            raise Invalid(f"there is no field {field!a:.60}; there are {', '.join(fields)}", "field")
    return {field: fields[field](field, value) for field, value in given.items()}


def check_quiet(first: int | None, last: int | None) -> None:
    """Quiet hours have a begin and an end, or neither."""
    if (first is None) != (last is None):
        raise Invalid("quiet hours need both quiet_from and quiet_to, or neither", "quiet_from")
    if first is not None and first == last:
        raise Invalid("quiet hours that begin when they end are none, or all", "quiet_to")


def check_stay(installed: date | None, deinstalled: date | None) -> None:
    """Nothing is taken away before it was put there."""
    if installed is not None and deinstalled is not None and deinstalled < installed:
        raise Invalid("deinstalled is before installed", "deinstalled")
