"""What a home draws from the grid at any instant, and what its registers show.

A day is made from the home, the date and nothing else: its appliances run at times that differ from day to day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import DAY, SECOND, to_micros
from wattline.simulate.homes.definition import Home

EPOCH = to_micros(datetime(2026, 1, 1, tzinfo=UTC))
"""When every register showed what the definition says."""
STEP = 10
"""Seconds for which the power is held."""
STEPS = 86_400 // STEP

Floats = NDArray[np.float64]
Phase = tuple[float, float]
"""Minutes and watts."""

RUNS: dict[str, tuple[tuple[Phase, ...], tuple[float, ...], float]] = {
    "kettle": (((3.0, 2000.0),), (6.2, 14.8), 0.95),
    "stovetop": (((22.0, 1600.0),), (17.3,), 0.85),
    "oven": (((12.0, 2300.0), (25.0, 900.0)), (16.6,), 0.5),
    "dishwasher": (((16.0, 1900.0), (35.0, 60.0), (13.0, 1900.0)), (19.2,), 0.7),
    "washingMachine": (((17.0, 2050.0), (55.0, 180.0), (7.0, 420.0)), (8.5,), 0.5),
    "dryer": (((52.0, 2400.0),), (10.6,), 0.4),
    "eCar": (((170.0, 7200.0),), (0.5,), 0.8),
}
"""Of each appliance: the phases of a run, the hours (UTC) at which it usually starts, and how likely it does."""


@dataclass(frozen=True, slots=True)
class _Day:
    """The power of each step (W, negative where the home feeds in) and the energy to the begin of each step (kWh)."""

    power: Floats
    imported: Floats
    exported: Floats


def _runs(home: Home, chance: np.random.Generator) -> Iterator[tuple[int, int, float]]:
    """First step, last step and power of every phase of a day."""
    for name in home.owns:
        if name not in RUNS:
            continue
        phases, hours, likely = RUNS[name]
        for hour in hours:
            start = hour * 60 + float(chance.normal(0, 20))
            if chance.random() > likely:
                continue
            for minutes, watts in phases:
                first, start = start, start + minutes
                yield round(max(0.0, first) * 60 / STEP), round(min(1440.0, start) * 60 / STEP), watts


def _power(home: Home, day: int) -> Floats:
    chance = np.random.default_rng([int(home.mac.replace(":", ""), 16), day])
    step = np.arange(STEPS)
    hour = step * STEP / 3600
    power = home.base_w * (1 + 0.04 * chance.standard_normal(STEPS // 30).repeat(30))
    if "fridge" in home.owns:
        period, phase = 45 * 60 / STEP, float(chance.uniform(0, 270))
        power = power + np.where((step + phase) % period < period / 3, 85.0, 0.0)
    evening = (hour >= 16.5) & (hour < 21)
    power = power + np.where(evening, 140.0, 0.0)
    for first, last, watts in _runs(home, chance):
        power[first:last] += watts
    if home.pv_w:
        sun = np.where((hour > 5) & (hour < 17), np.sin(np.pi * (hour - 5) / 12), 0.0) ** 1.5
        clouds = np.interp(hour, np.arange(25), chance.uniform(0.35, 1.0, 25))
        power = power - home.pv_w * sun * clouds
    return power


class Life:
    """One home. Times in us, not before `EPOCH`."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._totals: list[tuple[float, float]] = [(0.0, 0.0)]
        self._days: dict[int, _Day] = {}

    def at(self, time: int) -> tuple[float, float, float]:
        """Power now (W), and what was taken from and given to the grid since the epoch (kWh)."""
        day, within = divmod(time - EPOCH, DAY)
        taken, given = self._before(day)
        today = self._day(day)
        step, part = divmod(within, STEP * SECOND)
        share = part / (STEP * SECOND)
        imported, exported = (
            float(energy[step] + share * (energy[step + 1] - energy[step])) for energy in (today.imported, today.exported)
        )
        return float(today.power[step]), taken + imported, given + exported

    def _before(self, day: int) -> tuple[float, float]:
        while len(self._totals) <= day:
            made = self._made(len(self._totals) - 1)
            taken, given = self._totals[-1]
            self._totals.append((taken + float(made.imported[-1]), given + float(made.exported[-1])))
        return self._totals[day]

    def _day(self, day: int) -> _Day:
        found = self._days.get(day)
        if found is None:
            found = self._made(day)
            # The past is told once, day by day; who reads on needs today alone.
            self._days = {day: found}
        return found

    def _made(self, day: int) -> _Day:
        power = _power(self.home, day)
        hours = STEP / 3600 / 1000
        imported, exported = (np.concatenate([[0.0], np.cumsum(np.maximum(signed, 0.0)) * hours]) for signed in (power, -power))
        return _Day(power, imported, exported)
