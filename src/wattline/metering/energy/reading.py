"""From the ends of short intervals to the cells of a lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.billing.intervals import Grid
from wattline.ingest.edge_series import WIDTH, Edges, Singles
from wattline.metering.energy.cells import A_DAY, INTERVAL, MOST_COUNTED, Cells, over
from wattline.metering.energy.kept import bounds
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.power import Line, bridged, power
from wattline.metering.energy.register import Floats, Ints, Rule, steps
from wattline.metering.energy.spread import spread
from wattline.model.clock import DAY, HOUR

EVEN = 0.01
"""By how much the mean distance of the readings in an interval may be off what is usual for them to count as evenly spaced."""
DENSE = 30
"""Of so many readings in an interval what is usual is also seen from the others; of fewer, only the meter's setting says it."""
USUAL = 0.05
"""Of all intervals this share has its readings closer together than is usual: those that are lost only draw them apart."""

Points = tuple[Ints, Floats]
"""Times (us) and values of readings, ordered by time."""
Kept = tuple[Cells, Ints, Ints]
"""Cells of days, and between which readings each day can change."""


def doubtful(lane: Lane, edges: Edges) -> NDArray[np.bool_]:
    """Which intervals hold more than their ends tell, so that each reading in them must be looked at.

    Of a power these are the ones in which it turns or readings are not evenly spaced. Of evenly spaced ones the sum is the
    trapezoid; where up to `EVEN` of them are missing, it is off by at most that part of the range between the extremes. So it
    is, without that bound, where readings are uneven but kept no longer.
    """
    if lane.rule is not None:
        return (edges.low < edges.first) | (edges.high > edges.last)
    several = edges.count > 2
    turning = (edges.low < 0) & (edges.high > 0)
    apart = (edges.last_time - edges.first_time) / np.maximum(edges.count - 1, 1)
    even = np.abs(apart - lane.interval) <= EVEN * lane.interval
    dense = edges.count >= DENSE
    if dense.any():
        usual = np.quantile(apart[dense], USUAL, method="lower")
        even |= dense & (np.abs(apart - usual) <= EVEN * usual)
    found: NDArray[np.bool_] = several & (turning | ~even)
    return found


