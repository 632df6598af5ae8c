"""The documents of tariffs, and the price at many moments."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.billing.tariffs.checks import read
from wattline.billing.tariffs.model import Tariff, tariff_of
from wattline.billing.tariffs.rates import NO_PRICE, rate_at
from wattline.model.clock import HOUR, from_micros, to_micros
from wattline.model.errors import Faulty
from wattline.resources.model import Resource

COMMON: dict[str, Any] = {"name": "T", "currency": "EUR", "timezone": "Europe/London"}
FLAT: dict[str, Any] = {"periods": [[{"rate": "0.10"}]]}


def tariff(**body: Any) -> Tariff:
    former = body.pop("former", [])
    stored = {**read({**COMMON, **body}), "former": former}
    return tariff_of(Resource(1, "t", "tariff", 3, 0, 0, None, stored))


def faults(**body: Any) -> dict[str, str]:
    with pytest.raises(Faulty) as caught:
        read({**COMMON, **body})
    return {fault.pointer: fault.code for fault in caught.value.faults}


def at(*moment: int) -> int:
    return to_micros(datetime(*moment, tzinfo=UTC))  # type: ignore[misc, arg-type]


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(("Europe/London", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe")))
def test_each_moment_has_the_period_of_its_local_hour(data: st.DataObject, zone: str) -> None:
    size = data.draw(st.integers(1, 4))
    index = st.integers(0, size - 1)
    calendar = st.lists(st.lists(index, min_size=24, max_size=24), min_size=12, max_size=12)
    weekday, weekend = data.draw(calendar), data.draw(calendar)
    holidays = data.draw(st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5))
    made = tariff(
        timezone=zone,
        energy={"periods": [[{"rate": f"0.{n}"}] for n in range(size)], "weekday": weekday, "weekend": weekend},
        holidays=[each.isoformat() for each in holidays],
    )
    near = [
        at(2026, month, day, hour)
        for month, day in ((3, 29), (10, 25), (3, 8), (11, 1), (4, 4), (10, 4))
        for hour in (0, 1, 2, 6)
    ]
    instants = data.draw(st.lists(st.integers(at(2026, 1, 1), at(2027, 1, 1)), max_size=30)) + near
    prices = rate_at(made, np.array(instants, np.int64))
    for instant, place in zip(instants, prices.index.tolist(), strict=True):
        local = from_micros(instant).astimezone(ZoneInfo(zone))
        rows = weekend if local.weekday() >= 5 or local.date() in holidays else weekday
        assert prices.rates[place].period == rows[local.month - 1][local.hour]


def test_the_hours_of_an_autumn_month_with_25_hours() -> None:
    """October 2025 in London and Kolkata: the hours of each period, of 745 and 744."""
    weekday = [[0] * 8 + [1] * 9 + [2] * 5 + [0] * 2] * 12
    energy = {
        "periods": [[{"rate": each}] for each in ("0.10", "0.15", "0.30")],
        "weekday": weekday,
        "weekend": [[0] * 24] * 12,
    }
    for zone, wanted in (("Asia/Kolkata", (422, 207, 115)), ("Europe/London", (423, 207, 115))):
        made = tariff(timezone=zone, energy=energy)
        begin, end = (to_micros(datetime(2025, month, 1, tzinfo=ZoneInfo(zone))) for month in (10, 11))
        prices = rate_at(made, np.arange(begin, end, HOUR, dtype=np.int64))
        assert tuple(np.bincount(prices.index)) == wanted
        assert prices.column("buy").sum() == pytest.approx(wanted[0] * 0.1 + wanted[1] * 0.15 + wanted[2] * 0.3)


def test_a_series_counts_before_the_calendar_and_adjustments_are_added() -> None:
    made = tariff(
        energy=FLAT,
        series=[{"from": "2026-06-01T10:00:00Z", "to": "2026-06-01T11:00:00Z", "price": "-0.05", "sell": "0.01"}],
        adjustments=[{"name": "levy", "per_kwh": "0.02"}, {"name": "tax", "pct": "10"}],
    )
    prices = rate_at(made, np.array([at(2026, 6, 1, 11), at(2026, 6, 1, 10, 59), at(2026, 6, 1, 9)], np.int64))
    assert prices.column("buy").tolist() == [0.1, -0.05, 0.1]
    assert [prices.rates[place].full for place in prices.index] == [Decimal("0.132"), Decimal("-0.033"), Decimal("0.132")]
    assert np.isnan(prices.column("sell")).tolist() == [True, False, True]
    alone = tariff(series=[{"from": "2026-06-01T10:00:00Z", "to": "2026-06-01T11:00:00Z", "price": "1"}])
    assert rate_at(alone, np.array([at(2026, 6, 1, 9), at(2026, 6, 1, 10)], np.int64)).index.tolist() == [NO_PRICE, 0]


def test_former_terms_hold_until_the_next() -> None:
    former = {**read({**COMMON, "energy": {"periods": [[{"rate": "0.20"}]]}}), "version": 1, "valid_to": "2026-06-01T00:00:00Z"}
    made = tariff(energy=FLAT, valid_from="2026-06-01T00:00:00Z", valid_to="2026-07-01T00:00:00Z", former=[former])
    moments = [at(2026, 5, 31, 23), at(2026, 6, 1), at(2026, 7, 1)]
    prices = rate_at(made, np.array(moments, np.int64))
    assert [None if place == NO_PRICE else prices.rates[place].version for place in prices.index] == [1, 3, None]
    assert [None if (terms := made.terms_at(each)) is None else terms.version for each in moments] == [1, 3, None]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, {"/energy": "required"}),
        ({"currency": "XXX", "timezone": None}, {"/currency": "unknown_currency", "/timezone": "required"}),
        ({"energy": {"periods": [[{"rate": 0.1}]]}}, {"/energy/periods/0/0/rate": "type"}),
        ({"energy": {"periods": [[{"rate": "1e3"}]]}}, {"/energy/periods/0/0/rate": "bad_decimal"}),
        ({"energy": {"periods": [[{"rate": "1", "max": "5"}]]}}, {"/energy/periods/0/0/max": "not_last"}),
        (
            {"energy": {"periods": [[{"rate": "1", "max": "5"}, {"rate": "1", "max": "5"}, {"rate": "1"}]]}},
            {"/energy/periods/0/1/max": "not_ascending"},
        ),
        ({"energy": {"periods": [[{"rate": "1"}, {"rate": "1"}]]}}, {"/energy/periods/0/0/max": "required"}),
        ({"energy": {"periods": [[]]}}, {"/energy/periods/0": "required"}),
        ({"energy": {"periods": []}}, {"/energy/periods": "required"}),
        (
            {"energy": {"periods": [[{"rate": "1"}], [{"rate": "2"}]]}},
            {"/energy/weekday": "required", "/energy/weekend": "required"},
        ),
        ({"energy": {**FLAT, "weekday": [[0] * 24] * 11}}, {"/energy/weekday": "bad_shape"}),
        ({"energy": {**FLAT, "weekday": [[0] * 24] * 11 + [[0] * 23]}}, {"/energy/weekday/11": "bad_shape"}),
        ({"energy": {**FLAT, "weekend": [[0] * 24] * 11 + [[0] * 23 + [True]]}}, {"/energy/weekend/11/23": "bad_index"}),
        ({"energy": FLAT, "demand": {}}, {"/demand/flat": "required"}),
        (
            {"energy": FLAT, "demand": {"flat": [{"months": [1, 1, 13], "tiers": [{"rate": "1"}]}], "window_min": 7}},
            {
                "/demand/flat/0/months/1": "duplicate",
                "/demand/flat/0/months/2": "out_of_range",
                "/demand/window_min": "bad_choice",
            },
        ),
        (
            {"energy": FLAT, "fixed": {"per_month": "-1"}, "minimum": 3, "net": "free"},
            {"/fixed/per_month": "out_of_range", "/minimum": "type", "/net": "bad_choice"},
        ),
        ({"energy": FLAT, "holidays": ["2026-02-30", "2026-01-01", "2026-01-01"]}, {
            "/holidays/0": "bad_date", "/holidays/2": "duplicate"}),
        ({"energy": FLAT, "adjustments": [{"name": "x"}]}, {"/adjustments/0/per_kwh": "one_of"}),
        ({"energy": FLAT, **dict.fromkeys(("valid_from", "valid_to"), "2026-06-01T00:00:00Z")}, {"/valid_to": "out_of_order"}),
        (
            {"series": [
                {"from": "2026-06-01T00:00:00Z", "to": "2026-06-01T02:00:00Z", "price": "1"},
                {"from": "2026-06-01T01:00:00Z", "to": "2026-06-01T03:00:00Z", "price": 1},
            ]},
            {"/series/1/from": "overlap", "/series/1/price": "type"},
        ),
        ({"energy": FLAT, "colour": 1, "former": []}, {"/colour": "unknown", "/former": "unknown"}),
    ],
)  # fmt: skip
def test_every_fault_is_told(body: dict[str, Any], wanted: dict[str, str]) -> None:
    assert faults(**body) == wanted


URDB: dict[str, Any] = {
    "name": "U",
    "timezone": "America/New_York",
    "label": "5a0b28bf5457a3393e3d5a87",
    "utility": "A utility",
    "energyratestructure": [
        [{"rate": 0.0825, "adj": 0.01, "max": 500, "unit": "kWh"}, {"rate": 0.1}],
        [{"rate": 0.2, "sell": 0.05}],
    ],
    "energyweekdayschedule": [[0] * 12 + [1] * 12] * 12,
    "energyweekendschedule": [[0] * 24] * 12,
    "flatdemandstructure": [[{"rate": 9.5}], [{"rate": 3}]],
    "flatdemandmonths": [0] * 6 + [1] * 6,
    "fixedchargefirstmeter": 12,
    "fixedchargeunits": "$/month",
    "mincharge": 5.5,
    "dgrules": "Net Metering",
    "startdate": 1767225600,
}


def test_the_names_of_the_urdb_are_understood() -> None:
    found = read(URDB)
    assert found["currency"] == "USD"
    assert found["energy"]["periods"][0][0] == {"rate": "0.0925", "max": "500", "sell": None}
    assert found["energy"]["periods"][1][0]["sell"] == "0.05"
    assert [each["months"] for each in found["demand"]["flat"]] == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]
    assert (found["fixed"], found["minimum"]) == ({"per_month": "12", "per_day": "0"}, "5.5")
    assert (found["net"], found["valid_from"]) == ("net_metering", "2026-01-01T00:00:00Z")
    assert found["metadata"] == {"urdb": {"label": URDB["label"], "utility": URDB["utility"]}}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"energyweekendschedule": [[7] * 24] * 12}, "/energyweekendschedule/0/0"),
        ({"energyratestructure": [[{"max": 1}]]}, "/energyratestructure/0/0/rate"),
        ({"energyratestructure": [[{"rate": 1, "unit": "kWh daily", "max": 3}, {"rate": 2}]]}, "/energyratestructure/0/0/max"),
        ({"energyratestructure": "x"}, "/energyratestructure"),
        ({"fixedchargeunits": "$/year"}, "/fixedchargefirstmeter"),
        ({"startdate": "soon"}, "/startdate"),
        ({"flatdemandmonths": [5] * 12}, "/flatdemandstructure"),
        ({"dgrules": "Barter"}, "/dgrules"),
        ({"energy": FLAT}, "/energyratestructure"),
        ({"mincharge": "1e999999999999"}, "/mincharge"),
        ({"fixedchargefirstmeter": "1_0"}, "/fixedchargefirstmeter"),
    ],
)
def test_faults_of_the_urdb_are_told_at_its_names(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Faulty) as caught:
        read({**URDB, **change})
    assert pointer in {fault.pointer for fault in caught.value.faults}
