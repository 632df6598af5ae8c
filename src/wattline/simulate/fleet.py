"""A whole fleet: physics, faults and trips together, giving the messages of each polling cycle. Pure: no clock, no network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.simulate import words
from wattline.simulate.faults import LocalFaults
from wattline.simulate.grid import Grid, Sample
from wattline.simulate.plan import DEMO_PLAN, FeederPlan, SubstationPlan
from wattline.simulate.trips import Step, Trips
from wattline.simulate.words import Message


@dataclass(frozen=True, slots=True)
class Weather:
    """How eventful the fleet's life is: mean rates per hour over the whole fleet, and when the first trip comes."""

    trips_per_hour: float = 6.0
    faults_per_hour: float = 3.0
    first_trip_after_seconds: float | None = None


class Fleet:
    """Substations of a plan, polled together. The same seed polled at the same instants says the same things."""

    def __init__(
        self,
        seed: int | np.random.SeedSequence,
        plan: tuple[SubstationPlan, ...] = DEMO_PLAN,
        weather: Weather | None = None,
        nominal_hz: float = 60.0,
    ) -> None:
        weather = weather or Weather()
        sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        # Separate streams, so that a change of the weather does not change the load underneath it.
        physics, faults, trips = (np.random.default_rng(child) for child in sequence.spawn(3))
        self.plan = plan
        self.feeders: tuple[tuple[SubstationPlan, FeederPlan], ...] = tuple(
            (station, feeder) for station in plan for feeder in station.feeders
        )
        self.grid = Grid(plan, physics, nominal_hz)
        self._faults = LocalFaults(faults, len(plan), weather.faults_per_hour)
        self._trips = Trips(trips, len(self.feeders), weather.trips_per_hour, weather.first_trip_after_seconds)
        self._last: Sample | None = None
        self._lost_mw: dict[int, float] = {}

    def sample(self, at: int) -> Sample:
        """What the instruments show at an instant, faults included, without any message."""
        true = self.grid.advance(at)
        shown = self._faults.apply(at, true.frequency_hz, self.grid.substation_of)
        self._last = Sample(at, true.voltage_kv, true.current_a, true.power_mw, shown, true.closed)
        return self._last

    def poll(self, at: int) -> list[Message]:
        """One polling cycle at `at` (microseconds): what happened since the last one, then one record per feeder."""
        messages = [message for step in self._trips.advance(at) for message in self._say(step)]
        sample = self.sample(at)
        for move in self.grid.tap_moves:
            messages.append(words.tap_event(self.plan[move.substation], move.before, move.after, at))
        messages.extend(words.telemetry(station, feeder, sample, index) for index, (station, feeder) in enumerate(self.feeders))
        return messages

    def settle(self, at: int) -> list[Message]:
        """Restore whatever is open, for a fleet that is about to stop."""
        return [message for step in self._trips.settle(at) for message in self._say(step)]

    def _say(self, step: Step) -> list[Message]:
        index = step.trip.feeder
        station, feeder = self.feeders[index]
        if step.kind == "trip":
            self._lost_mw[index] = 0.0 if self._last is None else float(self._last.power_mw[index])
            self.grid.operate(index, closed=False)
        elif step.kind == "restore":
            self.grid.operate(index, closed=True)
        record = words.outage(station, feeder, step, self._lost_mw[index])
        return [record] if step.kind == "partial" else [words.trip_event(station, feeder, step), record]
