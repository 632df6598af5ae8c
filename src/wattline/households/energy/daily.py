"""What a household used on each of its local days.

What was used between two readings belongs to the day of the second one, as in the rows. So the days sum up to the difference
of the register, to the last digit, and equal the sum of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattline.households.energy.register import Shown, kwh, micro_kwh, registers_before
from wattline.ingest.series import LATEST, Buckets, Series
from wattline.model.clock import DAY, EPOCH, HOUR, MINUTE, SECOND, from_micros, to_micros
from wattline.registry.stream import Stream

LONG_GAP = 6 * HOUR
"""What was used in a longer pause than this over midnight is told apart: it says little of the day that it is counted in."""
WIDTHS = (HOUR, 5 * MINUTE, MINUTE, SECOND)
"""Days are put together from the widest buckets whose edges fall on every midnight."""
END_OF_TIME = LATEST // DAY * DAY

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DayUse:
    """A local day, [start, end) in us; empty where the zone skipped it.

    `kwh` is None where no reading lies in the day; `fed_in_kwh` also where none was ever sent.

    `carried_kwh` is the part of `kwh` that was used in a pause of more than six hours which began on an earlier day.
    `coverage` is the share of the day's hours with a reading, 0 to 1.
    """

    day: date
    start: int
    end: int
    kwh: Decimal | None
    fed_in_kwh: Decimal | None
    carried_kwh: Decimal
    coverage: float


def midnight(day: date, zone: ZoneInfo) -> int:
    """The begin of a local day in us. Days that no reading can be on begin at the edge of time."""
    if day <= EPOCH.date():
        return 0
    if day >= from_micros(END_OF_TIME).date():
        return END_OF_TIME
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone))


def local_day(moment: int, zone: ZoneInfo) -> date:
    """The local day of an instant."""
    return from_micros(moment).astimezone(zone).date()


async def daily_use(series: Series, streams: Sequence[Stream], first: date, last: date, zone: ZoneInfo) -> list[DayUse]:
    """Every local day from `first` to `last`, both inclusive, with what all the streams together tell of it."""
    start, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    if start >= end:
        return []
    # One after the other by the calendar: a zone that crossed the date line has a day without an instant.
    calendar = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    edges = np.array([*(midnight(day, zone) for day in calendar), end], np.int64)
    tally = _Tally(edges)
    if streams:
        sensors = [stream.sensor_id(name) for stream in streams for name in ("total", "total_out")]
        found = await series.buckets(streams, sensors, start, end, _width(edges))
        before = await registers_before(series, streams, start)
        for stream in streams:
            tally.used(found, stream.sensor_id("total"), before)
            tally.fed_in(found, stream.sensor_id("total_out"), before)
    return tally.days(calendar)


def _width(edges: Ints) -> int:
    """Offsets from UTC are whole seconds, so the last width always fits."""
    return next(width for width in WIDTHS if not (edges % width).any())


class _Tally:
    """Sums of micro-kWh by day."""

    def __init__(self, edges: Ints) -> None:
        count = len(edges) - 1
        self._edges = edges
        self._kwh = np.zeros(count, np.int64)
        self._fed_in = np.zeros(count, np.int64)
        self._carried = np.zeros(count, np.int64)
        self._seen = np.zeros(count, bool)
        self._feeds = np.zeros(count, bool)
        self._hours: set[tuple[int, int]] = set()

    def _days_of(self, times: Ints) -> Ints:
        found: Ints = np.searchsorted(self._edges, times, "right") - 1
        return found

    def used(self, found: Buckets, sensor: int, before: dict[int, Shown]) -> None:
        """Add what one stream tells of use."""
        mine = (found.group == sensor) & (found.count > 0)
        if not mine.any():
            return
        first_time, last_time = found.first_time[mine], found.last_time[mine]
        first, last = micro_kwh(found.first[mine]), micro_kwh(found.last[mine])
        start = before.get(sensor) or Shown(int(first_time[0]), int(first[0]))
        shown = np.concatenate(([start.micro], last[:-1]))
        shown_at = np.concatenate(([start.time], last_time[:-1]))
        day = self._days_of(first_time)
        np.add.at(self._kwh, day, last - shown)
        self._seen[day] = True
        long = (first_time - shown_at > LONG_GAP) & (shown_at < self._edges[day])
        np.add.at(self._carried, day[long], (first - shown)[long])
        hour = (found.time[mine] - self._edges[day]) // HOUR
        self._hours |= set(zip(day.tolist(), hour.tolist(), strict=True))

    def fed_in(self, found: Buckets, sensor: int, before: dict[int, Shown]) -> None:
        """Add what one stream tells of energy fed in."""
        mine = (found.group == sensor) & (found.count > 0)
        if not mine.any():
            return
        day = self._days_of(found.first_time[mine])
        last = micro_kwh(found.last[mine])
        start = before[sensor].micro if sensor in before else int(micro_kwh(found.first[mine])[0])
        np.add.at(self._fed_in, day, np.diff(last, prepend=start))
        self._feeds[day] = True

    def days(self, calendar: Sequence[date]) -> list[DayUse]:
        """The days with their sums."""
        covered = np.zeros(len(self._kwh), np.int64)
        for day, _ in self._hours:
            covered[day] += 1
        found = []
        edges = self._edges.tolist()
        for at, (day_of, start, end) in enumerate(zip(calendar, edges[:-1], edges[1:], strict=True)):
            found.append(
                DayUse(
                    day=day_of,
                    start=start,
                    end=end,
                    kwh=kwh(int(self._kwh[at])) if self._seen[at] else None,
                    fed_in_kwh=kwh(int(self._fed_in[at])) if self._feeds[at] else None,
                    carried_kwh=kwh(int(self._carried[at])),
                    coverage=min(int(covered[at]) * HOUR / (end - start), 1.0) if end > start else 0.0,
                )
            )
        return found
