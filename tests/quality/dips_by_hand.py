"""Dips, swells and interruptions by their definition, one sample after the other: slow, plain, and written for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan

from wattline.model.clock import MINUTE
from wattline.quality.config import Config


@dataclass
class Event:
    """An event by hand; extremes in per unit of its reference."""

    type: str
    start: int
    end: int | None = None
    contains: list[str] = field(default_factory=list)
    low: float = 9.0
    high: float = 0.0
    last: int = 0
    is_tail: bool = False


class ByHand:
    """Samples of voltages (V) at a fixed reference, in order."""

    def __init__(self, config: Config, spacing: int) -> None:
        self.config = config
        self.grace = max(config.cycle, spacing)
        self.under: Event | None = None
        self.over: Event | None = None
        self.found: list[Event] = []

    def take(self, time: int, volts: Sequence[float]) -> None:
        """One sample."""
        c = self.config
        pu = [round(v / c.nominal_voltage, 9) for v in volts if not isnan(v)]
        if not pu:
            return
        self._over(time, pu)
        if self.under is not None:
            event = self.under
            if event.type == "interruption":
                if any(x >= round(c.interruption + c.hysteresis, 9) for x in pu):
                    event.end = time
                    self.under = None
                    if any(x < round(c.sag + c.hysteresis, 9) for x in pu):
                        self.under = Event("sag", time, is_tail=True)
            elif all(x >= round(c.sag + c.hysteresis, 9) for x in pu):
                event.end = time
                self.under = None
        elif any(x < c.sag for x in pu):
            self.under = Event("sag", time)
            self.found.append(self.under)
        if self.under is not None:
            event = self.under
            if event.is_tail and time > event.start + self.grace:
                event.is_tail = False
                self.found.append(event)
            if event.type == "sag" and all(x < c.interruption for x in pu):
                if time > event.start:
                    event.contains.append("sag")
                if event.is_tail:
                    self.found.append(event)
                event.type, event.is_tail = "interruption", False
            self._extremes(event, time, pu)

    def _over(self, time: int, pu: Sequence[float]) -> None:
        c = self.config
        if self.over is not None and all(x <= round(c.swell - c.hysteresis, 9) for x in pu):
            self.over.end = time
            self.over = None
        if self.over is None and any(x > c.swell for x in pu):
            self.over = Event("swell", time)
            self.found.append(self.over)
        if self.over is not None:
            self._extremes(self.over, time, pu)

    @staticmethod
    def _extremes(event: Event, time: int, pu: Sequence[float]) -> None:
        event.low, event.high, event.last = min(event.low, *pu), max(event.high, *pu), time

    def result(self) -> list[tuple[object, ...]]:
        """Everything that was found, named by how long it certainly lasted, in order."""
        rows = []
        for event in self.found:
            lasted = (event.last if event.end is None else event.end) - event.start
            kind, contains = event.type, list(event.contains)
            if kind in ("sag", "swell") and lasted > MINUTE:
                kind, contains = {"sag": "undervoltage", "swell": "overvoltage"}[kind], [*contains, kind]
            rows.append((event.start, kind, event.end, tuple(contains), event.low, event.high))
        return sorted(rows, key=lambda row: (row[0], row[1]))
