"""Alarm evaluation: how many samples a second the limits of ten thousand sensors take, in ordinary running and at its worst."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.figure import Figure, median_run
from bench.runner import Context
from wattline.alarms.columns import Columns
from wattline.alarms.model import Limit
from wattline.model.clock import SECOND

SENSORS = 10_000
RUNS = 5
LIMITS = (
    Limit("HH", "HIGH", 60.0, "P0", deadband=1.2),
    Limit("H", "HIGH", 55.0, "P2", on_delay=5 * SECOND, deadband=1.1),
    Limit("L", "LOW", 20.0, "P2", on_delay=5 * SECOND, deadband=1.1),
    Limit("LL", "LOW", 10.0, "P1", deadband=1.2),
)
AT_ONCE = tuple(Limit(each.name, each.direction, each.value, each.priority, deadband=each.deadband) for each in LIMITS)

Values = Callable[[int], np.ndarray]
"""The values of all sensors in a second."""


@dataclass(frozen=True, slots=True)
class _Run:
    rate: float
    changes: int


def alarms(context: Context) -> Sequence[Figure]:
    """The figures: a realistic mix with a limit's usual delay, calm, one batch of many seconds, and every sample a change."""
    seconds = context.scaled(60, 10)
    few = context.scaled(10, 3)
    mixed = _judged(LIMITS, _mix(seconds), 1)
    standing = _judged(LIMITS, _mix(seconds), seconds // 2)
    calm = _judged(LIMITS, [np.full(SENSORS, 40.0)] * seconds, 1)
    swinging = _judged(AT_ONCE, [np.full(SENSORS, 70.0 if second % 2 else 40.0) for second in range(few)], 1)
    return [
        _figure(f"alarm limits, {SENSORS:,} sensors: 3 % in alarm, 1 % moving", mixed, 1_000_000),
        _figure("the same, in batches of many seconds", standing),
        _figure("the same, no alarms", calm),
        _figure("the same, every sample raises or clears", swinging),
    ]


def _figure(name: str, run: _Run, target: float | None = None) -> Figure:
    return Figure(name, run.rate, "samples/s", target=target, detail={"changes": run.changes})


def _mix(seconds: int) -> list[np.ndarray]:
    """Noise around 40 units; 3 % stand over their limit; each second 1 % go over it and 1 % come back."""
    random = np.random.default_rng(18_2)
    values = []
    over = np.zeros(SENSORS, dtype=np.bool_)
    over[: SENSORS * 3 // 100] = True
    shift = SENSORS // 100
    for second in range(seconds):
        excursion = np.zeros(SENSORS)
        first = (SENSORS // 10 + second * shift) % (SENSORS - 8 * shift)
        excursion[first : first + 7 * shift] = 17.0
        values.append(40.0 + random.normal(0, 1.0, SENSORS) + np.where(over, 30.0, excursion))
    return values


def _judged(limits: Sequence[Limit], values: Sequence[np.ndarray], batch: int) -> _Run:
    """The median of some runs over all seconds, `batch` of them in one go."""
    return median_run([_run(limits, values, batch) for _ in range(RUNS)], lambda run: run.rate)


def _run(limits: Sequence[Limit], values: Sequence[np.ndarray], batch: int) -> _Run:
    columns = Columns()
    for _ in range(SENSORS):
        columns.add(limits)
    batches = list(_batches(values, batch))
    changes = 0
    begun = time.perf_counter()
    for index, times, value, quality in batches:
        changed = columns.evaluate(index, times, value, quality)
        changes += sum(map(len, changed.changes.values()))
    spent = time.perf_counter() - begun
    return _Run(len(values) * SENSORS / spent, changes)


def _batches(values: Sequence[np.ndarray], batch: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    for first in range(0, len(values), batch):
        some = values[first : first + batch]
        times = np.repeat(np.arange(first, first + len(some), dtype=np.int64) * SECOND, SENSORS)
        yield np.tile(np.arange(SENSORS), len(some)), times, np.concatenate(some), np.zeros(len(times), dtype=np.int8)
