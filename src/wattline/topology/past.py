"""The newest readings at an earlier moment, of any age that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from wattline.ingest.series import RawReadings, Series
from wattline.model.clock import DAY, HOUR, MINUTE
from wattline.model.record import Quality, Row
from wattline.registry.stream import Stream
from wattline.topology.found import NOTHING, Found
from wattline.topology.last_rows import Kept
from wattline.topology.plan import Group, Ints, Plan

NEAR = (5 * MINUTE, HOUR, DAY)
"""How far before a moment its readings are looked for, one after the other for what is still missing; what is older is found in
the last readings of days, which the tiers have."""
TURN = 2000
"""Readings that are taken over before others get their turn."""
Rows = list[NDArray[np.bool_]]
"""Of each group of a plan, some of its terms."""


class Past:
    """Reads the store. Raises `Unavailable`."""

    def __init__(self, series: Series) -> None:
        self._series = series

    async def newest(self, plan: Plan, moment: int) -> Found:
        """The newest reading of each sensor up to a moment (us).

        Power of any age; of a stream whose power is found, nothing older than what still counts.
        """
        found = NOTHING
        waiting = [np.ones(len(group.terms), bool) for group in plan.groups]
        end = min(moment - NEAR[-1], self._series.watermark) // DAY * DAY
        for back in NEAR:
            start = end if back == NEAR[-1] else moment - back
            # Whoever tells seldom is asked where all that counts is found at once.
            due = [
                rows & (back == NEAR[-1] or plan.stale_after[group.terms] <= back)
                for group, rows in zip(plan.groups, waiting, strict=True)
            ]
            streams, sensors = await asyncio.to_thread(_wanted, plan, due)
            if len(sensors):
                found |= _told(await self._series.newest(streams, sensors, max(start, 0), moment + 1))
                waiting = await asyncio.to_thread(_still, plan, waiting, due, found)
        streams, sensors = await asyncio.to_thread(_wanted, plan, waiting)
        if len(sensors):
            found |= _told(await self._series.last_days(streams, sensors, max(end, 0)))
        return found

    async def recall(self, plan: Plan, now: int) -> None:
        """Bring back to memory what streams told that lack power there, each once: after a start, or when a site is new."""
        lacking = [each for group in plan.groups for each in _lacking(group)]
        if not lacking:
            return
        fresh = int(plan.stale_after.max())
        by_sensor = {each.stream.sensor_ids[column]: (each, column) for each in lacking for column in each.columns}
        streams = [each.stream for each in lacking]
        raw = await self._series.newest(streams, np.array(list(by_sensor), np.int64), max(now - fresh, 0), now + 1)
        columns = (raw.sensor.tolist(), raw.time.tolist(), raw.value.tolist(), raw.quality.tolist())
        for number, (sensor, time, value, quality) in enumerate(zip(*columns, strict=True), 1):
            kept, column = by_sensor[sensor]
            values: list[float | None] = [None] * len(kept.stream.sensor_ids)
            values[column] = value
            kept.take(Row(kept.stream.id, time, time, tuple(values), quality))
            if number % TURN == 0:
                await asyncio.sleep(0)
        # Not before: what the store could not tell is asked for again.
        for kept in lacking:
            kept.asked = True


def _lacking(group: Group) -> Iterable[Kept]:
    """Streams of which something is known, but no power."""
    power = [group.pick.columns[place] for place in group.pick.of_power]
    for kept in group.kept:
        if kept.asked or not power:
            continue
        rows = kept.newest()
        if not rows:
            continue
        if all(row.values[column] is None for row in rows for column in power):
            yield kept
        else:
            kept.asked = True


def _wanted(plan: Plan, rows: Rows) -> tuple[list[Stream], Ints]:
    """The streams of these terms, and their sensors."""
    streams, sensors = list[Stream](), [np.zeros(0, np.int64)]
    for group, mine in zip(plan.groups, rows, strict=True):
        streams += [group.kept[place].stream for place in np.flatnonzero(mine).tolist()]
        sensors.append(group.sensors[mine].ravel())
    return streams, np.concatenate(sensors)


def _still(plan: Plan, waiting: Rows, due: Rows, found: Found) -> Rows:
    """Which terms still wait: those that were not due yet, and those that tell power, of which none is found."""
    left = []
    for group, before, asked in zip(plan.groups, waiting, due, strict=True):
        power = found.places(group.sensors[:, group.pick.of_power]) >= 0
        left.append(before & (~asked | (~power.any(axis=1) & bool(group.pick.of_power))))
    return left


def _told(raw: RawReadings) -> Found:
    order = np.argsort(raw.sensor, kind="stable")
    values = np.where(raw.quality < Quality.BAD, raw.value, np.nan)
    return Found(raw.sensor[order].astype(np.int64), raw.time[order], values[order])