def _without(edges: Edges, singles: Points | None) -> Edges:
    """The intervals whose readings are not there one by one. Of a doubtful one whose readings are gone, its ends must do."""
    if singles is None or not len(singles[0]):
        return edges
    return edges.take(~np.isin(edges.first_time // WIDTH, np.unique(singles[0] // WIDTH)))


def points(edges: Edges, singles: Points | None) -> Points:
    """The readings at both ends of each interval, and single ones."""
    used = _without(edges, singles)
    several = used.last_time > used.first_time
    if not several.any() and used is edges:
        return used.first_time, used.first
    more = (np.zeros(0, np.int64), np.zeros(0)) if singles is None else singles
    times = np.concatenate([used.first_time, used.last_time[several], more[0]])
    values = np.concatenate([used.first, used.last[several], more[1]])
    order = np.argsort(times, kind="stable")
    return times[order], values[order]


def line(edges: Edges, singles: Points | None, factor: float) -> Line:
    """Power as pieces: an interval is one, with the mean of what lies between its ends; a single reading is one."""
    used = _without(edges, singles)
    several = used.count > 2
    mean = np.full(len(used), np.nan)
    # The trapezoid of readings that are evenly spaced.
    ends = (used.first + used.last) / 2.0
    mean[several] = (used.total - ends)[several] / (used.count - 1)[several] * factor
    found = Line(used.first_time, used.last_time, used.first * factor, used.last * factor, mean)
    if singles is None or not len(singles[0]):
        return found
    more = Line.of(singles[0], singles[1] * factor)
    begin = np.concatenate([found.begin, more.begin])
    order = np.argsort(begin, kind="stable")
    joined = [begin, *(np.concatenate([getattr(found, n), getattr(more, n)]) for n in ("stop", "first", "last", "mean"))]
    return Line(*(column[order] for column in joined))


def register_cells(
    lane: Lane, edges: Edges, singles: Points | None, before: Points | None, after: Points | None, first: int, days: int
) -> Kept:
    """The cells of `days` days of a register, from day `first` on; `before` and `after` lie outside of what was read."""
    time, value = joined(points(edges, singles), before, after)
    if lane.factor != 1.0:
        value = value * lane.factor
    grid = over(first * DAY, (first + days) * DAY)
    assert lane.rule is not None
    found = _even(time, value, lane.rule, grid)
    columns = spread(steps(time, value, lane.rule), grid, 2 * lane.interval) if found is None else found
    columns["count"] = _counted(edges, grid)
    odd = columns.get("odd", np.zeros(grid.size)).reshape(days, A_DAY).max(axis=1)
    low, high = bounds(time, first, days, odd=np.asarray(odd > 0))
    return Cells.of(grid.size, columns), low, high


def _even(time: Ints, value: Floats, rule: Rule, grid: Grid) -> dict[str, NDArray[Any]] | None:
    """The same as `spread` of `steps`, where readings stand on the edges of intervals and nothing is odd; else None."""
    if len(time) < 2 or (time[0] - grid.start) % INTERVAL or time[-1] - time[0] != (len(time) - 1) * INTERVAL:
        return None
    rise = np.diff(value)
    if rise.min() < 0 or (rule.most_kw is not None and rise.max() > rule.most_kw * INTERVAL / HOUR):
        return None
    if (np.diff(time) != INTERVAL).any():
        return None
    begin = int(time[0] - grid.start) // INTERVAL
    low, high = max(begin, 0), min(begin + len(rise), grid.size)
    energy, covered = np.zeros(grid.size), np.zeros(grid.size, np.float32)
    if low < high:
        energy[low:high], covered[low:high] = rise[low - begin : high - begin], 1.0
    return {"energy": energy, "covered": covered}


def silent_cells(first: int, days: int) -> Kept:
    """The cells of a lane that never told anything: whatever it will tell can change them all."""
    low, high = bounds(np.zeros(0, np.int64), first, days, odd=np.zeros(days, bool))
    return Cells(days * A_DAY), low, high


def one_way_cells(lane: Lane, oldest: int, newest: int, first: int, days: int) -> Kept:
    """The cells of a power that never flowed the other way; what is covered is told by the day."""
    starts = (first + np.arange(days, dtype=np.int64)) * DAY
    told = (starts + DAY > oldest) & (starts <= newest)
    reach = bridged(lane.interval)
    return Cells.of(days * A_DAY, {"covered": np.repeat(told, A_DAY)}), starts - reach, starts + DAY + reach


def power_cells(lane: Lane, edges: Edges, singles: Points | None, first: int, days: int) -> Kept:
    """The same of a power."""
    found = line(edges, singles, lane.factor)
    grid = over(first * DAY, (first + days) * DAY)
    columns = power(found, grid, bridged(lane.interval))
    columns["count"] = _counted(edges, grid)
    low, high = bounds(found.begin, first, days, odd=np.zeros(days, bool))
    return Cells.of(grid.size, columns), low, high


def fine_cells(lane: Lane, edges: Edges, singles: Points | None, outside: Sequence[Points | None], grid: Grid) -> Cells:
    """What flowed in the intervals of any grid; `outside` is what lies before and behind what was read, of a register."""
    if lane.rule is None:
        return Cells.of(grid.size, power(line(edges, singles, lane.factor), grid, bridged(lane.interval)))
    time, value = joined(points(edges, singles), *outside)
    return Cells.of(grid.size, spread(steps(time, value * lane.factor, lane.rule), grid, 2 * lane.interval))


def joined(inside: Points, before: Points | None, after: Points | None) -> Points:
    """Readings in the order of their times."""
    if before is None and after is None:
        return inside
    parts = [part for part in (before, inside, after) if part is not None]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _counted(edges: Edges, grid: Grid) -> Floats:
    """How many readings came in each interval."""
    place = (edges.first_time - grid.start) // INTERVAL
    inside = (place >= 0) & (place < grid.size)
    found = np.bincount(place[inside], weights=edges.count[inside], minlength=grid.size)
    return np.minimum(found, MOST_COUNTED)


def parted(singles: Singles, wanted: Mapping[int, Ints]) -> dict[int, Points]:
    """The readings of each sensor in its own intervals (their numbers, counted from 1970)."""
    found = {}
    for sensor, buckets in wanted.items():
        low, high = np.searchsorted(singles.sensor, np.array([sensor, sensor + 1], singles.sensor.dtype))
        time, value = singles.time[low:high], singles.value[low:high]
        mine = np.isin(time // WIDTH, buckets)
        found[sensor] = time[mine], value[mine]
    return found
