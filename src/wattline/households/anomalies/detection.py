"""What is unusual, step by step. Pure: what a step leads to follows from what came before it alone, so it does not matter how
many are looked at in one go."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wattline.households.anomalies.calendar import Calendar
from wattline.households.anomalies.expectation import DURATIONS, LEAST_DAYS, Expectation, trailing

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

LOOK_BACK = 2 * max(DURATIONS)
"""Steps before the first one that is judged, which its sums and the beginning of an incident need."""
QUIET_STEPS = 6
"""Half an hour at which use is back to normal ends an incident."""
LEAST_EXCESS_W = (1500.0, 1500.0, 1000.0, 800.0)
"""Above what is expected, over each of the durations."""
ANY_HOME_W = (4500.0, 3500.0, 1800.0, 1200.0)
"""What cooking, washing and drying come to in any home, over each of the durations: never unusual, even where nobody did so
for weeks."""
NEAR_SHARE = 0.5
ALLOWANCE_W = (2500.0, 2200.0, 1600.0, 1000.0)
"""Use is unusual beyond the most that the household uses at any hour (what is done every day is done at another time now and
then), this share of the most near this hour (the two may coincide), and an allowance."""
QUIET_ALLOWANCE, BUSY_W = 0.25, 2000.0
"""The share of the allowance where nothing runs near this hour; all of it where the habit comes to so much."""
EARLY_MARGIN = 1.0
"""So much more of the habit where it is known for a few days alone; less and less until three weeks are known."""
SETTLED_DAYS = 21


@dataclass(frozen=True, slots=True)
class Course:
    """The run of an incident, in steps: its first, its last one of high use so far, and the one after half an hour of normal
    use (None: it goes on). `above` is the power in W beyond what is expected that counts as high.
    """

    first: int
    last: int
    above: float
    over: int | None = None


def expected(expectation: Expectation, calendar: Calendar) -> Floats:
    """The power expected in each step of a calendar, a row a meter."""
    return expectation.hourly[:, calendar.hour_of_week]


def limits(expectation: Expectation, calendar: Calendar, hourly: Floats) -> list[Floats]:
    """The mean power over each of the durations that is unusual, at each step; `hourly` is the power expected in it."""
    days = expectation.days
    early = 1 + EARLY_MARGIN * np.clip((SETTLED_DAYS - days) / (SETTLED_DAYS - LEAST_DAYS), 0.0, 1.0)
    found = []
    for at, steps in enumerate(DURATIONS):
        habit = expectation.habit[:, at] * early[:, None]
        busy = QUIET_ALLOWANCE + (1 - QUIET_ALLOWANCE) * np.minimum(habit / BUSY_W, 1.0)
        beyond = habit.max(axis=1, keepdims=True) + NEAR_SHARE * habit + ALLOWANCE_W[at] * busy
        beyond = np.maximum(beyond, ANY_HOME_W[at])[:, calendar.hour]
        limit = np.maximum(trailing(hourly, steps) + LEAST_EXCESS_W[at], beyond)
        limit[days < LEAST_DAYS] = np.inf
        found.append(limit)
    return found


def suspicious(watts: Floats, limit: list[Floats], first: int) -> NDArray[np.bool_]:
    """Of each meter, whether any step from `first` on completes a span of unusual use."""
    found = np.zeros(len(watts), bool)
    with np.errstate(invalid="ignore"):
        for steps, most in zip(DURATIONS, limit, strict=True):
            found |= (trailing(watts, steps)[:, first:] > most[:, first:]).any(axis=1)
    return found


def follow(
    watts: Floats, hourly: Floats, limit: list[Floats], first: int, running: Course | None, masked: Indices
) -> list[Course]:
    """The incidents of one meter that ran in the steps from `first` on, oldest first.

    `watts`, `hourly` and `limit` are its rows; `running` is the incident that ran before `first`. Use in the steps of
    `masked` belongs to incidents that are over, and is no part of another.
    """
    power = np.where(np.isnan(watts), -np.inf, watts)
    counted = watts.copy()
    counted[masked] = np.fmin(counted[masked], hourly[masked])
    courses: list[Course] = []
    at = first
    while at < len(watts):
        if running is None:
            running = _beginning(counted, hourly, limit, at)
            if running is None:
                break
            # The steps up to the one that gave it away are part of it, as far as its use was high.
            at = max(running.last, first)
        running, at = _carried(power, hourly, running, at)
        courses.append(running)
        if running.over is None:
            break
        mine = slice(running.first, running.over)
        counted[mine] = np.fmin(counted[mine], hourly[mine])
        running = None
    return courses


def _beginning(counted: Floats, hourly: Floats, limit: list[Floats], start: int) -> Course | None:
    """The first incident that a step from `start` on gives away."""
    found: tuple[int, int, int] | None = None
    for number, steps in enumerate(DURATIONS):
        with np.errstate(invalid="ignore"):
            beyond = np.flatnonzero(trailing(counted[None], steps)[0, start:] > limit[number][start:])
        if len(beyond) and (found is None or start + beyond[0] < found[0]):
            found = start + int(beyond[0]), steps, number
    if found is None:
        return None
    at, steps, number = found
    span = slice(max(at - steps + 1, 0), at + 1)
    above = max((float(limit[number][at]) - float(hourly[span].mean())) / 2, LEAST_EXCESS_W[number] / 2)
    with np.errstate(invalid="ignore"):
        high = np.flatnonzero(counted[: at + 1] > hourly[: at + 1] + above)
    inside = high[high >= span.start]
    if not len(inside):
        return Course(at, at, above)
    calms = np.flatnonzero(np.diff(high) > QUIET_STEPS)
    # What was high before the span and led into it without a calm belongs to it.
    stretch = high[calms[-1] + 1] if len(calms) else high[0]
    return Course(int(min(stretch, inside[0])), int(high[-1]), above)


def _carried(power: Floats, hourly: Floats, course: Course, start: int) -> tuple[Course, int]:
    """The incident carried on from a step: with its end, where it ends; and the step after what was looked at."""
    last = course.last
    for at in range(start, len(power)):
        if power[at] > hourly[at] + course.above:
            last = at
        elif at - last >= QUIET_STEPS:
            return replace(course, last=last, over=last + QUIET_STEPS), at
    return replace(course, last=last), len(power)
