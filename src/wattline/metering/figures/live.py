"""The live trail: what meters told in the last minutes, thinned out so that no extreme is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wattline.ingest.series import Series
from wattline.metering.energy.register import Floats, Ints
from wattline.metering.fields import NAMES
from wattline.metering.figures.subject import Subject
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.model.clock import MINUTE, SECOND, Clock
from wattline.model.errors import Invalid
from wattline.registry.stream import Stream

STALE = 3
"""After how many intervals without a reading a meter is stale."""
HELD = 2
"""For how many intervals a reading stands in a sum until the next one comes."""
SUMMED = ("total_power", "power_a", "power_b", "power_c", "reactive_power")
"""Fields that can be added up over meters at one instant."""
EXTREMES = 2
"""Points that a field needs of each part of the trail: its least and its largest."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Times in us. `columns` has NaN where a field was not told; `latest` is the newest value of each field.

    Of a group, `time` are instants at which the last readings of its members were added up; `coverage` is the share of the
    members that told anything, `silent` the ids of those that did not.
    """

    interval_s: int
    newest: int | None
    stale: bool
    latest: Mapping[str, float]
    time: Ints
    columns: Mapping[str, Floats]
    coverage: float | None
    silent: tuple[int, ...]


class Live:
    """Reads trails. `Unavailable` where the store is away."""

    def __init__(self, metering: Metering, series: Series, clock: Clock) -> None:
        self._metering = metering
        self._series = series
        self._clock = clock

    async def trail(self, subject: Subject, minutes: int, fields: Sequence[str] | None, most: int) -> Trail:
        """The trail of the last `minutes`, of at most `most` points. Raises `Invalid`.

        Without `fields` all that were told; of a group, or a virtual meter, those that can be added up.
        """
        single = len(subject.members) == 1 and subject.members[0].weight == 1 and subject.kind == "meter"
        allowed = NAMES if single else SUMMED
        for field in fields or ():
            if field not in allowed:
                known = "there is no such field" if field not in NAMES else "this field of several meters cannot be added up"
                raise Invalid(f"{field}: {known}; there are: {', '.join(allowed)}", "fields")
        wanted = list(dict.fromkeys(fields)) if fields else list(allowed)
        now = self._clock.micros()
        if single:
            found = await self._one(subject.members[0].meter, wanted, now - minutes * MINUTE, now)
        else:
            found = await self._several(subject, wanted, now - minutes * MINUTE, now)
        columns = {name: column for name, column in found.columns.items() if fields or not np.isnan(column).all()}
        kept = thinned(found.time, list(columns.values()), most)
        cut = {name: column[kept] for name, column in columns.items()}
        return Trail(
            found.interval_s, found.newest, found.stale, found.latest, found.time[kept], cut, found.coverage, found.silent
        )

    async def _one(self, meter: Meter, fields: Sequence[str], start: int, now: int) -> Trail:
        time, columns = await self._rows(meter, fields, start, now + 1)
        newest, latest = self.newest(meter)
        stale = newest is None or now - newest > STALE * meter.interval_s * SECOND
        silent = () if newest is not None else (meter.id,)
        return Trail(meter.interval_s, newest, stale, latest, time, columns, float(not silent), silent)

    async def _several(self, subject: Subject, fields: Sequence[str], start: int, now: int) -> Trail:
        """The sum of the members' last readings, at every instant at which one of them told something."""
        members = [member for member in subject.summed if member.within(now, now + 1)[1] > now]
        interval = max((member.meter.interval_s for member in members), default=1)
        parts, silent, ages, latest = [], [], [], dict.fromkeys(fields, 0.0)
        for member in members:
            held = HELD * member.meter.interval_s * SECOND
            time, columns = await self._rows(member.meter, fields, start - held, now + 1)
            newest, values = self.newest(member.meter)
            if newest is None or not len(time):
                silent.append(member.meter.id)
                continue
            ages.append(newest)
            parts.append((member.weight, held, time, columns))
            for name in list(latest):
                if name in values:
                    latest[name] += member.weight * values[name]
                else:
                    del latest[name]
        instants = np.unique(np.concatenate([time for _, _, time, _ in parts])) if parts else np.zeros(0, np.int64)
        instants = instants[instants >= start]
        sums = {name: np.zeros(len(instants)) for name in fields}
        for weight, held, time, columns in parts:
            for name in fields:
                sums[name] += weight * _held(instants, time, columns[name], held)
        stale = not ages or now - min(ages) > STALE * interval * SECOND
        coverage = len(parts) / len(members) if members else None
        return Trail(interval, max(ages, default=None), stale, latest if parts else {}, instants, sums, coverage, tuple(silent))

    async def _rows(self, meter: Meter, fields: Sequence[str], start: int, end: int) -> tuple[Ints, dict[str, Floats]]:
        """The rows of a meter, whatever streams its fields are in: times, and a column for each field."""
        places: dict[int, tuple[Stream, dict[str, tuple[str, float]]]] = {}
        for field in fields:
            channel = self._metering.channel(meter, field)
            if channel is not None:
                quantity = channel.stream.layout.quantities[channel.column].name
                places.setdefault(channel.stream.id, (channel.stream, {}))[1][field] = (quantity, channel.factor)
        found = []
        for stream, named in places.values():
            rows = await self._series.rows([stream], start, end, sorted({quantity for quantity, _ in named.values()}))
            found.append((rows.time, {field: rows.columns[quantity] * factor for field, (quantity, factor) in named.items()}))
        time = np.unique(np.concatenate([each for each, _ in found])) if found else np.zeros(0, np.int64)
        columns = {field: np.full(len(time), np.nan) for field in fields}
        for own, values in found:
            at = np.searchsorted(time, own)
            for field, column in values.items():
                columns[field][at] = column
        return time, columns

    def newest(self, meter: Meter) -> tuple[int | None, dict[str, float]]:
        """When a meter told something last, and the fields of that reading."""
        time: int | None = None
        latest: dict[str, float] = {}
        for field in NAMES:
            channel = self._metering.channel(meter, field)
            row = None if channel is None else channel.stream.latest
            if channel is None or row is None:
                continue
            value = row.values[channel.column]
            if value is not None:
                time = row.time if time is None else max(time, row.time)
                latest[field] = value * channel.factor
        return time, latest


