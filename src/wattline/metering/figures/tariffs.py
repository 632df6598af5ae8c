"""Which tariff holds for what a meter, a group or an account takes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from wattline.billing.tariffs.model import tariff_of
from wattline.billing.tariffs.rates import NO_PRICE, rate_at
from wattline.metering.accounts_currency import MINOR_UNITS
from wattline.metering.energy.register import Ints
from wattline.metering.figures.cost import UNKNOWN, Rates
from wattline.metering.figures.subject import Subject
from wattline.metering.model import Account, Meter
from wattline.metering.service import Metering
from wattline.model.errors import NotFound
from wattline.resources.service import Resources

Span = tuple[Account, int | None, int | None]
"""An account, and from when to when (us) it pays; None has no end on that side."""


class Tariffs:
    """Tariffs are assigned to accounts: a meter has those of the accounts that it belongs to, each for its time, a group those
    of the accounts that all its members belong to at the same times."""

    def __init__(self, resources: Resources, metering: Metering) -> None:
        self._resources = resources
        self._metering = metering

    def rates_of(self, subject: Subject, times: Ints) -> Rates | None:
        """What a kWh costs in each interval; None where no tariff is assigned, or several of different currencies are."""
        if not len(times):
            return None
        place = np.full(len(times), UNKNOWN, np.int64)
        rates: list[Decimal] = []
        currencies = set()
        for account, start, end in self._payers(subject):
            paid = _within(times, start, end)
            for each in account.tariffs:
                mine = paid & _within(times, each.start, each.end)
                found = self._resources.find(subject.tenant, "tariff", each.tariff_id)
                if found is None or not mine.any():
                    continue
                tariff = tariff_of(found)
                prices = rate_at(tariff, times[mine])
                place[mine] = np.where(prices.index == NO_PRICE, UNKNOWN, prices.index + len(rates))
                rates += [rate.full for rate in prices.rates]
                currencies.add(tariff.currency)
        if len(currencies) != 1:
            return None
        currency = currencies.pop()
        return Rates(rates, place, currency, Decimal(1).scaleb(-MINOR_UNITS[currency]))

    def _payers(self, subject: Subject) -> list[Span]:
        """Which accounts pay for a subject, and when."""
        accounts = self._metering.accounts
        if subject.kind == "account":
            return [(accounts.get(subject.tenant, subject.id), None, None)]
        if subject.kind == "meter":
            own = self._of(subject.tenant, [self._metering.meters.get(subject.tenant, subject.id)])
            if own:
                return own[0]
        found = self._of(subject.tenant, [member.meter for member in subject.members])
        return found[0] if found and len(found) == len(subject.members) and all(each == found[0] for each in found) else []

    def _of(self, tenant: str, meters: Sequence[Meter]) -> list[list[Span]]:
        """The accounts of each of the meters that has any: the one that it names, else those that list it."""
        accounts = self._metering.accounts
        found: dict[int, list[Span]] = {}
        listed = {meter.id for meter in meters if meter.account_id is None}
        for account in accounts.all(tenant) if listed else ():
            for each in account.meters:
                if each.meter_id in listed:
                    found.setdefault(each.meter_id, []).append((account, each.start, each.end))
        for meter in meters:
            if meter.account_id is not None:
                try:
                    found[meter.id] = [(accounts.get(tenant, meter.account_id), None, None)]
                except NotFound:
                    continue
        return [found[meter.id] for meter in meters if meter.id in found]


def _within(times: Ints, start: int | None, end: int | None) -> NDArray[np.bool_]:
    inside = np.ones(len(times), bool) if start is None else times >= start
    return inside if end is None else inside & (times < end)
