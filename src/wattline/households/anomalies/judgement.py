"""Many meters of one time zone looked at over some time: what is expected is learnt, and incidents begin, go on and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattline.billing.days import days
from wattline.households.anomalies import detection
from wattline.households.anomalies.calendar import Calendar
from wattline.households.anomalies.detection import LOOK_BACK, QUIET_STEPS, Course
from wattline.households.anomalies.expectation import HISTORY_DAYS, RECENT_NIGHTS, Expectation, learn, stacked
from wattline.households.anomalies.history import STEP, Steps
from wattline.households.anomalies.model import Anomaly
from wattline.model.clock import DAY, SECOND, from_micros, to_micros

Floats = NDArray[np.float64]

MORNING = 8
"""The local hour at which the night's base load is judged."""
ADOPTED = 21 * DAY
"""us after which a higher base load is what is expected."""
KWH = STEP / (3600 * SECOND) / 1000
"""Of a watt over a step."""


@dataclass(slots=True)
class Run:
    """Unusual use: the begin of its first and of its last step so far (us), and whether it is over.

    `above` is how much beyond what is expected is high, W. `expected_kwh` is what was expected up to `counted` (us), `most_w`
    the most in a step, `usual_w` the habit over twenty minutes, at any hour. `row` is its incident, None for a new one.
    """

    first: int
    last: int
    above: float
    expected_kwh: float = 0.0
    counted: int = 0
    most_w: float = 0.0
    usual_w: float = 0.0
    over: bool = False
    row: Anomaly | None = None


@dataclass(slots=True)
class Rise:
    """What is always on rose from `before_w` to `now_w` at `start` (us); it ended at `end`. `row` as of a run."""

    start: int
    before_w: float
    now_w: float
    end: int | None = None
    row: Anomaly | None = None


@dataclass(slots=True)
class Case:
    """A meter: up to when to look (us), its incidents of the last weeks, and those that were found or went on, which are among
    them. `learnt` holds what was learnt before, by the day it is for."""

    end: int
    runs: list[Run] = field(default_factory=list)
    rises: list[Rise] = field(default_factory=list)
    learnt: dict[int, Expectation] = field(default_factory=dict)
    touched: list[Run | Rise] = field(default_factory=list)


def history_of(day: int, zone: ZoneInfo) -> int:
    """When the history begins that the local day beginning at `day` (us) is judged by."""
    return _midnight(_date(day, zone) - timedelta(days=HISTORY_DAYS), zone)


def origin_of(cases: Sequence[Case], zone: ZoneInfo, begin: int, end: int) -> int:
    """From when on the power must be known to look at [begin, end)."""
    look_back = begin - LOOK_BACK * STEP
    missing = [day for day, _ in days(begin, end, zone) if any(day not in case.learnt for case in cases)]
    return min(look_back, history_of(missing[0], zone)) if missing else look_back


def judge(steps: Steps, cases: Sequence[Case], zone: ZoneInfo, begin: int) -> None:
    """Look at each case from `begin` to its end, and note in it what was found. `steps` begin at `origin_of`."""
    for day, following in days(begin, max(case.end for case in cases), zone):
        _learn(steps, cases, zone, day)
        expectation = stacked([case.learnt[day] for case in cases])
        _power(steps, cases, zone, expectation, max(begin, day), following)
        morning = to_micros(datetime.combine(_date(day, zone), datetime.min.time(), zone).replace(hour=MORNING))
        for number, case in enumerate(cases):
            if begin <= morning < case.end:
                _base(case, expectation, number, _date(day, zone), zone)


def _learn(steps: Steps, cases: Sequence[Case], zone: ZoneInfo, day: int) -> None:
    missing = [number for number, case in enumerate(cases) if day not in case.learnt]
    if not missing:
        return
    start = history_of(day, zone)
    span = slice(steps.index(start), steps.index(day))
    calendar = Calendar(zone, start, span.stop - span.start)
    reported = np.zeros((len(missing), span.stop - span.start), bool)
    for row, number in enumerate(missing):
        for run in cases[number].runs:
            reported[row, max((run.first - start) // STEP, 0) : max((run.last - start) // STEP + 1, 0)] = True
    found = learn(steps.watts[missing, span], calendar, reported)
    for row, number in enumerate(missing):
        cases[number].learnt[day] = found.row(row)


def _power(steps: Steps, cases: Sequence[Case], zone: ZoneInfo, expectation: Expectation, first: int, following: int) -> None:
    last = min(following, max(case.end for case in cases))
    origin = first - LOOK_BACK * STEP
    watts = steps.watts[:, steps.index(origin) : steps.index(last)]
    calendar = Calendar(zone, origin, watts.shape[1])
    hourly = detection.expected(expectation, calendar)
    limits = detection.limits(expectation, calendar, hourly)
    found = detection.suspicious(watts, limits, LOOK_BACK)
    for number, case in enumerate(cases):
        stop = (min(last, case.end) - origin) // STEP
        if stop <= LOOK_BACK or not (found[number] or _running(case)):
            continue
        limit = [each[number, :stop] for each in limits]
        usual = float(expectation.habit[number, 0].max())
        _follow(case, watts[number, :stop], hourly[number, :stop], limit, origin, usual)


def _running(case: Case) -> Run | None:
    return next((run for run in case.runs if not run.over), None)


def _follow(case: Case, watts: Floats, hourly: Floats, limit: list[Floats], origin: int, usual: float) -> None:
    running = _running(case)
    carried = None
    if running is not None:
        carried = Course((running.first - origin) // STEP, (running.last - origin) // STEP, running.above)
    masked = np.zeros(len(watts), bool)
    for run in case.runs:
        if run.over:
            over = (run.last - origin) // STEP + QUIET_STEPS
            masked[max((run.first - origin) // STEP, 0) : max(over, 0)] = True
    for course in detection.follow(watts, hourly, limit, LOOK_BACK, carried, np.flatnonzero(masked)):
        if running is None:
            begin = origin + course.first * STEP
            running = Run(begin, begin, course.above, counted=begin, usual_w=usual)
            case.runs.append(running)
        run, running = running, None
        run.last, run.over = origin + course.last * STEP, course.over is not None
        fresh = slice(max((run.counted - origin) // STEP, 0), course.last + 1)
        if fresh.start < fresh.stop:
            run.expected_kwh += float(hourly[fresh].sum()) * KWH
            run.most_w = max(run.most_w, float(np.nanmax(np.append(watts[fresh], 0.0))))
            run.counted = run.last + STEP
        if run not in case.touched:
            case.touched.append(run)


def _base(case: Case, expectation: Expectation, number: int, day: date, zone: ZoneInfo) -> None:
    midnight = _midnight(day, zone)
    rise = next((each for each in case.rises if each.end is None), None)
    if rise is None:
        now = float(expectation.raised[number])
        if not np.isnan(now):
            begin = _midnight(day - timedelta(days=RECENT_NIGHTS), zone)
            rise = Rise(begin, float(expectation.base[number]), now)
            case.rises.append(rise)
            case.touched.append(rise)
        return
    if float(expectation.nights[number]) < (rise.before_w + rise.now_w) / 2:
        rise.end = max(rise.start, _midnight(day - timedelta(days=1), zone))
    elif midnight - rise.start >= ADOPTED:
        rise.end = midnight
    if rise.end is not None:
        case.touched.append(rise)


def _date(time: int, zone: ZoneInfo) -> date:
    return from_micros(time).astimezone(zone).date()


def _midnight(day: date, zone: ZoneInfo) -> int:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone))
