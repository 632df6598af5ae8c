"""Reading together what is asked for together: while a read runs, those who ask the same of other sensors are the next read.

A read of one sensor costs the store mostly what it costs to begin one, so a read of ten costs little more. Dashboards ask the
same range of many sensors at the same moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MOST_SENSORS = 200
"""Sensors in one read; who asks for more, or finds the next read full, reads alone."""


@dataclass
class _Group(Generic[T]):
    """Who waits for the next read of a key."""

    sensors: set[int]
    done: asyncio.Future[T] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Gather(Generic[K, T]):
    """`read(key, sensors)` answers for all of them; each caller takes out its own part.

    A caller is never part of a read that began before it asked, so it sees what was written before.
    """

    def __init__(self, read: Callable[[K, list[int]], Awaitable[T]]) -> None:
        self._read = read
        self._next: dict[K, _Group[T] | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, key: K, sensors: Sequence[int]) -> T:
        """The answer of a read that covers these sensors, and perhaps others."""
        if key not in self._next:
            self._next[key] = None
            try:
                return await self._read(key, list(sensors))
            finally:
                self._go_on(key)
        group = self._next[key]
        if group is None:
            group = self._next[key] = _Group(set())
        if len(group.sensors) + len(sensors) > MOST_SENSORS:
            return await self._read(key, list(sensors))
        group.sensors.update(sensors)
        # One that stops waiting must not take the answer from the others.
        return await asyncio.shield(group.done)

    def _go_on(self, key: K) -> None:
        """The read of a key has ended: begin the next one, if anybody waits for it."""
        group = self._next[key]
        if group is None:
            del self._next[key]
            return
        self._next[key] = None
        task = asyncio.create_task(self._serve(key, group))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, key: K, group: _Group[T]) -> None:
        try:
            found = await self._read(key, sorted(group.sensors))
        except BaseException as error:
            if not group.done.done():
                group.done.set_exception(error)
                # Where nobody waits any more it is no one's concern.
                group.done.exception()
            if not isinstance(error, Exception):
                raise
        else:
            if not group.done.done():
                group.done.set_result(found)
        finally:
            self._go_on(key)
