"""What a kWh costs at each of many moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattline.billing.tariffs.model import Adjustment, Rates, Tariff, Terms
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

Ints = NDArray[np.int64]
QUARTER = 15 * MINUTE
"""Clocks are set at whole quarters of an hour."""
NO_PRICE = -1
_THURSDAY = 3
"""The first of January 1970, counted from Monday."""


class Rate(NamedTuple):
    """A price: `buy` and `sell` per kWh as the document has them, `full` what a bought kWh costs with all adjustments.

    `period` is the number of the period in the energy rates of the terms of that `version`, None for a price of a series.
    """

    buy: Decimal
    sell: Decimal | None
    full: Decimal
    version: int
    period: int | None


@dataclass(frozen=True, eq=False)
class Prices:
    """Of each moment: which of `rates` holds, NO_PRICE where none does."""

    index: Ints
    rates: tuple[Rate, ...]

    def column(self, name: str) -> NDArray[np.float64]:
        """`buy`, `sell` or `full` at each moment, NaN where there is none; for figures, not for bills."""
        values = [getattr(rate, name) for rate in self.rates]
        return np.array([*(np.nan if value is None else float(value) for value in values), np.nan])[self.index]


def rate_at(tariff: Tariff, instants: Ints) -> Prices:
    """The price of energy at each moment (us, in any order).

    Of a period with tiers it is that of the first: which tier a kWh is in depends on all that was used in the month, and is for
    a bill to say. Where a series of prices has an interval it counts, else the calendar of the terms that hold.
    """
    index = np.full(len(instants), NO_PRICE, np.int64)
    rates: list[Rate] = []
    for terms in tariff.terms:
        mine = np.ones(len(instants), bool) if terms.start is None else instants >= terms.start
        # Later terms take over for good, also where they end.
        index[mine] = NO_PRICE
        if terms.end is not None:
            mine &= instants < terms.end
        chosen = np.flatnonzero(mine)
        if not len(chosen):
            continue
        if terms.energy is not None:
            index[chosen] = len(rates) + periods_at(terms, terms.energy, instants[chosen])
            rates += [_rate(terms, tiers[0].rate, tiers[0].sell, n) for n, tiers in enumerate(terms.energy.periods)]
        _overlay(terms, instants, chosen, index, rates)
    return Prices(index, tuple(rates))


def _overlay(terms: Terms, instants: Ints, chosen: Ints, index: Ints, rates: list[Rate]) -> None:
    """Put the prices of a series over those of the calendar."""
    if not terms.series:
        return
    starts = np.array([price.start for price in terms.series], np.int64)
    ends = np.array([price.end for price in terms.series], np.int64)
    place = np.searchsorted(starts, instants[chosen], "right") - 1
    within = (place >= 0) & (instants[chosen] < ends[place])
    index[chosen[within]] = len(rates) + place[within]
    rates += [_rate(terms, price.rate, price.sell, None) for price in terms.series]


def _rate(terms: Terms, buy: Decimal, sell: Decimal | None, period: int | None) -> Rate:
    return Rate(buy, sell, adjusted(buy, terms.adjustments), terms.version, period)


def adjusted(rate: Decimal, adjustments: tuple[Adjustment, ...]) -> Decimal:
    """A price per kWh with what is added to it: first what is per kWh, then the shares of the sum, each of the same sum."""
    total = rate + sum((each.per_kwh for each in adjustments if each.per_kwh is not None), Decimal(0))
    share = sum((each.pct for each in adjustments if each.pct is not None), Decimal(0))
    return total * (1 + share / 100)


def periods_at(terms: Terms, rates: Rates, instants: Ints) -> Ints:
    """The number of the period at each moment, by the local clock; a holiday is like a day of the weekend."""
    local = instants + offsets(terms.zone, instants)
    day = local // DAY
    month = local.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12
    hour = local % DAY // HOUR
    epoch = date(1970, 1, 1).toordinal()
    holidays = np.array([date.fromisoformat(each).toordinal() - epoch for each in terms.holidays], np.int64)
    rest = ((day + _THURSDAY) % 7 >= 5) | np.isin(day, holidays)
    calendars = np.array([rates.weekday, rates.weekend], np.int64)
    found: Ints = calendars[rest.astype(np.int64), month, hour]
    return found


def offsets(zone: ZoneInfo, instants: Ints) -> Ints:
    """How far the local clock is ahead of UTC at each moment, in us."""
    days, place = np.unique(instants // DAY, return_inverse=True)
    before = np.array([_offset(zone, int(day) * DAY) for day in days], np.int64)
    after = np.array([_offset(zone, (int(day) + 1) * DAY) for day in days], np.int64)
    found = before[place]
    changing = (before != after)[place]
    if changing.any():
        quarters, where = np.unique(instants[changing] // QUARTER, return_inverse=True)
        found[changing] = np.array([_offset(zone, int(each) * QUARTER) for each in quarters], np.int64)[where]
    return found


def _offset(zone: ZoneInfo, time: int) -> int:
    ahead = datetime.fromtimestamp(time // SECOND, zone).utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds()) * SECOND
