"""Accounts: who is billed for which meters at what time, and by which tariffs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from wattline.metering.accounts_currency import MINOR_UNITS
from wattline.metering.checks import HIGHEST_ID, Document, moment, written
from wattline.metering.checks_references import References
from wattline.metering.keeping import Keeping
from wattline.metering.meters import Meters
from wattline.metering.model import Account, Assignment, Tenure
from wattline.model.errors import Conflict, NotFound
from wattline.resources.model import Resource
from wattline.resources.service import Resources

MOST_ENTRIES = 10_000
LAST_BILLING_DAY = 28
"""Every month has this day."""
_RATE = re.compile(r"[01](\.[0-9]{1,6})?", re.ASCII)
BODY = (
    "name",
    "external_id",
    "metadata",
    "customer",
    "currency",
    "tariffs",
    "meters",
    "billing_mode",
    "tax_rate",
    "billing_day",
)

Span = tuple[int | None, int | None]
"""A half-open time in us; None has no end on that side."""


def overlapping(spans: Iterable[Span]) -> tuple[int, int] | None:
    """The positions of two spans that share a moment, the first such pair by beginning; None where none do."""
    ordered = sorted(
        (
            (-1 if start is None else start, HIGHEST_ID if end is None else end, index)
            for index, (start, end) in enumerate(spans)
        )
    )
    for (_, end, one), (start, _, other) in pairwise(ordered):
        if start < end:
            return min(one, other), max(one, other)
    return None


def account_of(resource: Resource) -> Account:
    """The account that a checked resource describes."""
    body = resource.body
    return Account(
        id=resource.id,
        tenant=resource.tenant,
        version=resource.version,
        name=body["name"],
        customer=body["customer"],
        currency=body["currency"],
        tariffs=tuple(Assignment(each["tariff_id"], *_span(each)) for each in body["tariffs"]),
        meters=tuple(Tenure(each["meter_id"], *_span(each)) for each in body["meters"]),
        billing_mode=body["billing_mode"],
        tax_rate=Decimal(body["tax_rate"]),
        billing_day=body["billing_day"],
    )


def _span(entry: Mapping[str, Any]) -> Span:
    start, end = entry["from"], entry["to"]
    return None if start is None else moment(start), None if end is None else moment(end)


class Accounts(Keeping):
    """The accounts of every tenant. An account has the meters of its own list, and those that name it, at all times."""

    kind = "account"

    def __init__(self, resources: Resources, references: References, meters: Meters) -> None:
        super().__init__(resources, references)
        self._meters = meters
        self._accounts: dict[int, Account] = {}
        resources.on_change("account", self._changed)
        meters.on_joining.append(self._check_joining)

    def _changed(self, resource: Resource) -> None:
        if resource.removed is None:
            self._accounts[resource.id] = account_of(resource)
        else:
            self._accounts.pop(resource.id, None)

    def get(self, tenant: str, number: int) -> Account:
        """The tenant's account with this id. Raises `NotFound`."""
        found = self._accounts.get(number)
        if found is None or found.tenant != tenant:
            raise NotFound("no such account")
        return found

    def all(self, tenant: str) -> list[Account]:
        """Every account of a tenant, by id."""
        return [self._accounts[number] for number in self._resources.ids(tenant, "account")]

    def tenures(self, tenant: str, number: int) -> list[Tenure]:
        """Which meters an account has at what times, by meter and beginning; one that names it has it at all times."""
        always = self._meters.naming(tenant, number)
        listed = [each for each in self.get(tenant, number).meters if each.meter_id not in always]
        return sorted([*listed, *(Tenure(each, None, None) for each in always)], key=lambda each: (each[0], each[1] or 0))

    def tariff_at(self, account: Account, time: int) -> int | None:
        """The tariff that is assigned at a moment (us)."""
        return next((each.tariff_id for each in account.tariffs if _within(each.start, each.end, time)), None)

    def meters_at(self, tenant: str, number: int, time: int) -> list[int]:
        """The ids of the meters that an account has at a moment (us), ascending."""
        return [each.meter_id for each in self.tenures(tenant, number) if _within(each.start, each.end, time)]

    def checked(self, tenant: str, known: Resource | None, body: Mapping[str, Any]) -> dict[str, Any]:
        document = Document(body, BODY)
        currency = document.text("currency", required=True, longest=3)
        if currency is not None and currency not in MINOR_UNITS:
            document.fault("currency", "unknown_currency", "must be a code of ISO 4217, such as EUR")
        result = {
            "name": document.text("name", required=True),
            "external_id": document.text("external_id"),
            "metadata": document.metadata(),
            "customer": document.text("customer"),
            "currency": currency,
            "tariffs": _entries(document, "tariffs", "tariff_id"),
            "meters": _entries(document, "meters", "meter_id"),
            "billing_mode": document.choice("billing_mode", ("postpaid", "prepaid"), "postpaid"),
            "tax_rate": _tax_rate(document),
            "billing_day": document.whole("billing_day", 1, LAST_BILLING_DAY, 1),
        }
        document.faults += self._references.missing(tenant, "account", result)
        document.done()
        self._check_tariffs(result)
        self._check_meters(tenant, None if known is None else known.id, result)
        return result

    def _check_tariffs(self, body: Mapping[str, Any]) -> None:
        found = overlapping(_span(each) for each in body["tariffs"])
        if found is not None:
            raise Conflict(f"the tariff assignments {found[0]} and {found[1]} overlap in time")

    def _check_meters(self, tenant: str, number: int | None, body: Mapping[str, Any]) -> None:
        wanted: dict[int, list[Span]] = {}
        for each in body["meters"]:
            wanted.setdefault(each["meter_id"], []).append(_span(each))
        for meter_id, spans in wanted.items():
            if overlapping(spans) is not None:
                raise Conflict(f"meter {meter_id} is listed twice at one time")
        for account in self.all(tenant):
            if account.id != number:
                for tenure in self.tenures(tenant, account.id):
                    mine = wanted.get(tenure.meter_id)
                    if mine is not None and overlapping([*mine, (tenure.start, tenure.end)]) is not None:
                        raise Conflict(f"meter {tenure.meter_id} is in account {account.id} at the same time")

    def _check_joining(self, tenant: str, meter_id: int, number: int) -> None:
        for account in self.all(tenant):
            if account.id != number and any(each.meter_id == meter_id for each in account.meters):
                raise Conflict(f"account {account.id} lists this meter, so it cannot be in account {number} at all times")


def _within(start: int | None, end: int | None, time: int) -> bool:
    return (start is None or start <= time) and (end is None or time < end)


def _entries(document: Document, name: str, field: str) -> list[dict[str, Any]]:
    found = []
    for item in document.objects(name, (field, "from", "to"), MOST_ENTRIES):
        number = item.identity(field, required=True)
        start, end = item.moment("from"), item.moment("to")
        if start is not None and end is not None and start >= end:
            item.fault("to", "bad_order", "must be after from")
        found.append(
            {
                field: number or 0,
                "from": None if start is None else written(start),
                "to": None if end is None else written(end),
            }
        )
    return found


def _tax_rate(document: Document) -> str:
    rate = document.text("tax_rate", longest=8)
    if rate is None:
        return "0"
    if not _RATE.fullmatch(rate) or Decimal(rate) > 1:
        document.fault(
            "tax_rate", "bad_decimal", 'must be a decimal as text from "0" to "1" with at most 6 places, such as "0.19"'
        )
        return "0"
    return rate
