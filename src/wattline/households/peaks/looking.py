"""One look at the readings of many homes: from the store to what is a peak."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.energy.grid import power
from wattline.households.peaks.detection import AROUND, LAG, Chain, Found, Removed, detect, peak, settled
from wattline.households.peaks.model import WINDOW, Peak
from wattline.households.peaks.reference import SPAN, STEP, usual
from wattline.households.peaks.samples import LONGEST, Samples, sampled
from wattline.households.peaks.store import Home, Look, Standing
from wattline.ingest.series import Series
from wattline.model.clock import DAY
from wattline.registry.stream import Stream

FARTHEST = 2 * DAY
"""us before the end of a look that it goes back at most."""
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Watched:
    """A home, its rows, and where it stands; `begin` (us) is where a look that knows nothing of it begins.

    `ended` is when the household gave the meter away (us): there is nothing to wait for after that.
    """

    home: Home
    stream: Stream
    standing: Standing | None
    begin: int
    ended: int | None = None

    @property
    def since(self) -> int:
        """From when on to look."""
        if self.standing is None:
            return self.begin
        return self.standing.upto - LAG if self.standing.since is None else self.standing.since


def floor(time: int) -> int:
    """The begin of the window that holds a time."""
    return time // WINDOW * WINDOW


def ceiling(time: int) -> int:
    """The end of the window that holds what is before a time."""
    return -(-time // WINDOW) * WINDOW


Spans = Mapping[Home, Sequence[tuple[int, int]]]


async def look(series: Series, watched: Sequence[Watched], end: int, removed: Spans, *, last: bool) -> list[Look]:
    """Look at every home from where it stands up to `end`, the end of a window; nothing in the spans of `removed` is a peak.

    A home has been looked at up to the last window that its readings reach the end of: so readings that a meter could not
    send for a while are looked at when they are there. `last`: there are no readings after `end` that anybody looked at.
    """
    since = [max(each.since, end - FARTHEST) for each in watched]
    seen = await _read(series, watched, since, end)
    # Beside the event loop: readings come in meanwhile.
    return await asyncio.to_thread(_looks, watched, seen, since, removed, last)


async def resume(series: Series, watched: Sequence[Watched], closed: int) -> list[int]:
    """From where on to look at each home again when its readings changed at or after `closed`, the end of a window (us)."""
    since = [closed - DAY] * len(watched)
    seen = await _read(series, watched, since, closed)
    chains = await asyncio.to_thread(lambda: detect(_samples(seen), since))
    return [settled(each, closed) for each in chains]


async def profile(series: Series, stream: Stream, of: Peak) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The samples of a stored peak: the end of each in us, and W above the base load."""
    first, end = floor(of.start) - WINDOW, ceiling(of.end)
    rows = await series.usable([stream], first, end, [TOTAL])
    level = np.zeros((1, (end - first) // WINDOW))
    samples = sampled(np.zeros(len(rows.time), np.int64), rows.time, rows.value, first, level, level)
    mine = (samples.end > of.start) & (samples.begin < of.end)
    return samples.end[mine], samples.watts[mine] - of.base_w


@dataclass(frozen=True, slots=True)
class _Seen:
    """The readings of homes in [first, end), ordered by their number, then time, and their power from `SPAN` before that."""

    meter: NDArray[np.int64]
    time: NDArray[np.int64]
    total: NDArray[np.float64]
    watts: NDArray[np.float64]
    first: int
    end: int


async def _read(series: Series, watched: Sequence[Watched], since: Sequence[int], end: int) -> _Seen:
    first = floor(min(since) - AROUND - LONGEST)
    streams = [each.stream for each in watched]
    grid = await power(series, streams, first - SPAN, end, STEP)
    rows = await series.usable(streams, first, end, [TOTAL])
    ids = np.array([stream.sensor_id(TOTAL) for stream in streams], np.int64)

    def numbered() -> _Seen:
        order = np.argsort(ids)
        meter = order[np.searchsorted(ids[order], rows.sensor.astype(np.int64))] if len(ids) else np.zeros(0, np.int64)
        place = np.lexsort((rows.time, meter))
        return _Seen(meter[place], rows.time[place], rows.value[place], grid.watts, first, end)

    return await asyncio.to_thread(numbered)


def _samples(seen: _Seen) -> Samples:
    base, margin = usual(seen.watts, (seen.end - seen.first) // WINDOW)
    return sampled(seen.meter, seen.time, seen.total, seen.first, base, margin)


def _looks(watched: Sequence[Watched], seen: _Seen, since: Sequence[int], removed: Spans, last: bool) -> list[Look]:
    """What the readings tell."""
    samples = _samples(seen)
    spans: list[Removed] = [(number, *span) for number, each in enumerate(watched) for span in removed.get(each.home, ())]
    looks: list[Look] = []
    for number, chains in enumerate(detect(samples, since, spans)):
        each = watched[number]
        mine = seen.time[np.searchsorted(seen.meter, number) : np.searchsorted(seen.meter, number, "right")]
        after = _after(each, mine, seen.end)
        again = settled(chains, after)
        standing = Standing(after, again if again < after - LAG else None)
        until = seen.end if last else min(again, seen.end)
        looks.append(Look(each.home, each.standing, standing, _found(samples, chains), since[number], until, seen.end))
    return looks


def _found(samples: Samples, chains: Sequence[Chain]) -> list[Found]:
    return [one for chain in chains if (one := peak(samples, chain)) is not None]


def _after(watched: Watched, times: NDArray[np.int64], end: int) -> int:
    reached = floor(int(times[-1]) + LONGEST) if len(times) else 0
    if watched.ended is not None:
        reached = max(reached, ceiling(watched.ended))
    return max(min(end, reached), watched.standing.upto if watched.standing is not None else 0)
