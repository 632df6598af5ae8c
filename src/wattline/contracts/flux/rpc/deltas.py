"""How much a counter advanced in each interval, with its value at the edges interpolated from the neighbouring intervals.

A counter that falls has begun anew from 0. The difference of an interval depends on which neighbours are looked at: those
outside the range of a query are not. Times are in us; the first axis of two is the counter, the second the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of each counter in each interval: its first and last reading, and the readings after which it fell, added.

    Where `present` is false the counter has no reading in the interval, and the rest means nothing.
    """

    present: Flags
    first_time: Times
    first: Values
    last_time: Times
    last: Values
    resets: Values


def blank(shape: tuple[int, int]) -> Summary:
    """Of so many counters and intervals, in which there is nothing."""
    times, values = np.zeros((2, *shape), np.int64), np.zeros((3, *shape))
    return Summary(np.zeros(shape, bool), times[0], values[0], times[1], values[1], values[2])


def summarise(summary: Summary, counter: Times, interval: Times, time: Times, value: Values) -> None:
    """Put readings into a summary that has none yet of their counters and intervals.

    They come in order of time within each counter and interval, whose places in the summary are given.
    """
    if not len(time):
        return
    cell = counter * summary.present.shape[1] + interval
    begins = np.flatnonzero(np.concatenate(([True], cell[1:] != cell[:-1])))
    ends = np.concatenate((begins[1:], [len(cell)])) - 1
    held = cell[begins]
    summary.present.reshape(-1)[held] = True
    for part, found in (
        (summary.first_time, time[begins]),
        (summary.first, value[begins]),
        (summary.last_time, time[ends]),
        (summary.last, value[ends]),
    ):
        part.reshape(-1)[held] = found
    fell = np.flatnonzero((value[1:] < value[:-1]) & (cell[1:] == cell[:-1]))
    np.add.at(summary.resets.reshape(-1), cell[fell], value[fell])


def deltas(series: Times, start: Times, width: int, of: Summary) -> Values:
    """The advance of each counter in each interval; without meaning where the counter is not present.

    Intervals come in order of their series (a device), then of their start; the neighbour of one is the next of its series,
    however far away, and one in which the counter is not present is none.
    """
    together = series[1:] == series[:-1]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        begin, before = _begin(start, of, together)
        end, after = _end(start + width, of, together)
        return end + (of.resets + before + after) - begin


def _begin(edge: Times, of: Summary, together: Flags) -> tuple[Values, Values]:
    """The value at the beginning of each interval, and the reset between it and the first reading."""
    begin, reset = of.first.copy(), np.zeros_like(of.first)
    where = of.present[:, 1:] & of.present[:, :-1] & together & (of.first_time[:, 1:] > edge[1:])
    first, past = of.first[:, 1:], of.last[:, :-1]
    past = np.where(past > first, 0.0, past)
    share = (edge[1:] - of.last_time[:, :-1]) / _apart(of)
    found = past + (first - past) * share
    begin[:, 1:] = np.where(where, found, first)
    reset[:, 1:] = np.where(where & (found > first), found, 0.0)
    return begin, reset


def _end(edge: Times, of: Summary, together: Flags) -> tuple[Values, Values]:
    """The value at the end of each interval, and the reset between the last reading and it."""
    end, reset = of.last.copy(), np.zeros_like(of.last)
    where = of.present[:, :-1] & of.present[:, 1:] & together
    last, coming = of.last[:, :-1], of.first[:, 1:]
    past = np.where(last > coming, 0.0, last)
    share = (edge[:-1] - of.last_time[:, :-1]) / _apart(of)
    found = past + (coming - past) * share
    end[:, :-1] = np.where(where, found, last)
    reset[:, :-1] = np.where(where & (found < last), last, 0.0)
    return end, reset


def _apart(of: Summary) -> Times:
    """The time between the last reading of each interval and the first of the next; 1 where either is missing."""
    return np.where(of.present[:, 1:] & of.present[:, :-1], of.first_time[:, 1:] - of.last_time[:, :-1], 1)


def joined(parts: Sequence[Summary]) -> Summary:
    """Summaries of consecutive intervals as one."""
    return Summary(*(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in Summary.__slots__))


def taken(of: Summary, intervals: NDArray[np.int64] | slice) -> Summary:
    """Some of the intervals."""
    return Summary(*(getattr(of, name)[:, intervals] for name in Summary.__slots__))
