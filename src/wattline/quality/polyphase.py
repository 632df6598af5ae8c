"""Dips, swells and interruptions of RMS voltages of several channels: the state machines of IEC 61000-4-30, 5.4 and 5.5.

| event | begins | ends |
|---|---|---|
| sag | any channel below the sag threshold | every channel at or over that threshold and the hysteresis |
| swell | any channel over the swell threshold | every channel at or below that threshold less the hysteresis |
| interruption | every channel below its threshold | any channel at or over that threshold and the hysteresis |

A sag in which an interruption begins becomes that interruption: one event, which began when the sag did and contains it. The
voltages on the way back from an interruption are no sag of their own unless they last for more than one cycle, or one sample
where samples are further apart: a window of a cycle straddles the return for that long. A swell may last beside either. A
channel that a sample has no value of (NaN) is not judged by it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wattline.quality.config import Config
from wattline.quality.disturbance import Disturbance, Type
from wattline.quality.marks import Marks, Mask, every, some

DIGITS = 9
"""Voltages are compared in per unit to nine digits, so that 253 V are 1.1 of 230 V whatever a float makes of it."""
Values = NDArray[np.float64]
Times = NDArray[np.int64]
New = Callable[[Type, int], Disturbance]
"""Begins an event: its type, and the place in the trace."""
Judged = Callable[[Disturbance | None], "Trace"]
"""The trace in per unit of the reference of an event, or of the present one."""


class Trace:
    """A stretch of voltages in per unit of one reference, and where each threshold is crossed in it."""

    def __init__(self, times: Times, pu: Values) -> None:
        self.times = times
        self.pu = np.round(pu, DIGITS)
        self._marks: dict[tuple[str, float], Marks] = {}

    def __len__(self) -> int:
        return len(self.times)

    def below(self, limit: float) -> Mask:
        """Which channels are below a limit."""
        return np.asarray(self.pu < round(limit, DIGITS))

    def over(self, limit: float) -> Mask:
        """Which channels are over a limit."""
        return np.asarray(self.pu > round(limit, DIGITS))

    def any_below(self, limit: float, place: int) -> int:
        """The next place at which some channel is below."""
        return self._look("any_below", limit, place, lambda: some(self.below(limit)))

    def none_below(self, limit: float, place: int) -> int:
        """The next place at which no channel is below."""
        return self._look("none_below", limit, place, lambda: ~some(self.below(limit)))

    def all_below(self, limit: float, place: int) -> int:
        """The next place at which every measured channel is below."""
        return self._look("all_below", limit, place, lambda: every(self.below(limit) | np.isnan(self.pu)))

    def some_up(self, limit: float, place: int) -> int:
        """The next place at which some channel is at the limit or over it."""
        return self._look("some_up", limit, place, lambda: some(self.pu >= round(limit, DIGITS)))

    def any_over(self, limit: float, place: int) -> int:
        """The next place at which some channel is over."""
        return self._look("any_over", limit, place, lambda: some(self.over(limit)))

    def none_over(self, limit: float, place: int) -> int:
        """The next place at which no channel is over."""
        return self._look("none_over", limit, place, lambda: ~some(self.over(limit)))

    def _look(self, name: str, limit: float, place: int, mask: Callable[[], Mask]) -> int:
        found = self._marks.get((name, limit))
        if found is None:
            found = self._marks[name, limit] = Marks(mask())
        return found.first(place)


def follow_over(
    open_one: Disturbance | None, judged: Judged, config: Config, new: New, told: list[Disturbance]
) -> Disturbance | None:
    """Follow swells through a trace, of which no sample is without any value; `judged` gives it by the reference of an event.

    What is open at its end is returned; what began or ended is added to `told`, an event that did both once.
    """
    place, event = 0, open_one
    while True:
        trace = judged(event)
        if place == len(trace):
            break
        if event is None:
            place = trace.any_over(config.swell, place)
            if place == len(trace):
                break
            event = new("swell", place)
            told.append(event)
        mine = event.config
        stop = trace.none_over(mine.swell - mine.hysteresis, place)
        event.absorb(trace.times[place:stop], trace.pu[place:stop], trace.over(mine.swell)[place:stop])
        place = stop
        if stop < len(trace):
            event.end = int(trace.times[stop])
            _note(told, event)
            event = None
    return event


class Under:
    """Follows sags and interruptions: at most one event at a time."""

    def __init__(self, judged: Judged, config: Config, new: New, told: list[Disturbance]) -> None:
        self._judged = judged
        self._config = config
        self._new = new
        self._told = told

    def follow(self, event: Disturbance | None) -> Disturbance | None:
        """What is open at the end of the trace, where `event` was at its begin; `told` as in `follow_over`."""
        place, trace = 0, self._judged(None)
        while place < len(trace):
            if event is None:
                place = trace.any_below(self._config.sag, place)
                if place == len(trace):
                    break
                event = self._new("sag", place)
                self._told.append(event)
            if event.type == "interruption":
                event, place = self._dark(event, place)
            else:
                event, place = self._dip(event, place)
        return event

    def _dip(self, event: Disturbance, place: int) -> tuple[Disturbance | None, int]:
        """A sag up to its end, or to where it becomes an interruption."""
        mine, trace = event.config, self._judged(event)
        back = trace.none_below(mine.sag + mine.hysteresis, place)
        dark = trace.all_below(mine.interruption, place)
        stop = min(back, dark)
        self._absorb(event, place, stop)
        if event.tail and event.last > event.start + event.grace:
            event.tail = False
            _note(self._told, event)
        if stop == len(trace):
            return event, stop
        if back < dark:
            if event.tail:
                return None, stop
            event.end = int(trace.times[stop])
            _note(self._told, event)
            return None, stop
        event.tail = False
        event.dark_start = int(trace.times[stop])
        if event.dark_start > event.start:
            event.contains = ["sag"]
        event.type = "interruption"
        _note(self._told, event)
        return event, stop

    def _dark(self, event: Disturbance, place: int) -> tuple[Disturbance | None, int]:
        """An interruption up to its end, and what is left of the dip then."""
        mine, trace = event.config, self._judged(event)
        stop = trace.some_up(mine.interruption + mine.hysteresis, place)
        self._absorb(event, place, stop)
        if stop == len(trace):
            return event, stop
        event.end = event.dark_end = int(trace.times[stop])
        _note(self._told, event)
        if trace.none_below(mine.sag + mine.hysteresis, stop) == stop:
            return None, stop
        tail = self._new("sag", stop)
        tail.config, tail.reference = mine, list(event.reference)
        tail.tail = True
        return tail, stop

    def _absorb(self, event: Disturbance, place: int, stop: int) -> None:
        trace = self._judged(event)
        event.absorb(trace.times[place:stop], trace.pu[place:stop], trace.below(event.config.sag)[place:stop])


def _note(told: list[Disturbance], event: Disturbance) -> None:
    if not any(known is event for known in told):
        told.append(event)
