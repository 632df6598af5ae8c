"""The newest readings at an earlier moment, of any age that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from wattline.ingest.series import Series
from wattline.model.clock import DAY, HOUR, MINUTE
from wattline.model.record import Quality, Row
from wattline.registry.stream import Stream
from wattline.topology.last_rows import Kept
from wattline.topology.plan import Floats, Group, Ints, Plan

NEAR = (5 * MINUTE, HOUR, DAY)
"""How far before a moment its readings are looked for, one after the other for what is still missing; what is older is found in
the last readings of days, which the tiers have."""
AT_ONCE = 20_000
"""Sensors of one query."""


@dataclass(frozen=True, eq=False)
class _Wanted:
    """The sensors of a stream, those of power among them, and how far back what else it told counts (us)."""

    stream: Stream
    sensors: tuple[int, ...]
    power: tuple[int, ...]
    fresh: int


class Past:
    """Reads the store. Raises `Unavailable`."""

    def __init__(self, series: Series) -> None:
        self._series = series

    async def newest(self, plan: Plan, moment: int) -> dict[int, tuple[int, float]]:
        """The newest good reading of each sensor up to a moment (us): time and value, by the sensor's id.

        Power of any age; of a stream whose power is found, nothing older than what still counts.
        """
        found: dict[int, tuple[int, float]] = {}
        waiting = await asyncio.to_thread(_wanted, plan)
        end = min(moment - NEAR[-1], self._series.watermark) // DAY * DAY
        for back in NEAR:
            start = end if back == NEAR[-1] else moment - back
            # Whoever tells seldom is asked where all that counts is found at once.
            due = [each.fresh <= back or back == NEAR[-1] for each in waiting]
            some = list(compress(waiting, due))
            for part in _parts(some):
                streams, sensors = [each.stream for each in part], [s for each in part for s in each.sensors]
                raw = await self._series.newest(streams, sensors, max(start, 0), moment + 1)
                good = raw.quality < Quality.BAD
                found |= _told(raw.sensor[good], raw.time[good], raw.value[good])
            waiting = [each for each, was_due in zip(waiting, due, strict=True) if not was_due or _lacks_power(each, found)]
        for part in _parts(waiting):
            streams, sensors = [each.stream for each in part], [s for each in part for s in each.sensors]
            raw = await self._series.last_days(streams, sensors, max(end, 0))
            older = _told(raw.sensor, raw.time, raw.value)
            found |= {sensor: told for sensor, told in older.items() if sensor not in found}
        return found

    async def recall(self, plan: Plan, now: int) -> None:
        """Bring back to memory what streams told that lack power there, each once: after a start, or when a site is new."""
        lacking = [each for group in plan.groups for each in _lacking(group)]
        if not lacking:
            return
        fresh = int(plan.stale_after.max())
        wanted = [_Wanted(kept.stream, tuple(kept.stream.sensor_ids[c] for c in kept.columns), (), fresh) for kept in lacking]
        by_sensor = {sensor: kept for each, kept in zip(wanted, lacking, strict=True) for sensor in each.sensors}
        for part in _parts(wanted):
            streams, sensors = [each.stream for each in part], [s for each in part for s in each.sensors]
            raw = await self._series.newest(streams, sensors, max(now - fresh, 0), now + 1)
            columns = (raw.sensor.tolist(), raw.time.tolist(), raw.value.tolist(), raw.quality.tolist())
            for sensor, time, value, quality in zip(*columns, strict=True):
                kept = by_sensor[sensor]
                column = kept.stream.sensor_ids.index(sensor)
                values: list[float | None] = [None] * len(kept.stream.sensor_ids)
                values[column] = value
                kept.take(Row(kept.stream.id, time, time, tuple(values), quality))


def _lacking(group: Group) -> Iterable[Kept]:
    """Streams of which something is known, but no power."""
    power = [group.pick.columns[place] for place in group.pick.of_power]
    for kept in group.kept:
        if kept.asked or not power:
            continue
        rows = kept.newest()
        if not rows:
            continue
        kept.asked = True
        if all(row.values[column] is None for row in rows for column in power):
            yield kept


def _wanted(plan: Plan) -> list[_Wanted]:
    found: dict[tuple[int, int], _Wanted] = {}
    for term in plan.terms:
        for stream, pick in term.parts:
            sensors = pick.get(stream.sensor_ids)[1:]
            power = tuple([sensors[place] for place in pick.of_power])
            found[stream.id, id(pick)] = _Wanted(stream, sensors, power, term.stale_after)
    return list(found.values())


def _parts(wanted: Sequence[_Wanted]) -> Iterable[list[_Wanted]]:
    part: list[_Wanted] = []
    count = 0
    for each in wanted:
        if count + len(each.sensors) > AT_ONCE and part:
            yield part
            part, count = [], 0
        part.append(each)
        count += len(each.sensors)
    if part:
        yield part


def _told(sensors: NDArray[np.uint32], times: Ints, values: Floats) -> dict[int, tuple[int, float]]:
    return dict(zip(sensors.tolist(), zip(times.tolist(), values.tolist(), strict=True), strict=True))


def _lacks_power(wanted: _Wanted, found: dict[int, tuple[int, float]]) -> bool:
    """Whether a stream that tells power has not told any, as far as was looked."""
    return bool(wanted.power) and not any(sensor in found for sensor in wanted.power)
