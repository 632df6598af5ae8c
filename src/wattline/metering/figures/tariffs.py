"""Which tariff holds for what a meter, a group or an account takes."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from wattline.billing.tariffs.model import tariff_of
from wattline.billing.tariffs.rates import NO_PRICE, rate_at
from wattline.metering.accounts_currency import MINOR_UNITS
from wattline.metering.energy.register import Ints
from wattline.metering.figures.cost import UNKNOWN, Rates
from wattline.metering.figures.subject import Subject
from wattline.metering.model import Account
from wattline.metering.service import Metering
from wattline.model.errors import NotFound
from wattline.resources.service import Resources


class Tariffs:
    """Tariffs are assigned to accounts: a meter has that of its account, a group that of the one account of all its members."""

    def __init__(self, resources: Resources, metering: Metering) -> None:
        self._resources = resources
        self._metering = metering

    def rates_of(self, subject: Subject, times: Ints) -> Rates | None:
        """What a kWh costs in each interval; None where no tariff is assigned, or several of different currencies are."""
        account = self._account(subject)
        if account is None or not account.tariffs or not len(times):
            return None
        place = np.full(len(times), UNKNOWN, np.int64)
        rates: list[Decimal] = []
        currencies = set()
        for each in account.tariffs:
            mine = np.ones(len(times), bool) if each.start is None else times >= each.start
            if each.end is not None:
                mine &= times < each.end
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

    def _account(self, subject: Subject) -> Account | None:
        if subject.kind == "account":
            return self._metering.accounts.get(subject.tenant, subject.id)
        named = {member.meter.account_id for member in subject.members}
        number = named.pop() if len(named) == 1 else None
        if number is None:
            return None
        try:
            return self._metering.accounts.get(subject.tenant, number)
        except NotFound:
            return None
