"""Months of life in many homes, as their meters' registers tell it: what unusual use must be told from.

Each home is made from its number alone. Times of the day are local, so the clock changes are lived through as people do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattline.households.anomalies.history import STEP, powers
from wattline.model.clock import SECOND, to_micros

Floats = NDArray[np.float64]
ZONE = ZoneInfo("Europe/Berlin")
GRAIN = 10
"""Seconds for which the simulated power is held."""
GRAINS = STEP // (GRAIN * SECOND)


@dataclass(frozen=True)
class Span:
    """Some power over some minutes from an instant (us)."""

    start: int
    minutes: float
    watts: float


@dataclass
class Home:
    """The power of a home in every grain from `start` (us)."""

    start: int
    power: Floats
    chance: np.random.Generator

    def add(self, span: Span) -> None:
        first = (span.start - self.start) // (GRAIN * SECOND)
        count = round(span.minutes * 60 / GRAIN)
        self.power[max(first, 0) : max(first + count, 0)] += span.watts

    def steps(self, every: int, resolution_kwh: float = 1e-4) -> Floats:
        """The power of each step as the meter's register gives it, read every so many seconds, not in step with the clock."""
        energy = np.concatenate([[0.0], np.cumsum(self.power)]) * GRAIN / 3.6e6
        end = self.start + len(self.power) // GRAINS * STEP
        begins = np.arange(self.start, end, STEP)
        readings = (begins + STEP - 1) // (every * SECOND) * every * SECOND
        register = np.interp((readings - self.start) / SECOND / GRAIN, np.arange(len(energy)), energy)
        register = np.floor(register / resolution_kwh) * resolution_kwh
        row = np.zeros(len(begins), np.int64)
        return powers(1, self.start, end, row, begins, register)[0]


def instant(day: date, hour: float) -> int:
    """A local time of a day, in us; hours beyond 24 are of the next day."""
    begin = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(minutes=round(hour * 60))
    return to_micros(begin.astimezone(UTC))


Habits = Callable[[Home, date, bool], None]


def live(number: int, first: date, days: int, base_w: float, habits: list[Habits], away: set[date]) -> Home:
    """A home from a local midnight on: what is always on, a fridge, and what its people do on each day that they are there."""
    chance = np.random.default_rng(number)
    start = instant(first, 0)
    count = (instant(first + timedelta(days=days), 0) - start) // (GRAIN * SECOND)
    noise = np.repeat(chance.normal(0, 0.06, count // 30 + 1), 30)[:count]
    home = Home(start, base_w * (1 + noise), chance)
    period, phase = int(chance.integers(230, 330)), int(chance.integers(0, 300))
    home.power += np.where((np.arange(count) + phase) % period < period / 3, chance.uniform(60, 110), 0.0)
    for later in range(days):
        day = first + timedelta(days=later)
        if day not in away:
            for each in habits:
                each(home, day, day.weekday() >= 5)
    return home


def _run(home: Home, day: date, hour: float, phases: list[tuple[float, float]]) -> None:
    at = instant(day, hour)
    for minutes, watts in phases:
        home.add(Span(at, minutes, watts))
        at += round(minutes * 60) * SECOND


def cooking(noon: float, evening: float, late: float = 0.5, most_w: float = 4000.0) -> Habits:
    """A hob, and at times the oven beside it: 1 to 4 kW for 15 to 60 minutes at noon and in the evening."""

    def habit(home: Home, day: date, weekend: bool) -> None:
        chance = home.chance
        for hour, likely in ((12.2, noon), (18.4, evening)):
            if chance.random() < (0.9 if weekend else likely):
                at = hour + chance.normal(1.0 if weekend else 0, 1.0 if weekend else late)
                watts, minutes = chance.uniform(1000, 0.6 * most_w), chance.uniform(15, 45)
                _run(home, day, at, [(8, 1.5 * watts), (minutes, watts)])
                if chance.random() < 0.35:
                    _run(home, day, at - 0.2, [(12, 0.6 * most_w), (chance.uniform(20, 50), 1100)])
        for _ in range(chance.poisson(2.5)):
            _run(home, day, chance.choice([6.5, 9.0, 15.5, 20.0]) + chance.normal(0, 0.7), [(3, 2000)])

    return habit


def laundry(a_week: float, dryer: bool) -> Habits:
    """Washing, more of it at the weekend, and drying after it."""

    def habit(home: Home, day: date, weekend: bool) -> None:
        chance = home.chance
        for _ in range(chance.poisson(a_week / 7 * (1.8 if weekend else 0.7))):
            at = chance.uniform(8, 20)
            _run(home, day, at, [(18, 2050), (55, 180), (8, 420)])
            if dryer:
                _run(home, day, at + 1.5, [(chance.uniform(50, 90), 2400)])

    return habit


def dishes(home: Home, day: date, weekend: bool) -> None:
    """A dishwasher after dinner, sometimes late at night."""
    if home.chance.random() < 0.7:
        _run(home, day, home.chance.choice([13.5, 20.0, 22.5]) + home.chance.normal(0, 0.5), [(16, 1900), (35, 60), (13, 1900)])


def evening(home: Home, day: date, weekend: bool) -> None:
    """Light and screens."""
    _run(home, day, 17.5 + home.chance.normal(0, 0.7), [(home.chance.uniform(180, 360), home.chance.uniform(80, 250))])


def car(power_w: float, likely: float = 0.75, hour: float = 21.0, spread: float = 2.0) -> Habits:
    """A car charged most nights, and at the weekend by day at times."""

    def habit(home: Home, day: date, weekend: bool) -> None:
        chance = home.chance
        if chance.random() < likely:
            at = chance.uniform(11, 18) if weekend and chance.random() < 0.3 else hour + chance.normal(0, spread)
            _run(home, day, at, [(chance.uniform(60, 60 * 44_000 / power_w), power_w)])

    return habit


def sauna(home: Home, day: date, weekend: bool) -> None:
    """Nine kilowatts once a week."""
    if day.weekday() == 5 and home.chance.random() < 0.85:
        _run(home, day, 18.5 + home.chance.normal(0, 1), [(35, 9000), (80, 4500)])


def shower(home: Home, day: date, weekend: bool) -> None:
    """Water heated as it flows: 18 kW for minutes, several times a day."""
    for _ in range(home.chance.poisson(2.5)):
        _run(home, day, home.chance.choice([6.6, 7.2, 21.5]) + home.chance.normal(0, 0.8), [(home.chance.uniform(2, 9), 18000)])


def heat_pump(home: Home, day: date, weekend: bool) -> None:
    """Runs longer the colder it is: little in September, most of the day in January."""
    season = 0.5 - 0.5 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 200) / 365)
    share = float(np.clip(season + home.chance.normal(0, 0.1), 0.05, 0.95))
    for half in range(24):
        _run(home, day, half + home.chance.uniform(0, 0.2), [(55 * share, 2200)])


