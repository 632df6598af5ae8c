"""The conditions of many sensors as NumPy columns: a batch of samples is judged at once, and only what matters one by one.

The result is that of `condition.evaluate` for every sample, in the order of the times of each sensor, whatever the order of
arrival within the batch; of two samples of one time the first to arrive counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.alarms import condition as rules
from wattline.alarms.model import Condition, Limit, Sample
from wattline.alarms.region import FOREVER, Bounds, bounds, region
from wattline.model.record import NEVER, Quality

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FIRST_CAPACITY = 64
_NEW = Condition()


@dataclass(frozen=True, slots=True)
class Changed:
    """What a batch changed, by sensor index."""

    changes: dict[int, list[tuple[Condition, Sample]]] = field(default_factory=dict)
    """Where limits came into force or went out of it: each new condition with the sample that made it, by time."""
    pending: frozenset[int] = frozenset()
    """Where the delays that run are other than before the batch."""


class Columns:
    """Limits and conditions by sensor index, which counts from 0 in the order in which sensors were added.

    `through`, `value`, `usable` and `quality` are columns to look at: the time of the newest sample of each sensor (NEVER if
    none), its newest usable value (NaN if none) with its time, and the quality of the newest sample.
    """

    def __init__(self) -> None:
        self._limits: list[tuple[Limit, ...]] = []
        self._bounds: list[tuple[Bounds, ...]] = []
        # Limits in force and delays that run. The time and value in here may be older than those of the columns.
        self._conditions: list[Condition] = []
        self.through: Ints = np.full(_FIRST_CAPACITY, NEVER, dtype=np.int64)
        self.value: Floats = np.full(_FIRST_CAPACITY, np.nan)
        self.usable: Ints = np.full(_FIRST_CAPACITY, NEVER, dtype=np.int64)
        self.quality: NDArray[np.int8] = np.zeros(_FIRST_CAPACITY, dtype=np.int8)
        self._lowest: Floats = np.full(_FIRST_CAPACITY, -np.inf)
        self._highest: Floats = np.full(_FIRST_CAPACITY, np.inf)
        self._due: Ints = np.full(_FIRST_CAPACITY, FOREVER, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._limits)

    def add(self, limits: Sequence[Limit] = (), condition: Condition = _NEW) -> int:
        """Take in one more sensor; its index."""
        index = len(self)
        if index == len(self.through):
            self._grow()
        self._limits.append(())
        self._bounds.append(())
        self._conditions.append(_NEW)
        self.put(index, limits, condition)
        return index

    def put(self, index: int, limits: Sequence[Limit], condition: Condition) -> None:
        """Replace the limits and the condition of a sensor. What the condition says of other limits is forgotten."""
        self._limits[index] = tuple(limits)
        self._bounds[index] = bounds(limits)
        self.usable[index] = NEVER if condition.value is None else condition.through
        self.quality[index] = Quality.GOOD
        self._settle(index, rules.configured(limits, condition))

    def set_limits(self, index: int, limits: Sequence[Limit]) -> Condition:
        """Replace the limits of a sensor and judge its newest value by them (see `condition.reconfigured`)."""
        after = rules.reconfigured(self._limits[index], limits, self.condition(index))
        self._limits[index] = tuple(limits)
        self._bounds[index] = bounds(limits)
        self._settle(index, after)
        return after

    def limits(self, index: int) -> tuple[Limit, ...]:
        """The limits of a sensor."""
        return self._limits[index]

    def condition(self, index: int) -> Condition:
        """The condition of a sensor after the newest batch."""
        known, through, value = self._conditions[index], int(self.through[index]), float(self.value[index])
        return Condition(known.active, known.pending, through, None if np.isnan(value) else value)

    def evaluate(self, index: Ints, time: Ints, value: Floats, quality: NDArray[np.integer]) -> Changed:
        """Judge a batch of samples, which are columns of one length in the order of their arrival.

        `index` is the sensor's index, `time` us since 1970, `value` NaN where there is none, `quality` 0 GOOD, 1 UNCERTAIN,
        2 BAD. Samples that are not newer than the newest one of their sensor are passed over. IndexError: no such sensor.
        """
        if index.size and not 0 <= index.min() <= index.max() < len(self):
            raise IndexError(f"there are {len(self)} sensors")
        fresh = time > self.through[index]
        if not fresh.all():
            index, time, value, quality = index[fresh], time[fresh], value[fresh], quality[fresh]
        usable = (quality < Quality.BAD) & np.isfinite(value)
        quiet = (value >= self._lowest[index]) & (value <= self._highest[index]) & (time < self._due[index])
        loud = usable & ~quiet
        if not loud.any():
            self._pass(index, time, value, quality, usable)
            return Changed()
        sensors = np.zeros(len(self), dtype=np.bool_)
        sensors[index[loud]] = True
        chosen = sensors[index]
        rest = ~chosen
        self._pass(index[rest], time[rest], value[rest], quality[rest], usable[rest])
        return self._step(index[chosen], time[chosen], value[chosen], quality[chosen])

    def _pass(self, index: Ints, time: Ints, value: Floats, quality: NDArray[np.integer], usable: NDArray[np.bool_]) -> None:
        """Take note of fresh samples that change no condition."""
        ordered = np.sort(index)
        if (ordered[1:] == ordered[:-1]).any():
            # By sensor, then time; those of one time in the order of arrival, of which only the first counts.
            order = np.lexsort((time, index))
            index, time, value, quality, usable = index[order], time[order], value[order], quality[order], usable[order]
            first = np.ones(len(index), dtype=np.bool_)
            first[1:] = (index[1:] != index[:-1]) | (time[1:] != time[:-1])
            index, time, value, quality, usable = index[first], time[first], value[first], quality[first], usable[first]
            newest = _last_of_each(index)
            self.through[index[newest]] = time[newest]
            self.quality[index[newest]] = quality[newest]
            index, time, value = index[usable], time[usable], value[usable]
            newest = _last_of_each(index)
            self.value[index[newest]] = value[newest]
            self.usable[index[newest]] = time[newest]
            return
        self.through[index] = time
        self.quality[index] = quality
        if not usable.all():
            index, time, value = index[usable], time[usable], value[usable]
        self.value[index] = value
        self.usable[index] = time

    def _step(self, index: Ints, time: Ints, value: Floats, quality: NDArray[np.integer]) -> Changed:
        """Judge samples one by one, in the order of the times of each sensor."""
        order = np.lexsort((time, index))
        changes: dict[int, list[tuple[Condition, Sample]]] = {}
        delayed: set[int] = set()
        columns = (index[order].tolist(), time[order].tolist(), value[order].tolist(), quality[order].tolist())
        current = -1
        limits: tuple[Limit, ...] = ()
        condition = _NEW
        for sensor, at, reading, code in zip(*columns, strict=True):
            if sensor != current:
                if current >= 0:
                    self._leave(current, condition, delayed)
                current, limits, condition = sensor, self._limits[sensor], self.condition(sensor)
            after = rules.evaluate(limits, condition, at, reading, code)
            if after is condition:
                continue
            if after.active is not condition.active:
                changes.setdefault(sensor, []).append((after, Sample(at, reading)))
            self.quality[sensor] = code
            if rules.usable(reading, code):
                self.usable[sensor] = at
            condition = after
        self._leave(current, condition, delayed)
        return Changed(changes, frozenset(delayed))

    def _leave(self, index: int, condition: Condition, delayed: set[int]) -> None:
        if condition.pending != self._conditions[index].pending:
            delayed.add(index)
        self._settle(index, condition)

    def _settle(self, index: int, condition: Condition) -> None:
        self._conditions[index] = condition
        self.through[index] = condition.through
        self.value[index] = np.nan if condition.value is None else condition.value
        self._lowest[index], self._highest[index], self._due[index] = region(self._bounds[index], condition)

    def _grow(self) -> None:
        """Room for twice as many sensors."""
        self.through = _doubled(self.through)
        self.value = _doubled(self.value)
        self.usable = _doubled(self.usable)
        self.quality = _doubled(self.quality)
        self._lowest = _doubled(self._lowest)
        self._highest = _doubled(self._highest)
        self._due = _doubled(self._due)


def _doubled(column: NDArray[Any]) -> NDArray[Any]:
    # What the new half holds does not matter: a sensor is written to every column when it is added.
    return np.concatenate((column, column))


def _last_of_each(index: Ints) -> NDArray[np.bool_]:
    """Where a run of one index ends."""
    last = np.ones(len(index), dtype=np.bool_)
    last[:-1] = index[1:] != index[:-1]
    return last
