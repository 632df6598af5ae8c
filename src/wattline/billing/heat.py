"""Heat from a flow and two temperatures: kWt = flow [m3/h] x density x specific heat x dT / 3600.

The three are joined by holding each of them by the rules of power, so that they need no common instants. The properties
are those of water; a glycol loop carries less, which the sensor's factor can say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattline.billing.intervals import KWH, Flags, Floats, Grid, Ints, Matrix, add, cut
from wattline.billing.model import INTERVAL, MeteringPoint
from wattline.billing.power import hold, validity
from wattline.billing.units import celsius
from wattline.model.record import Quality
from wattline.registry.point import Point
from wattline.telemetry.energy import Samples

DENSITY = 997.0
"""Of water at 25 degrees Celsius, in kg/m3."""
SPECIFIC_HEAT = 4.18
"""Of water, in kJ/(kg K)."""
BACKWARDS = -0.5
"""A temperature difference under this many K is an anomaly and no heat; from here to 0 it is the sensors' error, and 0."""


def thermal_power(flow: Floats, difference: Floats) -> Floats:
    """The heat in kW of a flow in m3/h and a temperature difference in K; NaN where either runs backwards.

    What stands still carries nothing, whatever the temperatures are.
    """
    kilowatts = flow * DENSITY * SPECIFIC_HEAT * np.maximum(difference, 0.0) / 3600
    return np.where((flow < 0) | ((flow > 0) & (difference < BACKWARDS)), np.nan, kilowatts)


@dataclass(frozen=True, slots=True)
class Held:
    """Usable samples of one sensor, until when each is valid, and until when it is measured."""

    time: Ints
    value: Floats
    good: Flags
    until: Ints
    measured: Ints

    def at(self, moments: Ints) -> tuple[Ints, Flags]:
        """Which sample holds at each moment, and whether one does."""
        index = np.searchsorted(self.time, moments, side="right") - 1
        if not len(self.time):
            return np.zeros(len(moments), np.int64), np.zeros(len(moments), bool)
        index_or_first = np.maximum(index, 0)
        return index_or_first, (index >= 0) & (moments < self.until[index_or_first])

    @property
    def edges(self) -> Ints:
        """Every moment at which what it says may change; mostly a sample holds until the next, whose moment is known."""
        ended = np.ones(len(self.time), bool)
        ended[:-1] = self.until[:-1] != self.time[1:]
        return np.concatenate([self.time, self.until[ended], self.measured[self.measured != self.until]])


def held(point: Point, samples: Samples, slope: float, offset: float, now: int) -> Held:
    """The samples of one sensor, its values turned by a slope and an offset."""
    mine = np.flatnonzero((samples.sensor == point.id) & (samples.quality < Quality.BAD))
    time, grain = samples.time[mine], samples.grain[mine]
    after, gap = np.zeros(len(time), np.int64), np.zeros(len(time), np.int64)
    after[:-1] = time[1:]
    gap[1:] = np.diff(time)
    longest = np.maximum(hold(point.poll), grain)
    until = validity(time, gap, after, longest, np.maximum(point.poll, grain), now)
    measured = np.where(grain > INTERVAL, time, np.minimum(time + longest, until))
    return Held(time, samples.value[mine] * slope + offset, samples.quality[mine] == Quality.GOOD, until, measured)


def _temperature(point: Point, samples: Samples, now: int) -> Held:
    slope, offset = celsius(point.unit) or (1.0, 0.0)
    return held(point, samples, slope * point.sensor.factor, offset, now)


def heat(meters: Sequence[MeteringPoint], samples: Samples, grid: Grid) -> Matrix:
    """The energy of computed heat meters in each interval. The samples reach beyond the grid as far as any there holds."""
    matrix = Matrix.empty(len(meters), grid.size)
    for row, meter in enumerate(meters):
        supply, back = meter.supply, meter.back
        assert supply is not None
        assert back is not None
        parts = (
            held(meter.point, samples, meter.scale, 0.0, grid.now),
            _temperature(supply, samples, grid.now),
            _temperature(back, samples, grid.now),
        )
        _integrate(matrix, row, parts, grid)
        _count(matrix, row, meter.point, parts, samples, grid)
    return matrix


def _integrate(matrix: Matrix, row: int, parts: tuple[Held, Held, Held], grid: Grid) -> None:
    edges = np.unique(np.concatenate([part.edges for part in parts]))
    if len(edges) < 2:
        return
    begin, stop = edges[:-1], edges[1:]
    (flow, there), (supply, warm), (back, cold) = (part.at(begin) for part in parts)
    known = np.flatnonzero(there & warm & cold)
    begin, stop, flow, supply, back = begin[known], stop[known], flow[known], supply[known], back[known]
    kilowatts = thermal_power(parts[0].value[flow], parts[1].value[supply] - parts[2].value[back])
    measured = np.minimum.reduce([parts[0].measured[flow], parts[1].measured[supply], parts[2].measured[back]])

    pieces = cut(begin, stop, grid)
    mine = np.full(len(pieces.span), row, np.int64)
    power = kilowatts[pieces.span]
    backwards = np.isnan(power)
    matrix.anomalies[row, np.unique(pieces.interval[backwards])] += 1
    sound = np.where(backwards, 0.0, power)
    over = np.where(backwards, 0, pieces.after(measured))
    add(matrix.energy, mine, pieces.interval, sound * pieces.time / KWH)
    add(matrix.estimated, mine, pieces.interval, sound * over / KWH)
    add(matrix.covered, mine, pieces.interval, np.where(backwards, 0, pieces.time))
    add(matrix.bridged, mine, pieces.interval, over)


def _count(matrix: Matrix, row: int, flow: Point, parts: tuple[Held, ...], samples: Samples, grid: Grid) -> None:
    """Readings are those of the flow; the worst quality of the three is what each of them is worth."""
    mine = samples.sensor == flow.id
    time, count, good = samples.time[mine], samples.count[mine], samples.good[mine]
    complete, fine = np.ones(len(time), bool), np.ones(len(time), bool)
    for part in parts[1:]:
        index, there = part.at(time)
        complete &= there
        fine &= part.good[index] if len(part.good) else False
    inside = (time >= grid.start) & (time < grid.end)
    interval = (time[inside] - grid.start) // INTERVAL
    np.add.at(matrix.readings[row], interval, (count + samples.bad[mine])[inside])
    np.add.at(matrix.samples[row], interval, np.where(complete, count, 0)[inside])
    np.add.at(matrix.good[row], interval, np.where(complete & fine, good, 0)[inside])
