"""Rapid voltage changes of IEC 61000-4-30, 5.11: a quick way from one steady voltage to another, without a dip or a swell.

A voltage is steady while every one of the last 100 half-cycle values (120 at 60 Hz) is within the threshold of their mean. A
change begins when some channel is steady no more, and has ended once all are again, now within half of the threshold: the
hysteresis. It lasted until a second before that. One in which a dip, a swell or an interruption was is none.

What lies before a gap in the values says nothing of what comes after it: a second must pass before the next change can be
found, and of one that the gap cuts off nobody knows how it ended.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.model.clock import SECOND
from wattline.quality.config import Config
from wattline.quality.disturbance import Disturbance, Method
from wattline.quality.marks import Marks, Mask, some
from wattline.quality.polyphase import DIGITS
from wattline.quality.steadiness import Values, extremes, spread_of, trailing_means

Times = NDArray[np.int64]
GAP = 1.5
"""Values that are further apart than so many steps have a gap between them."""
MOST_VALUES = 240
"""A series with more values in a second is no series of half cycles: nothing is looked for in it."""
AT_ONCE = 1000
"""Values of a channel that are looked at together: so few that where nothing happens they are close together."""
NEAR = 0.05
"""How far the values in a second may be from 100 (120) to count as these: the measured frequency is not the nominal one."""


class RapidState(msgspec.Struct):
    """What is known between two pieces: the newest values of a second (V, samples x `names`), and the change that lasts.

    `spoiled` is one in which there was a dip, a swell or an interruption.
    """

    names: tuple[str, ...] = ()
    count: int = 0
    last: int | None = None
    recent: bytes = b""
    steady: bool = False
    change: Disturbance | None = None
    spoiled: bool = False


def values_in_a_second(resolution: int, nominal_frequency: float) -> int:
    """How many values tell whether a voltage is steady, where they are `resolution` us apart."""
    found, usual = round(SECOND / resolution), round(2 * nominal_frequency)
    return usual if abs(found - usual) <= NEAR * usual else found


class RapidChanges:
    """Follows RMS voltages of half cycles in pieces of any size: how a trace is cut changes nothing."""

    def __init__(self, state: RapidState) -> None:
        self.state = state

    def feed(
        self,
        times: Times,
        volts: Values,
        config: Config,
        others: Sequence[Disturbance],
        *,
        names: Sequence[str],
        method: Method,
        resolution: int,
    ) -> list[Disturbance]:
        """The changes that ended, each whole: whether one is a change is not known before.

        `others` are the dips, swells and interruptions that lasted at any of these times. `resolution` is how far apart the
        samples are (us).
        """
        state, count = self.state, values_in_a_second(resolution, config.nominal_frequency)
        if config.rvc is None or not 1 < count <= MOST_VALUES:
            self.state = RapidState()
            return []
        if not len(times):
            return []
        disturbed, known = _during(times, others), ~np.isnan(volts)
        new = np.flatnonzero((np.diff(times) > GAP * resolution) | some(known[1:] != known[:-1])) + 1
        starts, stops = np.concatenate([[0], new]), np.concatenate([new, [len(times)]])
        told: list[Disturbance] = []
        # Between two gaps nothing is found in less than a steady second before and one after.
        long = stops - starts >= 2 * count
        long[[0, -1]] = True
        for start, stop in zip(starts[long].tolist(), stops[long].tolist(), strict=True):
            columns = np.flatnonzero(known[start])
            mine = tuple(names[place] for place in columns.tolist())
            apart = None if state.last is None else int(times[start]) - state.last
            if start or apart is None or apart > GAP * resolution or (state.names, state.count) != (mine, count):
                state = self.state = RapidState(mine, count)
            for first in range(start, stop, AT_ONCE):
                part = slice(first, min(first + AT_ONCE, stop))
                run = _Run(state, times[part], volts[part][:, columns], disturbed[part], config, method, resolution)
                told += run.follow()
        return told


class _Run:
    """Values without a gap that go on from those of the state."""

    def __init__(
        self,
        state: RapidState,
        times: Times,
        volts: Values,
        disturbed: Mask,
        config: Config,
        method: Method,
        resolution: int,
    ) -> None:
        self._state = state
        self._times = times
        self._disturbed = disturbed
        self._config = config
        self._method: Method = method
        self._resolution = resolution
        held = np.frombuffer(state.recent, np.float64).reshape(-1, volts.shape[1])
        self._held = len(held)
        self._volts = np.concatenate([held, volts])
        self._steadier: dict[tuple[float, float], tuple[Marks, Marks]] = {}

    def follow(self) -> list[Disturbance]:
        """Move the state on; the changes that ended."""
        state, told = self._state, []
        if len(self._volts) >= state.count and not self._is_calm():
            self._means = trailing_means(self._volts, state.count)
            high, low = extremes(self._volts, state.count)
            self._away = np.maximum(high - self._means, self._means - low).max(axis=1)
            told = self._look()
        else:
            state.steady = state.steady or (state.change is None and len(self._volts) >= state.count)
        state.last, state.recent = int(self._times[-1]), self._volts[-state.count :].tobytes()
        return told

    def _is_calm(self) -> bool:
        """Whether the values are so close together that nothing can begin, which is how they nearly always are."""
        limit = _limit(self._config) * (1.0 if self._state.steady else 0.5)
        apart = spread_of(self._volts) / self._config.nominal_voltage
        return self._state.change is None and round(apart, DIGITS) <= round(limit, DIGITS)

    def _look(self) -> list[Disturbance]:
        """Go from one turn of the signal to the next. A window has the number of its last sample among the new ones."""
        state, told = self._state, []
        # The window that ends with the last value held was looked at before.
        window = 1 if self._held == state.count else 0
        while window < len(self._away):
            if state.steady:
                window = self._marks(self._config)[0].first(window)
                if window == len(self._away):
                    break
                self._begin(window)
                window += 1
                continue
            change = state.change
            stop = self._marks(self._config if change is None else change.config)[1].first(window)
            if change is not None:
                self._go_on(change, window, stop)
            if stop < len(self._away):
                state.steady = True
                if change is not None and self._has_ended(change, stop):
                    told.append(change)
                state.change = None
            window = stop + 1
        return told

    def _begin(self, window: int) -> None:
        state, config, place = self._state, self._config, self._sample(window)
        start = int(self._times[place])
        before = int(self._times[place - 1]) if place else state.last
        names, volts = state.names, config.nominal_voltage
        change = Disturbance("rvc", start, start, self._method, self._resolution, config, names, before=before)
        change.reference = [volts] * len(names)
        change.steady_before = np.round(self._means[window - 1] / volts, DIGITS).tolist()
        state.steady, state.change, state.spoiled = False, change, False
        self._go_on(change, window, window)

    def _go_on(self, change: Disturbance, window: int, stop: int) -> None:
        """Let a change have the samples from one window up to and with another."""
        part = slice(self._sample(window), self._sample(stop) + 1)
        pu = np.round(self._volts[self._held :][part] / change.config.nominal_voltage, DIGITS)
        apart = np.round(np.abs(pu - np.array(change.steady_before)), DIGITS)
        change.absorb(self._times[part], pu, np.asarray(apart > round(_limit(change.config), DIGITS)))
        self._state.spoiled |= bool(self._disturbed[part].any())

    def _has_ended(self, change: Disturbance, window: int) -> bool:
        """End it where the voltage is steady again; whether it was a rapid voltage change at all.

        Where only the mean moved away from an old value, no value is further from the former mean than the threshold.
        """
        steady = int(self._times[self._sample(window)])
        change.end = max(change.start, steady - self._state.count * self._resolution)
        change.steady_after = np.round(self._means[window] / change.config.nominal_voltage, DIGITS).tolist()
        return bool(change.phases) and not self._state.spoiled

    def _sample(self, window: int) -> int:
        return window + self._state.count - 1 - self._held

    def _marks(self, config: Config) -> tuple[Marks, Marks]:
        """Where the voltage is not steady, and where it is by the hysteresis, with the thresholds of a config."""
        name = (_limit(config), config.nominal_voltage)
        if name not in self._steadier:
            away = np.round(self._away / config.nominal_voltage, DIGITS)
            beyond, back = away > round(name[0], DIGITS), away <= round(name[0] / 2, DIGITS)
            self._steadier[name] = Marks(np.asarray(beyond)), Marks(np.asarray(back))
        return self._steadier[name]


def _limit(config: Config) -> float:
    """The threshold in per unit."""
    return (config.rvc or 0.0) / 100


def _during(times: Times, others: Sequence[Disturbance]) -> Mask:
    """At which times one of these lasted, its end included."""
    starts = np.sort(np.array([event.start for event in others], np.int64))
    ends = np.sort(np.array([event.end for event in others if event.end is not None], np.int64))
    return np.asarray(np.searchsorted(starts, times, "right") > np.searchsorted(ends, times, "left"))
