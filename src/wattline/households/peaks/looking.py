"""One look at the readings of many homes: from the store to what is a peak."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.households.energy.grid import power
from wattline.households.peaks.detection import AROUND, LAG, detect, peak, settled
from wattline.households.peaks.model import WINDOW
from wattline.households.peaks.reference import SPAN, STEP, usual
from wattline.households.peaks.samples import LONGEST, sampled
from wattline.households.peaks.store import Home, Look, Standing
from wattline.ingest.series import RowSet, Series
from wattline.model.clock import DAY
from wattline.registry.stream import Stream

FARTHEST = 2 * DAY
"""us before the end of a look that it goes back at most."""
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Watched:
    """A home, its rows, and where it stands; `begin` (us) is where a look that knows nothing of it begins."""

    home: Home
    stream: Stream
    standing: Standing | None
    begin: int

    @property
    def since(self) -> int:
        """From when on to look."""
        if self.standing is None:
            return self.begin
        return self.standing.upto - LAG if self.standing.since is None else self.standing.since


def floor(time: int) -> int:
    """The begin of the window that holds a time."""
    return time // WINDOW * WINDOW


async def look(series: Series, watched: Sequence[Watched], end: int) -> list[Look]:
    """Look at every home from where it stands up to `end`, the end of a window.

    A home has been looked at up to the last window that its readings reach the end of: so readings that a meter could not
    send for a while are looked at when they are there.
    """
    since = [max(each.since, end - FARTHEST) for each in watched]
    first = floor(min(since) - AROUND - LONGEST)
    streams = [each.stream for each in watched]
    grid = await power(series, streams, first - SPAN, end, STEP)
    rows = await series.rows(streams, first, end, [TOTAL])
    # Beside the event loop: readings come in meanwhile.
    return await asyncio.to_thread(_seen, watched, rows, grid.watts, since, first, end)


def _seen(
    watched: Sequence[Watched], rows: RowSet, watts: NDArray[np.float64], since: Sequence[int], first: int, end: int
) -> list[Look]:
    """What the readings of [first, end) tell, with the power of all homes from `SPAN` before that."""
    meter, time, total = _in_order(rows, [each.stream for each in watched])
    base, margin = usual(watts, (end - first) // WINDOW)
    samples = sampled(meter, time, total, first, base, margin)
    looks: list[Look] = []
    for number, chains in enumerate(detect(samples, since)):
        each = watched[number]
        mine = time[np.searchsorted(meter, number) : np.searchsorted(meter, number, "right")]
        found = [one for chain in chains if (one := peak(samples, chain)) is not None]
        after = _after(each.standing, mine, end)
        again = settled(chains, after)
        looks.append(Look(each.home, each.standing, Standing(after, again if again < after - LAG else None), found))
    return looks


def _after(standing: Standing | None, times: NDArray[np.int64], end: int) -> int:
    reached = floor(int(times[-1]) + LONGEST) if len(times) else 0
    return max(min(end, reached), standing.upto if standing is not None else 0)


def _in_order(rows: RowSet, streams: Sequence[Stream]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Number of the stream, time and register of each reading, ordered by stream, then time."""
    ids = np.array([stream.id for stream in streams], np.int64)
    order = np.argsort(ids)
    meter = order[np.searchsorted(ids[order], rows.stream.astype(np.int64))] if len(rows) else np.zeros(0, np.int64)
    usable = np.isfinite(rows.columns[TOTAL])
    meter, time, total = meter[usable], rows.time[usable], rows.columns[TOTAL][usable]
    place = np.lexsort((time, meter))
    return meter[place], time[place], total[place]
