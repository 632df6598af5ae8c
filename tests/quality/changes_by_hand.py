"""Rapid voltage changes by their definition, one half cycle after the other: slow, plain, and written for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

Row = Sequence[float]


@dataclass
class Change:
    """A change by hand; voltages in per unit."""

    start: int
    before: list[float]
    end: int = 0
    greatest: float = 0.0
    between: float = 0.0
    is_none: bool = False


def changes(
    rows: Sequence[tuple[int, Row]], threshold: float, count: int, step: int, disturbed: Sequence[tuple[int, int | None]]
) -> list[tuple[int, int, float, float]]:
    """(start, end, dUmax, dUss) of the changes of half cycles (time, voltages in per unit, NaN where unknown).

    `disturbed` are the dips, swells and interruptions, by start and end.
    """
    found: list[Change] = []
    seen: list[Row] = []
    steady, change, former = False, None, [0.0]
    last: tuple[int, list[int]] | None = None
    for time, every in rows:
        known = [place for place, value in enumerate(every) if not isnan(value)]
        row = [every[place] for place in known]
        if last is not None and (time - last[0] > 1.5 * step or last[1] != known):
            seen, steady, change = [], False, None
        last = time, known
        seen = [*seen, row][-count:]
        if len(seen) < count:
            continue
        columns = list(zip(*seen, strict=True))
        mean = [sum(column) / count for column in columns]
        away = round(max(abs(v - m) for column, m in zip(columns, mean, strict=True) for v in column), 9)
        if steady and away > round(threshold, 9):
            steady, change = False, Change(time, [round(m, 9) for m in former])
        elif not steady and away <= round(threshold / 2, 9):
            steady = True
            if change is not None:
                _take(change, time, row, disturbed)
                change.end = max(change.start, time - count * step)
                change.between = max(abs(after - before) for after, before in zip(mean, change.before, strict=True))
                if not change.is_none and change.greatest > threshold:
                    found.append(change)
            change = None
        if change is not None:
            _take(change, time, row, disturbed)
        former = mean
    return [(each.start, each.end, round(each.greatest, 6), round(each.between, 6)) for each in found]


def _take(change: Change, time: int, row: Row, disturbed: Sequence[tuple[int, int | None]]) -> None:
    apart = max(round(abs(round(value, 9) - before), 9) for value, before in zip(row, change.before, strict=True))
    change.greatest = max(change.greatest, apart)
    change.is_none = change.is_none or any(start <= time and (end is None or time <= end) for start, end in disturbed)
