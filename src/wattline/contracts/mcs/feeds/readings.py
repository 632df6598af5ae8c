"""The readings of a block as they are committed, each encoded once for all clients of the block.

A reading that is older than the newest of its sensor is not live: it is passed over unless the client asks for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from starlette.types import Message

from wattline.bus.protocol import Bus, Subscription
from wattline.contracts.mcs.feeds.socket import text_message
from wattline.contracts.mcs.feeds.spelling import spell
from wattline.metrics import Metrics
from wattline.model.place import Block
from wattline.model.record import Row
from wattline.registry.point import Point
from wattline.registry.service import Registry

TOPIC = "rows"
WAITING = 4096
"""Messages of the bus that may wait to be taken."""
GATHER_SECONDS = 0.01
"""Readings of so long go to the clients together."""
MOST_WAITING = 8192
"""Readings that may wait for one client; with one more, only the newest of each sensor are kept."""


log = logging.getLogger(__name__)


class ReadingFrame(msgspec.Struct):
    """A reading as the feed shows it."""

    sensor_id: int
    tag: str
    subsystem: str
    value: float
    quality: int
    timestamp: str


class Item(NamedTuple):
    """A reading, ready to be sent. `late`: a newer one of its sensor was committed before."""

    sensor: int
    subsystem: str
    late: bool
    message: Message


def item(point: Point, time: int, value: float, quality: int, late: bool = False) -> Item:
    """A reading of a point."""
    subsystem = point.subsystem
    shown = ReadingFrame(point.id, point.tag, subsystem, value, quality, spell(time))
    return Item(point.id, subsystem, late, text_message(shown))


class Readings:
    """What one client gets of a block's readings. `find` resolves the block, which may be registered only later."""

    def __init__(self, hub: Hub, find: Callable[[], Block | None], subsystem: str | None, late: bool, snapshot: bool) -> None:
        self.more = asyncio.Event()
        self.block: Block | None = None
        self.conflated = 0
        """Readings that were left out because newer ones of their sensors waited too."""
        self._hub = hub
        self._find = find
        self._subsystem = subsystem
        self._late = late
        self._snapshot = snapshot
        self._waiting: list[Item] = []
        self._most = MOST_WAITING

    def resolve(self) -> Block | None:
        """The block, as soon as there is one."""
        if self.block is None:
            self.block = self._find()
        return self.block

    def wants(self, found: Item) -> bool:
        """Whether this reading is for this client."""
        return (self._subsystem is None or found.subsystem == self._subsystem) and (self._late or not found.late)

    @property
    def terms(self) -> tuple[str | None, bool]:
        """Clients with the same terms get the same readings of a block."""
        return self._subsystem, self._late

    def put(self, found: Sequence[Item]) -> None:
        """Readings for this client; it is chosen already which."""
        self._waiting += found
        if len(self._waiting) > self._most:
            self._conflate()
        self.more.set()

    def _conflate(self) -> None:
        newest = {found.sensor: number for number, found in enumerate(self._waiting) if not found.late}
        kept = [self._waiting[number] for number in sorted(newest.values())]
        self._hub.conflated(len(self._waiting) - len(kept))
        self.conflated += len(self._waiting) - len(kept)
        self._waiting = kept
        self._most = max(MOST_WAITING, 2 * len(kept))

    async def take(self) -> Sequence[Message]:
        messages: list[Message] = []
        if self._snapshot and self.resolve() is not None:
            self._snapshot = False
            messages = [found.message for found in self._hub.present(self)]
        waiting, self._waiting = self._waiting, []
        messages += [found.message for found in waiting]
        return messages

    def ask_snapshot(self) -> None:
        self._snapshot = True
        self.more.set()


