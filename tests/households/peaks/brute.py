"""The rules of a peak, evaluated the slow way: sample by sample, with everything in plain lists."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

WATTS = 1_000 * HOUR
Reading = tuple[int, float]


@dataclass
class Sample:
    begin: int
    end: int
    watts: float
    above: bool


@dataclass
class Span:
    runs: list[list[Sample]]
    start: float
    end: float
    excess: float
    ran: float


def samples(readings: Sequence[Reading], enough: float) -> list[Sample]:
    found = []
    for (t0, v0), (t1, v1) in itertools.pairwise(readings):
        if t1 - t0 <= 5 * MINUTE:
            watts = (v1 - v0) * WATTS / (t1 - t0)
            found.append(Sample(t0, t1, watts, watts > enough))
    return found


def mean(some: Sequence[Sample]) -> float:
    return sum(s.watts * (s.end - s.begin) for s in some) / sum(s.end - s.begin for s in some)


def share(part: float, whole: float, base: float) -> float:
    return min(max((part - base) / (whole - base), 0), 1) if whole > base else 1


def edges(run: Sequence[Sample], base: float) -> tuple[float, float]:
    first, last, inner = run[0], run[-1], run[1:-1]
    start, end = first.begin, last.end
    if len(run) == 1:
        return start, end
    if inner:
        rise = mean([s for s in inner if s.begin < first.end + MINUTE])
        fall = mean([s for s in inner if s.end > last.begin - MINUTE])
        at_start, at_end = share(first.watts, rise, base), share(last.watts, fall, base)
    else:
        at_start = share(first.watts, last.watts, base) if first.watts < last.watts else 1
        at_end = share(last.watts, first.watts, base) if first.watts >= last.watts else 1
    return first.end - at_start * (first.end - first.begin), last.begin + at_end * (last.end - last.begin)


def excess(some: Sequence[Sample], base: float) -> float:
    return sum((s.watts - base) * (s.end - s.begin) for s in some)


def touching(a: Sample, b: Sample) -> bool:
    return a.end == b.begin


def runs_of(all_samples: Sequence[Sample], since: int) -> list[list[Sample]]:
    runs: list[list[Sample]] = []
    for sample in all_samples:
        if sample.above and sample.begin >= since:
            if runs and touching(runs[-1][-1], sample):
                runs[-1].append(sample)
            else:
                runs.append([sample])
    return runs


def power(span: Span) -> float:
    return span.excess / span.ran if span.ran else 0


def quiet(all_samples: Sequence[Sample], begin: int, end: int) -> float | None:
    """The mean use within [begin, end], beside nothing that is above."""
    found = []
    for at, sample in enumerate(all_samples):
        beside = [all_samples[n] for n in (at - 1, at + 1) if 0 <= n < len(all_samples)]
        loud = any(other.above and (touching(other, sample) or touching(sample, other)) for other in beside)
        if begin <= sample.begin and sample.end <= end and not sample.above and not loud:
            found.append(sample)
    return mean(found) if found else None


def peaks(
    readings: Sequence[Reading], usual: float, margin: float, since: int
) -> list[tuple[float, float, float, float, float]]:
    """Start, end, power, base load and energy of every peak."""
    all_samples = samples(readings, usual + margin)
    spans: list[Span] = []
    for run in runs_of(all_samples, since):
        start, end = edges(run, usual)
        new = Span([run], start, end, excess(run, usual), max(end - start, 0))
        if spans:
            last = spans[-1]
            weak, strong = sorted((power(last), power(new)))
            near = new.start - last.end < 2 * MINUTE
            if near and weak >= strong / 2 and run[-1].end - last.runs[0][0].begin <= DAY:
                spans[-1] = Span([*last.runs, run], last.start, end, last.excess + new.excess, last.ran + new.ran)
                continue
        spans.append(new)
    found = []
    for span in spans:
        first, last_one = span.runs[0][0], span.runs[-1][-1]
        levels = (
            quiet(all_samples, first.begin - 5 * MINUTE, first.begin),
            quiet(all_samples, last_one.end, last_one.end + 5 * MINUTE),
        )
        known = [level for level in levels if level is not None]
        base = statistics.fmean(known) if known else usual
        ran = sum(b - a for a, b in (edges(run, base) for run in span.runs))
        mean_power = sum(excess(run, base) for run in span.runs) / ran if ran else 0
        if ran >= 110 * SECOND and mean_power >= 200:
            start, end = edges(span.runs[0], base)[0], edges(span.runs[-1], base)[1]
            within = [s for s in all_samples if first.begin <= s.begin and s.end <= last_one.end]
            found.append((start, end, mean_power, base, excess(within, base) / WATTS))
    return found
