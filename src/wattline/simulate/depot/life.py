"""What the depot's meters measure at any instant: power, registers, voltages and currents.

A day is made from its date and nothing else. Losses between the grid connection and what hangs on it are a hundredth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import DAY, HOUR, SECOND, to_micros
from wattline.simulate.depot.definition import METERS, NOMINAL_FREQUENCY, NOMINAL_VOLTAGE, DemoMeter

EPOCH = to_micros(datetime(2024, 1, 1, tzinfo=UTC))
"""When every register showed what the definition says; well before any machine's now, whose past is told too."""
STEP = 60
"""Seconds for which the power is held."""
STEPS = 86_400 // STEP
ZONE_OFFSET_HOURS = 5.5
LOSSES = 0.01
SPREAD = (0.36, 0.33, 0.31)
"""What the phases carry of the power."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Day:
    """For each meter (rows) and step: the power (W), and what was taken and given from midnight to its begin (kWh)."""

    power: Floats
    taken: Floats
    given: Floats


def _charging(hour: Floats, chance: np.random.Generator) -> Floats:
    """Buses come in from eight in the evening and leave from five in the morning."""
    into_night = (hour - 20.0) % 24
    plugged = np.clip(into_night / 2.0, 0, 1) * np.clip((9.0 - into_night) / 3.0, 0, 1)
    buses = 14 * plugged + 2.0 * ((hour > 11) & (hour < 14))
    return np.round(buses) * 22_000 * (1 + 0.02 * chance.standard_normal(len(hour)))


def _power(day: int) -> Floats:
    chance = np.random.default_rng([day, 10])
    hour = (np.arange(STEPS) * STEP / 3600 + ZONE_OFFSET_HOURS) % 24
    workday = (day + 3) % 7 < 5
    charging = _charging(hour, chance)
    busy = ((hour >= 8) & (hour < 17)) * (1.0 if workday else 0.1)
    workshop = 4_000 + busy * (28_000 + 9_000 * chance.random(STEPS // 10).repeat(10))
    offices = 2_500 + 11_000 * np.exp(-(((hour - 13) / 3.5) ** 2)) * (1.0 if workday else 0.2)
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None) * ((hour > 6) & (hour < 18))
    clouds = 1 - chance.uniform(0, 0.6) * chance.random(STEPS // 15).repeat(15)
    solar = 80_000 * sun**1.3 * clouds
    grid = (charging + workshop + offices) * (1 + LOSSES) - solar
    return np.stack([grid, charging, workshop, offices, -solar])


def _day(day: int) -> _Day:
    power = _power(day)
    kwh = power * STEP / 3.6e6
    before = np.zeros((len(METERS), 1))
    taken = np.concatenate([before, np.clip(kwh, 0, None).cumsum(axis=1)], axis=1)
    given = np.concatenate([before, np.clip(-kwh, 0, None).cumsum(axis=1)], axis=1)
    return _Day(power, taken, given)


class Life:
    """The meters of the depot at any instant since `EPOCH`."""

    def __init__(self) -> None:
        self._days: dict[int, _Day] = {}
        self._sums: list[tuple[Floats, Floats]] = [(np.zeros(len(METERS)), np.zeros(len(METERS)))]
        """What was taken and given before each day since the epoch (kWh)."""

    def _on(self, day: int) -> _Day:
        found = self._days.get(day)
        if found is None:
            if len(self._days) > 3:
                self._days.clear()
            found = self._days[day] = _day(day)
        return found

    def _before(self, day: int) -> tuple[Floats, Floats]:
        first = EPOCH // DAY
        while len(self._sums) <= day - first:
            whole = _day(first + len(self._sums) - 1)
            taken, given = self._sums[-1]
            self._sums.append((taken + whole.taken[:, -1], given + whole.given[:, -1]))
        return self._sums[day - first]

    def reading(self, number: int, time: int) -> dict[str, float]:
        """What meter `number` of `METERS` shows at `time` (us), in the contract's fields."""
        day, within = divmod(time, DAY)
        today = self._on(day)
        taken, given = self._before(day)
        step, rest = divmod(within / SECOND, STEP)
        at, watts = int(step), float(today.power[number, int(step)])
        meter: DemoMeter = METERS[number]
        more = watts * rest / 3.6e6
        fields = {
            "total_power": round(watts, 1),
            "total_energy": round(meter.register_kwh + float(taken[number] + today.taken[number, at]) + max(more, 0), 4),
            "frequency": round(NOMINAL_FREQUENCY + 0.02 * float(np.sin(time / HOUR * 40 + 1)), 3),
            "power_factor": 0.96,
        }
        if meter.kind in {"grid", "generation"}:
            fields["energy_export"] = round(float(given[number] + today.given[number, at]) + max(-more, 0), 4)
        for phase, share in zip("abc", SPREAD, strict=True):
            # The lines sag with the load, by a few volts at most.
            volts = NOMINAL_VOLTAGE * (1 + 0.012 * float(np.sin(time / HOUR * 3))) - watts * share / 60_000
            fields[f"voltage_{phase}"] = round(volts, 2)
            fields[f"power_{phase}"] = round(watts * share, 1)
            # An effective value has no direction: the power tells it.
            fields[f"current_{phase}"] = round(abs(watts) * share / volts / 0.96, 2)
        return fields
