"""Now and then one substation's frequency measurement goes wrong: offset, dip or stuck instrument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from wattline.model.clock import HOUR, SECOND
from wattline.simulate.load import Floats

FaultKind = Literal["offset", "dip", "stuck"]

_SHAPES: dict[FaultKind, tuple[int, float]] = {"offset": (120, 0.030), "dip": (5, -0.100), "stuck": (180, 0.0)}


@dataclass(slots=True)
class LocalFault:
    """A fault of one substation from `start` to `end` (microseconds, half-open); `held_hz` is what a stuck instrument shows."""

    kind: FaultKind
    substation: int
    start: int
    end: int
    held_hz: float | None = None


class LocalFaults:
    """Draws faults at a mean rate per hour over the whole fleet and applies them to true frequencies, one fault at a time."""

    def __init__(self, generator: np.random.Generator, substations: int, per_hour: float) -> None:
        self._generator = generator
        self._substations = substations
        self._per_hour = per_hour
        self._next: int | None = None
        self.current: LocalFault | None = None

    def _gap(self) -> int:
        return round(self._generator.exponential(1.0 / self._per_hour) * HOUR)

    def apply(self, at: int, frequency_hz: Floats, substation_of: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
        """What the instruments show at `at`, given what is true there."""
        if self._per_hour <= 0.0:
            return frequency_hz
        if self._next is None:
            self._next = at + self._gap()
        fault = self.current
        if fault is not None and at >= fault.end:
            fault = self.current = None
            self._next = at + self._gap()
        if fault is None:
            if at < self._next:
                return frequency_hz
            fault = self.current = self._draw(at)
        here = substation_of == fault.substation
        shown = frequency_hz.copy()
        if fault.kind == "stuck":
            if fault.held_hz is None:
                fault.held_hz = float(frequency_hz[here][0])
            shown[here] = fault.held_hz
        else:
            shown[here] += _SHAPES[fault.kind][1]
        return shown

    def _draw(self, at: int) -> LocalFault:
        kinds: tuple[FaultKind, ...] = ("offset", "dip", "stuck")
        kind = kinds[int(self._generator.integers(len(kinds)))]
        return LocalFault(kind, int(self._generator.integers(self._substations)), at, at + _SHAPES[kind][0] * SECOND)
