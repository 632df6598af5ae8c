"""The rules of interval energy, evaluated the slow way: reading by reading, interval by interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from wattline.model.clock import HOUR, MINUTE, SECOND

BUCKET = 5 * MINUTE
Readings = Mapping[int, tuple[float, int]]
"""Value and quality by time."""


@dataclass
class Cell:
    """One interval: energy in kWh, time known and time estimated in us."""

    energy: float = 0.0
    covered: int = 0
    bridged: int = 0


@dataclass
class Cells:
    """Intervals by their start."""

    by_bucket: dict[int, Cell] = field(default_factory=lambda: defaultdict(Cell))

    def add(self, begin: int, stop: int, kilowatts: float, sure_until: int) -> None:
        """A constant power over a span, an estimate after some moment."""
        at = begin
        while at < stop:
            bucket = at // BUCKET * BUCKET
            to = min(stop, bucket + BUCKET)
            cell = self.by_bucket[bucket]
            cell.energy += kilowatts * (to - at) / HOUR
            cell.covered += to - at
            cell.bridged += max(0, to - max(at, sure_until))
            at = to


def usable(readings: Readings, now: int) -> list[tuple[int, float]]:
    return sorted((time, value) for time, (value, quality) in readings.items() if quality < 2 and time <= now)


def spans(readings: Readings, poll: int, now: int) -> list[tuple[int, int, int, float]]:
    """For each usable reading: from when and until when it holds, until when that is measured, and its value."""
    hold = max(3 * poll, 90 * SECOND)
    samples = usable(readings, now)
    found = []
    for i, (time, value) in enumerate(samples):
        following = samples[i + 1][0] if i + 1 < len(samples) else None
        if following is not None and following - time <= max(hold, 6 * MINUTE):
            until = following
        else:
            before = time - samples[i - 1][0] if i else 0
            until = min(time + (before if 0 < before <= hold else min(poll, hold)), now)
        found.append((time, until, time + hold, value))
    return found


def power(readings: Readings, poll: int, scale: float, now: int) -> dict[int, Cell]:
    cells = Cells()
    for begin, stop, sure, value in spans(readings, poll, now):
        cells.add(begin, stop, value * scale, sure)
    return cells.by_bucket


def increment(before: float, after: float, elapsed: int, scale: float, capacity_kw: float) -> tuple[float, bool, bool]:
    """What a register counted, whether that is doubtful, and whether it was lost."""
    most = max(10.0, 10.0 / scale) + 10 * capacity_kw * elapsed / HOUR / scale
    if after >= before:
        return (after - before, False, False) if after - before <= most else (0.0, True, True)
    for size in (*(10.0**n for n in range(3, 16)), 65536.0, 4294967296.0):
        if 0.9 * size <= before < size and after >= 0 and size - before + after <= most:
            return size - before + after, False, False
    if 0 <= after <= most:
        return after, True, False
    return 0.0, True, True


def register(readings: Readings, scale: float, capacity_kw: float, now: int) -> dict[int, Cell]:
    cells = Cells()
    samples = usable(readings, now)
    for (begin, old), (stop, new) in pairwise(samples):
        amount, doubtful, lost = increment(old, new, stop - begin, scale, capacity_kw)
        # The edges strictly between tell whether an interval was left without a reading; one on an edge closes it.
        first, last = (begin - 1) // BUCKET * BUCKET, (stop - 1) // BUCKET * BUCKET
        gap = last - first >= 2 * BUCKET
        if not gap:
            cells.by_bucket[last].energy += amount * scale
        rate = amount * scale / ((stop - begin) / HOUR) if gap else 0.0
        before = {bucket: cell.covered for bucket, cell in cells.by_bucket.items()}
        cells.add(begin, stop, rate, begin if gap or doubtful else stop)
        if lost:
            for bucket, cell in cells.by_bucket.items():
                cell.covered = before.get(bucket, 0)
    return cells.by_bucket


def heat(flow: Readings, supply: Readings, back: Readings, polls: tuple[int, int, int], now: int) -> dict[int, Cell]:
    """Second by second: every reading of the test is on a whole second. Flow in m3/h, temperatures in Celsius."""
    parts = [spans(readings, poll, now) for readings, poll in zip((flow, supply, back), polls, strict=True)]
    held: list[dict[int, tuple[float, bool]]] = []
    for part in parts:
        by_second: dict[int, tuple[float, bool]] = {}
        for begin, stop, sure, value in part:
            for second in range(begin, stop, SECOND):
                by_second[second] = (value, second < sure)
        held.append(by_second)
    cells = Cells()
    for second in set(held[0]) & set(held[1]) & set(held[2]):
        (f, a), (s, b), (r, c) = (by_second[second] for by_second in held)
        if f < 0 or (f > 0 and s - r < -0.5):
            continue
        cells.add(
            second, second + SECOND, f * 997 * 4.18 * max(0.0, s - r) / 3600, second + SECOND if a and b and c else second
        )
    return cells.by_bucket
