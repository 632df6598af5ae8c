"""An event while it lasts: what the state machines keep of it, as it is stored until it ends."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.quality.config import Config

Type = Literal["sag", "swell", "interruption", "undervoltage", "overvoltage", "thd", "imbalance", "frequency", "rvc"]
TYPES: tuple[Type, ...] = get_args(Type)
Method = Literal["interval_rms", "half_cycle_rms", "waveform", "meter"]
"""How an event was found: in readings, in a half-cycle series, in samples, or by the meter itself."""
METHODS: tuple[Method, ...] = get_args(Method)

PHASES = ("a", "b", "c")
LINES = ("ab", "bc", "ca")


class Disturbance(msgspec.Struct):
    """One event. Times in us; `low` and `high` are the extremes of each channel so far, None where nothing was measured.

    They are in per unit of `reference` (V) for voltages, percent for THD and imbalance, Hz for frequency. `before` is the time
    of the last sample before the event, `last` that of the newest within. `config` holds the thresholds that it began with.
    `steady_before` and `steady_after` are the steady voltages on both sides of a rapid voltage change, in per unit.
    A `tail` is a dip that is left when an interruption ends: an event of its own only once it outlasts `grace`.
    """

    type: Type
    start: int
    last: int
    method: Method
    resolution: int
    config: Config
    names: tuple[str, ...]
    before: int | None = None
    end: int | None = None
    reference: list[float] = []
    low: list[float | None] = []
    high: list[float | None] = []
    phases: list[str] = []
    contains: list[str] = []
    dark_start: int | None = None
    dark_end: int | None = None
    tail: bool = False
    grace: int = 0
    assumed_angles: bool = False
    row: int | None = None
    superseded: bool = False
    steady_before: list[float] = []
    steady_after: list[float] = []

    def absorb(self, times: NDArray[np.int64], values: NDArray[np.float64], involved: NDArray[np.bool_]) -> None:
        """Take in samples of the event: their extremes, and the channels that are beyond the threshold."""
        if not len(times):
            return
        self.last = int(times[-1])
        low = np.fmin.reduce(values, axis=0)
        high = np.fmax.reduce(values, axis=0)
        self.low = [_least(known, new) for known, new in zip(self.low or [None] * len(low), low.tolist(), strict=True)]
        self.high = [_most(known, new) for known, new in zip(self.high or [None] * len(high), high.tolist(), strict=True)]
        touched = np.flatnonzero(involved.any(axis=0)).tolist()
        self.phases = [n for place, n in enumerate(self.names) if place in touched or n in self.phases]

    @property
    def least(self) -> float | None:
        """The lowest value of any channel."""
        return min((value for value in self.low if value is not None), default=None)

    @property
    def most(self) -> float | None:
        """The highest value of any channel."""
        return max((value for value in self.high if value is not None), default=None)

    @property
    def span(self) -> tuple[int, int] | None:
        """The least and the most us that it can have lasted; None while it lasts.

        A value of an interval tells that something was within the interval, not when: its neighbours bound it.
        """
        if self.end is None:
            return None
        if self.method != "interval_rms":
            return self.end - self.start, self.end - self.start
        before = self.start - self.resolution if self.before is None else self.before
        return max(0, self.last - self.start - self.resolution), self.end - before

    @property
    def at_least(self) -> int:
        """How long (us) it has lasted for certain, also while it lasts."""
        known = self.span
        if known is not None:
            return known[0]
        lasted = self.last - self.start
        return max(0, lasted - self.resolution) if self.method == "interval_rms" else lasted


def _least(known: float | None, new: float) -> float | None:
    return known if np.isnan(new) else new if known is None else min(known, new)


def _most(known: float | None, new: float) -> float | None:
    return known if np.isnan(new) else new if known is None else max(known, new)
