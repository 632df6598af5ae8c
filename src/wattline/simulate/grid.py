"""The electrical state of every feeder at an instant, from load, voltage regulation and the common frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import SECOND
from wattline.simulate.frequency import SystemFrequency
from wattline.simulate.load import COLD_LOAD_PEAK, COLD_LOAD_SECONDS, Floats, Wander, demand
from wattline.simulate.plan import SubstationPlan

INSTRUMENT_HZ = 0.0005
"""Standing error of one substation's frequency measurement."""
TAP_STEP = 0.00625
"""One step of a load tap changer: 5/8 percent of nominal voltage, the usual 33-position regulator."""
REGULATION_BAND = 0.010
_DROOP = 0.045
_FLICKER = 0.0006
_LOAD_NOISE = 0.03


@dataclass(frozen=True, slots=True)
class Sample:
    """What the instruments of every feeder show at `at` (microseconds since 1970); arrays run over the fleet's feeders.

    Units: kV line to line, A, MW (three phase, power = sqrt(3) V I pf), Hz. `closed` is the breaker.
    """

    at: int
    voltage_kv: Floats
    current_a: Floats
    power_mw: Floats
    frequency_hz: Floats
    closed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TapMove:
    """A regulator moved its tap at a substation (index into the plan)."""

    substation: int
    before: int
    after: int


class Grid:
    """Substations and feeders of a plan, moved forward in time; the same generator and instants give the same samples."""

    def __init__(self, plan: tuple[SubstationPlan, ...], generator: np.random.Generator, nominal_hz: float = 60.0) -> None:
        feeders = [(index, station, feeder) for index, station in enumerate(plan) for feeder in station.feeders]
        self.substation_of = np.array([index for index, _, _ in feeders])
        self._longitude = np.array([station.longitude for _, station, _ in feeders])
        self._mean_current = np.array([feeder.mean_current_a for _, _, feeder in feeders])
        self._power_factor = np.array([feeder.power_factor for _, _, feeder in feeders])
        self._residential = np.array([feeder.residential for _, _, feeder in feeders])
        self._nominal_kv = np.array([station.nominal_kv for station in plan])
        self._generator = generator
        self._frequency = SystemFrequency(generator, nominal_hz)
        self._load_noise = Wander(generator, len(feeders), 600.0)
        self._flicker = Wander(generator, len(plan), 20.0)
        self._taps = np.zeros(len(plan), dtype=np.int64)
        self._outside: Floats = np.zeros(len(plan))
        self._closed = np.ones(len(feeders), dtype=np.bool_)
        self._closed_at: Floats = np.full(len(feeders), -math.inf)
        self._closing: set[int] = set()
        self._at: int | None = None
        self.tap_moves: list[TapMove] = []

    @property
    def size(self) -> int:
        """How many feeders there are."""
        return len(self.substation_of)

    def operate(self, feeder: int, closed: bool) -> None:
        """Open or close the breaker of a feeder, by its index; it is so from the next instant on."""
        if closed and not self._closed[feeder]:
            self._closing.add(feeder)
        self._closed[feeder] = closed

    def advance(self, at: int) -> Sample:
        """The state at an instant that is not before the last one; `tap_moves` then holds what regulators did on the way."""
        seconds = 0.0 if self._at is None else (at - self._at) / SECOND
        if seconds < 0.0:
            raise ValueError("a grid moves forward in time only")
        self._at = at
        for feeder in self._closing:
            self._closed_at[feeder] = at
        self._closing.clear()
        pickup = 1.0 + COLD_LOAD_PEAK * np.exp((self._closed_at - at) / (COLD_LOAD_SECONDS * SECOND))
        noise = 1.0 + _LOAD_NOISE * self._load_noise.advance(seconds)
        per_unit = np.maximum(demand(at, self._longitude, self._residential) * pickup * noise, 0.05) * self._closed
        bus = self._bus_voltage(per_unit, seconds)
        current = self._mean_current * per_unit
        voltage = (self._nominal_kv * bus)[self.substation_of]
        power = math.sqrt(3.0) * voltage * current * self._power_factor / 1000.0
        system = self._frequency.advance(seconds)
        local = system + INSTRUMENT_HZ * self._generator.standard_normal(len(self._nominal_kv))
        return Sample(at, voltage, current, power, local[self.substation_of], self._closed.copy())

    def _bus_voltage(self, per_unit: Floats, seconds: float) -> Floats:
        """Per-unit bus voltage: sags with load, held in its band by the taps, which wait 30 s before they move."""
        loading = np.bincount(self.substation_of, per_unit) / np.bincount(self.substation_of)
        slow = 1.0 - _DROOP * (loading - 1.0) + TAP_STEP * self._taps
        beyond = np.abs(slow - 1.0) > REGULATION_BAND
        self._outside = np.where(beyond, self._outside + seconds, 0.0)
        self.tap_moves = []
        for station in np.flatnonzero(self._outside >= 30.0):
            before = int(self._taps[station])
            self._taps[station] += 1 if slow[station] < 1.0 else -1
            self._outside[station] = 0.0
            self.tap_moves.append(TapMove(int(station), before, int(self._taps[station])))
        return slow + _FLICKER * self._flicker.advance(seconds)
