"""Sensors from which nothing comes any more: their alarms stay as they are, and the silence itself is told."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace

from wattline.alarms.draft import Draft, Note
from wattline.alarms.watch import Watch
from wattline.model.clock import SECOND
from wattline.registry.point import Point

POLLS = 3
LEAST = 30 * SECOND


def patience(point: Point) -> int:
    """For how long a sensor may be silent, in us: three of its polls, and half a minute at least."""
    return max(POLLS * point.poll, LEAST)


def silent_since(point: Point, now: int) -> int | None:
    """The time of the newest reading of a sensor that has been silent for too long, else None; None before the first, too."""
    row = point.stream.latest
    return row.time if row is not None and now - row.time > patience(point) else None


class Silence:
    """When to look at which sensor next. One that is heard of all the time is looked at once in its patience."""

    def __init__(self, started: int) -> None:
        self._started = started
        self._due: list[tuple[int, int]] = []
        self._waiting: set[int] = set()

    def expect(self, watches: Iterable[Watch], now: int) -> None:
        """Look at these sensors from now on; those without limits are left out."""
        for watch in watches:
            if watch.limits and watch.sensor not in self._waiting:
                self._wait(watch.sensor, now)

    def _wait(self, sensor: int, at: int) -> None:
        self._waiting.add(sensor)
        heapq.heappush(self._due, (at, sensor))

    def listen(self, draft: Draft) -> list[tuple[int, int]]:
        """Note who fell silent and who was heard again; the sensors looked at, and when to look again. See `again`."""
        for sensor in sorted(draft.book.stale):
            # Asked every second about all that are silent, so of what is known without a look at the columns.
            known = draft.book.stored(sensor)
            if known is not None and _heard(known, draft.now):
                _welcome(draft, draft.watch(sensor))
        looked = []
        while self._due and self._due[0][0] <= draft.now:
            _, sensor = heapq.heappop(self._due)
            self._waiting.discard(sensor)
            watch = draft.watch(sensor)
            if watch.limits:
                looked.append((self._look(draft, watch), sensor))
        return looked

    def again(self, looked: Iterable[tuple[int, int]]) -> None:
        """Look at these sensors again, each at its time; to be called whatever became of the draft."""
        for at, sensor in looked:
            if sensor not in self._waiting:
                self._wait(sensor, at)

    def _look(self, draft: Draft, watch: Watch) -> int:
        wait = patience(watch.point)
        row = watch.point.stream.latest
        if row is None or watch.stale is not None:
            return draft.now + wait
        # After a start everyone gets the time to be heard: nothing was taken in meanwhile.
        heard = max(row.time, self._started)
        if draft.now - heard <= wait:
            return heard + wait + 1
        draft.put(replace(watch, stale=row.time))
        draft.notes.append(Note("sensor_stale", watch.point, draft.now, {"last_reading": row.time, "patience": wait}))
        return draft.now + wait


def _heard(watch: Watch, now: int) -> bool:
    """Whether a sensor that fell silent has been heard again."""
    row = watch.point.stream.latest
    return row is not None and watch.stale is not None and row.time > watch.stale and silent_since(watch.point, now) is None


def _welcome(draft: Draft, watch: Watch) -> None:
    draft.put(replace(watch, stale=None))
    draft.notes.append(Note("sensor_fresh", watch.point, draft.now, {"silent_since": watch.stale}))
