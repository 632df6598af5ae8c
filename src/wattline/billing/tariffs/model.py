"""A tariff as data, made from a resource that was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from wattline.billing.days import zone_named
from wattline.metering.checks import moment
from wattline.resources.model import Resource

NetMode = Literal["net_metering", "net_billing", "buy_all_sell_all"]
Calendar = tuple[tuple[int, ...], ...]
"""12 months of 24 hours: the number of a period."""


class Tier(NamedTuple):
    """A price per kWh (or kW) up to `most` of them in a month; None: the rest. `sell` is what is paid per kWh given."""

    rate: Decimal
    most: Decimal | None
    sell: Decimal | None


class Rates(NamedTuple):
    """Periods, each with its tiers, and which period an hour of a month is in."""

    periods: tuple[tuple[Tier, ...], ...]
    weekday: Calendar
    weekend: Calendar


class FlatDemand(NamedTuple):
    """What the highest demand of a month costs, whenever it was, in these months (1 to 12)."""

    months: tuple[int, ...]
    tiers: tuple[Tier, ...]


class Demand(NamedTuple):
    """What demand costs: the highest mean over `window_min`, at least `ratchet_pct` of the highest of the past year."""

    flat: tuple[FlatDemand, ...]
    tou: Rates | None
    window_min: int
    ratchet_pct: Decimal | None


class Adjustment(NamedTuple):
    """What is added to each kWh, or a share of the amount in %; one of them is None."""

    name: str
    per_kwh: Decimal | None
    pct: Decimal | None


class Price(NamedTuple):
    """A dynamic price per kWh in [start, end), in us."""

    start: int
    end: int
    rate: Decimal
    sell: Decimal | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one version, in [start, end), in us; None has no end on that side. A series counts before the calendar."""

    version: int
    start: int | None
    end: int | None
    currency: str
    zone: ZoneInfo
    energy: Rates | None
    demand: Demand | None
    per_month: Decimal
    per_day: Decimal
    minimum: Decimal
    net: NetMode
    holidays: frozenset[str]
    adjustments: tuple[Adjustment, ...]
    series: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff: its terms in order of their beginning. At a moment the last terms that began and have not ended hold."""

    id: int
    tenant: str
    version: int
    name: str
    currency: str
    terms: tuple[Terms, ...]

    def terms_at(self, time: int) -> Terms | None:
        """The terms that hold at a moment (us); None where there are none."""
        for terms in reversed(self.terms):
            if terms.start is None or terms.start <= time:
                return terms if terms.end is None or time < terms.end else None
        return None


def tariff_of(resource: Resource) -> Tariff:
    """The tariff of a stored resource."""
    body = resource.body
    former = [_terms(each, each["version"]) for each in body["former"]]
    terms = (*former, _terms(body, resource.version))
    return Tariff(resource.id, resource.tenant, resource.version, body["name"], body["currency"], terms)


def _terms(body: Mapping[str, Any], version: int) -> Terms:
    energy, demand = body["energy"], body["demand"]
    return Terms(
        version=version,
        start=_time(body["valid_from"]),
        end=_time(body["valid_to"]),
        currency=body["currency"],
        zone=zone_named(body["timezone"]),
        energy=None if energy is None else _rates(energy),
        demand=None if demand is None else _demand(demand),
        per_month=Decimal(body["fixed"]["per_month"]),
        per_day=Decimal(body["fixed"]["per_day"]),
        minimum=Decimal(body["minimum"]),
        net=body["net"],
        holidays=frozenset(body["holidays"]),
        adjustments=tuple(
            Adjustment(each["name"], _decimal(each["per_kwh"]), _decimal(each["pct"])) for each in body["adjustments"]
        ),
        series=tuple(
            Price(_time(each["from"]) or 0, _time(each["to"]) or 0, Decimal(each["price"]), _decimal(each["sell"]))
            for each in body["series"]
        ),
    )


def _time(text: str | None) -> int | None:
    return None if text is None else moment(text)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _tiers(tiers: list[Mapping[str, Any]]) -> tuple[Tier, ...]:
    return tuple(Tier(Decimal(each["rate"]), _decimal(each["max"]), _decimal(each.get("sell"))) for each in tiers)


def _rates(body: Mapping[str, Any]) -> Rates:
    weekday, weekend = (tuple(tuple(hours) for hours in body[name]) for name in ("weekday", "weekend"))
    return Rates(tuple(_tiers(period) for period in body["periods"]), weekday, weekend)


def _demand(body: Mapping[str, Any]) -> Demand:
    return Demand(
        tuple(FlatDemand(tuple(each["months"]), _tiers(each["tiers"])) for each in body["flat"]),
        None if body["tou"] is None else _rates(body["tou"]),
        body["window_min"],
        _decimal(body["ratchet_pct"]),
    )