def _held(instants: Ints, time: Ints, values: Floats, held: int) -> Floats:
    """The last value at each instant, NaN where it is older than `held` (us)."""
    told = ~np.isnan(values)
    time, values = time[told], values[told]
    place = np.searchsorted(time, instants, side="right") - 1
    found = np.full(len(instants), np.nan)
    there = place >= 0
    there[there] = instants[there] - time[place[there]] <= held
    found[there] = values[place[there]]
    return found


def thinned(time: Ints, columns: Sequence[Floats], most: int) -> Ints:
    """Which points to keep, ascending, at most so many: the first, the last, and every field's extremes in parts of equal time.

    Raises `Invalid` where so few points have no room for the extremes of so many fields.
    """
    if len(time) <= most:
        return np.arange(len(time), dtype=np.int64)
    parts = (most - 2) // (EXTREMES * max(len(columns), 1))
    if parts < 1:
        raise Invalid(f"max_points: for {len(columns)} fields at least {EXTREMES * len(columns) + 2} are needed", "max_points")
    part = np.minimum((time - time[0]) * parts // max(int(time[-1] - time[0]), 1), parts - 1)
    first = np.flatnonzero(np.diff(part, prepend=-1))
    kept = [np.array([0, len(time) - 1])]
    for column in columns:
        for empty, extreme in ((np.inf, np.minimum), (-np.inf, np.maximum)):
            values = np.where(np.isnan(column), empty, column)
            best = extreme.reduceat(values, first)
            at = np.flatnonzero((values == np.repeat(best, np.diff(first, append=len(time)))) & ~np.isnan(column))
            # The first of several that are equal.
            kept.append(at[np.unique(part[at], return_index=True)[1]])
    return np.unique(np.concatenate(kept))
