"""Readings that can change nothing: kept aside, and judged together with those that come after them.

Judging one reading of one meter costs as much as judging a hundred of them at once, and how a series is cut changes nothing.
So a reading waits as long as it cannot begin an event: nothing of the meter is open, every value is within its limits, and so
is the mean of every part of the window that means are taken over, whichever of them are left when others drop out.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from wattline.model.record import NEVER, Row
from wattline.quality.configs import Watched
from wattline.quality.lane import Lane
from wattline.quality.readings import FIELDS, FREQUENCY, Source, Values
from wattline.quality.window_means import PARTS

MOST_WAITING = 20
"""Readings of a meter that wait at most."""
FEW = 4
"""Readings of a meter in one batch that are looked at one by one; more are judged at once anyway."""
MARGIN = 1e-9
BY_LINES = 0.8
"""Of three line voltages the unbalance factor is at most 2/sqrt(3) times the greatest deviation from their mean."""


class Calm:
    """The readings of one meter that wait. `last` is the time of the newest reading; until `hot_until` (us) a part of the
    window is beyond a limit."""

    __slots__ = ("_columns", "_high", "_low", "_values", "hot_until", "last", "lasting", "source", "times", "watched")

    def __init__(self, watched: Watched, source: Source) -> None:
        self.watched = watched
        self.source = source
        config = watched.config
        self._low = config.sag * config.nominal_voltage * (1 + MARGIN)
        self._high = config.swell * config.nominal_voltage * (1 - MARGIN)
        self._columns: list[int | None] = [None] * len(FIELDS)
        for place, column, factor in source.places:
            if factor == 1.0:
                self._columns[place] = column
        self._values = array("d")
        self.times: list[int] = []
        self.last = NEVER
        self.hot_until = NEVER
        self.lasting = True
        if None in self._columns or config.sliding or watched.meter.wiring == "3p3w":
            # What is rare is judged as it comes.
            self.hot_until = 2**63 - 1

    def wait(self, rows: Sequence[Row]) -> bool:
        """Keep readings aside, if every one can change nothing; whether it was so."""
        if self.lasting or len(rows) > FEW or len(self.times) + len(rows) > MOST_WAITING:
            return False
        last, found = self.last, []
        for row in rows:
            if row.quality != 0 or row.time <= last or row.time <= self.hot_until:
                return False
            values = [row.values[column] for column in self._columns if column is not None]
            if not self._is_calm(values):
                return False
            last = row.time
            found.append(values)
        for row, values in zip(rows, found, strict=True):
            self.times.append(row.time)
            self._values.extend(nan if value is None else value for value in values)
        self.last = last
        return True

    def _is_calm(self, values: list[float | None]) -> bool:
        config = self.watched.config
        phases = [value for value in values[:3] if value is not None]
        lines = [value for value in values[3:6] if value is not None]
        if not phases and lines:
            return False
        if phases and not (self._low <= min(phases) and max(phases) <= self._high):
            return False
        # By every method the imbalance is at most the greatest deviation of phase voltages from their mean.
        if not _is_even(phases, config.imbalance) or not _is_even(lines, config.imbalance * BY_LINES):
            return False
        if any(value is not None and value > config.thd * (1 - MARGIN) for value in values[6:9]):
            return False
        frequency = values[FREQUENCY]
        return frequency is None or config.frequency_low < frequency < config.frequency_high

    def waiting(self) -> tuple[NDArray[np.int64], Values]:
        """What waits, as samples."""
        values = np.array(self._values, np.float64).reshape(len(self.times), len(FIELDS))
        return np.array(self.times, np.int64), values

    def judged(self, lane: Lane, times: NDArray[np.int64]) -> None:
        """All that waited was judged, and samples of these times after it; `lane` is what came of it."""
        self.times.clear()
        del self._values[:]
        self.lasting = not lane.idle
        if len(times):
            self.last = max(self.last, int(times.max()))
        config, window = self.watched.config, lane.window
        limits = [config.thd, config.thd, config.thd, config.imbalance]
        for part, sums, counts in zip(window.parts, window.sums, window.counts, strict=True):
            parts = zip(sums, counts, limits, strict=True)
            if any(total > count * limit * (1 - MARGIN) for total, count, limit in parts if count):
                self.hot_until = max(self.hot_until, (part + PARTS) * window.width)


def _is_even(volts: Sequence[float], limit: float) -> bool:
    if len(volts) < 3:
        return True
    mean = sum(volts) / 3
    return mean > 0 and 100 * max(max(volts) - mean, mean - min(volts)) <= limit * mean * (1 - MARGIN)
