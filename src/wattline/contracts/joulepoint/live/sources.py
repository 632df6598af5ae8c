"""What channels tell: the readings of a meter, the sum of several meters, the power flow of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any, Protocol

from wattline.contracts.joulepoint.live.channels import Terms
from wattline.contracts.joulepoint.live.frames import Frame, data_frame
from wattline.contracts.joulepoint.live.lanes import Lane, Make
from wattline.metering.fields import NAMES
from wattline.metering.model import Channel, Meter
from wattline.metering.readings.ingested import event_of
from wattline.model.clock import MINUTE, SECOND, Clock
from wattline.model.errors import NotFound
from wattline.model.record import Quality, Row
from wattline.registry.stream import Stream
from wattline.topology.frame import Frame as Look

SUMMED = ("total_power", "power_a", "power_b", "power_c", "reactive_power")
"""What of several meters adds up."""
NOTED = ("quality", "breaker_state", "seq", "extra")
"""What a reading may have beside its numbers."""
NOT_SHOWN = ("event_id", "meter_id", "timestamp", "status", "revision")
FRESH = MINUTE
"""A meter's newest reading counts for so long, or for two of its intervals where that is longer."""
AGAIN = 5 * SECOND
"""After so long it is asked again which meters a sum is of."""


class Source(Protocol):
    """What one channel tells. `lanes` are its clients by their terms."""

    name: str
    lanes: dict[Terms, Lane]

    def streams(self) -> Iterable[Stream]:
        """The streams whose rows are news."""
        ...

    def heard(self, row: Row, stream: Stream) -> None:
        """A row of one of them was committed."""
        ...

    def present(self) -> Make | None:
        """What makes the frame of the present state, None where nothing is known."""
        ...


def shown(row: Row, number: int) -> dict[str, Any]:
    """A reading as a frame has it."""
    data = event_of(row, number)
    for name in NOT_SHOWN:
        data.pop(name, None)
    return data


def _narrowed(data: dict[str, Any], terms: Terms) -> dict[str, Any]:
    return data if terms.fields is None else {name: data[name] for name in terms.fields if name in data}


class RowNews:
    """A row, made into data once and encoded once for each choice of fields."""

    __slots__ = ("_data", "_frames", "_name", "_number", "_row")

    def __init__(self, name: str, row: Row, number: int) -> None:
        self._name, self._row, self._number = name, row, number
        self._data: dict[str, Any] | None = None
        self._frames: dict[tuple[str, ...] | None, Frame | None] = {}

    def __call__(self, terms: Terms) -> Frame | None:
        fields = terms.fields
        if fields not in self._frames:
            if self._data is None:
                self._data = shown(self._row, self._number)
            data = _narrowed(self._data, terms)
            made = data_frame(self._name, self._row.received, self._row.time, data) if data else None
            self._frames[fields] = made
        return self._frames[fields]


class OwnReadings:
    """A meter with readings of its own: a frame for each row, late ones too, in the order of their commits."""

    def __init__(self, name: str, number: int, stream: Stream) -> None:
        self.name = name
        self.number = number
        self.stream = stream
        self.lanes: dict[Terms, Lane] = {}

    def streams(self) -> Iterable[Stream]:
        return (self.stream,)

    def heard(self, row: Row, stream: Stream) -> None:
        make = self.of(row)
        for lane in self.lanes.values():
            lane.offer(make)

    def of(self, row: Row) -> Make:
        """What makes the frame of a row."""
        return RowNews(self.name, row, self.number)

    def present(self) -> Make | None:
        row = self.stream.latest
        return None if row is None else self.of(row)


class ForeignReadings:
    """A meter that reads a device of another contract: a frame for each row that has one of its fields."""

    def __init__(self, name: str, fields: dict[str, Channel]) -> None:
        self.name = name
        self.lanes: dict[Terms, Lane] = {}
        self._fields: dict[int, list[tuple[str, Channel]]] = {}
        self._streams = {channel.stream.id: channel.stream for channel in fields.values()}
        for field, channel in fields.items():
            self._fields.setdefault(channel.stream.id, []).append((field, channel))

    def streams(self) -> Iterable[Stream]:
        return self._streams.values()

    def heard(self, row: Row, stream: Stream) -> None:
        for lane in self.lanes.values():
            lane.offer(partial(self._frame, row))

    def _frame(self, row: Row, terms: Terms) -> Frame | None:
        pairs = ((field, row.values[channel.column], channel.factor) for field, channel in self._fields[row.stream])
        data = _narrowed({field: value * factor for field, value, factor in pairs if value is not None}, terms)
        return data_frame(self.name, row.received, row.time, data) if data else None

    def present(self) -> Make | None:
        rows = [stream.latest for stream in self._streams.values() if stream.latest is not None]
        return partial(self._frame, max(rows, key=lambda row: row.time)) if rows else None


