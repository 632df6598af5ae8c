"""From what was judged to the row of an incident, with the figures that its mail tells; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import numpy as np

from wattline.households.accounts.model import Tariff
from wattline.households.anomalies.expectation import Expectation
from wattline.households.anomalies.history import STEP
from wattline.households.anomalies.judgement import Case, Rise, Run
from wattline.households.anomalies.model import Anomaly, id_of
from wattline.households.anomalies.store import Key
from wattline.ingest.series import Series
from wattline.model.clock import HOUR, from_micros
from wattline.registry.stream import Stream

YEAR_HOURS = 8760
CENT = Decimal("0.01")
WATTS = 1_000 * HOUR
"""kWh / us to W."""
LONGEST_EXACT = 48 * HOUR
"""us of an incident whose figures follow from the readings themselves; of a longer one from its steps so far."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it is by now, and whether nobody found it before."""

    row: Anomaly
    new: bool


def priced(row: Anomaly, tariffs: Sequence[Tariff], zone: ZoneInfo) -> Anomaly:
    """The incident with what it costs in EUR, at the working price of the local day on which it began; None where that is not
    known. `tariffs` are those of the household, oldest first."""
    day = from_micros(row.start).astimezone(zone).date()
    price = next((tariff.working_price for tariff in reversed(tariffs) if tariff.since <= day), None)
    kwh = row.figures["year_kwh" if row.figures["reason"] == "base" else "excess_kwh"]
    cost = None if price is None else str((Decimal(repr(kwh)) * price).quantize(CENT, ROUND_HALF_UP))
    return replace(row, figures={**row.figures, "cost": cost})


def case_of(rows: Sequence[Anomaly], end: int, learnt: Mapping[int, Expectation]) -> Case:
    """A meter with the incidents of its last weeks."""
    case = Case(end, learnt=dict(learnt))
    for row in rows:
        figures = row.figures
        if figures["reason"] == "base":
            case.rises.append(Rise(row.start, figures["expected_w"], figures["power_w"], row.end, row))
            continue
        first, last, counted = figures["steps"]
        expected, most, usual = figures["expected_kwh"], figures["most_w"], figures["usual_w"]
        case.runs.append(Run(first, last, figures["above_w"], expected, counted, most, usual, row.end is not None, row))
    return case


async def incident(series: Series, key: Key, stream: Stream, found: Run | Rise) -> Incident:
    """The row of what was found, or has gone on."""
    if isinstance(found, Rise):
        row = _rise(key, found)
    else:
        row = await _run(series, key, stream, found)
    return Incident(row, found.row is None)


def _rise(key: Key, rise: Rise) -> Anomaly:
    year = (rise.now_w - rise.before_w) * YEAR_HOURS / 1000
    figures = {
        "reason": "base",
        "power_w": rise.now_w,
        "expected_w": rise.before_w,
        "year_kwh": year,
    }
    return Anomaly(key.tenant, id_of(*key, "usage", rise.start), key.user, key.mac, "usage", rise.start, rise.end, figures)


async def _run(series: Series, key: Key, stream: Stream, run: Run) -> Anomaly:
    start, until, used = await _measured(series, stream, run)
    hours = (until - start) / HOUR
    # What is expected follows from whole steps; the incident lasts from one reading to another.
    steps = max(run.counted - run.first, STEP) / HOUR
    expected_w = run.expected_kwh / steps * 1000
    excess = used - expected_w * hours / 1000
    figures = {
        "reason": "power",
        "until": until,
        "power_w": used / hours * 1000,
        "expected_w": expected_w,
        "most_w": run.most_w,
        "usual_w": run.usual_w,
        "used_kwh": used,
        "excess_kwh": excess,
        "expected_kwh": run.expected_kwh,
        "above_w": run.above,
        "steps": [run.first, run.last, run.counted],
    }
    end = until if run.over else None
    return Anomaly(key.tenant, id_of(*key, "usage", start), key.user, key.mac, "usage", start, end, figures)


async def _measured(series: Series, stream: Stream, run: Run) -> tuple[int, int, float]:
    """From when to when use was high and what was used meanwhile (kWh): to the reading, or to the step where they are gone."""
    first, stop = run.first, run.last + STEP
    known = None if run.row is None else run.row.start
    expected_w = run.expected_kwh / max(run.counted - run.first, STEP) * WATTS
    rows = await series.rows([stream], max(first - STEP, stop - LONGEST_EXACT), stop + STEP, ("total",))
    usable = np.isfinite(rows.columns["total"])
    time, total = rows.time[usable], rows.columns["total"][usable]
    high = np.flatnonzero(np.diff(total) * WATTS > np.diff(time) * (expected_w + run.above)) if len(time) > 1 else time[:0]
    if not len(high):
        return (first if known is None else known), stop, run.most_w * (stop - first) / WATTS
    begin, until = int(time[high[0]]) if known is None else known, int(time[high[-1] + 1])
    if begin < time[0]:
        past = None if run.row is None else run.row.figures
        before = 0.0 if past is None else past["used_kwh"] * max(int(time[0]) - begin, 0) / max(past["until"] - begin, 1)
        return begin, until, before + float(np.interp(until, time, total) - total[0])
    return begin, until, float(np.interp(until, time, total) - np.interp(begin, time, total))
