"""What goes wrong now and then: which fault, when, how badly; at most one to a window of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from wattline.model.clock import MINUTE, SECOND
from wattline.simulate.plant.chance import Draws, Remembered

Fault = Literal["pump", "filter", "sag", "glycol", "switch", "door", "burst", "lost"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
WINDOW = 10 * MINUTE
SHARE = 0.6
"""How many windows have a fault: 3.6 an hour, which raise some 6 alarms, as many as ISA-18.2 finds acceptable."""
_STREAM = 10

_RAMP_SECONDS: dict[Fault, float] = {
    "pump": 40.0, "filter": 90.0, "sag": 3.0, "glycol": 60.0, "switch": 60.0, "door": 1.0, "burst": 20.0, "lost": 1.0,
}  # fmt: skip
_HOLD_SECONDS: dict[Fault, tuple[float, float]] = {
    "pump": (90.0, 150.0), "filter": (60.0, 180.0), "sag": (60.0, 90.0), "glycol": (90.0, 240.0),
    "switch": (60.0, 180.0), "door": (60.0, 200.0), "burst": (60.0, 180.0), "lost": (30.0, 90.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Episode:
    """One fault from `start` to `end` (us); it grows and ends over `ramp`. `severity` is 0 to 1."""

    fault: Fault
    start: int
    end: int
    ramp: int
    severity: float

    def level(self, at: int) -> float:
        """How much of it there is at an instant: 0 outside, 1 in between."""
        return min(max(min(at - self.start, self.end - at) / self.ramp, 0.0), 1.0)


class Episodes:
    """The faults of all times. `faults` False is a plant in which nothing ever goes wrong."""

    def __init__(self, draws: Draws, *, faults: bool = True) -> None:
        self._draws = draws
        self._faults = faults
        self._window = Remembered(self._draw)

    def _draw(self, index: int) -> tuple[Episode, ...]:
        generator = self._draws.generator(_STREAM, index)
        if not self._faults or generator.random() >= SHARE:
            return ()
        fault = FAULTS[int(generator.integers(len(FAULTS)))]
        ramp = round(_RAMP_SECONDS[fault] * SECOND)
        length = 2 * ramp + round(generator.uniform(*_HOLD_SECONDS[fault])) * SECOND
        start = index * WINDOW + round(generator.uniform(0, (WINDOW - length) // SECOND)) * SECOND
        return (Episode(fault, start, start + length, ramp, float(generator.random())),)

    def between(self, start: int, end: int) -> Iterator[Episode]:
        """Those that touch [start, end], oldest first."""
        for index in range(start // WINDOW, end // WINDOW + 1):
            yield from (e for e in self._window(index) if e.end >= start and e.start <= end)

    def at(self, at: int) -> dict[Fault, tuple[float, Episode]]:
        """What is going on at an instant: the level of each fault, and the episode."""
        return {e.fault: (level, e) for e in self.between(at, at) if (level := e.level(at)) > 0.0}
