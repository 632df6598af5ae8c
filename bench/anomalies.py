"""Anomalies of households: what is missed and what is reported in vain in months of life, and one look at a thousand homes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from bench.anomaly_homes import KINDS, ZONE, Home, Kind, Span, home_of, instant
from bench.figure import Figure
from bench.runner import ROOT, Context
from wattline.households.anomalies.history import STEP, Steps
from wattline.households.anomalies.judgement import Case, Run, history_of, judge
from wattline.model.clock import DAY, MINUTE

FIRST = date(2026, 9, 1)
"""The clocks go back in October, and heating begins."""
FIRST_HOME = 20_000
"""The limits were chosen with homes of other numbers."""
CADENCES = (15, 21)
UNUSUAL_W, UNUSUAL_MINUTES, UNUSUAL_HOUR = 9000.0, 25.0, 3.0
NEAR = 15 * MINUTE
RISE_W = 150.0
SMALL = KINDS[:2] + KINDS[3:4]
"""Homes of about 200 W."""
Change = Callable[[Home, int], None]


@dataclass(frozen=True)
class Lived:
    """A home and what was reported of it."""

    kind: Kind
    home: Home
    case: Case


def _lived(kind: Kind, homes: int, days: int, change: Change | None = None) -> list[Lived]:
    """Homes of a kind, judged from their first day on as a server would: nothing is known of them yet."""
    made = []
    for number in range(homes):
        home = home_of(kind, FIRST_HOME + number, FIRST, days)
        if change is not None:
            change(home, days)
        made.append(home)
    watts = np.stack([home.steps(CADENCES[number % 2]) for number, home in enumerate(made)])
    origin = history_of(made[0].start, ZONE)
    before = np.full((homes, (made[0].start - origin) // STEP), np.nan)
    steps = Steps(origin, np.hstack([before, watts]))
    cases = [Case(steps.end) for _ in made]
    judge(steps, cases, ZONE, made[0].start)
    return [Lived(kind, home, case) for home, case in zip(made, cases, strict=True)]


def _injected(days: int) -> list[int]:
    """When the unusual use begins: the night after a month, and another two months later where there is one."""
    return [instant(FIRST + timedelta(days=day), UNUSUAL_HOUR) for day in (33, 33 + 56) if day < days]


def _unusual(home: Home, days: int) -> None:
    for start in _injected(days):
        home.add(Span(start, UNUSUAL_MINUTES, UNUSUAL_W))


def _always_on(home: Home, days: int) -> None:
    home.add(Span(instant(FIRST + timedelta(days=33), 15), (days - 33) * DAY / MINUTE, RISE_W))


def _times_told(lived: Lived, start: int) -> int:
    return sum(abs(run.first - start) < NEAR for run in lived.case.runs)


def _rises_told(lived: Lived) -> int:
    since, until = (instant(FIRST + timedelta(days=day), 0) for day in (32, 40))
    return sum(since <= rise.start < until for rise in lived.case.rises)


def _told(run: Run) -> str:
    return f"{(run.last + STEP - run.first) // MINUTE} min, at most {run.most_w / 1000:.1f} kW"


def quality(context: Context) -> Sequence[Figure]:
    """Every kind of home as it is, with 9 kW for 25 minutes at 03:00, and with something left on for good."""
    homes, days = context.scaled(16, 4), context.scaled(120, 60)
    plain = {kind.name: _lived(kind, homes, days) for kind in KINDS}
    struck = {kind.name: _lived(kind, homes, days, _unusual) for kind in KINDS}
    raised = [lived for kind in SMALL for lived in _lived(kind, homes, days, _always_on)]
    years = homes * days / 365
    reports = {name: sum(len(lived.case.runs) for lived in every) for name, every in plain.items()}
    rises = {name: sum(len(lived.case.rises) for lived in every) for name, every in plain.items()}
    found = {
        name: [_times_told(lived, start) for lived in every for start in _injected(days)] for name, every in struck.items()
    }
    once = {name: sum(times == 1 for times in each) / len(each) for name, each in found.items()}
    small = [times for kind in SMALL for times in found[kind.name]]
    cooks = [kind.name for kind in KINDS if kind.cooks_only]
    detail = {"homes_of_a_kind": homes, "days": days, "cadences_s": CADENCES}
    what = {name: [_told(run) for lived in every for run in lived.case.runs] for name, every in plain.items()}
    cars = [name for name in reports if name.startswith("car")]
    return [
        Figure(
            "9 kW for 25 minutes at 03:00 in homes of about 200 W, told once",
            sum(times == 1 for times in small) / len(small),
            "of all",
            target=1,
            detail=detail | {"told_more_than_once": sum(times > 1 for times in small), "told_once_by_kind_of_home": once},
        ),
        Figure(
            "reports where people only cook, wash and dry",
            sum(reports[name] for name in cooks),
            "reports",
            "less",
            target=0,
            detail=detail | {"kinds": cooks, "household_years": len(cooks) * years},
        ),
        Figure(
            "reports a household-year with a car charged most nights",
            sum(reports[name] for name in cars) / years / len(cars),
            "reports",
            "less",
            target=1,
            detail=detail | {"reports": {name: what[name] for name in cars}},
        ),
        Figure(
            "reports in vain a household-year, every kind of home",
            (sum(reports.values()) + sum(rises.values())) / years / len(KINDS),
            "reports",
            "less",
            target=0.5,
            detail=detail | {"unusual_use": what, "base_load": rises},
        ),
        Figure(
            "150 W left on for good in homes of about 200 W, told once",
            sum(_rises_told(lived) == 1 for lived in raised) / len(raised),
            "of all",
            detail=detail,
        ),
    ]


def speed(context: Context) -> Figure:
    """The last half hour of every home, in a process of its own that has learnt nothing yet: four weeks of each are read."""
    homes = context.scaled(1000, 50)
    command = [sys.executable, "-m", "bench.anomaly_town", str(context.place("anomalies")), str(homes)]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = json.loads(made.stdout.splitlines()[-1])
    if found["incidents"] != found["unusual_homes"]:
        raise RuntimeError(f"{found['incidents']} incidents in {found['unusual_homes']} homes with unusual use")
    return Figure("anomalies of 1,000 households for a half hour", found["seconds"], "s", "less", target=20, detail=found)


def anomalies(context: Context) -> Sequence[Figure]:
    """Every figure."""
    return [speed(context), *quality(context)]
