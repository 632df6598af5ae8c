"""Traces of half cycles with rapid voltage changes in them, and with what looks like one and is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOISE = 0.0002
"""Standard deviation of an RMS value's noise, as a share of it."""
FARTHER = 0.003
"""Only changes beyond the threshold of 5 % by more than this must be found; nothing below it by more than this may be."""
THRESHOLD, BACK = 0.05, 0.025
SECOND = 100
LOW, HIGH = 0.93, 1.085
"""What is never left but by a dip: within it a dip ends."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A change as it was put in: the sample that straddles its begin, its end, the greatest difference from the voltage before
    it and that of the steady voltages, in per unit."""

    start: int
    end: int
    greatest: float
    between: float


def trace(random: np.random.Generator, length: int) -> tuple[Values, list[Change]]:
    """Three phases in per unit. Between two things that happen all is steady for 1.5 s at least."""
    levels = 1 + random.uniform(-0.01, 0.01, 3)
    parts, planted, place = [np.tile(levels, (3 * SECOND, 1))], [], 3 * SECOND
    while place < length - 15 * SECOND:
        kind = str(random.choice(["step", "swing", "small", "slow", "dip", "swing with a dip"]))
        moved = random.permutation(3)[: int(random.integers(1, 4))]
        after = levels.copy()
        if kind in ("step", "swing", "swing with a dip"):
            after[moved] = _far(random, levels[moved])
        elif kind == "small":
            after[moved] = np.clip(levels[moved] + random.uniform(-1, 1, len(moved)) * (THRESHOLD - FARTHER), LOW, HIGH)
        elif kind == "slow":
            after[moved] = random.uniform(LOW, HIGH, len(moved))
        between = _between(random, kind, levels, after, moved)
        steady = np.tile(after, (int(random.integers(150, 600)), 1))
        if len(between) and kind != "slow":
            between[0] = (levels + between[0]) / 2
        if kind in ("step", "swing"):
            apart = np.abs(np.concatenate([between, steady[:1]]) - levels)
            planted.append(Change(place, place + len(between) - 1, float(apart.max()), float(np.abs(after - levels).max())))
        parts += [between, steady]
        place += len(between) + len(steady)
        levels = after
    made = np.concatenate(parts)
    drift = 1 + 0.004 * np.sin(np.linspace(0, random.uniform(1, 4), len(made)))
    return made * drift[:, None] * (1 + random.normal(0, NOISE, made.shape)), planted


def _far(random: np.random.Generator, levels: Values) -> Values:
    """Levels that are beyond the threshold from these."""
    size = THRESHOLD + FARTHER + random.uniform(0.002, 0.01, len(levels))
    up = levels + size
    return np.where((up <= HIGH) & ((random.random(len(levels)) < 0.5) | (levels - size < LOW)), up, levels - size)


def _between(random: np.random.Generator, kind: str, before: Values, after: Values, moved: NDArray[np.int64]) -> Values:
    """What there is between two steady voltages; the first value is to straddle."""
    if kind == "slow":
        return before + (after - before) * np.linspace(0, 1, int(random.integers(1200, 2400)))[:, None]
    if kind in ("step", "small"):
        return after[None, :].copy()
    if kind == "dip":
        found = np.tile(after, (int(random.integers(2, 300)), 1))
        found[:, moved] = random.uniform(0.2, 0.85)
        return found
    # So short that no second with it in is steady.
    found = np.tile(after, (int(random.integers(2, 20)), 1))
    found[:, moved] = [_beside(random, before[place], after[place]) for place in moved]
    if kind == "swing with a dip":
        found[len(found) // 2, moved[0]] = 0.8
    return found


def _beside(random: np.random.Generator, before: float, after: float) -> float:
    """A level that is a change from the one before, and not steady together with the one after."""
    while True:
        level = float(random.uniform(LOW, HIGH))
        if abs(level - before) > THRESHOLD + FARTHER and abs(level - after) > BACK + 0.01:
            return level