def shifts(home: Home, day: date, weekend: bool) -> None:
    """Works early, late and at night, a week each, and cooks after work."""
    at = (15.0, 22.8, 7.5)[day.isocalendar().week % 3]
    if home.chance.random() < 0.85:
        _run(home, day, at + home.chance.normal(0, 0.4), [(8, 2800), (home.chance.uniform(15, 40), 1600)])


def guests(home: Home, day: date, weekend: bool) -> None:
    """A feast now and then: everything on, for hours, and again late at night."""
    if weekend and home.chance.random() < 0.12:
        _run(home, day, 16.5, [(90, 2600), (60, 3400), (40, 1500)])
        _run(home, day, 23.5 + home.chance.normal(0, 0.7), [(16, 1900), (35, 60), (13, 1900)])


@dataclass(frozen=True)
class Kind:
    """A kind of home: what is always on, what people do, for how many days on end they are away at most."""

    name: str
    base_w: float
    habits: list[Habits]
    away: int = 14
    cooks_only: bool = False
    """Whether nothing is done there but what any home does: cooking, washing, drying."""


KINDS = (
    Kind("200 W, cooks in the evening", 110, [cooking(0.2, 0.8), evening], 21, cooks_only=True),
    Kind("one person, small", 60, [cooking(0.1, 0.6, 1.0, 2500), evening, laundry(1, False)], 30, cooks_only=True),
    Kind("family", 190, [cooking(0.6, 0.9), evening, laundry(5, True), dishes, guests], cooks_only=True),
    Kind("shift worker", 120, [shifts, evening, laundry(2, False), dishes], cooks_only=True),
    Kind("car 11 kW", 150, [cooking(0.3, 0.8), evening, laundry(3, True), dishes, car(11000)]),
    Kind("car 7.4 kW", 150, [cooking(0.3, 0.8), evening, laundry(3, True), dishes, car(7400, 0.6, 23.0, 1.5)]),
    Kind("car 3.7 kW", 150, [cooking(0.3, 0.8), evening, laundry(3, False), car(3700, 0.7, 20.0, 1.5)]),
    Kind("sauna", 180, [cooking(0.4, 0.9), evening, laundry(3, True), dishes, sauna]),
    Kind("instant water heater", 90, [cooking(0.2, 0.8), evening, laundry(2, False), shower]),
    Kind("heat pump", 160, [cooking(0.4, 0.9), evening, laundry(4, True), dishes, heat_pump]),
)


def home_of(kind: Kind, number: int, first: date, days: int) -> Home:
    """One home of a kind, with an absence of some weeks."""
    chance = np.random.default_rng([number, 77])
    gone = int(chance.integers(7, kind.away + 8))
    leaves = first + timedelta(days=int(chance.integers(35, max(days - gone, 36))))
    away = {leaves + timedelta(days=later) for later in range(gone)} if chance.random() < 0.7 else set()
    scaled = kind.base_w * float(chance.uniform(0.8, 1.25))
    return live(number, first, days, scaled, kind.habits, away)