class Hub:
    """Every client of readings, by block. Listens to the bus from the first client on."""

    def __init__(self, bus: Bus, registry: Registry, metrics: Metrics) -> None:
        self._bus = bus
        self._registry = registry
        self._metrics = metrics
        self._by_block: dict[int, list[Readings]] = {}
        self._unresolved: list[Readings] = []
        self._blocks_seen = 0
        self._gathered: dict[int, list[Item]] = {}
        self._flushing: asyncio.TimerHandle | None = None
        self._flushed_at = 0.0
        self._subscription: Subscription | None = None
        self._task: asyncio.Task[None] | None = None

    def conflated(self, count: int) -> None:
        """Count readings that a slow client did not get because newer ones waited."""
        self._metrics.stream_dropped.add(count)

    def join(self, client: Readings) -> Callable[[], None]:
        """Send this client what comes, until the function that is returned is called."""
        if self._subscription is None:
            self._subscription = self._bus.subscribe((TOPIC,), size=WAITING)
            self._task = asyncio.create_task(self._listen(self._subscription), name="live readings")
        self._enter(client)

        def leave() -> None:
            # It may have found its block for a snapshot before its first reading came, and then is in the other list still.
            if client in self._unresolved:
                self._unresolved.remove(client)
            block = client.block
            if block is None:
                return
            group = self._by_block.get(block.id, [])
            if client in group:
                group.remove(client)
            if not group:
                self._by_block.pop(block.id, None)
                self._gathered.pop(block.id, None)

        return leave

    def _enter(self, client: Readings) -> None:
        block = client.resolve()
        if block is None:
            self._unresolved.append(client)
            return
        # What is gathered already was committed before this client came.
        self._flush_block(block.id)
        self._by_block.setdefault(block.id, []).append(client)
        client.more.set()

    def present(self, client: Readings) -> list[Item]:
        """The newest reading of each of the client's sensors, by sensor id."""
        block = client.block
        if block is None:
            return []
        found = []
        for point in self._registry.block_points(block.id):
            newest = point.newest()
            if newest is not None:
                found.append(item(point, newest.time, newest.value, newest.quality))
        return [each for each in found if client.wants(each)]

    async def _listen(self, subscription: Subscription) -> None:
        async for delivery in subscription:
            if delivery.lost:
                self._metrics.stream_dropped.add(delivery.lost)
            if isinstance(delivery.message, list):
                try:
                    self._take(delivery.message)
                except Exception:
                    # One message that cannot be shown must not silence the feed for everybody.
                    log.exception("readings could not be shown live")

    def _take(self, rows: Sequence[Row]) -> None:
        if self._unresolved and len(self._registry.blocks_by_id) != self._blocks_seen:
            self._blocks_seen = len(self._registry.blocks_by_id)
            waiting, self._unresolved = self._unresolved, []
            for client in waiting:
                self._enter(client)
        by_block = self._by_block
        if not by_block:
            return
        for row in rows:
            stream = self._registry.stream(row.stream)
            if stream.device.block.id in by_block:
                self._gather(row)
        self._schedule()

    def _gather(self, row: Row) -> None:
        stream = self._registry.stream(row.stream)
        gathered = self._gathered.setdefault(stream.device.block.id, [])
        newest = stream.latest
        late = row.late and newest is not None and row.time < newest.time
        for position, sensor in enumerate(stream.sensors):
            value = row.values[position]
            if value is not None:
                quality = row.quality if isinstance(row.quality, int) else row.quality[position]
                gathered.append(item(self._registry.any_point(sensor.id), row.time, value, quality, late))

    def _schedule(self) -> None:
        """Send at once after a quiet time, and else with what comes within the gathering time."""
        if self._flushing is not None or not self._gathered:
            return
        loop = asyncio.get_running_loop()
        delay = self._flushed_at + GATHER_SECONDS - loop.time()
        if delay <= 0:
            self._flush()
        else:
            self._flushing = loop.call_later(delay, self._flush)

    def _flush(self) -> None:
        self._flushing = None
        self._flushed_at = asyncio.get_running_loop().time()
        for block in tuple(self._gathered):
            self._flush_block(block)

    def _flush_block(self, block: int) -> None:
        gathered = self._gathered.pop(block, None)
        if gathered is None:
            return
        chosen: dict[tuple[str | None, bool], list[Item]] = {}
        for client in self._by_block.get(block, ()):
            mine = chosen.get(client.terms)
            if mine is None:
                mine = chosen[client.terms] = [each for each in gathered if client.wants(each)]
            if mine:
                client.put(mine)
