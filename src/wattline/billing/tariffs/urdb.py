"""The names of the Utility Rate Database (OpenEI URDB, version 7), so that its rates can be sent as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from wattline.metering.checks import written
from wattline.model.errors import Fault

RENAMED = {
    "energyratestructure": "/energy/periods",
    "energyweekdayschedule": "/energy/weekday",
    "energyweekendschedule": "/energy/weekend",
    "demandratestructure": "/demand/tou/periods",
    "demandweekdayschedule": "/demand/tou/weekday",
    "demandweekendschedule": "/demand/tou/weekend",
    "flatdemandstructure": "/demand/flat",
    "flatdemandmonths": "/demand/flat",
    "demandwindow": "/demand/window_min",
    "fixedchargefirstmeter": "/fixed",
    "fixedchargeunits": "/fixed",
    "mincharge": "/minimum",
    "minchargeunits": "/minimum",
    "dgrules": "/net",
    "startdate": "/valid_from",
    "enddate": "/valid_to",
}
"""The field of ours that each name becomes."""
TOLD = (
    "label", "uri", "utility", "eiaid", "approved", "sector", "servicetype", "source", "sourceparent", "description",
    "basicinformationcomments", "energycomments", "demandcomments", "supersedes",
)  # fmt: skip
"""What is told of a rate beside its terms: kept in `metadata.urdb`."""
UNITS = {"fixedchargeunits": {"$/month": "per_month", "$/day": "per_day"}, "minchargeunits": {"$/month": "minimum"}}
RULES = {"Net Metering": "net_metering", "Net Billing Instantaneous": "net_billing", "Net Billing Hourly": "net_billing",
         "Buy All Sell All": "buy_all_sell_all"}  # fmt: skip
CURRENCY = "USD"
"""What the database counts in."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
"""A greater exponent would be written as millions of digits."""
BAD = object()
"""Stands for a value that no reader accepts, so that it is refused at its place."""


def is_urdb(body: Mapping[str, Any]) -> bool:
    """Whether a document uses the database's names."""
    return any(name in body for name in RENAMED)


def translated(body: Mapping[str, Any]) -> tuple[dict[str, Any], Callable[[Fault], Fault]]:
    """The document in our names, and what turns a fault in it into one of the document that was sent."""
    left = {name: value for name, value in body.items() if name not in RENAMED and name not in TOLD}
    made = _Made(body)
    told = {name: body[name] for name in TOLD if name in body}
    if told:
        metadata = left.get("metadata")
        left["metadata"] = {**(metadata if isinstance(metadata, Mapping) else {}), "urdb": told}
    left.setdefault("currency", CURRENCY)
    for name, value in made.parts().items():
        # Who sends both would not know which counts.
        left[name] = BAD if name in left else value
    return left, made.pointer


class _Made:
    """The parts of our document that the database's names make."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def pointer(self, fault: Fault) -> Fault:
        """A fault at the name that was sent."""
        for name, ours in sorted(RENAMED.items(), key=lambda each: -len(each[1])):
            if name in self._body and (fault.pointer == ours or fault.pointer.startswith(f"{ours}/")):
                # Of what is one number with us too, the place within ours is nowhere in what was sent.
                rest = fault.pointer.removeprefix(ours) if isinstance(self._body[name], list) else ""
                return fault._replace(pointer=f"/{name}{rest}")
        return fault

    def parts(self) -> dict[str, Any]:
        """The fields of ours, as far as their names were used."""
        body, found = self._body, dict[str, Any]()
        energy = self._rates("energy", selling=True)
        if energy:
            found["energy"] = energy
        demand: dict[str, Any] = {}
        tou = self._rates("demand", selling=False)
        if tou:
            demand["tou"] = tou
        if "flatdemandstructure" in body or "flatdemandmonths" in body:
            demand["flat"] = self._flat()
        if "demandwindow" in body:
            demand["window_min"] = body["demandwindow"]
        if demand:
            found["demand"] = demand
        self._charges(found)
        if "dgrules" in body:
            found["net"] = RULES.get(str(body["dgrules"]), BAD)
        for name, ours in (("startdate", "valid_from"), ("enddate", "valid_to")):
            if body.get(name) is not None:
                found[ours] = _day(body[name])
        return found

    def _rates(self, kind: str, *, selling: bool) -> dict[str, Any]:
        names = {"periods": f"{kind}ratestructure", "weekday": f"{kind}weekdayschedule", "weekend": f"{kind}weekendschedule"}
        found = {ours: self._body[name] for ours, name in names.items() if name in self._body}
        if isinstance(found.get("periods"), list):
            found["periods"] = [_tiers(period, selling=selling) for period in found["periods"]]
        return found

    def _flat(self) -> Any:
        """Periods and a list of 12 numbers of periods become periods with their months."""
        structure, months = self._body.get("flatdemandstructure"), self._body.get("flatdemandmonths", [0] * 12)
        if not isinstance(structure, list) or not isinstance(months, list) or len(months) != 12:
            return BAD
        if any(type(month) is not int or not 0 <= month < len(structure) for month in months):
            return BAD
        wanted = [[month + 1 for month, period in enumerate(months) if period == n] for n in range(len(structure))]
        return [
            {"months": mine, "tiers": _tiers(period, selling=False)}
            for period, mine in zip(structure, wanted, strict=True)
            if mine
        ]

    def _charges(self, found: dict[str, Any]) -> None:
        body = self._body
        for name, units, usual in (
            ("fixedchargefirstmeter", "fixedchargeunits", "$/month"),
            ("mincharge", "minchargeunits", "$/month"),
        ):
            if body.get(name) is None:
                continue
            known = UNITS[units].get(str(body.get(units) or usual))
            if known == "minimum":
                found["minimum"] = _text(body[name])
            elif name == "mincharge":
                found["minimum"] = BAD
            else:
                found["fixed"] = BAD if known is None else {known: _text(body[name])}


def _tiers(period: Any, *, selling: bool) -> Any:
    """Tiers with decimals as text; `adj` is added to the rate. A unit other than kWh and kW has no meaning here."""
    if not isinstance(period, list):
        return period
    return [_tier(each, selling) if isinstance(each, Mapping) else each for each in period]


def _tier(tier: Mapping[str, Any], selling: bool) -> dict[str, Any]:
    found = {name: _text(value) for name, value in tier.items() if name not in ("adj", "unit", "sell")}
    rate, adjustment = _text(tier.get("rate")), _text(tier.get("adj", 0))
    if rate is None:
        found["rate"] = None
    elif isinstance(rate, str) and isinstance(adjustment, str):
        found["rate"] = _plain(Decimal(rate) + Decimal(adjustment))
    else:
        found["rate"] = BAD
    if tier.get("sell") is not None and selling:
        found["sell"] = _text(tier["sell"])
    if tier.get("unit") not in (None, "kWh" if selling else "kW"):
        found["max"] = BAD
    return found


def _text(value: Any) -> Any:
    """A number of JSON as the decimal that it was written as; text that is a decimal as it is."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _plain(Decimal(str(value))) if abs(value) < 1e12 else BAD
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return _plain(Decimal(value))
    return BAD


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(value: Any) -> Any:
    """Seconds since 1970 as a time."""
    if type(value) is int and 0 <= value < 2**33:
        return written(value * 1_000_000)
    return BAD
