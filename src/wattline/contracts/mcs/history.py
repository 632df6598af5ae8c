"""GET /telemetry and /telemetry/multi: histories of sensors, whole where they are short, streamed where they are long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
from fastapi import Response
from fastapi.responses import StreamingResponse

from wattline.contracts.mcs import points
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.errors import JSON, BadRequest
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.parameters import HistoryQuery, MultiQuery
from wattline.contracts.mcs.tiers import Tier, choose
from wattline.contracts.mcs.times import Range, spell, time_range
from wattline.ingest.series import Series
from wattline.model.errors import NotFound
from wattline.model.principal import Principal
from wattline.platform import Platform, retention
from wattline.registry.point import Point

PIECE = 20_000
"""Points that are held in memory at a time; a history of no more is answered whole."""
AT_ONCE = 2_000
"""Points that are made and encoded without a thread: about a millisecond."""
MOST_SENSORS = 50

_INTEGER = re.compile(r"\s*[+-]?\d{1,4000}\s*", re.ASCII)


class History(msgspec.Struct):
    """The answer to /telemetry."""

    sensor_id: int
    sensor_tag: str
    unit: str | None
    tier: str
    start: str
    end: str
    point_count: int
    data: list[points.Point]


class Histories(msgspec.Struct):
    """The answer to /telemetry/multi."""

    tier: str
    start: str
    end: str
    sensors: dict[str, Sequence[points.Point]]


class Window:
    """One query's range and tier, and what it finds."""

    def __init__(self, series: Series, wanted: Range, tier: Tier) -> None:
        self._series = series
        self.tier = tier
        self.range = wanted

    def at_most(self, sensors: int) -> int | None:
        """How many points there can be; None where only the readings tell."""
        width = self.tier.width
        return None if not width else (self.range.span // width + 2) * sensors

    async def buckets(self, sensors: Sequence[Point]) -> dict[int, list[points.Point]]:
        """All buckets of the sensors, in one query."""
        found = await self._series.summaries(sensors, *self.range, self.tier.width)
        return await _each(sensors, len(found), lambda sensor: points.of_buckets(found, found.of(sensor)))

    async def readings(self, sensors: Sequence[Point]) -> dict[int, list[points.Point]] | None:
        """All readings of the sensors, in one query; None where they are too many to hold."""
        found = await self._series.first_readings(sensors, *self.range, PIECE + 1)
        if len(found.time) > PIECE:
            return None
        return await _each(sensors, len(found.time), lambda sensor: points.of_readings(found, found.of(sensor)))

    async def pieces(self, sensor: Point) -> AsyncIterator[list[points.Point]]:
        """The points of one sensor, ascending, piece by piece."""
        start, end = self.range
        if self.tier.width:
            step = PIECE * self.tier.width
            first = -(-start // self.tier.width) * self.tier.width
            for at in range(first, end, step):
                found = await self._series.summaries([sensor], at, min(at + step, end), self.tier.width)
                yield await asyncio.to_thread(points.of_buckets, found)
            return
        while True:
            raw = await self._series.first_readings([sensor], start, end, PIECE)
            if len(raw.time):
                yield await asyncio.to_thread(points.of_readings, raw)
            if len(raw.time) < PIECE:
                return
            start = int(raw.time[-1]) + 1


async def _each(
    sensors: Sequence[Point], size: int, make: Callable[[int], list[points.Point]]
) -> dict[int, list[points.Point]]:
    """The points of each sensor; where they are many, in a thread: others wait for the event loop."""

    def every() -> dict[int, list[points.Point]]:
        return {sensor.id: make(sensor.id) for sensor in sensors}

    return every() if size <= AT_ONCE else await asyncio.to_thread(every)


class HistoryQueries:
    """The two queries on a platform."""

    def __init__(self, platform: Platform, gate: Gate, blocks: Blocks) -> None:
        self._series = platform.series
        self._clock = platform.clock
        self._retention = retention(platform.settings)
        self._gate = gate
        self._blocks = blocks

    def _window(self, principal: Principal, query: HistoryQuery | MultiQuery) -> Window:
        now = self._clock.micros()
        wanted = time_range(query.start, query.end, now)
        self._gate.long_query(principal, wanted.span)
        return Window(self._series, wanted, choose(wanted, query.agg, now, self._retention))

    async def one(self, principal: Principal, query: HistoryQuery) -> Response:
        """GET /telemetry. Raises `BadRequest`, then `NotFound` or `Ambiguous`."""
        window = self._window(principal, query)
        sensor = self._sensor(principal, query)
        head = History(
            sensor.id,
            sensor.tag,
            sensor.unit or None,
            window.tier.name,
            spell(window.range.start),
            spell(window.range.end),
            0,
            [],
        )
        most = window.at_most(1)
        if most is None:
            found = await window.readings([sensor])
        else:
            found = await window.buckets([sensor]) if most <= PIECE else None
        if found is not None:
            head.data = found[sensor.id]
            head.point_count = len(head.data)
            return await _whole(head, head.point_count)
        return await _streamed(_long(head, window.pieces(sensor)))

    def _sensor(self, principal: Principal, query: HistoryQuery) -> Point:
        if query.sensor_id is not None:
            return self._blocks.point(principal, query.sensor_id)
        text = query.block_slug if query.block_slug is not None else query.block_id
        return self._blocks.tagged(principal, query.sensor_tag or "", self._blocks.block(principal, text) if text else None)

    async def many(self, principal: Principal, query: MultiQuery) -> Response:
        """GET /telemetry/multi. Raises `BadRequest`. A sensor that does not exist has no points."""
        window = self._window(principal, query)
        wanted = sensor_ids(query.sensor_ids)
        known = {sensor.id: sensor for each in wanted if (sensor := self._known(principal, each)) is not None}
        head = Histories(window.tier.name, spell(window.range.start), spell(window.range.end), {})
        if known:
            sensors = [known[each] for each in sorted(known)]
            most = window.at_most(len(sensors))
            if most is None:
                found = await window.readings(sensors)
            else:
                found = await window.buckets(sensors) if most <= PIECE * 2 else None
            if found is None:
                return await _streamed(_all(head, wanted, known, window))
            head.sensors = {str(each): found.get(each, points.EMPTY) for each in wanted}
        else:
            head.sensors = {str(each): points.EMPTY for each in wanted}
        return await _whole(head, sum(map(len, head.sensors.values())))

    def _known(self, principal: Principal, sensor_id: int) -> Point | None:
        try:
            return self._blocks.point(principal, sensor_id)
        except NotFound:
            return None


def sensor_ids(text: str) -> list[int]:
    """The ids of a list, each once, in order. Raises `BadRequest`."""
    items = text.split(",")
    if len(items) > MOST_SENSORS and all(_INTEGER.fullmatch(item) for item in items):
        raise BadRequest(f"Maximum {MOST_SENSORS} sensors per multi-query")
    if not all(_INTEGER.fullmatch(item) for item in items):
        raise BadRequest("sensor_ids must be comma-separated integers")
    return list(dict.fromkeys(int(item) for item in items))


async def _whole(answer: msgspec.Struct, size: int) -> Response:
    made = msgspec.json.encode(answer) if size <= AT_ONCE else await asyncio.to_thread(msgspec.json.encode, answer)
    return Response(made, media_type=JSON)


def _joined(found: list[points.Point]) -> bytes:
    """Points as JSON without the brackets around them."""
    return msgspec.json.encode(found)[1:-1]


async def _long(head: History, pieces: AsyncIterator[list[points.Point]]) -> AsyncIterator[bytes]:
    fields = msgspec.to_builtins(head)
    del fields["point_count"], fields["data"]
    count, opening = 0, msgspec.json.encode(fields)[:-1] + b',"data":['
    async for piece in pieces:
        if piece:
            yield (b"," if count else opening) + await asyncio.to_thread(_joined, piece)
            count += len(piece)
    yield (b"" if count else opening) + f'],"point_count":{count}}}'.encode()


async def _all(head: Histories, wanted: Sequence[int], known: dict[int, Point], window: Window) -> AsyncIterator[bytes]:
    fields = msgspec.to_builtins(head)
    del fields["sensors"]
    yield msgspec.json.encode(fields)[:-1] + b',"sensors":{'
    for place, sensor_id in enumerate(wanted):
        yield f'{"," if place else ""}"{sensor_id}":['.encode()
        count = 0
        if sensor_id in known:
            async for piece in window.pieces(known[sensor_id]):
                if piece:
                    yield (b"," if count else b"") + await asyncio.to_thread(_joined, piece)
                    count += len(piece)
        yield b"]"
    yield b"}}"


async def _streamed(parts: AsyncIterator[bytes]) -> Response:
    """An answer of any length. What fails before its first piece is still an error answer."""
    first = await anext(parts)

    async def every() -> AsyncIterator[bytes]:
        yield first
        async for part in parts:
            yield part

    return StreamingResponse(every(), media_type=JSON)