class Sum:
    """Several meters: a virtual one, a group, an account. What is not measured now is left out, and `coverage_pct` says so."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        members: Callable[[], Sequence[tuple[Meter, int]]],
        channel: Callable[[Meter, str], Channel | None],
    ) -> None:
        self.name = name
        self.lanes: dict[Terms, Lane] = {}
        self._clock = clock
        self._find = members
        self._channel = channel
        self._received = 0
        self._asked = clock.micros()
        self._members = members()

    def members(self) -> Sequence[tuple[Meter, int]]:
        """The meters now, each with its factor."""
        now = self._clock.micros()
        if now - self._asked >= AGAIN:
            self._asked = now
            try:
                self._members = self._find()
            except NotFound:
                # It was removed, or has a meter now that the client may not see.
                self._members = []
        return self._members

    def streams(self) -> Iterable[Stream]:
        found = {}
        for meter, _ in self.members():
            channel = self._channel(meter, "total_power")
            if channel is not None:
                found[channel.stream.id] = channel.stream
        return found.values()

    def heard(self, row: Row, stream: Stream) -> None:
        self._received = max(self._received, row.received)
        for lane in self.lanes.values():
            lane.offer(self._frame)

    def present(self) -> Make | None:
        return self._frame

    def _frame(self, terms: Terms) -> Frame | None:
        now = self._clock.micros()
        return data_frame(self.name, self._received or now, now, self.data(now, terms.fields or SUMMED))

    def data(self, now: int, fields: Sequence[str]) -> dict[str, Any]:
        """The sums of these fields now, null where no meter has one, and how many of the meters are in `total_power`."""
        totals: dict[str, float | None] = dict.fromkeys((field for field in fields if field in SUMMED), None)
        measured, members = 0, self.members()
        for meter, factor in members:
            oldest = now - max(FRESH, 2 * meter.interval_s * SECOND)
            for field in {*totals, "total_power"}:
                value = _newest(self._channel(meter, field), oldest)
                if value is None:
                    continue
                if field in totals:
                    totals[field] = (totals[field] or 0.0) + factor * value
                measured += field == "total_power"
        coverage = round(100 * measured / len(members), 1) if members else 0.0
        return {**totals, "meters": len(members), "coverage_pct": coverage}


def _newest(channel: Channel | None, oldest: int) -> float | None:
    row = None if channel is None else channel.stream.latest
    if channel is None or row is None or row.time < oldest:
        return None
    value = row.values[channel.column]
    quality = row.quality if isinstance(row.quality, int) else row.quality[channel.column]
    return None if value is None or quality >= Quality.BAD else value * channel.factor


class PowerFlow:
    """The graph of a site: what changed since the frame before, and everything in the first."""

    def __init__(self, name: str, look: Callable[[], Look], streams: Callable[[], Iterable[Stream]]) -> None:
        self.name = name
        self.lanes: dict[Terms, Lane] = {}
        self._look = look
        self._streams = streams
        self._last: dict[Terms, Look] = {}

    def streams(self) -> Iterable[Stream]:
        return self._streams()

    def heard(self, row: Row, stream: Stream) -> None:
        for lane in self.lanes.values():
            lane.offer(self._changes)

    def present(self) -> Make | None:
        return self._whole

    def _whole(self, terms: Terms) -> Frame | None:
        look = self._look()
        # Terms that nobody has any more are forgotten.
        self._last = {lane: last for lane, last in self._last.items() if lane in self.lanes}
        self._last.setdefault(terms, look)
        return self._all_of(look)

    def _all_of(self, look: Look) -> Frame:
        return data_frame(self.name, look.as_of, look.as_of, look.since(None))

    def _changes(self, terms: Terms) -> Frame | None:
        look = self._look()
        changed = look.since(self._last.get(terms))
        self._last[terms] = look
        if changed is None:
            return None
        return data_frame(self.name, look.as_of, look.as_of, changed, cache(lambda: self._all_of(look)))


KNOWN = frozenset((*NAMES, *NOTED))
"""The names that a client may ask for as fields."""
