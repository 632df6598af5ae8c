"""Reading periods, tiers and calendars of a tariff's document."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from wattline.metering.checks import Document
from wattline.model.errors import Fault

MONTHS, HOURS = 12, 24
MOST_PERIODS, MOST_TIERS = 48, 20
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?", re.ASCII)
RATE_FIELDS = ("periods", "weekday", "weekend")


def decimal(document: Document, name: str, default: str | None = None, *, signed: bool = False, required: bool = False) -> Any:
    """A decimal as text, such as "0.10": at most 12 digits on each side of the point. A JSON number is refused: it is
    binary."""
    if not document.given(name):
        if required:
            document.fault(name, "required", "must be given")
        return default
    value = document.raw(name)
    if not isinstance(value, str):
        document.fault(name, "type", 'must be a decimal as text, such as "0.10"')
    elif not _DECIMAL.fullmatch(value):
        document.fault(name, "bad_decimal", "must be a decimal with at most 12 digits before the point and 12 after it")
    elif not signed and value.startswith("-") and Decimal(value) != 0:
        document.fault(name, "out_of_range", "must not be negative")
    else:
        return value
    return default


def tiers(document: Document, name: str, *, selling: bool) -> list[dict[str, Any]]:
    """The tiers of a list: each ends above the one before it, the last has no end."""
    fields = ("rate", "max", "sell") if selling else ("rate", "max")
    return _tiers(document, name, document.objects(name, fields, MOST_TIERS), selling)


def _tiers(document: Document, name: str, parts: list[Document], selling: bool) -> list[dict[str, Any]]:
    if not parts:
        document.fault(name, "required", "must have at least one tier")
    found = []
    reached = Decimal(0)
    for index, part in enumerate(parts):
        tier = {"rate": decimal(part, "rate", signed=True, required=True), "max": decimal(part, "max")}
        if selling:
            tier["sell"] = decimal(part, "sell", signed=True)
        found.append(tier)
        last = index == len(parts) - 1
        if last and part.given("max"):
            part.fault("max", "not_last", "the last tier has no end: its max is null")
        elif not last and not part.given("max"):
            part.fault("max", "required", "only the last tier has no end")
        elif tier["max"] is not None and Decimal(tier["max"]) <= reached:
            part.fault("max", "not_ascending", "must be above that of the tier before it, and above 0")
        if tier["max"] is not None:
            reached = Decimal(tier["max"])
    return found


def rates(document: Document, *, selling: bool) -> dict[str, Any]:
    """Periods and their calendars. Where there is one period alone, the calendars need not be given."""
    fields = ("rate", "max", "sell") if selling else ("rate", "max")
    periods = []
    given = document.items("periods", MOST_PERIODS)
    if not given:
        document.fault("periods", "required", "must have at least one period")
    for index, items in enumerate(given):
        at = f"{document.at}/periods/{index}"
        if not isinstance(items, list):
            document.faults.append(Fault(at, "type", "must be a list of tiers"))
            continue
        if len(items) > MOST_TIERS:
            document.faults.append(Fault(at, "too_long", f"must have at most {MOST_TIERS} items"))
            continue
        parts = [Document(each, fields, at=f"{at}/{n}", faults=document.faults) for n, each in enumerate(items)]
        periods.append(_tiers(document, f"periods\0{index}", parts, selling))
    single = len(given) <= 1
    weekday = _calendar(document, "weekday", len(given), single)
    weekend = _calendar(document, "weekend", len(given), single)
    return {"periods": periods, "weekday": weekday, "weekend": weekend}


def _calendar(document: Document, name: str, periods: int, single: bool) -> list[list[int]]:
    if not document.given(name):
        if not single:
            document.fault(name, "required", "must be given: 12 months of 24 hours")
        return [[0] * HOURS for _ in range(MONTHS)]
    rows = document.raw(name)
    if not isinstance(rows, list) or len(rows) != MONTHS:
        document.fault(name, "bad_shape", "must be a list of 12 months")
        return []
    for month, hours in enumerate(rows):
        if not isinstance(hours, list) or len(hours) != HOURS:
            document.fault(f"{name}\0{month}", "bad_shape", "must be a list of 24 hours")
            continue
        for hour, period in enumerate(hours):
            if type(period) is not int or not 0 <= period < periods:
                document.fault(f"{name}\0{month}\0{hour}", "bad_index", f"must be the number of a period, below {periods}")
    return rows
