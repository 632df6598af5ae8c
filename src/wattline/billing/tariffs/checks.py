"""What the document of a tariff must hold; every fault at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from wattline.billing.tariffs.checks_rates import MONTHS, RATE_FIELDS, decimal, rates, tiers
from wattline.billing.tariffs.urdb import is_urdb, translated
from wattline.metering.accounts_currency import MINOR_UNITS
from wattline.metering.checks import Document, written
from wattline.model.errors import Faulty

TERMS = (
    "currency",
    "timezone",
    "energy",
    "demand",
    "fixed",
    "minimum",
    "net",
    "holidays",
    "adjustments",
    "valid_from",
    "valid_to",
    "series",
)
"""What is billed by; the name, the external id and the metadata are not."""
FIELDS = ("name", "external_id", "metadata", *TERMS)
NETS = ("net_billing", "net_metering", "buy_all_sell_all")
WINDOWS = (5, 10, 15, 20, 30, 60)
"""Minutes over which demand is the mean."""
MOST_PRICES = 10_000
MOST_HOLIDAYS = 1_000
MOST_ADJUSTMENTS = 50
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def read(body: object) -> dict[str, Any]:
    """The body of a tariff to store, without its former terms. Names of the URDB are understood. Raises `Faulty`."""
    if isinstance(body, Mapping) and is_urdb(body):
        body, pointers = translated(body)
        try:
            return _read(body)
        except Faulty as error:
            raise Faulty([pointers(fault) for fault in error.faults]) from None
    return _read(body)


def _read(body: object) -> dict[str, Any]:
    document = Document(body, FIELDS)
    currency = document.text("currency", required=True, longest=3)
    if currency is not None and currency not in MINOR_UNITS:
        document.fault("currency", "unknown_currency", "must be a code of ISO 4217, such as EUR")
    energy = document.object("energy", RATE_FIELDS)
    demand = document.object("demand", ("flat", "tou", "window_min", "ratchet_pct"))
    fixed = document.object("fixed", ("per_month", "per_day"))
    start, end = document.moment("valid_from"), document.moment("valid_to")
    if start is not None and end is not None and start >= end:
        document.fault("valid_to", "out_of_order", "must be after valid_from")
    if not document.given("timezone"):
        document.fault("timezone", "required", "must be given: hours and days are those of the local clock")
    checked = {
        "name": document.text("name", required=True),
        "external_id": document.text("external_id"),
        "metadata": document.metadata(),
        "currency": currency,
        "timezone": document.zone("timezone", "UTC"),
        "energy": None if energy is None else rates(energy, selling=True),
        "demand": None if demand is None else _demand(demand),
        "fixed": {name: "0" if fixed is None else decimal(fixed, name, "0") for name in ("per_month", "per_day")},
        "minimum": decimal(document, "minimum", "0"),
        "net": document.choice("net", NETS, NETS[0]),
        "holidays": _holidays(document),
        "adjustments": [_adjustment(part) for part in _named(document)],
        "valid_from": None if start is None else written(start),
        "valid_to": None if end is None else written(end),
        "series": _series(document),
    }
    if energy is None and not checked["series"] and not document.faults:
        document.fault("energy", "required", "must be given where there is no series of prices")
    document.done()
    return checked


def _demand(document: Document) -> dict[str, Any]:
    flat = []
    months: set[int] = set()
    for part in document.objects("flat", ("months", "tiers"), MONTHS):
        mine = part.items("months", MONTHS)
        if not mine:
            part.fault("months", "required", "must have at least one month")
        for index, month in enumerate(mine):
            if type(month) is not int or not 1 <= month <= MONTHS:
                part.fault(f"months\0{index}", "out_of_range", "must be from 1 to 12")
            elif month in months:
                part.fault(f"months\0{index}", "duplicate", "this month has a price already")
            else:
                months.add(month)
        flat.append({"months": mine, "tiers": tiers(part, "tiers", selling=False)})
    tou = document.object("tou", RATE_FIELDS)
    ratchet = decimal(document, "ratchet_pct")
    if ratchet is not None and float(ratchet) > 100:
        document.fault("ratchet_pct", "out_of_range", "must be at most 100")
    if not flat and tou is None:
        document.fault("flat", "required", "must be given where there is no tou")
    return {
        "flat": flat,
        "tou": None if tou is None else rates(tou, selling=False),
        "window_min": document.choice("window_min", WINDOWS, 15),
        "ratchet_pct": ratchet,
    }


def _holidays(document: Document) -> list[str]:
    found = []
    for index, value in enumerate(document.items("holidays", MOST_HOLIDAYS)):
        if not isinstance(value, str) or not _is_day(value):
            document.fault(f"holidays\0{index}", "bad_date", "must be a date such as 2026-12-25")
        elif value in found:
            document.fault(f"holidays\0{index}", "duplicate", "is named twice")
        else:
            found.append(value)
    return sorted(found)


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _named(document: Document) -> list[Document]:
    return document.objects("adjustments", ("name", "per_kwh", "pct"), MOST_ADJUSTMENTS)


def _adjustment(part: Document) -> dict[str, Any]:
    if part.given("per_kwh") == part.given("pct"):
        part.fault("per_kwh", "one_of", "exactly one of per_kwh and pct must be given")
    return {
        "name": part.text("name", required=True),
        "per_kwh": decimal(part, "per_kwh", signed=True),
        "pct": decimal(part, "pct", signed=True),
    }


def _series(document: Document) -> list[dict[str, Any]]:
    found = []
    reached: int | None = None
    for part in document.objects("series", ("from", "to", "price", "sell"), MOST_PRICES):
        for name in ("from", "to"):
            if not part.given(name):
                part.fault(name, "required", "must be given")
        start, end = part.moment("from"), part.moment("to")
        price = {"price": decimal(part, "price", signed=True, required=True), "sell": decimal(part, "sell", signed=True)}
        if start is None or end is None:
            continue
        if start >= end:
            part.fault("to", "out_of_order", "must be after from")
        if reached is not None and start < reached:
            part.fault("from", "overlap", "must not be before the end of the interval before it")
        reached = end if reached is None else max(reached, end)
        found.append({"from": written(start), "to": written(end), **price})
    return found
