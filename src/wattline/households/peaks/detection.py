"""What is a peak. Rules of time, so that the cadence of the readings does not matter. Pure.

A *run* is an unbroken span of samples above what is enough for a peak. Its first and last sample are covered in part: by as
much as they show of the power beside them. Runs less than two minutes apart and of comparable power make one *chain*. A
chain is a peak if it ran for two minutes, and if its mean is `LEAST_W` above the base load: the use around it. That is
subtracted once. Use below the usual is never a peak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.peaks.model import WINDOW
from wattline.households.peaks.reference import LEAST_W
from wattline.households.peaks.samples import COARSE, WATTS, Samples
from wattline.model.clock import DAY, MINUTE, SECOND

SHORTEST, SHORTEST_COARSE = 2 * MINUTE - 10 * SECOND, 2 * MINUTE - 20 * SECOND
"""us that a peak runs at least: two minutes, less what its edges leave open with a fine register and with a coarse one."""
PAUSE = 2 * MINUTE
"""us after which use is no continuation."""
COMPARABLE = 0.5
"""Of two runs that make one peak, the weaker has at least this part of the power of the other."""
LONGEST = DAY
"""us of a peak after which no run is joined to it."""
AROUND = 5 * MINUTE
"""us before and after a peak that tell the base load."""
LAG = WINDOW + AROUND
"""us for which what was found may still change: while the window that holds what follows it is not known to its end."""
INNER = MINUTE
"""us beside an edge that tell the power there."""
ROUGH_KWH = 5e-3
"""From this step of a register on, the surroundings of a peak are too short to tell the base load."""


Removed = tuple[int, int, int]
"""Number of a meter, and a span [start, end) in us."""


@dataclass(frozen=True, slots=True)
class Found:
    """A peak of one meter; see `Peak`.

    `times` and `watts` are its samples: the end of each in us, and W above the base load.
    """

    start: int
    end: int
    power_w: float
    base_w: float
    energy_kwh: float
    times: NDArray[np.int64]
    watts: NDArray[np.float64]


@dataclass(slots=True)
class Chain:
    """Runs, each by its first and its last sample. `began` and `ended` are the limits of all their samples, `end` is where use
    fell, `excess` (W us) and `ran` (us) what they are together above the usual."""

    runs: list[tuple[int, int]]
    began: int
    ended: int
    start: float
    end: float
    excess: float
    ran: float

    @property
    def power(self) -> float:
        return self.excess / self.ran if self.ran else 0.0


def detect(samples: Samples, since: Sequence[int], removed: Sequence[Removed] = ()) -> list[list[Chain]]:
    """The chains of each meter, oldest first, among samples that begin at or after its entry of `since` (us) and lie in no span
    that was removed."""
    with np.errstate(invalid="ignore"):
        above = samples.watts > samples.enough_w
    above &= samples.begin >= np.array(since, np.int64)[samples.meter]
    for number, start, end in removed:
        above &= (samples.meter != number) | (samples.begin >= end) | (samples.end <= start)
    goes_on = np.zeros(len(above), bool)
    goes_on[1:] = above[1:] & above[:-1] & samples.follows()[1:]
    firsts = np.flatnonzero(above & ~goes_on)
    lasts = np.flatnonzero(above & ~np.append(goes_on[1:], False))
    found: list[list[Chain]] = [[] for _ in since]
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        _join(found[samples.meter[first]], _run(samples, first, last))
    return found


def settled(chains: Sequence[Chain], closed: int) -> int:
    """From where on (us) to look again when there are readings after `closed`: nothing before it can change any more."""
    found = closed - LAG
    for chain in reversed(chains):
        if chain.ended + PAUSE > found:
            found = min(found, chain.began)
    return found


def peak(samples: Samples, chain: Chain) -> Found | None:
    """The peak that a chain is, if it is one."""
    first, last = chain.runs[0][0], chain.runs[-1][1]
    base = _level(samples, first, last)
    excess = ran = 0.0
    for i, j in chain.runs:
        start, end = _edges(samples, i, j, base)
        excess += _excess(samples, i, j, base)
        ran += end - start
    power = excess / ran if ran else 0.0
    coarse = samples.step[first] >= COARSE[0][0]
    if ran < (SHORTEST_COARSE if coarse else SHORTEST) or power < LEAST_W:
        return None
    start, _ = _edges(samples, *chain.runs[0], base)
    _, end = _edges(samples, *chain.runs[-1], base)
    span = slice(first, last + 1)
    energy = _excess(samples, first, last, base) / WATTS
    figures = (round(power, 3), round(base, 3), round(energy, 6))
    return Found(round(start), round(end), *figures, samples.end[span], samples.watts[span] - base)


def _run(samples: Samples, i: int, j: int) -> Chain:
    usual = float(samples.usual_w[i])
    start, end = _edges(samples, i, j, usual)
    return Chain(
        [(i, j)], int(samples.begin[i]), int(samples.end[j]), start, end, _excess(samples, i, j, usual), max(end - start, 0.0)
    )


def _join(chains: list[Chain], run: Chain) -> None:
    """Add a run to the last chain, or begin another."""
    if chains:
        last = chains[-1]
        low, high = sorted((last.power, run.power))
        if run.start - last.end < PAUSE and low >= COMPARABLE * high and run.ended - last.began <= LONGEST:
            last.runs += run.runs
            last.ended, last.end = run.ended, run.end
            last.excess += run.excess
            last.ran += run.ran
            return
    chains.append(run)


def _excess(samples: Samples, i: int, j: int, base: float) -> float:
    """W us above the base load in the samples i to j."""
    span = slice(i, j + 1)
    return float(((samples.watts[span] - base) * (samples.end[span] - samples.begin[span])).sum())


def _edges(samples: Samples, i: int, j: int, base: float) -> tuple[float, float]:
    """When the use of a run rose and fell (us): its first and last sample are covered as far as they show the power inside."""
    begins, ends, watts = samples.begin, samples.end, samples.watts
    start, end = float(begins[i]), float(ends[j])
    if i == j:
        return start, end
    if j == i + 1:
        # Of two samples only the weaker can be told to be covered in part.
        if watts[i] < watts[j]:
            start = end - (ends[j] - begins[j]) - _share(watts[i], watts[j], base) * (ends[i] - begins[i])
        else:
            end = start + (ends[i] - begins[i]) + _share(watts[j], watts[i], base) * (ends[j] - begins[j])
        return float(start), float(end)
    up = i + 1 + int(np.searchsorted(begins[i + 1 : j], ends[i] + INNER))
    down = i + 1 + int(np.searchsorted(ends[i + 1 : j], begins[j] - INNER, "right"))
    start = ends[i] - _share(watts[i], _mean(samples, i + 1, up), base) * (ends[i] - begins[i])
    end = begins[j] + _share(watts[j], _mean(samples, down, j), base) * (ends[j] - begins[j])
    return float(start), float(end)


def _share(part: float, whole: float, base: float) -> float:
    return float(min(max((part - base) / (whole - base), 0.0), 1.0)) if whole > base else 1.0


def _mean(samples: Samples, i: int, j: int) -> float:
    """The mean power of the samples from i up to j."""
    return float(np.average(samples.watts[i:j], weights=samples.end[i:j] - samples.begin[i:j]))


def _level(samples: Samples, first: int, last: int) -> float:
    """The base load of a peak: the mean of the use right before and right after it, else what is usual."""
    if samples.step[first] >= ROUGH_KWH:
        return float(samples.usual_w[first])
    meter = samples.meter[first]
    low = int(np.searchsorted(samples.meter, meter))
    high = int(np.searchsorted(samples.meter, meter, "right"))
    begin, end = samples.begin[low:high], samples.end[low:high]
    a = low + int(np.searchsorted(begin, samples.begin[first] - AROUND))
    b = low + int(np.searchsorted(end, samples.end[last] + AROUND, "right"))
    levels = [level for i, j in ((a, first), (last + 1, b)) if (level := _quiet(samples, i, j, low, high)) is not None]
    return sum(levels) / len(levels) if levels else float(samples.usual_w[first])


def _quiet(samples: Samples, i: int, j: int, low: int, high: int) -> float | None:
    """The mean use in the samples from i up to j that are not above, nor beside one that is; None where there is none."""
    if i >= j:
        return None
    a, b = max(i - 1, low), min(j + 1, high)
    above = samples.watts[a:b] > samples.enough_w[a:b]
    touch = samples.begin[a + 1 : b] == samples.end[a : b - 1]
    near = above.copy()
    near[1:] |= above[:-1] & touch
    near[:-1] |= above[1:] & touch
    quiet = ~near[i - a : j - a]
    if not quiet.any():
        return None
    took = (samples.end[i:j] - samples.begin[i:j])[quiet]
    return float(np.average(samples.watts[i:j][quiet], weights=took))
