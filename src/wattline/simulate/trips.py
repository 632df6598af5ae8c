"""Feeder trips: when they come, what caused them, how long they last, and the steps of each until power is back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from wattline.model.clock import HOUR, SECOND

_CAUSES = ("STORM", "EQUIPMENT", "ANIMAL", "UNKNOWN")
_CAUSE_SHARES = (0.40, 0.30, 0.20, 0.10)
_MEDIAN_SECONDS = 240.0
_SHORTEST_SECONDS, _LONGEST_SECONDS = 45.0, 1800.0
_SECTIONALISE_SECONDS = 180.0
"""Interruptions longer than this get part of their customers back half way, by switching."""

StepKind = Literal["trip", "partial", "restore"]


@dataclass(frozen=True, slots=True)
class Trip:
    """One interruption of a feeder (index), from `start` to `end` in microseconds; `partial_at` is None for short ones."""

    feeder: int
    start: int
    end: int
    cause: str
    partial_at: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """A trip reached its beginning, its partial restoration or its end, at `at`."""

    kind: StepKind
    at: int
    trip: Trip


class Trips:
    """Draws trips at a mean rate per hour over the whole fleet; a feeder that is open cannot trip again.

    `first_after_seconds` fixes when the first one comes, so that somebody who watches has something to see.
    """

    def __init__(
        self, generator: np.random.Generator, feeders: int, per_hour: float, first_after_seconds: float | None = None
    ) -> None:
        self._generator = generator
        self._feeders = feeders
        self._per_hour = per_hour
        self._first_after = first_after_seconds
        self._next: int | None = None
        self._waiting: list[Step] = []
        self.open: dict[int, Trip] = {}

    def advance(self, at: int) -> list[Step]:
        """The steps due at or before `at`, oldest first."""
        steps = self._due(at)
        if self._per_hour <= 0.0:
            return steps
        if self._next is None:
            first = self._first_after
            self._next = at + (self._gap() if first is None else round(first * SECOND))
        if at >= self._next:
            self._next = at + self._gap()
            closed = [feeder for feeder in range(self._feeders) if feeder not in self.open]
            if closed:
                steps.append(self._begin(at, closed[int(self._generator.integers(len(closed)))]))
        return steps

    def settle(self, at: int) -> list[Step]:
        """End every open trip now: a fleet that stops leaves nobody without power."""
        self._waiting.clear()
        steps = [Step("restore", at, trip) for trip in self.open.values()]
        self.open.clear()
        return steps

    def _gap(self) -> int:
        return round(self._generator.exponential(1.0 / self._per_hour) * HOUR)

    def _begin(self, at: int, feeder: int) -> Step:
        drawn = float(self._generator.lognormal(np.log(_MEDIAN_SECONDS), 0.7))
        seconds = round(min(max(drawn, _SHORTEST_SECONDS), _LONGEST_SECONDS))
        end = at + seconds * SECOND
        partial_at = at + seconds * SECOND // 2 if seconds > _SECTIONALISE_SECONDS else None
        cause = _CAUSES[int(self._generator.choice(len(_CAUSES), p=_CAUSE_SHARES))]
        trip = Trip(feeder, at, end, cause, partial_at)
        self.open[feeder] = trip
        if partial_at is not None:
            self._waiting.append(Step("partial", partial_at, trip))
        self._waiting.append(Step("restore", end, trip))
        return Step("trip", at, trip)

    def _due(self, at: int) -> list[Step]:
        due = sorted((step for step in self._waiting if step.at <= at), key=lambda step: step.at)
        self._waiting = [step for step in self._waiting if step.at > at]
        for step in due:
            if step.kind == "restore":
                del self.open[step.trip.feeder]
        return due
